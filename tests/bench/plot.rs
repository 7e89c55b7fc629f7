//! The plot: sessions per second as bars, with a line over the middle half of the rounds.

use super::results::Measure::Sessions;
use super::results::Results;
use super::subjects::BenchSubject;

/// Where the bars begin, right of their names; how long the longest is; how high one is with its gap.
const LEFT: f64 = 240.0;
const LONGEST: f64 = 600.0;
const ROW: f64 = 24.0;

pub fn svg(subjects: &[BenchSubject], results: &Results) -> String {
    let measured = |subject: &BenchSubject| {
        let name = subject.name.clone();
        Some((results.median(Sessions, &name)?, results.spread(Sessions, &name)?, name))
    };
    let forking = subjects.iter().filter(|subject| subject.forks());
    let bars: Vec<(f64, f64, String)> = forking.filter_map(measured).collect();
    let scale = LONGEST / bars.iter().map(|(rate, spread, _)| rate * (1.0 + spread)).fold(1.0, f64::max);
    let bar = |(row, (rate, spread, name)): (usize, &(f64, f64, String))| {
        let ours = name.starts_with("tcp_") && !name.ends_with("C++");
        let fill = if ours { "#4c72b0" } else { "#999999" };
        let (top, wide) = (50.0 + ROW * row as f64, rate * scale);
        let (low, high) = (LEFT + wide * (1.0 - spread), LEFT + wide * (1.0 + spread));
        format!(
            "<text x=\"{before}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\n\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{height}\" fill=\"{fill}\"/>\n\
             <path d=\"M{low:.1} {middle}H{high:.1}\" stroke=\"black\"/>\n\
             <text x=\"{after:.1}\" y=\"{text}\">{rate:.0}</text>\n",
            before = LEFT - 8.0,
            text = top + 14.0,
            height = ROW - 6.0,
            middle = top + 9.0,
            after = high + 6.0,
        )
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"20\" y=\"32\" font-size=\"16\">\
         Sessions per second, one client: connect, 5 bytes, reply, quit</text>\n{}</svg>\n",
        bars.iter().enumerate().map(bar).collect::<String>(),
        width = LEFT + LONGEST + 80.0,
        height = 60.0 + ROW * bars.len() as f64,
    )
}
