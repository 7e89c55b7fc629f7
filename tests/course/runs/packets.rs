//! Lesson 24: packets, and the calls that send them.

use std::process::Command;

use crate::course::sessions::{ends, greeter, quits, serve, types, wait_for_accept, waiting_client};
use crate::course::sockets::own_port;
use crate::course::views::{Blocks, ViewNames, calls, drawn_from_connect, from, table};
use crate::harness::builds::Build::Fixed;
use crate::harness::process::launch::{Launch, Running};
use crate::harness::trace::parse::Event;

/// A packet between the client's port and the server's.
struct Packet {
    at: f64,
    from: u16,
    to: u16,
    /// `SYN`, `5 bytes`; empty for an ACK alone.
    what: String,
}

/// `1795592144.583851 IP 127.0.0.1.46968 > 127.0.0.1.8197: Flags [P.], seq 1:6, ack 1, win 64, length 5`
fn packet(line: &str) -> Option<Packet> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let port = |word: &str| word.trim_end_matches(':').rsplit('.').next()?.parse().ok();
    let what = match words.get(6)?.trim_matches(['[', ']', ',']) {
        "S" => "SYN".to_string(),
        "S." => "SYN+ACK".to_string(),
        flags if flags.contains('F') => "FIN".to_string(),
        flags if flags.contains('R') => "RST".to_string(),
        _ if line.ends_with(" length 0") => String::new(),
        _ => format!("{} bytes", line.rsplit(' ').next()?),
    };
    Some(Packet { at: words[0].parse().ok()?, from: port(words[2])?, to: port(words[4])?, what })
}

/// What identifies a call in a diagram: `write(3, "hello"`.
fn mark(event: &Event) -> Option<String> {
    let call = event.call()?;
    let text = if call.name == "write" { format!(", {}", call.args[1]) } else { String::new() };
    Some(format!("{}({}{text}", call.name, call.fd()?))
}

/// A diagram with the packets of the connection from `client`, each after the call that sent it.
fn with_packets(drawing: &str, events: &[Event], packets: &[Packet], client: u16) -> String {
    let connects = |event: &&Event| event.call().is_some_and(|call| call.name == "connect");
    let pid = events.iter().find(connects).expect("one of the processes connects").pid;
    let ours = packets.iter().filter(|packet| packet.from == client || packet.to == client);
    let sent = ours.filter(|packet| !packet.what.is_empty()).map(|packet| {
        // The kernel answers a SYN: that answer belongs to the call that sent the SYN.
        let by_client = packet.from == client || ["SYN+ACK", "RST"].contains(&packet.what.as_str());
        let calls = events.iter().filter(|event| event.at.is_some_and(|at| at <= packet.at));
        let calls = calls.filter(|event| (event.pid == pid) == by_client);
        let arrow = if packet.from == client { '▶' } else { '◀' };
        // What a process outside the diagram has sent is shown at the next call.
        (calls.filter_map(mark).next_back().unwrap_or_default(), format!("{arrow} {}", packet.what))
    });
    let sent: Vec<(String, String)> = sent.collect();
    let mut sent = sent.chunk_by(|(one, _), (next, _)| one == next && !one.is_empty()).peekable();
    let mut rows = String::new();
    for line in drawing.lines() {
        let packets = sent.next_if(|packets| line.contains(&packets[0].0)).unwrap_or_default();
        let packets: Vec<&str> = packets.iter().map(|(_, packet)| packet.as_str()).collect();
        rows += &format!("{line}\t{}\n", packets.join("  "));
    }
    assert!(sent.next().is_none(), "a call that sends is missing in the diagram: {drawing}");
    table(&rows)
}

/// A tcpdump of the packets on `port`, if this user may capture.
fn capture(port: u16) -> Option<Running> {
    Command::new("tcpdump").arg("--version").output().ok()?;
    let options = ["-l", "-n", "-tt", "--immediate-mode", "-i", "lo", "tcp", "port"];
    let mut capture = Launch::new("tcpdump").args(options).arg(port.to_string()).start();
    while !capture.stderr.line()?.contains("listening on") {}
    Some(capture)
}

/// 24: the handshake, data, and the end of a connection. `None` without the right to capture.
pub fn packets() -> Blocks {
    let mut server = serve("tcp_server");
    let port = server.port;
    let Some(mut capture) = capture(port) else { return vec![None, None] };
    let mut captured = |last: &dyn Fn(&Packet) -> bool| {
        let mut line = || capture.stdout.line().expect("tcpdump runs");
        while !packet(&line()).is_some_and(|packet| last(&packet)) {}
        capture.stdout.seen.iter().filter_map(|line| packet(line)).collect::<Vec<_>>()
    };

    let visitor = greeter(port);
    let first = own_port(&visitor);
    let client = quits(visitor);
    let whole = captured(&|packet| packet.from == first && packet.what == "FIN");
    wait_for_accept(&mut server);
    let events = [client, server.running.events()].concat();
    let drawing = drawn_from_connect(&events);
    let lines: Vec<&str> = drawing.lines().filter(|line| line.contains(char::is_alphanumeric)).collect();
    let session = with_packets(&lines.join("\n"), &events, &whole, first);

    let mut left = greeter(port);
    let second = own_port(&left);
    server.running.end();
    types(&mut left, "one");
    let left = ends(left);
    let refused = ends(waiting_client(Fixed, port, &[]));
    let sent = captured(&|packet| packet.what == "RST" && packet.to != second);
    let third = sent.last().expect("a reset was sent").to;
    let late = [(left, second), (refused, third)].map(|(events, own)| {
        let mut calls = from(calls(&events), "connect(");
        calls.retain(|call| !call.starts_with("exit("));
        with_packets(&ViewNames::server(port).show(&calls.join("\n")), &events, &sent, own)
    });
    vec![Some(session), Some(late.join("\n"))]
}
