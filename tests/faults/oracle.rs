//! What must follow from a fault: no server ends, no client hangs or prints what it did not receive, and the log names
//! call and reason.

use crate::faults::case::{Case, FaultKind};
use crate::faults::injection::START;
use crate::faults::observation::{FaultOutcome, Remark, shown};
use crate::faults::quiescence::SERVED;
use crate::harness::trace::parse::Call;

/// The rows of the table: kinds of calls, of servers or of the client; what fails, and what must follow, in both
/// languages.
pub fn rows() -> Vec<Vec<&'static str>> {
    include_str!("calls.txt").lines().map(|row| row.split(" | ").collect()).collect()
}

/// The row of a case.
pub fn row_of(is_client: bool, case: &Case) -> usize {
    let kind = format!("{:?}", case.kind);
    let row = rows().iter().position(|row| {
        row[0].starts_with("client ") == is_client && row[0].split(' ').any(|word| word == kind)
    });
    row.unwrap_or_else(|| panic!("tests/faults/calls.txt has no row for {kind}"))
}

/// Whether the right things followed; otherwise what is wrong.
pub fn consequence(is_client: bool, case: &Case, outcome: &FaultOutcome) -> Result<(), String> {
    for remark in &outcome.remarks {
        ensure(*remark == Remark::PausesBeforeRetry, || remark.to_string())?;
    }
    if case.fault == "short" {
        return rest_follows(case, &outcome.calls);
    }
    exit_code(is_client, case, outcome)?;
    if is_client { client_shows_echoes(case, outcome) } else { clients_are_served(case, outcome) }
}

fn ensure(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}

/// After a short write, the next call of its kind writes the rest. strace only reports three bytes: none was written.
fn rest_follows(case: &Case, calls: &[Call]) -> Result<(), String> {
    let mut concerned = calls.iter().filter(|call| shown(call, case).is_some());
    let Some(cut) = concerned.next() else { return Err("the call is never made".into()) };
    let Some(next) = concerned.next() else { return Err("no call follows a short write".into()) };
    let Some(text) = cut.bytes(1) else { return Err(format!("{} writes no text", cut.name)) };
    let rest = &text[text.len().min(3)..];
    let follows =
        next.name == cut.name && next.fd() == cut.fd() && next.bytes(1).is_some_and(|bytes| bytes == rest);
    ensure(follows, || {
        let wanted = format!("{}({}, \"{}\")", cut.name, cut.args[0], rest.escape_ascii());
        format!(
            "3 of {} bytes were written; {wanted} must follow, not {}({})",
            text.len(),
            next.name,
            next.args.join(", ")
        )
    })
}

/// The exit code is the contract's, with a FATAL line; a server still runs after its start.
fn exit_code(is_client: bool, case: &Case, outcome: &FaultOutcome) -> Result<(), String> {
    let expected = match START.iter().find(|start| start.0 == case.call) {
        Some(start) if case.kind == FaultKind::Start => Some(start.2),
        _ if is_client => Some(if case.kind.is_log() { 0 } else { 8 }),
        _ => None,
    };
    ensure(outcome.status == expected, || match (expected, outcome.status) {
        (Some(expected), Some(status)) => format!("it ends with status {status}, not {expected}"),
        (Some(expected), None) => format!("it still runs, and must end with status {expected}"),
        (None, status) => format!("the server ends with status {}", status.unwrap_or_default()),
    })?;
    let fatal = expected.is_some_and(|status| status > 0);
    ensure(!fatal || is_logged(case, outcome, "FATAL"), || {
        format!("no FATAL line names {} and the reason: {:?}", log_name(case), outcome.log)
    })
}

/// The call's name in log lines; of the terminal's calls, with the terminal's descriptor, not the socket's.
fn log_name(case: &Case) -> &'static str {
    match case.kind {
        FaultKind::Fork | FaultKind::InnerFork => "fork()",
        FaultKind::Wait => "waitpid",
        FaultKind::TerminalRead => "getline() failed: 0 :",
        FaultKind::TerminalWrite => "write() failed: 1 :",
        _ => case.call,
    }
}

fn is_logged(case: &Case, outcome: &FaultOutcome, level: &str) -> bool {
    outcome.log.iter().any(|line| line.starts_with(level) && line.contains(log_name(case)))
}

/// A client prints the replies that it received, in order; all of them, if only a log line failed.
fn client_shows_echoes(case: &Case, outcome: &FaultOutcome) -> Result<(), String> {
    let output = outcome.seen.first().map_or("", String::as_str);
    let echoes = output.split("Server Echo").skip(1).filter_map(|echo| echo.split(" / ").next());
    let echoes: Vec<&str> = echoes.collect();
    ensure(["FIRST", "SECOND"].starts_with(&echoes), || format!("it shows the echoes {echoes:?}"))?;
    ensure(!case.kind.is_log() || echoes.len() == 2, || format!("it shows only {echoes:?}"))
}

/// Clients are served to their end; one whose own call failed may be closed before. Later ones are served.
fn clients_are_served(case: &Case, outcome: &FaultOutcome) -> Result<(), String> {
    let unnoticed = case.kind.is_log() || matches!(case.kind, FaultKind::Accept | FaultKind::Wait);
    let closed_early =
        |session: &str| session.strip_suffix("end").is_some_and(|part| SERVED.starts_with(part));
    let right = |session: &String| session == SERVED || closed_early(session) && !unnoticed;
    ensure(outcome.seen.iter().all(right), || format!("clients see {:?}", outcome.seen))?;
    let later =
        outcome.seen.last().is_none_or(|session| session == SERVED || case.kind == FaultKind::InnerFork);
    ensure(later, || format!("a client after the fault sees {:?}", outcome.seen))?;
    ensure(case.kind.is_log() || is_logged(case, outcome, ""), || {
        format!("the log does not name {} and the reason: {:?}", log_name(case), outcome.log)
    })
}
