//! The picture: conversations a second as bars, with a line over the middle half of the rounds.

use std::fmt::Write;

use super::contenders::Contender;
use super::results::{Measure, Results};

/// Where the bars begin, right of their names; where the fastest ends; how high one is with its gap.
const LEFT: f64 = 240.0;
const RIGHT: f64 = 840.0;
const ROW: f64 = 24.0;

pub fn svg(contenders: &[Contender], results: &Results) -> String {
    let bar = |contender: &Contender| {
        let rate = results.median(Measure::Clients(1), &contender.name)?;
        Some((contender.name.clone(), rate, results.spread(Measure::Clients(1), &contender.name)?))
    };
    let forking = contenders.iter().filter(|contender| contender.forks());
    let bars: Vec<(String, f64, f64)> = forking.filter_map(bar).collect();
    let ends = bars.iter().map(|(_, rate, spread)| rate * (1.0 + spread));
    let scale = (RIGHT - LEFT) / ends.fold(1.0, f64::max);
    let (width, height) = (RIGHT + 80.0, 60.0 + ROW * bars.len() as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"20\" y=\"32\" font-size=\"16\">\
         Conversations a second, one client: connect, 5 bytes, reply, quit</text>\n"
    );
    for (row, (name, rate, spread)) in bars.into_iter().enumerate() {
        let fill = match (name.starts_with("tcp_"), name.rsplit(", ").next()) {
            (true, Some("C++")) => "#c44e52",
            (true, Some("static")) => "#8da9d8",
            (true, _) => "#4c72b0",
            (false, Some("forking")) => "#999999",
            (false, _) => "#55a868",
        };
        let (top, wide) = (50.0 + ROW * row as f64, rate * scale);
        let (low, high) = (LEFT + wide * (1.0 - spread), LEFT + wide * (1.0 + spread));
        let (text, bar, middle) = (top + 14.0, ROW - 6.0, top + 9.0);
        let _ = write!(
            svg,
            "<text x=\"{before}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\n\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{bar}\" fill=\"{fill}\"/>\n\
             <path d=\"M{low:.1} {middle}H{high:.1}\" stroke=\"black\"/>\n\
             <text x=\"{after:.1}\" y=\"{text}\">{rate:.0}</text>\n",
            before = LEFT - 8.0,
            after = high + 6.0,
        );
    }
    svg + "</svg>\n"
}
