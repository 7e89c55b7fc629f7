//! Whatever a client sends, and however it goes away, nothing is lost, nobody else is hurt, nothing stays behind.
//!
//! The bytes are random but the same in every run.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::support::programs::*;
use crate::support::random::Random;

/// What the log calls the user.
const USER: &str = "teacher";

/// A server under test, and what it held before its first client.
struct Host {
    server: Server,
    descriptors: usize,
}

impl Host {
    fn start(name: &str) -> Self {
        let server = Server::launch(Launch::of(program(Build::Mended, name)).user(USER));
        let descriptors = descriptors(server.pid());
        Host { server, descriptors }
    }

    /// It serves still, holds what it held, and its log is whole: so many lines
    /// as clients came, and each was closed.
    fn stays_as_it_was(mut self, clients: usize) {
        self.server.serves();
        let pid = self.server.pid();
        eventually("no child is left", || children(pid).is_empty());
        eventually("no descriptor is left", || descriptors(pid) == self.descriptors);
        // One more has asked whether it serves.
        let clients = clients + 1;
        let out = &mut self.server.running.stdout;
        let closed = |line: &&String| line.contains(" | Service close ");
        while out.seen.iter().filter(closed).count() < clients {
            out.wait_for(" | Service close ");
        }
        let log = self.server.log();
        whole(&log);
        let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
        assert_eq!(count(" | accept() success:: ["), clients);
        assert_eq!(count(" | Service close "), clients);
    }
}

/// Every line has its level, date and user, and no byte controls a terminal.
fn whole(log: &[String]) {
    for line in log {
        let parts: Vec<&str> = line.splitn(4, " | ").collect();
        let whole = parts.len() == 4 && parts[1].len() == 24 && parts[2] == USER;
        assert!(whole && !line.contains(char::is_control), "not a whole line: {line:?}");
    }
}

/// Sends `bytes` in pieces of up to `longest`, and returns all that comes back until the end.
fn exchanged(mut stream: TcpStream, bytes: &[u8], longest: usize, random: &mut Random) -> Vec<u8> {
    let mut reader = stream.try_clone().expect("a second descriptor");
    std::thread::scope(|scope| {
        let came = scope.spawn(move || rest(&mut reader));
        let mut left = bytes;
        while !left.is_empty() {
            let (piece, behind) = left.split_at((1 + random.below(longest)).min(left.len()));
            stream.write_all(piece).expect("it is taken");
            left = behind;
        }
        stream.shutdown(Shutdown::Write).expect("it is connected");
        came.join().expect("all comes back")
    })
}

/// Random bytes in random pieces all come back, in upper case, in order.
#[test]
fn random_bytes_come_back() {
    let mut random = Random(2025);
    for name in SERVERS {
        let host = Host::start(name);
        for _ in 0..20 {
            let bytes = random.bytes(8192);
            let came = exchanged(host.server.connect(), &bytes, 3000, &mut random);
            assert!(came == bytes.to_ascii_uppercase(), "{name} changed {} bytes", bytes.len());
        }
        host.stays_as_it_was(20);
    }
}

/// Twenty million bytes without an end of line come back whole, and their log lines are whole.
#[test]
fn a_line_of_twenty_megabytes_comes_back() {
    let line: Vec<u8> = (0..20_000_000).map(|index| b"abcdefg"[index % 7]).collect();
    for name in SERVERS {
        let host = Host::start(name);
        let came = exchanged(host.server.connect(), &line, 100_000, &mut Random(7));
        assert!(came == line.to_ascii_uppercase(), "{name} returned {} bytes", came.len());
        host.stays_as_it_was(1);
    }
}

/// The client takes twenty million bytes in one line and shows all of them, once.
#[test]
fn the_client_sends_and_shows_twenty_megabytes() {
    let host = Host::start("tcp_server_fork");
    let mut line: Vec<u8> = (0..20_000_000).map(|index| b"abcdefg"[index % 7]).collect();
    let client = Launch::of(program(Build::Mended, "tcp_client")).arg("127.0.0.1");
    let mut client = client.arg(host.server.port.to_string()).start();
    line.push(b'\n');
    client.type_in(&line);
    client.type_in(b"quit\n");
    assert_eq!(client.wait(), 0);
    let shown = client.stdout.all();
    line.pop();
    let echo = shown.iter().find_map(|shown| shown.strip_prefix("Please enterServer Echo"));
    let echo = echo.expect("an echo is shown");
    assert!(echo.as_bytes() == line.to_ascii_uppercase(), "it shows {} bytes", echo.len());
    host.stays_as_it_was(1);
}

/// A client that sends and never reads stops nobody but itself.
#[test]
fn a_client_that_never_reads_stops_itself() {
    for name in SERVERS {
        let host = Host::start(name);
        let mut deaf = host.server.connect();
        deaf.set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout is set");
        let mut sent = 0;
        // Until the server is stuck in a write, and both directions are full.
        while let Ok(count) = deaf.write(&[b'x'; 65536]) {
            sent += count;
        }
        assert!(sent > 65536);
        if name != "tcp_server" {
            host.server.serves();
        }
        reset(deaf);
        host.stays_as_it_was(if name == "tcp_server" { 1 } else { 2 });
    }
}

/// A reset at any point of the conversation ends that conversation alone.
#[test]
fn a_reset_at_any_point_hurts_nobody() {
    for name in SERVERS {
        let host = Host::start(name);
        for _ in 0..10 {
            for point in 0..6 {
                let mut client = host.server.connect();
                if point > 0 {
                    client.write_all(b"some words").expect("it is taken");
                }
                if point > 1 {
                    let part = if point == 2 { 4 } else { 10 };
                    client.read_exact(&mut vec![0; part]).expect("it comes");
                }
                if point > 3 {
                    client.write_all(if point == 4 { b"quit" } else { b"more" }).expect("it is taken");
                }
                reset(client);
            }
        }
        host.stays_as_it_was(60);
    }
}

/// A connection at last. Whom the queue has no room for asks again at once; the
/// kernel by itself would wait for seconds.
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

/// Two hundred clients at once, and a backlog of five: all are served.
#[test]
fn two_hundred_at_once_are_all_served() {
    for name in SERVERS {
        let host = Host::start(name);
        let port = host.server.port;
        let all: Vec<_> = (0..200)
            .map(|number| {
                std::thread::spawn(move || {
                    let mut client = patiently_connected(port);
                    let words = format!("client number {number}");
                    assert_eq!(said(&mut client, words.as_bytes()), words.to_uppercase().as_bytes());
                    client.write_all(b"quit").expect("it is taken");
                    assert_eq!(rest(&mut client), b"");
                })
            })
            .collect();
        for client in all {
            client.join().expect("it is served");
        }
        host.stays_as_it_was(200);
    }
}
