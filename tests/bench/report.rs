//! The tables: what was measured, and which of the figures asked for are reached.

use std::fmt::Write;

use super::contenders::{Contender, Kind};
use super::results::{Measure, Results};
use crate::say;
use crate::support::language::columns;
use crate::support::programs::SERVERS;

/// Cells in Markdown, padded so that they stand in columns on a terminal too.
fn table(rows: &[Vec<String>]) -> String {
    let wide = |column: usize| rows.iter().map(|row| columns(&row[column])).max();
    let widths: Vec<usize> = (0..rows[0].len()).map(|column| wide(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let room = " ".repeat(width - columns(cell));
            text += &if column == 0 { format!("| {cell}{room} |") } else { format!(" {room}{cell} |") };
        }
        text.push('\n');
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let (start, end) = if column == 0 { ("|", "-") } else { ("", ":") };
                let _ = write!(text, "{start}{}{end}|", "-".repeat(width + 1));
            }
            text.push('\n');
        }
    }
    text + "\n"
}

/// What stands in a column: a rate with its ratio and spread, or a number of so many decimals.
enum Shown {
    Rate,
    Decimals(usize),
}

pub struct Report<'a> {
    pub contenders: &'a [Contender],
    pub results: &'a Results,
}

impl Report<'_> {
    fn find(&self, kind: Kind, listing: usize) -> Option<usize> {
        self.contenders.iter().position(|other| other.kind == kind && other.listing == listing)
    }

    fn cell(&self, measure: Measure, shown: &Shown, index: usize) -> Option<String> {
        let median = self.results.median(measure, index)?;
        if let Shown::Decimals(decimals) = shown {
            return Some(format!("{median:.decimals$}"));
        }
        let base = self.find(Kind::Article, self.contenders[index].listing);
        let base = base.or_else(|| self.find(Kind::Floor, 1));
        let ratio = base.and_then(|base| self.results.ratio((measure, index), (measure, base)));
        let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
        let spread = self.results.spread(measure, index).unwrap_or(0.0);
        Some(format!("{median:.0}{ratio} ±{:.0}%", 100.0 * spread))
    }

    fn section(&self, title: &str, columns: &[(String, Measure, Shown)]) -> String {
        let heads = columns.iter().map(|(head, ..)| head.clone());
        let mut rows: Vec<Vec<String>> = vec![std::iter::once(String::new()).chain(heads).collect()];
        for (index, contender) in self.contenders.iter().enumerate() {
            let cells: Vec<Option<String>> =
                columns.iter().map(|(_, measure, shown)| self.cell(*measure, shown, index)).collect();
            if cells.iter().any(Option::is_some) {
                let cells = cells.into_iter().map(|cell| cell.unwrap_or("-".into()));
                rows.push(std::iter::once(contender.name.clone()).chain(cells).collect());
            }
        }
        format!("## {title}\n\n{}", table(&rows))
    }

    pub fn text(&self) -> String {
        use Measure::*;
        use Shown::*;
        let clients = |many| {
            let head = say!("{many} at once", "同时 {many} 个");
            (head, Clients(many), Rate)
        };
        let micros = |part: &str| format!("{part}, µs");
        let trips = |size, many| {
            (say!("{size} bytes, {many} open", "{size} 字节，{many} 个连接"), Trips(size, many), Rate)
        };
        let about = say!(
            "Each cell: the median of the rounds; in brackets its ratio to the article's C++ (where there is none: \
             to the floor); how far half of the rounds lie around it.",
            "每格是各轮的中位数；括号里是与文章 C++ 程序之比（没有它时与 floor 之比）；最后是一半轮次偏离中位数的幅度。"
        );
        [
            about + "\n\n",
            self.section(
                &say!(
                    "Conversations a second: connect, 5 bytes, reply, quit, end",
                    "每秒会话数：连接、5 字节、应答、quit、结束"
                ),
                &[
                    clients(1),
                    clients(8),
                    (say!("1000 idle held", "另有 1000 个空闲连接"), Idle(1000), Rate),
                ],
            ),
            self.section(
                &say!("Round trips a second, on open connections", "每秒往返数（连接已建立）"),
                &[
                    trips(5, 1),
                    (micros("p50"), P50(5, 1), Decimals(1)),
                    (micros("p99"), P99(5, 1), Decimals(1)),
                    trips(1023, 1),
                    trips(5, 8),
                ],
            ),
            self.section(
                &say!("Cost", "开销"),
                &[
                    (say!("kB an idle connection", "每个空闲连接 kB"), Pss, Decimals(1)),
                    (say!("page faults a connection", "每个连接缺页次数"), PageFaults, Decimals(1)),
                    (say!("µs of processor a connection", "每个连接 CPU 时间 µs"), Processor, Rate),
                    (
                        say!("calls before socket()", "socket() 之前的系统调用"),
                        CallsBeforeSocket,
                        Decimals(0),
                    ),
                    (say!("calls a message", "每条消息的系统调用"), CallsAMessage, Decimals(2)),
                    (say!("bytes on disk", "文件字节数"), Size, Decimals(0)),
                ],
            ),
            format!("## {}\n\n{}", say!("Figures", "指标"), self.figures()),
        ]
        .concat()
    }

    /// What was asked for, what was measured, and whether it is reached.
    fn figures(&self) -> String {
        use Measure::*;
        let heads =
            [String::new(), say!("asked", "要求"), say!("measured", "实测"), say!("reached", "达到")];
        let mut rows = vec![heads.to_vec()];
        let mut row = |what: String, sign: char, asked: Option<f64>, measured: Option<f64>| {
            let holds = |asked, measured| if sign == '≥' { measured >= asked } else { measured <= asked };
            let reached = match asked.zip(measured).map(|(asked, measured)| holds(asked, measured)) {
                Some(true) => say!("ok", "达到"),
                Some(false) => say!("NO", "未达到"),
                None => "-".into(),
            };
            let number = |number: f64| format!("{number:.2}");
            let asked = asked.map_or("-".into(), |asked| format!("{sign} {asked:.2}"));
            rows.push(vec![what, asked, measured.map_or("-".into(), number), reached]);
        };
        let ratio = |measure, one: Option<usize>, other: Option<usize>| {
            self.results.ratio((measure, one?), (measure, other?))
        };
        let (fork, double_fork) = (1, 2);
        for (kind, floor, to_cpp, to_floor) in
            [(Kind::Port, Kind::Floor, 1.35, 0.90), (Kind::PortStatic, Kind::FloorStatic, 1.45, 0.85)]
        {
            let port = self.find(kind, fork);
            let Some(name) = port.map(|port| &self.contenders[port].name) else {
                continue;
            };
            for (other, whom, asked) in [
                (Kind::Article, say!("to the C++", "与 C++ 之比"), Some(to_cpp)),
                (floor, say!("to the floor", "与 floor 之比"), Some(to_floor)),
                (Kind::Raw, say!("to the server without any library", "与不用任何库的服务器之比"), None),
            ] {
                let measured = ratio(Clients(1), port, self.find(other, fork));
                row(say!("conversations, {name}, {whom}", "会话数，{name}，{whom}"), '≥', asked, measured);
            }
        }
        for kind in [Kind::Port, Kind::PortStatic] {
            for listing in [fork, double_fork] {
                let (port, cpp) = (self.find(kind, listing), self.find(Kind::Article, listing));
                let name = port.map_or("", |port| &self.contenders[port].name);
                let what = say!(
                    "Pss an idle connection, {name}, to the C++",
                    "每个空闲连接的 Pss，{name}，与 C++ 之比"
                );
                row(what, '≤', Some(0.50), ratio(Pss, port, cpp));
            }
        }
        for listing in 0..SERVERS.len() {
            for (kind, floor) in [(Kind::Port, Kind::Floor), (Kind::PortStatic, Kind::FloorStatic)] {
                let port = self.find(kind, listing);
                let name = port.map_or("", |port| &self.contenders[port].name);
                let median = |measure, index: Option<usize>| self.results.median(measure, index?);
                let most = median(CallsBeforeSocket, self.find(floor, fork));
                // signal(SIGPIPE, SIG_IGN), erratum 10, which the floor lacks.
                let most = most.map(|floor| floor + 1.0);
                let what = say!(
                    "calls before socket(), {name}, floor + 1",
                    "socket() 之前的系统调用，{name}，floor + 1"
                );
                row(what, '≤', most, median(CallsBeforeSocket, port));
                let what = say!("calls a message, {name}", "每条消息的系统调用，{name}");
                row(what, '≤', Some(4.0), median(CallsAMessage, port));
            }
        }
        table(&rows)
    }
}
