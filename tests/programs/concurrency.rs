//! Whatever the other side does, and however many come at once, nothing is lost and nothing stays behind.
//!
//! The bytes are random but the same in every run.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

use super::log::fields;
use crate::harness::builds::{Build, SERVERS, Server, program};
use crate::harness::net::test_client::{read_rest, start_client, with_timeouts};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::{descriptors, group, waits_in_accept};
use crate::harness::process::wait::{wait_for_some, wait_until};
use crate::harness::random::Random;

/// Whom the queue has no room for asks again at once; the kernel by itself would wait for seconds.
fn patiently_connected(port: u16) -> TcpStream {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    with_timeouts(wait_for_some("the queue has room", connect))
}

/// Random bytes in pieces all come back, in upper case, in order.
fn is_served(mut client: TcpStream, mut random: Random) {
    let bytes = random.bytes(2000);
    for piece in bytes.chunks(1 + random.below(700)) {
        client.write_all(piece).expect("it is taken");
    }
    client.shutdown(Shutdown::Write).expect("it is connected");
    assert!(read_rest(&mut client) == bytes.to_ascii_uppercase());
}

/// Two hundred clients at once, and a backlog of five: all are served, and the log is whole.
#[test]
fn two_hundred_at_once_are_all_served() {
    for name in SERVERS {
        let server = Server::launch(Launch::new(program(Build::Fixed, name)).user("teacher"));
        let (pid, port) = (server.pid(), server.port);
        let held = descriptors(pid);
        std::thread::scope(|scope| {
            for number in 1..=200 {
                scope.spawn(move || is_served(patiently_connected(port), Random(number)));
            }
        });
        server.assert_serves();
        wait_until("it waits for the next, alone", || group(pid) == [pid] && waits_in_accept(pid));
        assert_eq!(descriptors(pid), held);
        let log = server.log();
        for line in &log {
            let [_, time, user, _] = fields(line);
            let whole = time.len() == 24 && user == "teacher" && !line.contains(char::is_control);
            assert!(whole, "not a whole line: {line:?}");
        }
        let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
        let (accepted, closed) = (count(" | accept() success:: ["), count(" | Service close "));
        // Who asked again may have been accepted twice.
        assert!(accepted > 200 && closed == accepted, "{name}: {accepted} accepted, {closed} closed");
    }
}

/// A client of that build that has been typed a line of 1500 bytes, and its server in the test's hands.
fn client(build: Build) -> (Running, TcpStream) {
    let (mut client, server) = start_client(|port| {
        let port = if build == Build::AsPrinted { port.swap_bytes() } else { port };
        Launch::new(program(build, "tcp_client")).args(["127.0.0.1", &port.to_string()])
    });
    client.type_in(&[&[b'a'; 1500][..], b"\n"].concat());
    (client, server)
}

/// Half a reply is no echo: the server has gone. What has come back whole is shown.
#[test]
fn half_a_reply_is_a_lost_server() {
    let (mut client, mut server) = client(Build::Fixed);
    for (piece, reply) in [(1023, &[b'A'; 1023][..]), (477, b"HALF")] {
        server.read_exact(&mut vec![0; piece]).expect("the client writes");
        server.write_all(reply).expect("it is taken");
    }
    drop(server);
    assert_eq!(client.wait(), 8);
    client.stderr.wait_for("The server has closed");
    let shown = client.stdout.all().concat();
    assert!(shown.ends_with(&format!("Please enterServer Echo{}", "A".repeat(1023))), "{shown}");
}

/// Erratum 6: as printed, every echo is 1024 bytes, whatever was typed and whatever came.
#[test]
fn as_printed_an_echo_is_as_long_as_the_buffer() {
    let (mut client, mut server) = client(Build::AsPrinted);
    server.read_exact(&mut [0; 1500]).expect("the client writes");
    server.write_all(b"HELLO").expect("it is taken");
    let echo = client.stdout.wait_for("Server Echo");
    assert!(echo.ends_with(&format!("Server EchoHELLO\0{}", "a".repeat(1024 - 6))), "{echo}");
}
