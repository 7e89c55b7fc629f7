//! Whatever the other side does, and however many come at once, nothing is lost and nothing stays behind.
//!
//! The bytes are random but the same in every run.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::support::programs::*;
use crate::support::random::Random;

/// Whom the queue has no room for asks again at once; the kernel by itself would wait for seconds.
fn patiently_connected(port: u16) -> TcpStream {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let until = Instant::now() + 2 * PATIENCE;
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            Ok(stream) => {
                stream.set_read_timeout(Some(2 * PATIENCE)).expect("a timeout is set");
                return stream;
            }
            Err(error) => assert!(Instant::now() < until, "nobody accepts: {error}"),
        }
    }
}

/// Random bytes in random pieces all come back, in upper case, in order.
fn is_served(mut client: TcpStream, mut random: Random) {
    let bytes = random.bytes(2000);
    let mut left = &bytes[..];
    while !left.is_empty() {
        let (piece, behind) = left.split_at((1 + random.below(700)).min(left.len()));
        client.write_all(piece).expect("it is taken");
        left = behind;
    }
    client.shutdown(Shutdown::Write).expect("it is connected");
    assert!(rest(&mut client) == bytes.to_ascii_uppercase());
}

/// Two hundred clients at once, and a backlog of five: all are served, and the log is whole.
#[test]
fn two_hundred_at_once_are_all_served() {
    for name in SERVERS {
        let server = Server::launch(Launch::of(program(Build::Mended, name)).user("teacher"));
        let (pid, port) = (server.pid(), server.port);
        let held = descriptors(pid);
        std::thread::scope(|scope| {
            for number in 1..=200 {
                scope.spawn(move || is_served(patiently_connected(port), Random(number)));
            }
        });
        server.serves();
        eventually("it waits for the next, alone", || group(pid) == [pid] && accepts(pid));
        assert_eq!(descriptors(pid), held);
        let log = server.log();
        for line in &log {
            let parts: Vec<&str> = line.splitn(4, " | ").collect();
            let whole = parts.len() == 4 && parts[1].len() == 24 && parts[2] == "teacher";
            assert!(whole && !line.contains(char::is_control), "not a whole line: {line:?}");
        }
        let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
        let (accepted, closed) = (count(" | accept() success:: ["), count(" | Service close "));
        // Who asked again may have been accepted twice.
        assert!(accepted > 200 && closed == accepted, "{name}: {accepted} accepted, {closed} closed");
    }
}

fn client(build: Build, port: u16) -> Running {
    Launch::of(program(build, "tcp_client")).arg("127.0.0.1").arg(port.to_string()).start()
}

/// Half a reply is no echo: the server has gone.
#[test]
fn half_a_reply_is_a_lost_server() {
    let (mut client, mut server) = accepted(|port| client(Build::Mended, port));
    client.type_in(b"words\n");
    server.read_exact(&mut [0; 5]).expect("the client writes");
    server.write_all(b"WO").expect("it is taken");
    drop(server);
    assert_eq!(client.wait(), 8);
    client.stderr.wait_for("The server has closed");
    assert!(!client.stdout.all().iter().any(|line| line.contains("Server Echo")));
}

/// Erratum 6: as printed, every echo is 1024 bytes, whatever was typed and whatever came.
#[test]
fn as_printed_an_echo_is_as_long_as_the_buffer() {
    let (mut client, mut server) = accepted(|port| client(Build::AsPrinted, port.swap_bytes()));
    client.type_in(&[&[b'a'; 1500][..], b"\n"].concat());
    server.read_exact(&mut [0; 1500]).expect("the client writes");
    server.write_all(b"HELLO").expect("it is taken");
    let echo = client.stdout.wait_for("Server Echo");
    let shown = echo.split_once("Server Echo").expect("an echo").1;
    assert_eq!(shown, format!("HELLO\0{}", "a".repeat(1024 - 6)));
}
