//! Where a program can fail, as a run without faults shows, and what can go wrong there.

use super::quiet::{talk, with_a_peer};
use super::{CALLS, Case, FORKS, Kind, Subject};
use crate::support::programs::*;
use crate::support::strace::{self, Call};

type Fault = (&'static str, i32);

macro_rules! errno {
    ($name:ident) => {
        (stringify!($name), libc::$name)
    };
}

/// The calls of the start, what befalls them, and the contract's exit status for it.
pub const START: [(&str, Fault, i32); 5] = [
    ("socket", errno!(EMFILE), 1),
    ("setsockopt", errno!(ENOMEM), 2),
    ("bind", errno!(EACCES), 2),
    ("listen", errno!(EADDRINUSE), 3),
    ("connect", errno!(ETIMEDOUT), 5),
];

/// One errno a call, or two: no program looks at which it is. What the kernel does not do is not
/// here: no handler is installed, so no call is interrupted; a `close` that fails has closed.
fn faults(kind: Kind, call: &str) -> Vec<Fault> {
    const SHORT: Fault = ("short", 0);
    match kind {
        Kind::Start => START.iter().filter(|start| start.0 == call).map(|start| start.1).collect(),
        Kind::StartLog | Kind::ParentLog | Kind::Log => vec![errno!(ENOSPC), SHORT],
        Kind::Accept => vec![errno!(EMFILE), errno!(ECONNABORTED)],
        Kind::Read => vec![errno!(ECONNRESET)],
        Kind::Write => vec![errno!(EPIPE), SHORT],
        Kind::Fork | Kind::InnerFork => vec![errno!(EAGAIN)],
        Kind::Wait => vec![errno!(ECHILD)],
        Kind::TerminalRead => vec![errno!(EIO)],
        Kind::TerminalWrite => vec![errno!(ENOSPC)],
    }
}

/// Whether a call, of a process that makes such calls, is of that kind.
fn is(kind: Kind, call: &Call) -> bool {
    let (name, fd) = (call.name.as_str(), call.fd());
    let is_log = fd == Some(1) && call.args.get(1).is_some_and(|text| text.starts_with("\"DEBUG |"));
    match kind {
        Kind::Start => START.iter().any(|start| start.0 == name),
        Kind::StartLog | Kind::ParentLog | Kind::Log => is_log,
        Kind::Accept => name == "accept",
        Kind::Read => name == "read" && fd > Some(2),
        Kind::Write => name == "write" && fd > Some(2),
        Kind::Fork | Kind::InnerFork => FORKS.contains(&name),
        Kind::Wait => name == "wait4",
        // musl's stdio gathers and scatters.
        Kind::TerminalRead => fd == Some(0) && name.starts_with("read"),
        Kind::TerminalWrite => fd == Some(1) && name.starts_with("write") && !is_log,
    }
}

/// The cases of these kinds in a process that has made these calls.
fn cases_of(calls: &[&Call], kinds: &[Kind]) -> Vec<Case> {
    // What is read before there is a socket, the loader reads.
    let from = calls.iter().position(|call| call.name == "socket").unwrap_or(0);
    let mut cases = Vec::new();
    let each = |&kind| CALLS.split([',', '?']).map(move |call| (kind, call));
    for (kind, call) in kinds.iter().flat_map(each) {
        let namesakes = (1..).zip(calls.iter().enumerate().filter(|(_, made)| made.name == call));
        let such = namesakes.filter(|(_, (index, made))| *index >= from && is(kind, made));
        let counts: Vec<usize> = such.map(|(count, _)| count).take(2).collect();
        let mut whens: Vec<(&str, String)> =
            ["first", "later"].into_iter().zip(counts.iter().map(usize::to_string)).collect();
        // Where for ever would be other calls' failure too, it is left out.
        if matches!(kind, Kind::Accept | Kind::Read | Kind::Fork | Kind::Wait) {
            whens.extend(counts.first().map(|first| ("for ever", format!("{first}+"))));
        }
        for (fault, errno) in faults(kind, call) {
            let case = |(occurrence, when)| Case { kind, call, fault, errno, occurrence, when };
            cases.extend(whens.iter().cloned().map(case));
        }
    }
    cases
}

/// The matrix of one program: what a run without faults shows that it calls.
pub fn cases(subject: &Subject) -> Vec<Case> {
    use Kind::*;
    if subject.is_client() {
        let (client, _) = with_a_peer(subject, Trace::of(CALLS));
        let events = client.events();
        let calls = strace::calls(&events, client.pid());
        return cases_of(&calls, &[Start, Log, Read, Write, TerminalRead, TerminalWrite]);
    }
    let port = free_port();
    let mut server = subject.launch(&[], port).traced(Trace::of(CALLS)).start();
    server.listens(port, PATIENCE).expect("without faults");
    let pid = server.pid();
    (0..2).for_each(|_| _ = talk(port, pid));
    let events = server.events();
    let calls = strace::calls(&events, pid);
    let accepts = calls.iter().position(|call| call.name == "accept").expect("it accepts");
    // strace is let in when it accepts, and counts from there.
    let (start, parent) = calls.split_at(accepts);
    let children = strace::pids(&events).into_iter().filter(|&child| child != pid);
    let children: Vec<_> = children.map(|child| strace::calls(&events, child)).collect();
    let child = |kind| children.iter().find(|calls| calls.iter().any(|call| is(kind, call)));
    let mut cases = cases_of(start, &[Start, StartLog]);
    if let Some(serving) = child(Read) {
        cases.extend(cases_of(parent, &[Accept, Fork, Wait, ParentLog]));
        cases.extend(cases_of(serving, &[Read, Write, Log]));
        cases.extend(child(InnerFork).iter().flat_map(|between| cases_of(between, &[InnerFork])));
    } else {
        cases.extend(cases_of(parent, &[Accept, Read, Write, Log]));
    }
    cases
}
