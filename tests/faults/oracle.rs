//! What must come of a fault: no server ends, no client hangs or is told what is not so, and the reason is said.

use std::path::Path;

use crate::faults::injection::START;
use crate::faults::quiescence::SERVED;
use crate::faults::{Case, Kind, Outcome, PROGRAMS, Subject};

/// The kinds of calls, of servers or of the client; what fails, and what must come of it, in both languages.
pub fn rows() -> Vec<Vec<&'static str>> {
    include_str!("calls.txt").lines().map(|row| row.split(" | ").collect()).collect()
}

/// Of each row, how many faults end well, of how many: in the port, or in the article's C++, errata 1 to 4 mended.
pub fn judged(article: Option<&Path>) -> Vec<[usize; 2]> {
    let rows = rows();
    let mut counts = vec![[0, 0]; rows.len()];
    for subject in PROGRAMS.map(|name| Subject::of(article, false, name)) {
        for (case, outcome) in subject.outcomes() {
            let kind = format!("{:?}", case.kind);
            let its = |row: &Vec<&str>| {
                let mut words = row[0].split(' ');
                row[0].starts_with("client ") == subject.is_client() && words.any(|word| word == kind)
            };
            let [well, all] = &mut counts[rows.iter().position(its).expect("every kind has a row")];
            *all += 1;
            match ends_well(&subject, &case, &outcome) {
                Ok(()) => *well += 1,
                Err(how) => eprintln!("  {}, {}: {how}", subject.name, case.name),
            }
        }
    }
    counts
}

fn must(condition: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

fn ends_well(subject: &Subject, case: &Case, outcome: &Outcome) -> Result<(), String> {
    let Outcome { seen, status, calls, says, remarks } = outcome;
    for remark in remarks {
        must(*remark == "waits between its tries", *remark)?;
    }
    if case.fault == "short" {
        // strace tells the program that three bytes were taken, and takes none: the peer waits for them.
        let [cut, next, ..] = &calls[..] else { return Err("nothing is called behind it".into()) };
        let rest = cut.replace('!', "").replacen(&cut[7..10], "", 1);
        return must(rest == *next, "the rest is not what follows");
    }
    let call = match case.kind {
        Kind::Fork | Kind::InnerFork => "fork()",
        Kind::Wait => "waitpid",
        Kind::TerminalRead => "getline",
        Kind::TerminalWrite => "write",
        _ => case.call,
    };
    let named = |level| says.iter().any(|line| line.starts_with(level) && line.contains(call));
    let (is_client, is_log) = (subject.is_client(), case.kind.is_log());
    let expected = match START.iter().find(|start| start.0 == case.call) {
        Some(start) if case.kind == Kind::Start => Some(start.2),
        _ if is_client => Some(if is_log { 0 } else { 8 }),
        _ => None,
    };
    let who = if expected.is_some() { "" } else { "the server " };
    must(*status == expected, format!("{who}ends with {status:?}"))?;
    if expected.is_some_and(|status| status > 0) {
        must(named("FATAL"), "no FATAL line names the call and the reason")?;
    }
    if is_client {
        let echoes = seen[0].split("Server Echo").skip(1).map(|echo| echo.split(" / ").next());
        let echoes: Vec<&str> = echoes.flatten().collect();
        must(["FIRST", "SECOND"].starts_with(&echoes), format!("it shows {echoes:?}"))?;
        return must(!is_log || echoes.len() == 2, "it does not show the echoes");
    }
    let nobody_notices = is_log || matches!(case.kind, Kind::Accept | Kind::Wait);
    let part = |talk: &str| talk.strip_suffix("end").is_some_and(|came| SERVED.starts_with(came));
    let well = |talk: &String| talk == SERVED || part(talk) && !nobody_notices;
    must(seen.iter().all(well), format!("clients see {seen:?}"))?;
    let last = seen.last().is_none_or(|talk| talk == SERVED || case.kind == Kind::InnerFork);
    must(last, format!("a client after it sees {seen:?}"))?;
    must(is_log || named(""), format!("the log does not name {call} and the reason"))
}
