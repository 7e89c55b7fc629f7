//! The tables: what was measured, and which of the figures asked for are reached.

use super::contenders::{Contender, FLOOR, FLOOR_STATIC, RAW};
use super::results::Measure::{self, *};
use super::results::Results;
use crate::say;
use crate::support::language::columns;
use crate::support::programs::SERVERS;

/// Cells in Markdown, padded so that they stand in columns on a terminal too.
fn table(rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|at| rows.iter().map(|row| columns(&row[at])).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cell = |(at, cell): (usize, &String)| {
            let room = " ".repeat(widths[at] - columns(cell));
            if at == 0 { format!("| {cell}{room} |") } else { format!(" {room}{cell} |") }
        };
        row.iter().enumerate().map(cell).collect::<String>() + "\n"
    };
    let rule = widths[1..].iter().map(|width| format!("{}:|", "-".repeat(width + 1)));
    let rule = format!("|-{}-|{}\n", "-".repeat(widths[0]), rule.collect::<String>());
    line(&rows[0]) + &rule + &rows[1..].iter().map(line).collect::<String>() + "\n"
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
        table(&rows)
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

/// What was asked for, what was measured, and whether it is reached.
fn figures(results: &Results) -> String {
    let heads = [say!("figures", "指标"), say!("asked", "要求"), say!("measured", "实测"), String::new()];
    let mut rows = vec![heads.to_vec()];
    let mut row = |measure: Measure, name: &str, to: Option<(&str, String)>, asked: Option<f64>| {
        let what = match measure {
            Conversations => say!("conversations a second, {name}", "每秒会话数，{name}"),
            Pss => say!("Pss an idle connection, {name}", "空闲连接的 Pss，{name}"),
            _ => say!("{}, {name}", "{}，{name}", measure.head()),
        };
        let measured = match &to {
            Some((other, _)) => results.ratio(measure, name, other),
            None => results.median(measure, name),
        };
        let what = to.map_or(what.clone(), |(_, to)| say!("{what}, to {to}", "{what}，与 {to}之比"));
        let rate = matches!(measure, Conversations);
        let holds = |(asked, measured)| if rate { measured >= asked } else { measured <= asked };
        let reached = match asked.zip(measured).map(holds) {
            Some(true) => say!("ok", "达到"),
            Some(false) => say!("NO", "未达到"),
            None => "-".into(),
        };
        let sign = if rate { '≥' } else { '≤' };
        let asked = asked.map_or("-".into(), |asked| format!("{sign} {asked:.2}"));
        let measured = measured.map_or("-".into(), |measured| format!("{measured:.2}"));
        rows.push(vec![what, asked, measured, reached]);
    };
    let builds = [("", FLOOR, 1.35, 0.90), (", static", FLOOR_STATIC, 1.45, 0.85)];
    for (suffix, floor, to_cpp, to_floor) in builds {
        for (listing, server) in SERVERS.into_iter().enumerate() {
            let (name, cpp) = (format!("{server}{suffix}"), format!("{server}, C++"));
            let the_cpp = Some((cpp.as_str(), say!("the C++", "C++ ")));
            if listing == 1 {
                row(Conversations, &name, the_cpp.clone(), Some(to_cpp));
                row(Conversations, &name, Some((floor, say!("the floor", "floor "))), Some(to_floor));
                row(Conversations, &name, Some((RAW, say!("no library", "不用任何库"))), None);
            }
            if listing > 0 {
                row(Pss, &name, the_cpp, Some(0.50));
            }
            // The floor's, and signal(SIGPIPE, SIG_IGN), erratum 10.
            let most = results.median(CallsBeforeSocket, floor).map(|floor| floor + 1.0);
            row(CallsBeforeSocket, &name, None, most);
            row(CallsAMessage, &name, None, Some(4.0));
        }
    }
    table(&rows)
}
