//! Many clients at the same time, and peers that send half of what is due.
//!
//! The bytes are pseudo-random, the same in every run.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread::{self, Builder};
use std::time::Duration;

use super::log::fields;
use crate::harness::builds::{Build, SERVERS, Server, program};
use crate::harness::net::test_client::{read_rest, start_client, with_timeouts};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::{descriptors, group, waits_in_accept};
use crate::harness::process::wait::{wait_for_some, wait_until};
use crate::harness::random::Random;
use crate::harness::report::during;

/// Connects. When the queue is full, it tries again soon, where the kernel would wait for seconds.
fn connect_with_retries(port: u16) -> TcpStream {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    with_timeouts(wait_for_some("the server's queue has room", connect))
}

/// Sends random bytes in chunks: all come back, in upper case, in order.
fn assert_is_served(mut client: TcpStream, mut random: Random) {
    let bytes = random.bytes(2000);
    for chunk in bytes.chunks(1 + random.below(700)) {
        client.write_all(chunk).expect("the server reads");
    }
    client.shutdown(Shutdown::Write).expect("the client is connected");
    assert!(
        read_rest(&mut client) == bytes.to_ascii_uppercase(),
        "2000 bytes came back otherwise than in upper case"
    );
}

/// Two hundred clients at the same time, and a backlog of five: all are served, and every log line is whole.
#[test]
fn two_hundred_clients_are_served() {
    for name in SERVERS {
        let _during = during(name);
        let server = Server::launch(Launch::new(program(Build::Fixed, name)).user("teacher"));
        let (pid, port) = (server.pid(), server.port);
        let held = descriptors(pid);
        thread::scope(|scope| {
            for number in 1..=200 {
                // Its failure is reported as one of this test.
                let client = Builder::new().name(thread::current().name().unwrap_or_default().to_string());
                let served = move || assert_is_served(connect_with_retries(port), Random(number));
                client.spawn_scoped(scope, served).expect("a thread can be started");
            }
        });
        server.assert_serves();
        wait_until("the server has no child and waits for the next client", || {
            group(pid) == [pid] && waits_in_accept(pid)
        });
        assert_eq!(descriptors(pid), held, "descriptors that stayed open");
        let log = server.log();
        for line in &log {
            let [_, time, user, _] = fields(line);
            let whole = time.len() == 24 && user == "teacher" && !line.contains(char::is_control);
            assert!(whole, "not a whole line: {line:?}");
        }
        let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
        let (accepted, closed) = (count(" | accept() success:: ["), count(" | Service close "));
        // A client that tried again may have been accepted twice.
        assert!(accepted > 200 && closed == accepted, "{name}: {accepted} accepted, {closed} closed");
    }
}

/// A client that was given a line of 1500 bytes; the test is its server.
fn client(build: Build) -> (Running, TcpStream) {
    let (mut client, server) = start_client(|port| {
        let port = if build == Build::AsPrinted { port.swap_bytes() } else { port };
        Launch::new(program(build, "tcp_client")).args(["127.0.0.1", &port.to_string()])
    });
    client.type_in(&[&[b'a'; 1500][..], b"\n"].concat());
    (client, server)
}

/// Half a reply means that the server is lost; chunks that came back whole are shown.
#[test]
fn half_a_reply_is_a_lost_server() {
    let (mut client, mut server) = client(Build::Fixed);
    for (length, reply) in [(1023, &[b'A'; 1023][..]), (477, b"HALF")] {
        server.read_exact(&mut vec![0; length]).expect("the client sends");
        server.write_all(reply).expect("the client reads");
    }
    drop(server);
    assert_eq!(client.wait(), 8);
    client.stderr.wait_for("The server has closed");
    let shown = client.stdout.all().concat();
    assert!(shown.ends_with(&format!("Please enterServer Echo{}", "A".repeat(1023))), "{shown}");
}

/// Erratum 6: as printed, every echo is 1024 bytes, whatever was typed and received.
#[test]
fn as_printed_an_echo_is_as_long_as_the_buffer() {
    let (mut client, mut server) = client(Build::AsPrinted);
    server.read_exact(&mut [0; 1500]).expect("the client sends");
    server.write_all(b"HELLO").expect("the client reads");
    let echo = client.stdout.wait_for("Server Echo");
    assert!(echo.ends_with(&format!("Server EchoHELLO\0{}", "a".repeat(1024 - 6))), "{echo}");
}
