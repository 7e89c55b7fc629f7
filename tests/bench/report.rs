//! The tables: what was measured, and which of the figures asked for are reached.

use std::fmt::Write;

use super::contenders::{Contender, Kind};
use super::results::{Measure, Results};
use crate::support::programs::SERVERS;

/// Cells in Markdown, padded so that they stand in columns on a terminal too.
fn table(rows: &[Vec<String>]) -> String {
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..rows[0].len()).map(|column| wide(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
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
    /// What a contender's ratios are to: its C++, or the floor where there is none.
    fn base(&self, contender: &Contender) -> Option<usize> {
        let is = |kind, listing| {
            let mut all = self.contenders.iter();
            all.position(|other| other.kind == kind && other.listing == listing)
        };
        is(Kind::Article, contender.listing).or_else(|| is(Kind::Floor, 1))
    }

    /// Median, ratio, spread.
    fn rate(&self, measure: Measure, index: usize) -> String {
        let Some(median) = self.results.median(measure, index) else {
            return "-".into();
        };
        let base = self.base(&self.contenders[index]);
        let ratio = base.and_then(|base| self.results.ratio(measure, index, base));
        let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
        let spread = self.results.spread(measure, index).unwrap_or(0.0);
        format!("{median:.0}{ratio} ±{spread:.0}%")
    }

    fn number(&self, measure: Measure, index: usize, decimals: usize) -> String {
        let median = self.results.median(measure, index);
        median.map_or("-".into(), |median| format!("{median:.decimals$}"))
    }

    fn rows(&self, head: &[&str], cells: impl Fn(usize) -> Vec<String>) -> String {
        let mut rows = vec![head.iter().map(|cell| cell.to_string()).collect::<Vec<_>>()];
        for (index, contender) in self.contenders.iter().enumerate() {
            let cells = cells(index);
            if cells.iter().any(|cell| cell != "-") {
                rows.push([vec![contender.name.clone()], cells].concat());
            }
        }
        table(&rows)
    }

    /// All tables.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "Each cell: the median of the rounds; in brackets its ratio to the article's C++ (where \
             it is not given: to the bare floor); how far half of the rounds lie around it.\n\n\
             ## Conversations a second: connect, 5 bytes, reply, quit, end\n\n",
        );
        let head = ["", "1 client", "8 clients", "100 idle held", "500 idle held", "1000 idle held"];
        text += &self.rows(&head, |index| {
            [
                Measure::Clients(1),
                Measure::Clients(8),
                Measure::Idle(100),
                Measure::Idle(500),
                Measure::Idle(1000),
            ]
            .map(|measure| self.rate(measure, index))
            .to_vec()
        });
        for size in [5, 1023] {
            let _ = write!(text, "## Round trips of {size} bytes a second, on open connections; µs\n\n");
            let head = ["", "1 connection", "p50", "p99", "8 connections", "p50", "p99"];
            text += &self.rows(&head, |index| {
                let columns = |connections| {
                    [
                        self.rate(Measure::Trips(size, connections), index),
                        self.number(Measure::P50(size, connections), index, 1),
                        self.number(Measure::P99(size, connections), index, 1),
                    ]
                };
                [columns(1), columns(8)].concat()
            });
        }
        text += "## Cost\n\n";
        let head = [
            "",
            "MB/s one way",
            "kB an idle connection",
            "page faults a connection",
            "µs of processor a connection",
            "calls before socket()",
            "calls a message",
            "bytes on disk",
        ];
        text += &self.rows(&head, |index| {
            vec![
                self.rate(Measure::OneWay, index),
                self.number(Measure::Pss, index, 1),
                self.number(Measure::PageFaults, index, 1),
                self.rate(Measure::Processor, index),
                self.number(Measure::CallsBeforeSocket, index, 0),
                self.number(Measure::CallsAMessage, index, 2),
                self.number(Measure::Size, index, 0),
            ]
        });
        text += "## Figures\n\n";
        text + &self.figures()
    }

    /// What was asked for, what was measured, and whether it is reached.
    fn figures(&self) -> String {
        let mut rows = vec![["", "asked", "measured", "reached"].map(str::to_string).to_vec()];
        let mut row = |what: String, asked: Asked, measured: Option<f64>| {
            let reached = match measured.map(|measured| asked.holds(measured)) {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "not measured",
            };
            let measured = measured.map_or("-".into(), |measured| format!("{measured:.2}"));
            rows.push(vec![what, asked.to_string(), measured, reached.into()]);
        };
        let at = |kind, listing| {
            let mut all = self.contenders.iter();
            all.position(|other| other.kind == kind && other.listing == listing)
        };
        let ratio =
            |measure, one: Option<usize>, other: Option<usize>| self.results.ratio(measure, one?, other?);
        let one_client = Measure::Clients(1);
        let (fork, double_fork) = (1, 2);
        let cpp = at(Kind::Article, fork);
        for (kind, floor, suffix, to_cpp, to_floor) in [
            (Kind::Port, Kind::Floor, "", 1.40, 0.95),
            (Kind::PortStatic, Kind::FloorStatic, ", static", 1.45, 0.85),
        ] {
            let port = at(kind, fork);
            let name = format!("conversations, {}{suffix}", SERVERS[fork]);
            row(format!("{name}, to the C++"), Asked::AtLeast(to_cpp), ratio(one_client, port, cpp));
            let measured = ratio(one_client, port, at(floor, fork));
            row(format!("{name}, to the floor"), Asked::AtLeast(to_floor), measured);
        }
        let measured = ratio(one_client, at(Kind::Port, double_fork), at(Kind::Article, double_fork));
        row(format!("conversations, {}, to the C++", SERVERS[double_fork]), Asked::AtLeast(1.40), measured);
        for (listing, name) in SERVERS.into_iter().enumerate() {
            for (size, connections) in [(5, 1), (5, 8), (1023, 1), (1023, 8)] {
                if listing == 0 && connections > 1 {
                    continue;
                }
                let measured = ratio(
                    Measure::Trips(size, connections),
                    at(Kind::Port, listing),
                    at(Kind::Article, listing),
                );
                let what = format!("round trips, {size} bytes, {connections} open, {name}, to the C++");
                row(what, Asked::AtLeast(0.98), measured);
            }
        }
        for kind in [Kind::Port, Kind::PortStatic] {
            for listing in [fork, double_fork] {
                let port = at(kind, listing);
                let name = port.map_or("", |port| &self.contenders[port].name);
                let measured = ratio(Measure::Pss, port, at(Kind::Article, listing));
                row(format!("memory an idle connection, {name}, to the C++"), Asked::AtMost(0.5), measured);
                let grown = port.and_then(|port| {
                    self.results.growth(Measure::Idle(1000), Measure::Idle(0), port, port)
                });
                row(format!("rate with 1000 idle, {name}, to none"), Asked::AtLeast(0.85), grown);
            }
        }
        for (listing, name) in SERVERS.into_iter().enumerate() {
            for (kind, suffix, calls) in [(Kind::Port, "", 30.0), (Kind::PortStatic, ", static", 14.0)] {
                let median = |measure| self.results.median(measure, at(kind, listing)?);
                let measured = median(Measure::CallsBeforeSocket);
                row(format!("calls before socket(), {name}{suffix}"), Asked::AtMost(calls), measured);
                let measured = median(Measure::CallsAMessage);
                row(format!("calls a message, {name}{suffix}"), Asked::AtMost(4.0), measured);
            }
        }
        table(&rows)
    }
}

enum Asked {
    AtLeast(f64),
    AtMost(f64),
}

impl Asked {
    fn holds(&self, measured: f64) -> bool {
        match *self {
            Asked::AtLeast(bound) => measured >= bound,
            Asked::AtMost(bound) => measured <= bound,
        }
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Asked::AtLeast(bound) => write!(out, "at least {bound:.2}"),
            Asked::AtMost(bound) => write!(out, "at most {bound:.2}"),
        }
    }
}
