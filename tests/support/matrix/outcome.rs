//! What must come of a fault, by the call that fails.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use super::manual::reason;
use super::talk::{Talk, goes_on, talk};
use super::traced::{Trace, Traced, client, listens};
use super::{Case, Kind, Occurrence, Subject};
use crate::support::programs::*;

/// What came of a fault: nothing, or how it ended badly.
pub fn outcome(subject: &Subject, case: &Case, peer: Option<u16>) -> Result<(), String> {
    let trace = Trace::new();
    let judged = if let Some(port) = peer {
        of_the_client(subject, case, &trace, port)
    } else if case.at_start && case.kind != Kind::Log && case.kind != Kind::Limit {
        of_the_start(subject, case, &trace)
    } else {
        of_the_service(subject, case, &trace)
    };
    judged?;
    must(trace.injected() > 0, "is never met")
}

fn must(condition: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

/// The contract's exit status for a call without which there is no service.
fn status_of(call: &str) -> Option<i32> {
    let status = ["socket", "bind", "listen", "", "connect"].iter().position(|name| *name == call);
    status.map(|index| index as i32 + 1)
}

/// A line that says FATAL, names the call and gives the reason.
fn says_fatal(stderr: &str, case: &Case) -> Result<(), String> {
    let name = match (case.call, case.kind) {
        ("rt_sigaction", _) => "signal",
        (_, Kind::TerminalRead) => "getline",
        (call, _) => call,
    };
    let named = stderr.lines().any(|line| {
        line.starts_with("FATAL | ") && line.contains(name) && line.contains(&reason(case.errno))
    });
    must(named, "no FATAL line names the call and the reason")
}

fn of_the_start(subject: &Subject, case: &Case, trace: &Trace) -> Result<(), String> {
    let mut traced = Traced::launched(subject, trace, Some(case));
    let Some(status) = traced.server.wait_within(subject.patience()) else {
        return Err("starts all the same".into());
    };
    says_fatal(&traced.server.stderr.all().join("\n"), case)?;
    must(status != 0, "ends with 0")?;
    must(status_of(case.call).is_none_or(|expected| status == expected), format!("ends with {status}"))
}

fn of_the_service(subject: &Subject, case: &Case, trace: &Trace) -> Result<(), String> {
    let mut traced = if case.at_start {
        let mut traced = Traced::launched(subject, trace, Some(case));
        listens(traced.port, &mut traced.server, subject.patience())?;
        traced
    } else {
        Traced::attached(subject, trace, Some(case))?
    };
    let (port, patience) = (traced.port, subject.patience());
    let forever = case.occurrence == Occurrence::Forever;

    if case.kind == Kind::Accept && forever {
        waits_calmly(&mut traced, trace, patience)?;
    } else {
        let talks = [talk(port, patience), talk(port, patience)];
        judged(case, &talks)?;
    }
    if !case.at_start {
        // The parent waits for its child while the client is served already.
        within(patience, || trace.injected() > 0);
        traced.passes();
        let after = talk(port, patience);
        must(after == Talk::Served, format!("a client after it is {after:?}"))?;
        // A close that never happened leaves its descriptor.
        let same = || descriptors(traced.server.pid()) == case.descriptors;
        if case.kind != Kind::Close {
            must(within(patience, same), "descriptors are left")?;
        }
    }
    if let Some(status) = traced.server.wait_within(Duration::ZERO) {
        return Err(format!("the server ends with {status}"));
    }
    let (stdout, stderr) = traced.ended();
    logged(case, &stdout, &stderr)
}

fn within(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    while !condition() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// `accept` fails and fails: fewer than a hundred tries a second, and a client
/// that waits meanwhile is served as soon as it passes.
fn waits_calmly(traced: &mut Traced, trace: &Trace, patience: Duration) -> Result<(), String> {
    let mut waiting =
        TcpStream::connect((Ipv4Addr::LOCALHOST, traced.port)).map_err(|error| error.to_string())?;
    waiting.write_all(b"one").map_err(|error| error.to_string())?;
    let times = || -> Vec<f64> { trace.events().iter().filter_map(|event| event.at).collect() };
    if !within(patience, || times().len() > 12) {
        return Err("it is not tried again".into());
    }
    let times = times();
    // The first two follow each other at once.
    let rate = (times.len() - 3) as f64 / (times[times.len() - 1] - times[2]);
    traced.passes();
    let talk = goes_on(&mut waiting, patience, &[("", "ONE"), ("two", "TWO")]);
    must(talk == Talk::Served, format!("a client that waited is {talk:?}"))?;
    must(rate < 100.0, "burns a processor")
}

/// What the clients may have seen of a fault.
fn judged(case: &Case, talks: &[Talk]) -> Result<(), String> {
    let forever = case.occurrence == Occurrence::Forever;
    let served = talks.iter().all(|talk| *talk == Talk::Served);
    let nobody_notices = match case.kind {
        Kind::Log | Kind::Limit | Kind::Accept | Kind::Wait => true,
        Kind::Close => !forever,
        _ => case.is_interruption(),
    };
    if nobody_notices {
        return must(served, format!("clients are {talks:?}"));
    }
    let ended = talks.iter().all(|talk| matches!(talk, Talk::Served | Talk::Closed));
    must(ended, format!("clients are {talks:?}"))
}

/// The log names what failed, and why.
fn logged(case: &Case, stdout: &str, stderr: &str) -> Result<(), String> {
    let in_log = |text: &str| stdout.lines().any(|line| line.contains(text));
    match case.kind {
        Kind::Accept => must(
            in_log(&format!("accept() failed::{}", reason(case.errno))),
            "accept's failure is not logged",
        ),
        Kind::Read | Kind::Write if case.errno != "0" && !case.is_interruption() => {
            // Where writes fail for ever, so does the log's.
            let lost = case.kind == Kind::Write && case.occurrence == Occurrence::Forever;
            let text = format!("{}::{}", case.call, reason(case.errno));
            must(lost || in_log(&text), format!("{}'s failure is not logged", case.call))
        }
        Kind::Fork | Kind::InnerFork => must(
            stderr.lines().any(|line| line.contains(&format!("fork() failed:{}", reason(case.errno)))),
            "fork's failure is not logged",
        ),
        Kind::Wait if !case.is_interruption() => must(
            stderr.lines().any(|line| line.contains(&format!("waitpid failed:{}", reason(case.errno)))),
            "waitpid's failure is not logged",
        ),
        _ => Ok(()),
    }
}

fn of_the_client(subject: &Subject, case: &Case, trace: &Trace, port: u16) -> Result<(), String> {
    let mut client = client(subject, trace, Some(case), port);
    let Some(status) = client.wait_within(subject.patience()) else {
        return Err("does not end".into());
    };
    let stdout = client.stdout.all().join("\n");
    let stderr = client.stderr.all().join("\n");
    // The article's come with NULs behind them: erratum 6.
    let echo = |shown: &'_ str| shown.lines().next().unwrap_or("").replace('\0', "");
    let echoes: Vec<String> = stdout.split("Server Echo").skip(1).map(echo).collect();
    let came = |echo: &String| ["ONE", "TWO"].contains(&echo.as_str());
    must(echoes.iter().all(came), "shows an echo that never came")?;
    // Where writes fail for ever, not only the log's do.
    let all_writes = case.call == "write" && case.occurrence == Occurrence::Forever;
    let harmless = case.kind == Kind::Limit || case.kind == Kind::Log && !all_writes;
    if harmless || case.is_interruption() {
        must(status == 0, format!("ends with {status}"))?;
        return must(echoes.len() == 2, "does not show the echoes");
    }
    let end_of_input = case.kind == Kind::TerminalRead && case.errno == "0";
    if end_of_input {
        return must(status == 0, format!("ends with {status}"));
    }
    must(status != 0, "ends with 0")?;
    must(status_of(case.call).is_none_or(|expected| status == expected), format!("ends with {status}"))?;
    if all_writes {
        return Ok(());
    }
    if case.errno == "0" {
        return must(stderr.contains("FATAL | "), "no FATAL line");
    }
    says_fatal(&stderr, case)
}
