//! The injection points of a program, as a run without faults shows them, and the faults of each.

use crate::faults::case::{Case, FaultKind};
use crate::faults::quiescence::{run_client, serve_client};
use crate::faults::target::{CALLS, FORKS, Target};
use crate::harness::net::ports::free_port;
use crate::harness::process::launch::Trace;
use crate::harness::trace::parse::{self, Call};

/// The calls of the start, their faults, and the contract's exit code.
pub const START: [(&str, &[&str], i32); 5] = [
    ("socket", &["EMFILE"], 1),
    ("setsockopt", &["ENOMEM"], 2),
    ("bind", &["EACCES"], 2),
    ("listen", &["EADDRINUSE"], 3),
    ("connect", &["ETIMEDOUT"], 5),
];

/// The faults of a call, if it is of that kind: an errno, `short` or `nothing`.
///
/// One or two for each call: no program checks which it is. What the kernel does not do is left out: no handler is
/// installed, so no call is interrupted; a `close` that fails has closed.
fn faults(kind: FaultKind, call: &Call) -> &'static [&'static str] {
    let (name, fd) = (call.name.as_str(), call.fd());
    let is_log = fd == Some(1) && call.args.get(1).is_some_and(|text| text.starts_with("\"DEBUG |"));
    let (is, faults): (bool, &[&str]) = match kind {
        FaultKind::Start => (true, START.iter().find(|start| start.0 == name).map_or(&[], |start| start.1)),
        FaultKind::StartLog | FaultKind::ParentLog | FaultKind::Log => (is_log, &["ENOSPC", "short"]),
        FaultKind::Accept => (name == "accept", &["EMFILE", "ECONNABORTED"]),
        FaultKind::Read => (name == "read" && fd > Some(2), &["ECONNRESET"]),
        FaultKind::Write => (name == "write" && fd > Some(2), &["EPIPE", "short", "nothing"]),
        FaultKind::Fork | FaultKind::InnerFork => (FORKS.contains(&name), &["EAGAIN"]),
        FaultKind::Wait => (name == "wait4", &["ECHILD"]),
        // musl's stdio uses readv and writev.
        FaultKind::TerminalRead => (fd == Some(0) && name.starts_with("read"), &["EIO"]),
        FaultKind::TerminalWrite => (fd == Some(1) && name.starts_with("write") && !is_log, &["ENOSPC"]),
    };
    if is { faults } else { &[] }
}

/// The cases of these kinds in a process that has made these calls.
fn cases_of(calls: &[&Call], kinds: &[FaultKind]) -> Vec<Case> {
    // Before the first socket, the loader reads.
    let from = calls.iter().position(|call| call.name == "socket").unwrap_or(0);
    let mut cases = Vec::new();
    let each = |&kind| CALLS.split([',', '?']).map(move |call| (kind, call));
    for (kind, call) in kinds.iter().flat_map(each) {
        let namesakes = (1..).zip(calls.iter().enumerate().filter(|(_, made)| made.name == call));
        let known = namesakes.filter(|(_, (place, _))| *place >= from);
        let faults = known.map(|(count, (_, made))| (count, faults(kind, made)));
        let mut such = faults.filter(|(_, faults)| !faults.is_empty());
        let Some((first, faults)) = such.next() else { continue };
        let mut whens: Vec<(&str, String)> = vec![("first", first.to_string())];
        whens.extend(such.next().map(|(later, _)| ("later", later.to_string())));
        // For other kinds, `forever` would be the failure of other calls, too.
        if matches!(kind, FaultKind::Accept | FaultKind::Read | FaultKind::Fork | FaultKind::Wait) {
            whens.push(("forever", format!("{first}+")));
        }
        for &fault in faults {
            cases.extend(whens.iter().cloned().map(|(occurrence, when)| {
                let name = match kind {
                    FaultKind::Start => format!("{call} {fault}"),
                    _ => format!("{kind:?} {fault} {occurrence}"),
                };
                Case { name, kind, call, fault, when }
            }));
        }
    }
    cases
}

/// All cases of a program, from the calls of a run without faults.
pub fn cases(target: &Target) -> Vec<Case> {
    use FaultKind::*;
    if target.is_client() {
        let (client, _) = run_client(target, Trace::of(CALLS));
        let calls = client.events();
        let calls = parse::calls(&calls, client.pid());
        return cases_of(&calls, &[Start, Log, Read, Write, TerminalRead, TerminalWrite]);
    }
    let port = free_port();
    let mut server = target.launch("", port).traced(Trace::of(CALLS)).start();
    server.wait_until_listening(port).unwrap_or_else(|why| panic!("without faults: {why}"));
    (0..2).for_each(|_| _ = serve_client(port, server.pid()));
    let events = server.events();
    let processes = parse::pids(&events).into_iter().map(|pid| parse::calls(&events, pid));
    let processes: Vec<Vec<&Call>> = processes.collect();
    let accepts = processes[0]
        .iter()
        .position(|call| call.name == "accept")
        .unwrap_or_else(|| panic!("{} calls no accept", target.name));
    // strace is attached while it blocks in accept, and counts from there.
    let (start, parent) = processes[0].split_at(accepts);
    let is = |kind| move |call: &&Call| !faults(kind, call).is_empty();
    let child = |kind| processes[1..].iter().find(|calls| calls.iter().any(is(kind)));
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
