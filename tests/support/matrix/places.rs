//! Where a program can fail: what a run without faults shows that it calls.

use super::manual::{FORK, errnos};
use super::talk::{Talk, talk};
use super::traced::{Trace, Traced, client, listens};
use super::{Case, Kind, Occurrence, Subject};
use crate::support::programs::*;
use crate::support::strace::{self, Call};

/// The counts of the calls named `call` that are of a `kind`, in one process.
fn counts(calls: &[&Call], call: &str, kind: impl Fn(&Call) -> bool) -> Vec<usize> {
    let named = calls.iter().filter(|made| made.name == call);
    (1..).zip(named).filter(|(_, made)| kind(made)).map(|(count, _)| count).collect()
}

fn is_log(call: &Call) -> bool {
    let text = call.args.get(1).map_or("", String::as_str);
    let levels = ["\"DEBUG |", "\"NOTICE |", "\"WARINING |", "\"FATAL |"];
    levels.iter().any(|level| text.starts_with(level))
}

fn is_socket(call: &Call) -> bool {
    call.fd() > Some(2)
}

/// A call that can fail: where, and which of its namesakes it is.
struct Place {
    kind: Kind,
    call: &'static str,
    counts: Vec<usize>,
    parent_only: bool,
    at_start: bool,
    /// For ever is every time, every third, or (0) can't be told from other kinds.
    every: usize,
}

impl Place {
    fn new(kind: Kind, call: &'static str, counts: Vec<usize>) -> Self {
        Place { kind, call, counts, parent_only: false, at_start: false, every: 1 }
    }

    fn cases(&self, descriptors: usize) -> Vec<Case> {
        let Some(&first) = self.counts.first() else {
            return Vec::new();
        };
        let mut whens = vec![(Occurrence::First, first.to_string())];
        if let Some(later) = self.counts.get(1) {
            whens.push((Occurrence::Later, later.to_string()));
        }
        if self.every > 0 {
            whens.push((Occurrence::Forever, format!("{first}+{}", self.every)));
        }
        let mut cases = Vec::new();
        for errno in errnos(self.call).split_whitespace() {
            for (occurrence, when) in &whens {
                let (occurrence, when) = (*occurrence, when.clone());
                let &Place { kind, call, parent_only, at_start, .. } = self;
                cases.push(Case {
                    kind,
                    call,
                    errno,
                    occurrence,
                    when,
                    parent_only,
                    at_start,
                    descriptors,
                });
            }
        }
        cases
    }
}

pub fn of_a_server(subject: &Subject) -> Vec<Case> {
    let mut places = start_up(subject);

    let trace = Trace::new();
    let mut traced = Traced::attached(subject, &trace, None).expect("it listens");
    let descriptors = descriptors(traced.server.pid());
    let pid = traced.server.pid();
    for _ in 0..2 {
        assert_eq!(talk(traced.port, PATIENCE), Talk::Served);
    }
    eventually("both clients are closed in the trace", || {
        trace.text().matches("Service close").count() == 2
    });
    traced.passes();
    let events = trace.events();
    let parent = strace::calls(&events, pid);
    let forks = !counts(&parent, FORK.0, |_| true).is_empty();
    let in_parent = |kind, call, counts| Place { parent_only: forks, ..Place::new(kind, call, counts) };

    places.push(in_parent(Kind::Accept, "accept", counts(&parent, "accept", |_| true)));
    places.push(in_parent(Kind::Fork, FORK.0, counts(&parent, FORK.0, |_| true)));
    places.push(in_parent(Kind::Wait, "wait4", counts(&parent, "wait4", |_| true)));
    places.push(in_parent(Kind::Close, "close", counts(&parent, "close", is_socket)));
    if forks {
        places.push(in_parent(Kind::Log, "write", counts(&parent, "write", is_log)));
    }
    // Its children for the first client: one serves it.
    for process in strace::pids(&events) {
        let calls = strace::calls(&events, process);
        let serves = calls.iter().any(|call| call.name == "read");
        let first_of_its_kind = |place: &Place| {
            let same = |other: &Place| {
                (other.kind, &other.counts, other.parent_only)
                    == (place.kind, &place.counts, place.parent_only)
            };
            !places.iter().filter(|other| !other.at_start).any(same)
        };
        let mut found = Vec::new();
        if forks && process != pid {
            found.push(Place::new(Kind::InnerFork, FORK.0, counts(&calls, FORK.0, |_| true)));
            found.push(Place::new(Kind::Close, "close", counts(&calls, "close", is_socket)));
        }
        if serves {
            let to_client = counts(&calls, "write", is_socket);
            let log = counts(&calls, "write", is_log);
            found.push(Place::new(Kind::Read, "read", counts(&calls, "read", is_socket)));
            // The log line before an answer, and so with every answer.
            found.push(Place {
                every: to_client[1] - to_client[0],
                ..Place::new(Kind::Log, "write", vec![to_client[0] - 1, to_client[1] - 1])
            });
            // Its first, and the one before the last, which a client's end can't outrun.
            found.push(Place {
                every: 0,
                ..Place::new(Kind::Log, "write", vec![log[0], log[log.len() - 2]])
            });
            found.push(Place::new(Kind::Write, "write", to_client));
        }
        found.retain(first_of_its_kind);
        places.extend(found);
    }
    places.iter().flat_map(|place| place.cases(descriptors)).collect()
}

/// What a server does before it waits for its first client.
fn start_up(subject: &Subject) -> Vec<Place> {
    let trace = Trace::new();
    let mut traced = Traced::launched(subject, &trace, None);
    listens(traced.port, &mut traced.server, PATIENCE).expect("it listens");
    eventually("it waits for a client", || trace.text().contains(" accept("));
    traced.ended();
    let events = trace.events();
    let calls = strace::calls(&events, events[0].pid);
    let mut places = starting_calls(&calls);
    places.push(Place::new(Kind::Log, "write", counts(&calls, "write", is_log)));
    let log = places.last_mut().expect("it logs");
    // One process writes to its clients too.
    log.every = usize::from(subject.name != "tcp_server");
    for place in &mut places {
        place.at_start = true;
    }
    places
}

fn starting_calls(calls: &[&Call]) -> Vec<Place> {
    let mut places = Vec::new();
    for call in ["rt_sigaction", "socket", "setsockopt", "bind", "listen", "connect"] {
        for count in counts(calls, call, |_| true) {
            places.push(Place::new(Kind::Start, call, vec![count]));
        }
    }
    let of_files = |call: &Call| call.args.get(1).is_some_and(|limit| limit == "RLIMIT_FSIZE");
    places.push(Place::new(Kind::Limit, "prlimit64", counts(calls, "prlimit64", of_files)));
    places
}

pub fn of_a_client(subject: &Subject) -> Vec<Case> {
    let trace = Trace::new();
    let peer = Server::start("tcp_server_fork");
    let mut client = client(subject, &trace, None, peer.port);
    assert_eq!(client.wait(), 0);
    let events = trace.events();
    let calls = strace::calls(&events, events[0].pid);
    let mut places = starting_calls(&calls);
    let is_typed = |call: &Call| call.fd() == Some(0);
    let is_shown = |call: &Call| call.fd() == Some(1) && !is_log(call);
    // The C library's own files come before the connection, and none after it.
    let opened = calls.iter().position(|call| call.name == "connect").expect("it connects");
    let sockets = |name: &str| {
        let before = calls[..opened].iter().filter(|call| call.name == name).count();
        let mut counts = counts(&calls, name, is_socket);
        counts.retain(|&count| count > before);
        counts
    };
    places.push(Place::new(Kind::Log, "write", counts(&calls, "write", is_log)));
    places.push(Place::new(Kind::TerminalRead, "read", counts(&calls, "read", is_typed)));
    places.push(Place::new(Kind::TerminalWrite, "write", counts(&calls, "write", is_shown)));
    places.push(Place::new(Kind::Read, "read", sockets("read")));
    places.push(Place::new(Kind::Write, "write", sockets("write")));
    places.push(Place::new(Kind::Close, "close", sockets("close")));
    places.iter().flat_map(|place| place.cases(0)).collect()
}
