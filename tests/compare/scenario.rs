//! The scenarios of `tests/compare/scenarios.txt`, which says itself how they are written.

use std::fmt;

use crate::compare::differences::{Difference, ignored};
use crate::harness::builds::{PROGRAMS, SERVERS};

/// What one program goes through in a scenario.
pub struct Part {
    pub program: &'static str,
    pub name: &'static str,
    /// In English, and in Chinese.
    pub says: [&'static str; 2],
    pub steps: Vec<&'static str>,
    /// What an erratum changes here alone.
    pub difference: Option<Difference>,
}

/// All parts, program by program. A name stands once for a program.
pub fn parts() -> Vec<Part> {
    let scenarios = include_str!("scenarios.txt").split("\n== ").skip(1);
    PROGRAMS
        .into_iter()
        .flat_map(|program| scenarios.clone().filter_map(move |text| part(text, program)))
        .collect()
}

/// The program's part in a scenario, if it has one.
fn part(text: &'static str, program: &'static str) -> Option<Part> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let [title, in_chinese, who, lines @ ..] = &lines[..] else {
        panic!("a scenario is cut short: {text}")
    };
    let (name, says) = title.split_once(": ").expect("a name, and what happens");
    let plays = match who.strip_prefix("for ").expect("who plays it") {
        "servers" => SERVERS.contains(&program),
        "forking" => SERVERS[1..].contains(&program),
        names => names.split(' ').any(|name| name == program),
    };
    let steps: Vec<&str> = lines.iter().map_while(|line| line.strip_prefix("    ")).collect();
    let change = lines[steps.len()..].split_first();
    let difference = change.map(|(heading, rows)| difference(heading, rows, program));
    plays.then_some(Part { program, name, says: [says, in_chinese], steps, difference })
}

fn difference(heading: &'static str, rows: &[&str], program: &str) -> Difference {
    let erratum = heading.strip_prefix("erratum ").and_then(|heading| heading.split_once(", "));
    let (number, process) = erratum.expect("an erratum's number, and a process");
    let mut who_serves = SERVERS.iter().zip(["server", "child 1", "grandchild 1"]);
    let who_serves = who_serves.find(|(server, _)| process == "who serves" && **server == program);
    let without = |other: &str| {
        let rows = rows.iter().map(|row| row.split_at(2)).filter(|(side, _)| *side != other);
        let its = rows.filter(|(_, row)| *row != "SIGCHLD" || program == "tcp_server_fork");
        let row = |row: &str| row.replace("PROGRAM", program).replace("SIGCHLD", &ignored("SIGCHLD"));
        its.map(|(_, text)| row(text)).collect()
    };
    Difference {
        erratum: number.parse().expect("a number"),
        process: who_serves.map_or(process, |(_, process)| process),
        cpp: without("+ "),
        port: without("- "),
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}, {}", self.program, self.name)
    }
}
