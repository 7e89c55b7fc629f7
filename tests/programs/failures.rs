//! A server whose `accept` fails: each failure has its own reason in the log and its own pause.

use crate::harness::builds::{Build, SERVERS, Server, program};
use crate::harness::net::test_client::{echo, read_rest};
use crate::harness::process::launch::{Launch, Running, Trace};
use crate::harness::report::during;
use crate::harness::trace::parse::{Call, What};

/// The calls of a server's first process, of these names.
fn calls(server: &Running, names: &[&str]) -> Vec<String> {
    let shown = |call: Call| {
        let outcome = call
            .errno
            .unwrap_or_else(|| if call.result == "?" { "…".to_string() } else { "ok".to_string() });
        format!("{} {outcome}", if call.name.ends_with("nanosleep") { "pause" } else { &call.name })
    };
    let events = server.events().into_iter().filter(|event| event.pid == server.pid());
    let calls =
        events.filter_map(|event| if let What::Call(call) = event.what { Some(call) } else { None });
    calls.filter(|call| names.contains(&call.name.as_str())).map(shown).collect()
}

/// It fails, serves, and fails again: there is one pause after each failure, and none after a success.
#[test]
fn each_failed_accept_is_followed_by_one_pause() {
    crate::needs_strace!();
    for name in SERVERS {
        let _during = during(name);
        let trace = Trace::all().inject("accept:error=ECONNABORTED:when=1..5+2");
        let mut server = Server::launch(Launch::new(program(Build::Fixed, name)).traced(trace));
        for _ in 0..3 {
            let mut client = server.connect();
            assert_eq!(echo(&mut client, b"hello"), b"HELLO");
            drop(client);
            server.running.stdout.wait_for("Service close");
        }
        let seen = calls(&server.running, &["accept", "clock_nanosleep", "nanosleep"]);
        let failure = ["accept ECONNABORTED", "pause ok", "accept ok"];
        assert_eq!(seen[..9], [failure; 3].concat(), "{name}");
    }
}

/// The reason in the log is that of `accept`, also if the pause fails.
#[test]
fn a_failed_pause_does_not_change_the_reason() {
    crate::needs_strace!();
    let trace = Trace::all().inject("accept:error=EMFILE:when=1..3");
    let trace = trace.inject("?clock_nanosleep,?nanosleep:error=EINTR");
    let server = Server::launch(Launch::new(program(Build::Fixed, "tcp_server")).traced(trace));
    let mut client = server.connect();
    assert_eq!(echo(&mut client, b"hello"), b"HELLO");
    let mut log = server.log();
    log.retain(|line| line.contains("accept() failed"));
    assert_eq!(log.len(), 3);
    assert!(log.iter().all(|line| line.ends_with("accept() failed::Too many open files : 3")), "{log:#?}");
}

/// Without descriptors the server waits between its tries; with one, the client that waited is served.
#[test]
fn a_client_that_waited_is_served() {
    crate::needs_strace!();
    let trace = Trace::all().inject("accept:error=EMFILE:when=1..4");
    let server = Server::launch(Launch::new(program(Build::Fixed, "tcp_server_fork")).traced(trace));
    let mut client = server.connect();
    client.shutdown(std::net::Shutdown::Write).expect("the client is connected");
    assert_eq!(read_rest(&mut client), b"");
}
