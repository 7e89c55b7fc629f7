//! The scenarios of `tests/compare/scenarios.txt`, which says itself how they are written.

use std::fmt;

use crate::compare::step::ScenarioStep;
use crate::harness::builds::{PROGRAMS, SERVERS};

pub const FILE: &str = "tests/compare/scenarios.txt";
const TEXT: &str = include_str!("scenarios.txt");

/// A scenario as one program runs it.
pub struct Scenario {
    pub program: &'static str,
    pub name: &'static str,
    /// The line of its heading.
    pub line: usize,
    /// In English, and in Chinese.
    pub says: [&'static str; 2],
    pub steps: Vec<ScenarioStep>,
    /// What an erratum changes only here.
    pub difference: Option<Difference>,
}

/// What an erratum changes in one process of one scenario: where the C++ has these
/// rows, once and together, the port has those.
pub struct Difference {
    pub erratum: u32,
    pub process: &'static str,
    pub cpp: Vec<String>,
    pub port: Vec<String>,
}

impl fmt::Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}, {}", self.program, self.name)
    }
}

/// All scenarios, program by program, or the file, line and reason why one cannot be read. A program has at most
/// one scenario of a name.
pub fn scenarios() -> Result<Vec<Scenario>, String> {
    load(TEXT)
}

/// The same, for tests.
pub fn all() -> Vec<Scenario> {
    scenarios().unwrap_or_else(|why| panic!("{why}"))
}

/// The scenarios' names, each once, in the order of the file.
pub fn names() -> Vec<&'static str> {
    let mut names = Vec::new();
    for heading in TEXT.lines().filter_map(|line| line.strip_prefix("== ")) {
        let name = heading.split(':').next().unwrap_or(heading);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

pub fn load(text: &'static str) -> Result<Vec<Scenario>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let headings: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with("== ")).collect();
    let mut scenarios = Vec::new();
    for (index, &first) in headings.iter().enumerate() {
        let end = headings.get(index + 1).copied().unwrap_or(lines.len());
        for program in PROGRAMS {
            let scenario = scenario(&lines[..end], first, program);
            let scenario = scenario.map_err(|(line, why)| format!("{FILE}:{}: {why}", line + 1))?;
            scenarios.extend(scenario);
        }
    }
    scenarios.sort_by_key(|scenario: &Scenario| PROGRAMS.iter().position(|name| *name == scenario.program));
    for pair in scenarios
        .iter()
        .enumerate()
        .flat_map(|(at, one)| scenarios[..at].iter().map(move |other| (other, one)))
    {
        if (pair.0.program, pair.0.name) == (pair.1.program, pair.1.name) {
            return Err(format!("{FILE}:{}: {} is in line {}, too", pair.1.line, pair.1, pair.0.line));
        }
    }
    Ok(scenarios)
}

/// The scenario whose heading is `lines[first]`, if the program takes part; or the index of a wrong line, and why.
fn scenario(
    lines: &[&'static str],
    first: usize,
    program: &'static str,
) -> Result<Option<Scenario>, (usize, String)> {
    let wrong = |at: usize, why: &str| (at, why.to_string());
    let heading = lines[first].trim_start_matches("== ");
    let (name, english) =
        heading.split_once(": ").ok_or(wrong(first, "a heading is `== name: what happens`"))?;
    let chinese = lines.get(first + 1).filter(|line| !line.is_empty());
    let chinese = chinese.ok_or(wrong(first, "the same in Chinese is missing below"))?;
    let who = lines.get(first + 2).and_then(|line| line.strip_prefix("for "));
    let who = who.ok_or(wrong(first, "the third line is `for` and the programs"))?;
    let takes_part = match who {
        "servers" => SERVERS.contains(&program),
        "forking" => SERVERS[1..].contains(&program),
        names => names.split(' ').any(|name| name == program),
    };
    let mut steps = Vec::new();
    let mut at = first + 3;
    while let Some(text) = lines.get(at).and_then(|line| line.strip_prefix("    ")) {
        steps.push(ScenarioStep::parse(text, at + 1).map_err(|why| (at, why))?);
        at += 1;
    }
    let rest: Vec<&str> = lines[at..].iter().copied().take_while(|line| !line.is_empty()).collect();
    let difference = match rest.split_first() {
        Some((heading, rows)) => Some(difference(heading, rows, program).map_err(|why| (at, why))?),
        None => None,
    };
    let says = [english, chinese];
    Ok(takes_part.then_some(Scenario { program, name, line: first + 1, says, steps, difference }))
}

fn difference(heading: &'static str, rows: &[&str], program: &str) -> Result<Difference, String> {
    let erratum = heading.strip_prefix("erratum ").and_then(|heading| heading.split_once(", "));
    let (number, process) =
        erratum.ok_or(format!("{heading:?} is neither a step nor `erratum N, process`"))?;
    let mut who_serves = SERVERS.iter().zip(["server", "child 1", "grandchild 1"]);
    let who_serves = who_serves.find(|(server, _)| process == "who serves" && **server == program);
    let without = |other: &str| {
        let rows = rows.iter().map(|row| row.split_at(2)).filter(|(side, _)| *side != other);
        let its = rows.filter(|(_, row)| *row != "SIGCHLD" || program == "tcp_server_fork");
        let row = |row: &str| row.replace("PROGRAM", program).replace("SIGCHLD", &ignored("SIGCHLD"));
        its.map(|(_, text)| row(text)).collect()
    };
    Ok(Difference {
        erratum: number.parse().map_err(|_| format!("{number:?} is not a number"))?,
        process: who_serves.map_or(process, |(_, process)| process),
        cpp: without("+ "),
        port: without("- "),
    })
}

/// The row of a signal that is ignored.
pub fn ignored(signal: &str) -> String {
    const IGNORED: &str = "{sa_handler=SIG_IGN, sa_flags=SA_RESTART}, {sa_handler=SIG_DFL, sa_flags=0}";
    format!("rt_sigaction({signal}, {IGNORED}) = 0")
}
