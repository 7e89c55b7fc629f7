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

pub struct Report<'a> {
    pub contenders: &'a [Contender],
    pub results: &'a Results,
}

impl Report<'_> {
    fn find(&self, kind: Kind, listing: usize) -> Option<usize> {
        self.contenders.iter().position(|other| other.kind == kind && other.listing == listing)
    }

    /// A number of so many decimals, or a rate with its ratio and spread.
    fn cell(&self, measure: Measure, decimals: Option<usize>, index: usize) -> Option<String> {
        let median = self.results.median(measure, index)?;
        if let Some(decimals) = decimals {
            return Some(format!("{median:.decimals$}"));
        }
        let base = self.find(Kind::Article, self.contenders[index].listing);
        let base = base.or_else(|| self.find(Kind::Floor, 1));
        let ratio = base.and_then(|base| self.results.ratio(measure, index, base));
        let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
        let spread = 100.0 * self.results.spread(measure, index).unwrap_or(0.0);
        Some(format!("{median:.0}{ratio} ±{spread:.0}%"))
    }

    fn section(&self, title: &str, columns: &[(String, Measure, Option<usize>)]) -> String {
        let heads = columns.iter().map(|(head, ..)| head.clone());
        let mut rows: Vec<Vec<String>> = vec![std::iter::once(title.to_string()).chain(heads).collect()];
        for (index, contender) in self.contenders.iter().enumerate() {
            let cells = columns.iter().map(|&(_, measure, decimals)| self.cell(measure, decimals, index));
            let cells = cells.map(|cell| cell.unwrap_or("-".into()));
            rows.push(std::iter::once(contender.name.clone()).chain(cells).collect());
        }
        table(&rows)
    }

    pub fn text(&self) -> String {
        use Measure::*;
        let about = say!(
            "A conversation: connect, 5 bytes, reply, quit, end. Each cell: the median of the rounds; in brackets its \
             ratio to the article's C++ (where there is none: to the floor); how far half of the rounds lie around it.",
            "一次会话：连接、5 字节、应答、quit、结束。每格是各轮的中位数；括号里是与文章 C++ 程序之比（没有它时与 floor \
             之比）；最后是一半轮次偏离中位数的幅度。"
        );
        let speed = [
            (say!("conversations", "会话"), Clients(1), None),
            (say!("8 at once", "同时 8 个"), Clients(8), None),
            (say!("1000 idle held", "另有 1000 个空闲连接"), Idle, None),
            (say!("round trips, 5 bytes", "往返，5 字节"), Trips(5), None),
            (say!("1023 bytes", "1023 字节"), Trips(1023), None),
        ];
        let cost = [
            (say!("kB, idle", "空闲时 kB"), Pss, Some(1)),
            (say!("page faults", "缺页次数"), PageFaults, Some(1)),
            (say!("µs of processor", "CPU 时间 µs"), Processor, None),
            (say!("calls before socket()", "socket() 之前的系统调用"), CallsBeforeSocket, Some(0)),
            (say!("calls a message", "每条消息的系统调用"), CallsAMessage, Some(2)),
        ];
        let speed = self.section(&say!("a second", "每秒"), &speed);
        let cost = self.section(&say!("a conversation", "每次会话"), &cost);
        format!("{about}\n\n{speed}{cost}{}", self.figures())
    }

    /// What was asked for, what was measured, and whether it is reached.
    fn figures(&self) -> String {
        use Kind::*;
        use Measure::*;
        let heads =
            [say!("figures", "指标"), say!("asked", "要求"), say!("measured", "实测"), String::new()];
        let mut rows = vec![heads.to_vec()];
        let mut row = |what: String, sign: char, asked: Option<f64>, measured: Option<f64>| {
            let holds = |asked, measured| if sign == '≥' { measured >= asked } else { measured <= asked };
            let reached = match asked.zip(measured).map(|(asked, measured)| holds(asked, measured)) {
                Some(true) => say!("ok", "达到"),
                Some(false) => say!("NO", "未达到"),
                None => "-".into(),
            };
            let asked = asked.map_or("-".into(), |asked| format!("{sign} {asked:.2}"));
            let measured = measured.map_or("-".into(), |measured| format!("{measured:.2}"));
            rows.push(vec![what, asked, measured, reached]);
        };
        let listings = SERVERS.into_iter().enumerate();
        let builds = [(Port, "", Floor, 1.35, 0.90), (PortStatic, ", static", FloorStatic, 1.45, 0.85)];
        for (kind, suffix, floor, to_cpp, to_floor) in builds {
            for (listing, name) in listings.clone() {
                let (port, cpp) = (self.find(kind, listing), self.find(Article, listing));
                let ratio = |measure, other: Option<usize>| self.results.ratio(measure, port?, other?);
                let name = format!("{name}{suffix}");
                if listing == 1 {
                    let whole = say!("conversations a second, {name}", "每秒会话数，{name}");
                    let other = self.find(floor, 1);
                    row(
                        say!("{whole}, to the C++", "{whole}，与 C++ 之比"),
                        '≥',
                        Some(to_cpp),
                        ratio(Clients(1), cpp),
                    );
                    row(
                        say!("{whole}, to the floor", "{whole}，与 floor 之比"),
                        '≥',
                        Some(to_floor),
                        ratio(Clients(1), other),
                    );
                    let raw = say!("{whole}, to no library", "{whole}，与不用任何库之比");
                    row(raw, '≥', None, ratio(Clients(1), self.find(Raw, 1)));
                }
                if listing > 0 {
                    let what = say!(
                        "Pss an idle connection, {name}, to the C++",
                        "空闲连接的 Pss，{name}，与 C++ 之比"
                    );
                    row(what, '≤', Some(0.50), ratio(Pss, cpp));
                }
                let median = |measure, index: Option<usize>| self.results.median(measure, index?);
                // The floor's, and signal(SIGPIPE, SIG_IGN), erratum 10.
                let most = median(CallsBeforeSocket, self.find(floor, 1)).map(|floor| floor + 1.0);
                let what = say!("calls before socket(), {name}", "socket() 之前的系统调用，{name}");
                row(what, '≤', most, median(CallsBeforeSocket, port));
                let what = say!("calls a message, {name}", "每条消息的系统调用，{name}");
                row(what, '≤', Some(4.0), median(CallsAMessage, port));
            }
        }
        table(&rows)
    }
}
