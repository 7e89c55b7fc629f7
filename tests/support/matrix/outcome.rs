//! What came of a fault: what the other side saw, what was called from there on, how it ended.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::places::with_a_peer;
use super::rules::reason;
use super::talk::{done_or_quiet, goes_on, talk};
use super::{CALLS, Case, FORKS, Kind, Subject};
use crate::support::programs::*;
use crate::support::strace::Call;

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

    /// Of a server that forks, only the process that accepts meets it; or only the others do.
    fn in_parent(&self) -> bool {
        matches!(self.kind, Kind::Accept | Kind::Fork | Kind::Wait | Kind::ParentLog)
    }
}

impl Outcome {
    pub fn of(subject: &Subject, case: &Case) -> Self {
        let mut outcome = Outcome::default();
        let mut program = if subject.is_client() {
            outcome.of_a_client(subject, case)
        } else {
            outcome.of_a_server(subject, case)
        };
        let pid = program.pid();
        let events = program.events();
        let met = events.iter().position(|event| {
            let of_a_child = subject.forks() && matches!(case.kind, Kind::Log | Kind::InnerFork);
            event.call().is_some_and(|call| call.injected) && !(of_a_child && event.pid == pid)
        });
        if let Some(met) = met {
            let its = events[met..].iter().filter(|event| event.pid == events[met].pid);
            let calls = its.filter_map(|event| shown(event.call()?, case));
            outcome.calls.extend(calls.take(8));
        } else {
            outcome.remarks.push("never met");
        }
        program.end();
        let said = [program.stdout.all(), program.stderr.all()];
        if subject.is_client() {
            let of_its_own = said[0].iter().filter(|line| !line.starts_with("DEBUG |"));
            let text = of_its_own.map(String::as_str).collect::<Vec<_>>().join(" / ");
            outcome.seen.push(with_counted_nuls(&text[..text.len().min(2100)]));
        }
        let because = said.iter().flatten().filter(|line| line.contains(&reason(case.fault)));
        outcome.says.extend(because.map(|line| masked(line)));
        outcome
    }

    fn of_a_client(&mut self, subject: &Subject, case: &Case) -> Running {
        let (mut client, goes_on) = with_a_peer(subject, case.injected());
        self.status = (!goes_on).then(|| client.wait());
        client
    }

    fn of_a_server(&mut self, subject: &Subject, case: &Case) -> Running {
        let port = free_port();
        let mut trace = case.injected();
        if case.in_parent() && subject.forks() {
            trace = trace.first_alone();
        }
        let at_start = matches!(case.kind, Kind::Start | Kind::StartLog | Kind::InnerFork);
        // The first fork of each process fails: the shell's, before it becomes the server, not the server's.
        let shell = ["sh", "-c", "command eval '( : )'; exec \"$@\"", "sh"];
        let before: &[&str] = if case.kind == Kind::InnerFork { &shell } else { &[] };
        let launch = subject.launch(before, port);
        let mut server = if at_start { launch.traced(trace.clone()).start() } else { launch.start() };
        let pid = server.pid();
        if server.listens(port, PATIENCE).is_err() {
            self.status = Some(server.wait());
            return server;
        }
        eventually("it accepts", || accepts(pid));
        let held = descriptors(pid);
        if !at_start {
            server.attach(&trace);
            // It counts from the call that it has interrupted.
            eventually("strace sees it accept", || server.trace().contains("accept("));
        }
        if case.kind == Kind::Accept && case.when.ends_with('+') {
            let waiting = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
            self.remarks.push(pace(&server));
            server.let_go();
            self.seen.push(goes_on(waiting, pid));
        } else {
            self.seen.extend((0..2).map(|_| talk(port, pid)));
        }
        if !at_start {
            server.let_go();
            self.seen.push(talk(port, pid));
        }
        self.status = server.wait_within(Duration::ZERO);
        let holds = || std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(held, Iterator::count);
        if !done_or_quiet(pid, || holds() == held) {
            self.remarks.push("descriptors are left");
        }
        server
    }

    /// All of it that is to be the same in a port as printed and in what is printed. Not how stdio
    /// loses a line (erratum 14).
    pub fn line(&self, case: &Case) -> String {
        let ended = self.status.map_or("goes on".to_string(), |status| format!("ended with {status}"));
        let mut parts = vec![ended, format!("calls {}", self.calls.join(", "))];
        parts.extend((!self.seen.is_empty()).then(|| format!("seen: {}", self.seen.join(", "))));
        parts.extend(self.says.iter().map(|line| format!("says: {line}")));
        if case.kind.is_log() {
            parts.truncate(1);
        }
        parts.extend(self.remarks.iter().map(|remark| remark.to_string()));
        parts.join("; ")
    }
}

/// Whether a failing `accept` is tried again at once.
fn pace(server: &Running) -> &'static str {
    let tries = || {
        let events = server.events();
        let tries = events.into_iter().filter(|event| event.call().is_some_and(|call| call.injected));
        tries.filter_map(|event| event.at).collect::<Vec<f64>>()
    };
    eventually("it is tried again", || tries().len() > 8);
    // The first two follow each other at once.
    let shortest = tries()[2..].windows(2).map(|pair| pair[1] - pair[0]).fold(f64::MAX, f64::min);
    if shortest < 0.01 { "tries again at once" } else { "waits between its tries" }
}

/// A call that concerns others: `write "FIRST" 3!`, an injected one with `!`.
fn shown(call: &Call, case: &Case) -> Option<String> {
    let of_a_file = ["read", "readv", "write", "writev", "close"].contains(&call.name.as_str());
    // Before there is a client, files are the time zone's.
    let on_socket = call.fd() > Some(2) && case.kind != Kind::Start;
    let concerns = call.injected || case.kind.is_log() || !of_a_file || on_socket;
    let name = if FORKS.contains(&call.name.as_str()) { "fork" } else { &call.name };
    let more = match name {
        "write" | "writev" if call.fd() > Some(2) || case.kind.is_log() => {
            format!(" {}", call.args.get(1)?)
        }
        "read" if call.fd() > Some(2) => format!(" {}", call.args.get(2)?),
        "exit_group" => format!(" {}", call.args.first()?),
        _ => String::new(),
    };
    let injected = if call.injected { "!" } else { "" };
    concerns.then(|| format!("{name}{more}{injected}"))
}

/// Level and message of a line of log, without a client's port.
fn masked(line: &str) -> String {
    let fields: Vec<&str> = line.splitn(4, " | ").collect();
    let mut parts = fields[fields.len() - 1].split("127.0.0.1:");
    let first = parts.next().unwrap_or_default();
    let port = |c: char| c == ' ' || c.is_ascii_digit();
    let rest = parts.map(|part| format!("127.0.0.1:{}", part.trim_start_matches(port)));
    format!("{} {first}{}", fields[0], rest.collect::<String>())
}

/// `FIRST\0*1019`.
fn with_counted_nuls(text: &str) -> String {
    let (mut counted, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('\0') {
        let behind = rest[start..].trim_start_matches('\0');
        counted += &format!("{}\\0*{}", &rest[..start], rest.len() - start - behind.len());
        rest = behind;
    }
    counted + rest
}
