//! What must come of a fault: no server ends, no client hangs or is told what is not so, and the reason is said.

use super::places::START;
use super::quiet::SERVED;
use super::{Case, Kind, Outcome, Subject};

fn must(condition: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

/// What came of a fault, or how it ended badly.
pub fn ends_well(subject: &Subject, case: &Case, outcome: &Outcome) -> Result<(), String> {
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
    if case.kind == Kind::Start || is_client && !is_log {
        let expected = START.iter().find(|start| start.0 == case.call).map_or(8, |start| start.2);
        must(*status == Some(expected), format!("ends with {status:?}"))?;
        must(named("FATAL"), "no FATAL line names the call and the reason")?;
    } else if is_client {
        must(*status == Some(0), format!("ends with {status:?}"))?;
    } else {
        must(status.is_none(), format!("the server ends with {status:?}"))?;
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
