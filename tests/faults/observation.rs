//! What is observed after a fault: what the peer saw, what was called, how the program ended.

use std::collections::BTreeSet;
use std::fmt;

use crate::faults::case::{Case, FaultKind};
use crate::faults::quiescence::{QUIET, done_or_quiet, run_client, serve_client, serve_connected, status};
use crate::faults::target::{FORKS, Target};
use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::connect;
use crate::harness::process::launch::Running;
use crate::harness::process::procfs::{descriptors, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::harness::trace::parse::{self, Call, Event};

/// How many calls from the fault on are kept.
const CALLS_KEPT: usize = 8;
/// How much of the output of a client is kept: one may prompt forever.
const OUTPUT_KEPT: usize = 2100;
/// How many retries of `accept` show whether it pauses; two that follow each other faster do not.
const RETRIES: usize = 8;
const PAUSE: f64 = 0.01;

#[derive(Default)]
pub struct FaultOutcome {
    /// What clients received; of a client, what it printed.
    pub seen: Vec<String>,
    /// How the program ended, unless it still runs.
    pub status: Option<i32>,
    /// The calls of the process that met the fault, from there on.
    pub calls: Vec<Call>,
    /// The log lines that give the fault's reason.
    pub log: BTreeSet<String>,
    pub remarks: Vec<Remark>,
}

/// What is remarkable beside that.
#[derive(Clone, Copy, PartialEq)]
pub enum Remark {
    NeverMet,
    DescriptorsLeft,
    RetriesImmediately,
    PausesBeforeRetry,
}

impl fmt::Display for Remark {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            Remark::NeverMet => "the call is never made",
            Remark::DescriptorsLeft => "descriptors stay open",
            Remark::RetriesImmediately => "retries immediately",
            Remark::PausesBeforeRetry => "pauses before each retry",
        })
    }
}

impl FaultOutcome {
    pub fn of(target: &Target, case: &Case) -> Self {
        let mut outcome = FaultOutcome::default();
        let mut program = match target.is_client() {
            true => outcome.of_client(target, case),
            false => outcome.of_server(target, case),
        };
        let events = program.events();
        // Of a child's fault, the parent's own does not count.
        let of_a_child =
            target.name.contains("fork") && matches!(case.kind, FaultKind::Log | FaultKind::InnerFork);
        let met = |event: &Event| is_injected(event) && !(of_a_child && event.pid == program.pid());
        match events.iter().position(met) {
            Some(met) => {
                let calls = parse::calls(&events[met..], events[met].pid);
                outcome.calls = without_restarts(&calls);
            }
            None => outcome.remarks.push(Remark::NeverMet),
        }
        program.end();
        let output = [program.stdout.all(), program.stderr.all()];
        if target.is_client() {
            let own = output[0].iter().filter(|line| !line.starts_with("DEBUG |")).cloned();
            let text: String = own.collect::<Vec<String>>().join(" / ");
            outcome.seen.push(with_counted_nuls(&text.chars().take(OUTPUT_KEPT).collect::<String>()));
        }
        if let Some(reason) = case.reason() {
            let lines = output.iter().flatten().filter(|line| line.contains(&reason));
            outcome.log.extend(lines.map(|line| masked(line)));
        }
        outcome
    }

    fn of_client(&mut self, target: &Target, case: &Case) -> Running {
        let (client, status) = run_client(target, case.trace());
        self.status = status;
        client
    }

    fn of_server(&mut self, target: &Target, case: &Case) -> Running {
        let port = free_port();
        // strace counts from the start, or from where it is attached. The inner fork is the first fork of each process
        // but the first: the shell uses up one before it becomes the server.
        let from_start = case.kind.is_at_start() || case.kind == FaultKind::InnerFork;
        let first = if case.kind == FaultKind::InnerFork { "command eval '( : )';" } else { "" };
        let launch = target.launch(first, port);
        let mut server = if from_start { launch.traced(case.trace()).start() } else { launch.start() };
        if server.wait_until_listening(port).is_err() {
            self.status = Some(server.wait());
            return server;
        }
        let pid = server.pid();
        wait_until("the server blocks in accept", || waits_in_accept(pid));
        let held = descriptors(pid);
        if !from_start {
            attach(&mut server, case);
        }
        if case.kind == FaultKind::Accept && case.when.ends_with('+') {
            let waiting = connect(port);
            self.remarks.push(pace(&server));
            server.detach_strace();
            self.seen.push(serve_connected(waiting, pid));
        } else {
            self.seen.extend((0..2).map(|_| serve_client(port, pid)));
        }
        if !from_start {
            server.detach_strace();
            self.seen.push(serve_client(port, pid));
        }
        self.status = status(&mut server);
        if !done_or_quiet(pid, || self.status.is_some() || descriptors(pid) == held) {
            self.remarks.push(Remark::DescriptorsLeft);
        }
        server
    }

    /// What must be the same in the port as printed and in the C++; not how stdio loses a line (erratum 14).
    pub fn line(&self, case: &Case) -> String {
        let mut parts =
            vec![self.status.map_or("still runs".to_string(), |status| format!("status {status}"))];
        if !case.kind.is_log() {
            let calls: Vec<String> =
                self.calls.iter().filter_map(|call| shown(call, case)).take(CALLS_KEPT).collect();
            parts.push(format!("calls {}", calls.join(", ")));
            parts.extend((!self.seen.is_empty()).then(|| format!("seen: {}", self.seen.join(", "))));
            parts.extend(self.log.iter().map(|line| format!("log: {line}")));
        }
        parts.extend(self.remarks.iter().map(Remark::to_string));
        parts.join("; ")
    }
}

/// Attaches strace to a server that blocks in `accept`, and waits until it sees that call.
fn attach(server: &mut Running, case: &Case) {
    let trace = if case.kind.is_of_parent() { case.trace().without_children() } else { case.trace() };
    let pid = server.pid();
    server.attach_strace(pid, &trace).unwrap_or_else(|why| panic!("strace can't be attached: {why}"));
    wait_until("strace sees the server's accept", || server.has_begun("accept"));
}

/// A call that a signal has interrupted is made again by the kernel: it is one call.
fn without_restarts(calls: &[&Call]) -> Vec<Call> {
    let mut kept = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let next = calls.get(at + 1).filter(|next| next.name == call.name && next.fd() == call.fd());
        if call.result != "?" || next.is_none() {
            kept.push((*call).clone());
        }
    }
    kept
}

fn is_injected(event: &Event) -> bool {
    event.call().is_some_and(|call| call.injected)
}

/// Whether a failing `accept` is retried immediately.
fn pace(server: &Running) -> Remark {
    let mut times = Vec::new();
    wait_until("a failing accept is retried eight times", || {
        let events = server.events();
        times = events.iter().filter(|event| is_injected(event)).filter_map(|event| event.at).collect();
        times.len() > RETRIES
    });
    // The first two follow each other directly: strace has interrupted the first.
    let pauses: Vec<f64> = times[2..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    if pauses.iter().any(|pause| *pause < PAUSE) {
        return Remark::RetriesImmediately;
    }
    let shortest = pauses.into_iter().fold(f64::MAX, f64::min);
    assert!(
        shortest < QUIET.as_secs_f64() / 2.0,
        "the server pauses {shortest} s: QUIET in faults/quiescence.rs must be longer than twice that"
    );
    Remark::PausesBeforeRetry
}

/// A call that concerns others: `write "FIRST" 3!`, an injected one with `!`.
pub fn shown(call: &Call, case: &Case) -> Option<String> {
    let of_a_file = ["read", "readv", "write", "writev", "close"].contains(&call.name.as_str());
    let (on_socket, is_log) = (call.fd() > Some(2), case.kind.is_log());
    let name = if FORKS.contains(&call.name.as_str()) { "fork" } else { &call.name };
    // A read that still blocks has no length yet, and is not shown.
    let more = match name {
        "write" | "writev" if on_socket || is_log => format!(" {}", call.args.get(1)?),
        "read" if on_socket => format!(" {}", call.args.get(2)?),
        "exit_group" => format!(" {}", call.args.first()?),
        _ => String::new(),
    };
    let injected = if call.injected { "!" } else { "" };
    (call.injected || is_log || on_socket || !of_a_file).then(|| format!("{name}{more}{injected}"))
}

/// Level and message of a log line, without a client's port.
fn masked(line: &str) -> String {
    let fields: Vec<&str> = line.splitn(4, " | ").collect();
    let parts = fields[fields.len() - 1].split_inclusive("127.0.0.1:");
    let message = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
    format!("{} {}", fields[0], message.collect::<String>())
}

/// `FIRST\0*1019`.
fn with_counted_nuls(text: &str) -> String {
    let runs = text.as_bytes().chunk_by(|one, next| (*one == 0) == (*next == 0));
    let counted = |run: &[u8]| match run[0] {
        0 => format!("\\0*{}", run.len()),
        _ => String::from_utf8_lossy(run).into_owned(),
    };
    runs.map(counted).collect()
}
