//! What must come of a fault: no server ends, no client hangs or is told what is not so, and the reason is said.

use std::ffi::CStr;

use super::talk::SERVED;
use super::{Case, Kind, Outcome, Subject};

/// The C library's words for an errno's name.
pub fn reason(errno: &str) -> String {
    let number = match errno {
        "EACCES" => libc::EACCES,
        "EADDRINUSE" => libc::EADDRINUSE,
        "EAGAIN" => libc::EAGAIN,
        "ECHILD" => libc::ECHILD,
        "ECONNABORTED" => libc::ECONNABORTED,
        "ECONNRESET" => libc::ECONNRESET,
        "EIO" => libc::EIO,
        "EMFILE" => libc::EMFILE,
        "ENOMEM" => libc::ENOMEM,
        "ENOSPC" => libc::ENOSPC,
        "EPIPE" => libc::EPIPE,
        "ETIMEDOUT" => libc::ETIMEDOUT,
        none => return none.to_string(),
    };
    unsafe { CStr::from_ptr(libc::strerror(number)) }.to_string_lossy().into_owned()
}

fn must(condition: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

/// The contract's exit status for a call without which there is no service.
fn status_of(call: &str) -> i32 {
    match call {
        "socket" => 1,
        "bind" | "setsockopt" => 2,
        "listen" => 3,
        "connect" => 5,
        _ => 8,
    }
}

/// What came of a fault, or how it ended badly.
pub fn ends_well(subject: &Subject, case: &Case, outcome: &Outcome) -> Result<(), String> {
    let Outcome { seen, status, calls, says, remarks } = outcome;
    for remark in remarks {
        must(*remark == "waits between its tries", *remark)?;
    }
    let call = match case.kind {
        Kind::Fork | Kind::InnerFork => "fork()",
        Kind::Wait => "waitpid",
        Kind::TerminalRead => "getline",
        Kind::TerminalWrite => "write",
        _ => &case.call,
    };
    let named = |level| says.iter().any(|line| line.starts_with(level) && line.contains(call));
    if case.fault == "short" {
        // strace tells the program that three bytes were taken, and takes none: the peer waits for them.
        let [cut, next] = calls.get(..2).unwrap_or_default() else {
            return Err("nothing is called behind it".into());
        };
        return must(
            cut.replace('!', "").replacen(&cut[7..10], "", 1) == *next,
            "the rest is not what follows",
        );
    }
    if case.kind == Kind::Start || subject.is_client() && !case.kind.is_log() {
        must(*status == Some(status_of(&case.call)), format!("ends with {status:?}"))?;
        must(named("FATAL"), "no FATAL line names the call and the reason")?;
    } else if subject.is_client() {
        must(*status == Some(0), format!("ends with {status:?}"))?;
    } else {
        must(status.is_none(), format!("the server ends with {status:?}"))?;
    }
    if subject.is_client() {
        let echoes = seen[0].split("Server Echo").skip(1).map(|echo| echo.split(" / ").next());
        let echoes: Vec<&str> = echoes.flatten().collect();
        must(["FIRST", "SECOND"].starts_with(&echoes), format!("it shows {echoes:?}"))?;
        return must(!case.kind.is_log() || echoes.len() == 2, "it does not show the echoes");
    }
    let nobody_notices = case.kind.is_log() || matches!(case.kind, Kind::Accept | Kind::Wait);
    let well = |talk: &String| {
        let part = talk.strip_suffix("end").is_some_and(|came| SERVED.starts_with(came));
        talk == SERVED || part && !nobody_notices
    };
    must(seen.iter().all(well), format!("clients see {seen:?}"))?;
    let last = seen.last().is_none_or(|talk| talk == SERVED || case.kind == Kind::InnerFork);
    must(last, format!("a client after it sees {seen:?}"))?;
    must(case.kind.is_log() || named(""), format!("the log does not name {call} and the reason"))
}
