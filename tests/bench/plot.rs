//! The picture: conversations a second as bars, and how they fall as idle connections are held.

use std::fmt::Write;

use super::contenders::{Contender, Kind};
use super::results::{Measure, Results};

const WIDE: f64 = 960.0;
/// Where the bars and the curves begin, right of their names.
const LEFT: f64 = 240.0;
/// What is kept free for the numbers and names on the right.
const RIGHT: f64 = 240.0;
const ROW: f64 = 24.0;

fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Article => "#c44e52",
        Kind::Port => "#4c72b0",
        Kind::PortStatic => "#8da9d8",
        Kind::Floor | Kind::FloorStatic => "#55a868",
        Kind::Peer => "#999999",
    }
}

/// The whole file.
pub fn svg(contenders: &[Contender], results: &Results) -> String {
    let (bars, below) = bars(contenders, results, 60.0);
    let (curves, end) = curves(contenders, results, below + 50.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDE} {end}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"20\" y=\"32\" font-size=\"16\">Conversations a second, one client: connect, 5 bytes, reply, quit</text>\n\
         {bars}{curves}</svg>\n"
    )
}

/// A bar a contender that forks, with a line over the middle half of its rounds. How far down it goes.
fn bars(contenders: &[Contender], results: &Results, top: f64) -> (String, f64) {
    let measure = Measure::Clients(1);
    let mut text = String::new();
    let rate = |index| results.median(measure, index).unwrap_or(0.0);
    let forking = || (0..contenders.len()).filter(|&index| contenders[index].forks());
    let spread = |index| results.spread(measure, index).unwrap_or(0.0) / 100.0;
    let ends = forking().map(|index| rate(index) * (1.0 + spread(index)));
    let scale = (WIDE - LEFT - RIGHT) / ends.fold(1.0, f64::max);
    let mut y = top;
    for index in forking() {
        let long = rate(index) * scale;
        let (low, high) = (LEFT + long * (1.0 - spread(index)), LEFT + long * (1.0 + spread(index)));
        let _ = write!(
            text,
            "<text x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{name}</text>\n\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{long:.1}\" height=\"{height}\" fill=\"{fill}\"/>\n\
             <path d=\"M{low:.1} {middle}H{high:.1}\" stroke=\"black\"/>\n\
             <text x=\"{after:.1}\" y=\"{base}\">{rate:.0}</text>\n",
            x = LEFT - 8.0,
            base = y + ROW / 2.0 + 2.0,
            name = contenders[index].name,
            height = ROW - 6.0,
            fill = colour(contenders[index].kind),
            middle = y + ROW / 2.0 - 3.0,
            after = high + 6.0,
            rate = rate(index),
        );
        y += ROW;
    }
    (text, y)
}

/// A curve a contender that holds a thousand, its name at its end. How far down they go.
fn curves(contenders: &[Contender], results: &Results, top: f64) -> (String, f64) {
    let (high, wide) = (260.0, WIDE - LEFT - RIGHT);
    let bottom = top + 20.0 + high;
    let held = [0, 100, 500, 1000];
    let rate = |index, idle| results.median(Measure::Idle(idle), index);
    let mut all: Vec<usize> = (0..contenders.len()).collect();
    all.retain(|&index| held.iter().all(|&idle| rate(index, idle).is_some()));
    let point = |index, idle| rate(index, idle).unwrap_or(0.0);
    let points = all.iter().flat_map(|&index| held.map(|idle| point(index, idle)));
    let most = points.fold(1.0, f64::max);
    let x = |idle: usize| LEFT + wide * idle as f64 / 1000.0;
    let y = |rate: f64| bottom - high * rate / most;
    let mut text = format!(
        "<text x=\"20\" y=\"{top}\" font-size=\"16\">The same, while idle connections are held</text>\n\
         <path d=\"M{LEFT} {above}V{bottom}h{wide}\" stroke=\"black\" fill=\"none\"/>\n\
         <text x=\"{left}\" y=\"{above}\" text-anchor=\"end\">{most:.0}</text>\n\
         <text x=\"{left}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n",
        above = y(most),
        left = LEFT - 8.0,
    );
    for idle in held {
        let (x, y) = (x(idle), bottom + 18.0);
        let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{idle}</text>");
    }
    // From below, so that a name can move up from the one under it.
    all.sort_by(|&one, &other| point(one, 1000).total_cmp(&point(other, 1000)));
    let mut lowest = bottom + 8.0;
    for index in all {
        let contender = &contenders[index];
        let points = held.map(|idle| format!("{:.1},{:.1}", x(idle), y(point(index, idle))));
        // The double fork's curves are dashed.
        let dashes = if contender.listing == 2 { " stroke-dasharray=\"6 4\"" } else { "" };
        lowest = f64::min(lowest - 15.0, y(point(index, 1000)) + 4.0);
        let _ = writeln!(
            text,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>\n\
             <text x=\"{after}\" y=\"{lowest:.1}\" fill=\"{colour}\">{name}</text>",
            points = points.join(" "),
            colour = colour(contender.kind),
            after = LEFT + wide + 8.0,
            name = contender.name,
        );
    }
    (text, bottom + 40.0)
}
