//! The tables: what was measured, and which of the figures asked for are reached.

use super::contenders::{Contender, FLOOR, FLOOR_STATIC, RAW};
use super::results::Measure::{self, *};
use super::results::Results;
use crate::harness::builds::SERVERS;
use crate::harness::text::display_width;
use crate::say;

/// Cells in Markdown, padded so that they stand in columns on a terminal too.
fn table(mut rows: Vec<Vec<String>>) -> String {
    rows.insert(1, vec!["-".into(); rows[0].len()]);
    for at in 0..rows[0].len() {
        let width = rows.iter().map(|row| display_width(&row[at])).max().unwrap_or(0);
        for (number, row) in rows.iter_mut().enumerate() {
            let room = " ".repeat(width - display_width(&row[at]));
            row[at] = match (number, at) {
                (1, 0) => format!("|-{}-|", "-".repeat(width)),
                (1, _) => format!("{}:|", "-".repeat(width + 1)),
                (_, 0) => format!("| {}{room} |", row[at]),
                _ => format!(" {room}{} |", row[at]),
            };
        }
    }
    rows.iter().map(|row| row.concat() + "\n").collect::<String>() + "\n"
}

/// The tables of what was measured.
pub fn text(contenders: &[Contender], results: &Results) -> String {
    let about = say!(
        "A conversation: connect, 5 bytes, reply, quit, end. Each cell: the median of the rounds; in brackets its \
         ratio to the article's C++ (where there is none: to the floor); how far half of the rounds lie around it.",
        "一次会话：连接、5 字节、应答、quit、结束。每格是各轮的中位数；括号里是与文章 C++ 程序之比（没有它时与 floor \
         之比）；最后是一半轮次偏离中位数的幅度。"
    );
    let section = |title: String, measures: &[Measure]| {
        let mut rows = vec![vec![title]];
        rows[0].extend(measures.iter().map(|measure| measure.head()));
        for contender in contenders {
            let cell = |&measure| cell(results, measure, contender).unwrap_or("-".into());
            rows.push(std::iter::once(contender.name.clone()).chain(measures.iter().map(cell)).collect());
        }
        table(rows)
    };
    let speed = section(say!("a second", "每秒"), &[Conversations, Trips(5), Trips(1023)]);
    let cost = [Pss, PageFaults, CallsBeforeSocket, CallsAMessage];
    let cost = section(say!("a conversation", "每次会话"), &cost);
    format!("{about}\n\n{speed}{cost}{}", figures(results))
}

/// A number, or a rate with its ratio and spread.
fn cell(results: &Results, measure: Measure, contender: &Contender) -> Option<String> {
    let name = &contender.name;
    let median = results.median(measure, name)?;
    Some(match measure {
        CallsBeforeSocket => format!("{median:.0}"),
        Pss | PageFaults => format!("{median:.1}"),
        CallsAMessage => format!("{median:.2}"),
        Conversations | Trips(_) => {
            let cpp = format!("{}, C++", SERVERS[contender.listing]);
            let ratio = results.ratio(measure, name, &cpp).or(results.ratio(measure, name, FLOOR));
            let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
            format!("{median:.0}{ratio} ±{:.0}%", 100.0 * results.spread(measure, name)?)
        }
    })
}

/// What was asked of the servers that fork, what was measured, and whether it is reached.
fn figures(results: &Results) -> String {
    let heads = [say!("figures", "指标"), say!("asked", "要求"), say!("measured", "实测"), String::new()];
    let mut rows = vec![heads.to_vec()];
    let mut row = |what: String, sign: char, asked: Option<f64>, measured: Option<f64>| {
        let holds = |(asked, measured)| if sign == '≥' { measured >= asked } else { measured <= asked };
        let reached = match asked.zip(measured).map(holds) {
            Some(true) => say!("ok", "达到"),
            Some(false) => say!("NO", "未达到"),
            None => "-".into(),
        };
        let asked = asked.map_or("-".into(), |asked| format!("{sign} {asked:.2}"));
        let measured = measured.map_or("-".into(), |measured| format!("{measured:.2}"));
        rows.push(vec![what, asked, measured, reached]);
    };
    let builds = [("", FLOOR, 1.35, 0.90), (", static", FLOOR_STATIC, 1.45, 0.85)];
    for (suffix, floor, to_cpp, to_floor) in builds {
        let name = format!("{}{suffix}", SERVERS[1]);
        let rate = say!("conversations a second, {name}", "每秒会话数，{name}");
        let rate_to = |other: &str| results.ratio(Conversations, &name, other);
        let cpp = format!("{}, C++", SERVERS[1]);
        row(say!("{rate}, to the C++", "{rate}，与 C++ 之比"), '≥', Some(to_cpp), rate_to(&cpp));
        row(say!("{rate}, to the floor", "{rate}，与 floor 之比"), '≥', Some(to_floor), rate_to(floor));
        row(say!("{rate}, to no library", "{rate}，与不用任何库之比"), '≥', None, rate_to(RAW));
        for server in &SERVERS[1..] {
            let (name, cpp) = (format!("{server}{suffix}"), format!("{server}, C++"));
            let pss = say!("Pss an idle connection, {name}", "空闲连接的 Pss，{name}");
            let ratio = results.ratio(Pss, &name, &cpp);
            row(say!("{pss}, to the C++", "{pss}，与 C++ 之比"), '≤', Some(0.50), ratio);
        }
    }
    table(rows)
}
