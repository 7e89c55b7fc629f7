//! The tables: what was measured, and which of the figures asked for are reached.

use super::contenders::{Contender, FLOOR, FLOOR_STATIC, RAW};
use super::results::Measure::{self, *};
use super::results::Results;
use crate::say;
use crate::support::language::columns;
use crate::support::programs::SERVERS;

/// Cells in Markdown, padded so that they stand in columns on a terminal too.
fn table(rows: &[Vec<String>]) -> String {
    let wide = |column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let room = " ".repeat(wide(column) - columns(cell));
            text += &if column == 0 { format!("| {cell}{room} |") } else { format!(" {room}{cell} |") };
        }
        text.push('\n');
        if number == 0 {
            text += &format!("|-{}-|", "-".repeat(wide(0)));
            text.extend((1..row.len()).map(|column| format!("{}:|", "-".repeat(wide(column) + 1))));
            text.push('\n');
        }
    }
    text + "\n"
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
        let heads = measures.iter().map(|measure| measure.head());
        let mut rows: Vec<Vec<String>> = vec![std::iter::once(title).chain(heads).collect()];
        for contender in contenders {
            let cells = measures.iter().map(|&measure| cell(results, measure, contender));
            let cells = cells.map(|cell| cell.unwrap_or("-".into()));
            rows.push(std::iter::once(contender.name.clone()).chain(cells).collect());
        }
        table(&rows)
    };
    let speed = section(say!("a second", "每秒"), &[Clients(1), Clients(8), Idle, Trips(5), Trips(1023)]);
    let cost = [Pss, PageFaults, Processor, CallsBeforeSocket, CallsAMessage];
    let cost = section(say!("a conversation", "每次会话"), &cost);
    format!("{about}\n\n{speed}{cost}{}", figures(results))
}

/// A number, or a rate with its ratio and spread.
fn cell(results: &Results, measure: Measure, contender: &Contender) -> Option<String> {
    let name = &contender.name;
    let median = results.median(measure, name)?;
    let decimals = match measure {
        CallsBeforeSocket => 0,
        Pss | PageFaults => 1,
        CallsAMessage => 2,
        _ => {
            let cpp = format!("{}, C++", SERVERS[contender.listing]);
            let ratio = results.ratio(measure, name, &cpp).or(results.ratio(measure, name, FLOOR));
            let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
            let spread = 100.0 * results.spread(measure, name)?;
            return Some(format!("{median:.0}{ratio} ±{spread:.0}%"));
        }
    };
    Some(format!("{median:.decimals$}"))
}

/// What was asked for, what was measured, and whether it is reached.
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
    for (suffix, floor, to_cpp, to_floor) in
        [("", FLOOR, 1.35, 0.90), (", static", FLOOR_STATIC, 1.45, 0.85)]
    {
        for (listing, server) in SERVERS.into_iter().enumerate() {
            let (name, cpp) = (format!("{server}{suffix}"), format!("{server}, C++"));
            let rate_to = |other| results.ratio(Clients(1), &name, other);
            if listing == 1 {
                let whole = say!("conversations a second, {name}", "每秒会话数，{name}");
                let what = say!("{whole}, to the C++", "{whole}，与 C++ 之比");
                row(what, '≥', Some(to_cpp), rate_to(&cpp));
                let what = say!("{whole}, to the floor", "{whole}，与 floor 之比");
                row(what, '≥', Some(to_floor), rate_to(floor));
                let what = say!("{whole}, to no library", "{whole}，与不用任何库之比");
                row(what, '≥', None, rate_to(RAW));
            }
            if listing > 0 {
                let what = say!(
                    "Pss an idle connection, {name}, to the C++",
                    "空闲连接的 Pss，{name}，与 C++ 之比"
                );
                row(what, '≤', Some(0.50), results.ratio(Pss, &name, &cpp));
            }
            // The floor's, and signal(SIGPIPE, SIG_IGN), erratum 10.
            let most = results.median(CallsBeforeSocket, floor).map(|floor| floor + 1.0);
            let what = say!("calls before socket(), {name}", "socket() 之前的系统调用，{name}");
            row(what, '≤', most, results.median(CallsBeforeSocket, &name));
            let what = say!("calls a message, {name}", "每条消息的系统调用，{name}");
            row(what, '≤', Some(4.0), results.median(CallsAMessage, &name));
        }
    }
    table(&rows)
}
