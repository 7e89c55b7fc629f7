//! What came of a fault: what the other side saw, what was called from there on, how it ended.

use std::collections::BTreeSet;

use crate::faults::quiescence::{done_or_quiet, goes_on, status, talk, with_a_peer};
use crate::faults::{CALLS, Case, FORKS, Kind, Subject};
use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::connect;
use crate::harness::process::launch::{Running, Trace};
use crate::harness::process::procfs::{descriptors, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::harness::trace::parse::{self, Call, Event};

#[derive(Default)]
pub struct Outcome {
    /// What clients got; or, of the client, what it showed.
    pub seen: Vec<String>,
    /// How the program ended, unless it goes on.
    pub status: Option<i32>,
    /// What the process that met the fault called, from there on.
    pub calls: Vec<String>,
    /// The lines that give the fault's reason.
    pub says: BTreeSet<String>,
    /// `never met`, `descriptors are left`, how often it tries again.
    pub remarks: Vec<&'static str>,
}

impl Case {
    fn injected(&self) -> Trace {
        let what = match self.fault {
            "short" => "retval=3",
            "EPIPE" => "error=EPIPE:signal=SIGPIPE",
            errno => &format!("error={errno}"),
        };
        Trace::of(CALLS).inject(&format!("{}:{what}:when={}", self.call, self.when))
    }
}

impl Outcome {
    pub fn of(subject: &Subject, case: &Case) -> Self {
        let mut outcome = Outcome::default();
        let mut program = outcome.meet(subject, case);
        let pid = program.pid();
        let of_a_child = subject.name.contains("fork") && matches!(case.kind, Kind::Log | Kind::InnerFork);
        let trace = program.trace();
        let events = parse::read(&trace);
        let met = |event: &Event| is_injected(event) && !(of_a_child && event.pid == pid);
        if let Some(met) = events.iter().position(met) {
            let its = parse::calls(&events[met..], events[met].pid);
            outcome.calls.extend(its.into_iter().filter_map(|call| shown(call, case)).take(8));
        } else {
            outcome.remarks.push("never met");
        }
        program.end();
        let said = [program.stdout.all(), program.stderr.all()];
        if subject.is_client() {
            let of_its_own = said[0].iter().filter(|line| !line.starts_with("DEBUG |")).cloned();
            let text = of_its_own.collect::<Vec<String>>().join(" / ");
            outcome.seen.push(with_counted_nuls(&text[..text.len().min(2100)]));
        }
        // strace gives it as the C library does: `EIO (Input/output error)`.
        let reason =
            trace.split_once(&format!(" {} (", case.fault)).and_then(|(_, text)| text.split_once(')'));
        let gives_it = |line: &&String| reason.is_some_and(|(reason, _)| line.contains(reason));
        outcome.says.extend(said.iter().flatten().filter(gives_it).map(|line| masked(line)));
        outcome
    }

    fn meet(&mut self, subject: &Subject, case: &Case) -> Running {
        if subject.is_client() {
            let (client, status) = with_a_peer(subject, case.injected());
            self.status = status;
            return client;
        }
        let port = free_port();
        let at_start = matches!(case.kind, Kind::Start | Kind::StartLog | Kind::InnerFork);
        // The first fork of each process fails: the shell's, before it becomes the server, not the server's.
        let first = if case.kind == Kind::InnerFork { "command eval '( : )';" } else { "" };
        let launch = subject.launch(first, port);
        let mut server = if at_start { launch.traced(case.injected()).start() } else { launch.start() };
        let pid = server.pid();
        if server.wait_until_listening(port).is_err() {
            self.status = Some(server.wait());
            return server;
        }
        wait_until("it accepts", || waits_in_accept(pid));
        let held = descriptors(pid);
        if !at_start {
            let in_parent = matches!(case.kind, Kind::Accept | Kind::Fork | Kind::Wait | Kind::ParentLog);
            let trace = case.injected();
            let trace = if in_parent { trace.without_children() } else { trace };
            server.attach_strace(pid, &trace).expect("strace may trace");
            // It counts from the call that it has interrupted.
            wait_until("strace sees it accept", || server.trace().contains("accept("));
        }
        if case.kind == Kind::Accept && case.when.ends_with('+') {
            let waiting = connect(port);
            self.remarks.push(pace(&server));
            server.detach_strace();
            self.seen.push(goes_on(waiting, pid));
        } else {
            self.seen.extend((0..2).map(|_| talk(port, pid)));
        }
        if !at_start {
            server.detach_strace();
            self.seen.push(talk(port, pid));
        }
        self.status = status(&mut server);
        if !done_or_quiet(pid, || self.status.is_some() || descriptors(pid) == held) {
            self.remarks.push("descriptors are left");
        }
        server
    }

    /// What is to be the same in a port as printed and in what is printed: not how stdio loses a line (erratum 14).
    pub fn line(&self, case: &Case) -> String {
        let ended = self.status.map_or("goes on".to_string(), |status| format!("ended with {status}"));
        let mut parts = vec![ended];
        if !case.kind.is_log() {
            parts.push(format!("calls {}", self.calls.join(", ")));
            parts.extend((!self.seen.is_empty()).then(|| format!("seen: {}", self.seen.join(", "))));
            parts.extend(self.says.iter().map(|line| format!("says: {line}")));
        }
        parts.extend(self.remarks.iter().map(|remark| remark.to_string()));
        parts.join("; ")
    }
}

fn is_injected(event: &Event) -> bool {
    event.call().is_some_and(|call| call.injected)
}

/// Whether a failing `accept` is tried again at once.
fn pace(server: &Running) -> &'static str {
    let mut tries = Vec::new();
    wait_until("it is tried again", || {
        let events = server.events();
        tries = events.iter().filter(|event| is_injected(event)).filter_map(|event| event.at).collect();
        tries.len() > 8
    });
    // The first two follow each other at once.
    let at_once = tries[2..].windows(2).any(|pair| pair[1] - pair[0] < 0.01);
    if at_once { "tries again at once" } else { "waits between its tries" }
}

/// A call that concerns others: `write "FIRST" 3!`, an injected one with `!`.
fn shown(call: &Call, case: &Case) -> Option<String> {
    let of_a_file = ["read", "readv", "write", "writev", "close"].contains(&call.name.as_str());
    let (on_socket, is_log) = (call.fd() > Some(2), case.kind.is_log());
    let name = if FORKS.contains(&call.name.as_str()) { "fork" } else { &call.name };
    // A read that waits still has no length, and is not shown.
    let more = match name {
        "write" | "writev" if on_socket || is_log => format!(" {}", call.args.get(1)?),
        "read" if on_socket => format!(" {}", call.args.get(2)?),
        "exit_group" => format!(" {}", call.args.first()?),
        _ => String::new(),
    };
    let injected = if call.injected { "!" } else { "" };
    (call.injected || is_log || on_socket || !of_a_file).then(|| format!("{name}{more}{injected}"))
}

/// Level and message of a line of log, without a client's port.
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
