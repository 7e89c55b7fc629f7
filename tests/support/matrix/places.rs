//! Where a program can fail, as a run without faults shows, and what can go wrong there.

use std::io::Write;
use std::net::{TcpListener, TcpStream};

use super::talk::{done_or_quiet, read_more, talk};
use super::{CALLS, Case, FORKS, Kind, Subject};
use crate::support::programs::*;
use crate::support::strace::{self, Call};

/// One errno a call, or two: no program looks at which it is. What the kernel does not do is not
/// here: no handler is installed, so no call is interrupted; a `close` that fails has closed.
fn faults(kind: Kind, call: &str) -> &'static [&'static str] {
    match kind {
        Kind::Start => match call {
            "socket" => &["EMFILE"],
            "bind" => &["EACCES"],
            "listen" => &["EADDRINUSE"],
            "connect" => &["ETIMEDOUT"],
            _ => &["ENOMEM"],
        },
        Kind::StartLog | Kind::ParentLog | Kind::Log => &["ENOSPC", "short"],
        Kind::Accept => &["EMFILE", "ECONNABORTED"],
        Kind::Read => &["ECONNRESET"],
        Kind::Write => &["EPIPE", "short"],
        Kind::Fork | Kind::InnerFork => &["EAGAIN"],
        Kind::Wait => &["ECHILD"],
        Kind::TerminalRead => &["EIO"],
        Kind::TerminalWrite => &["ENOSPC"],
    }
}

/// A kind of call that a process makes, and which of its namesakes these are.
struct Place {
    kind: Kind,
    call: String,
    counts: Vec<usize>,
}

impl Place {
    fn cases(&self) -> Vec<Case> {
        let Place { kind, call, counts } = self;
        let mut whens = vec![("first", counts[0].to_string())];
        whens.extend(counts.get(1).map(|later| ("later", later.to_string())));
        // Where for ever would be other calls' failure too, it is left out.
        if matches!(kind, Kind::Accept | Kind::Read | Kind::Fork | Kind::Wait) {
            whens.push(("for ever", format!("{}+", counts[0])));
        }
        let mut cases = Vec::new();
        for fault in faults(*kind, call) {
            for (occurrence, when) in &whens {
                let (kind, call, when) = (*kind, call.clone(), when.clone());
                cases.push(Case { kind, call, fault, occurrence, when });
            }
        }
        cases
    }
}

fn is_log(call: &Call) -> bool {
    let text = call.args.get(1).map_or("", String::as_str);
    call.fd() == Some(1) && text.trim_start_matches('"').starts_with("DEBUG |")
}

fn is_socket(call: &Call) -> bool {
    call.fd() > Some(2)
}

/// The places of a process's `calls`; those before `from` are counted, and are none.
struct Places<'a> {
    calls: Vec<&'a Call>,
    from: usize,
    found: Vec<Place>,
}

impl<'a> Places<'a> {
    fn of(calls: Vec<&'a Call>, from: usize) -> Self {
        Places { calls, from, found: Vec::new() }
    }

    /// Calls of one of these `names`, for which `is` holds.
    fn add(&mut self, kind: Kind, names: &[&str], is: impl Fn(&Call) -> bool) {
        for name in names {
            let named = self.calls.iter().enumerate().filter(|(_, call)| call.name == *name);
            let such = (1..).zip(named).filter(|(_, (index, call))| *index >= self.from && is(call));
            let counts: Vec<usize> = such.map(|(count, _)| count).collect();
            if !counts.is_empty() {
                self.found.push(Place { kind, call: name.to_string(), counts });
            }
        }
    }

    fn add_service(&mut self) {
        self.add(Kind::Read, &["read"], is_socket);
        self.add(Kind::Write, &["write"], is_socket);
        self.add(Kind::Log, &["write"], is_log);
    }
}

/// The matrix of one program: what a run without faults shows that it calls.
pub fn cases(subject: &Subject) -> Vec<Case> {
    let places = if subject.is_client() { of_a_client(subject) } else { of_a_server(subject) };
    places.iter().flat_map(Place::cases).collect()
}

const START: [&str; 5] = ["socket", "setsockopt", "bind", "listen", "connect"];

fn of_a_server(subject: &Subject) -> Vec<Place> {
    let port = free_port();
    let mut server = subject.launch(&[], port).traced(Trace::of(CALLS)).start();
    server.listens(port, PATIENCE).expect("without faults");
    let pid = server.pid();
    for _ in 0..2 {
        talk(port, pid);
    }
    let events = server.events();
    let calls = strace::calls(&events, pid);
    let accepts = calls.iter().position(|call| call.name == "accept").expect("it accepts");

    let mut start = Places::of(calls[..accepts].to_vec(), 0);
    start.add(Kind::Start, &START, |_| true);
    start.add(Kind::StartLog, &["write"], is_log);
    // strace is let in when it accepts, and counts from there.
    let mut parent = Places::of(calls[accepts..].to_vec(), 0);
    parent.add(Kind::Accept, &["accept"], |_| true);
    parent.add(Kind::Fork, &FORKS, |_| true);
    parent.add(Kind::Wait, &["wait4"], |_| true);
    if !subject.forks() {
        parent.add_service();
        return start.found.into_iter().chain(parent.found).collect();
    }
    parent.add(Kind::ParentLog, &["write"], is_log);
    let mut found: Vec<Place> = start.found.into_iter().chain(parent.found).collect();
    let children = strace::pids(&events).into_iter().filter(|&child| child != pid);
    let mut children: Vec<_> = children.map(|child| strace::calls(&events, child)).collect();
    children.sort_by_key(|calls| !calls.iter().any(|call| call.name == "read"));
    let mut serving = Places::of(children[0].clone(), 0);
    serving.add_service();
    found.append(&mut serving.found);
    let forks = |calls: &&Vec<&Call>| calls.iter().any(|call| FORKS.contains(&call.name.as_str()));
    if let Some(between) = children.iter().find(forks) {
        let mut between = Places::of(between.clone(), 0);
        between.add(Kind::InnerFork, &FORKS, |_| true);
        found.append(&mut between.found);
    }
    found
}

fn of_a_client(subject: &Subject) -> Vec<Place> {
    let (client, _) = with_a_peer(subject, Trace::of(CALLS));
    let events = client.events();
    let calls = strace::calls(&events, client.pid());
    // The C library's own files come before the connection, and none after it.
    let connects = calls.iter().position(|call| call.name == "connect").expect("it connects");
    let mut places = Places::of(calls.clone(), 0);
    places.add(Kind::Start, &START, |_| true);
    places.add(Kind::Log, &["write"], is_log);
    places.from = connects;
    places.add(Kind::Read, &["read"], is_socket);
    places.add(Kind::Write, &["write"], is_socket);
    // musl's stdio gathers and scatters.
    places.add(Kind::TerminalRead, &["read", "readv"], |call| call.fd() == Some(0));
    places.add(Kind::TerminalWrite, &["write", "writev"], |call| call.fd() == Some(1) && !is_log(call));
    places.found
}

/// A client that has been typed two messages and `quit`, with a peer that answers as the servers do;
/// and whether it has not ended.
pub fn with_a_peer(subject: &Subject, trace: Trace) -> (Running, bool) {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    peer.set_nonblocking(true).expect("it is a socket");
    let port = peer.local_addr().expect("it is bound").port();
    let mut client = subject.launch(&[], port).traced(trace).start();
    // A client that has ended reads nothing.
    let _ = client.stdin.take().expect("it is open").write_all(b"first\nsecond\nquit\n");
    let pid = client.pid();
    let mut connection = None;
    done_or_quiet(pid, || {
        // While it is awake it may write more: what comes as one message would be chance.
        if state(pid) == Some('S') {
            connection = connection.take().or_else(|| Some(peer.accept().ok()?.0));
            connection = connection.take().filter(answers);
        }
        // Or it asks for ever.
        client.has_ended() || client.trace().len() > 200_000
    });
    let goes_on = !client.has_ended();
    // Before its peer is gone.
    client.end();
    (client, goes_on)
}

/// Says what has come in upper case; false at the end, and at `quit`.
fn answers(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("it is a socket");
    let mut came = Vec::new();
    let open = read_more(&mut stream, &mut came) && came != b"quit";
    open && stream.write_all(&came.to_ascii_uppercase()).is_ok()
}
