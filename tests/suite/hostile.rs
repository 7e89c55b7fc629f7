//! Whatever a client sends, and however it goes away, nothing is lost, nobody else is hurt, nothing stays behind.
//!
//! The bytes are random but the same in every run.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;
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
        let server = Server::with(Command::new(program(Build::Mended, name)).env("USER", USER));
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

/// Every line has its level, date, user and one of the article's messages; no byte controls a terminal.
fn whole(log: &[String]) {
    const MESSAGES: [&str; 10] = [
        "socket() success::",
        "bind() success::",
        "listen() success::",
        "accept() success:: [127.0.0.1: ",
        "to_upper before:[127.0.0.1:",
        "to_upper after:[127.0.0.1:",
        "Client requests to quit: [127.0.0.1: ",
        "Client has quited:[127.0.0.1:",
        "Client [127.0.0.1:",
        "Service close ",
    ];
    for line in log {
        let parts: Vec<&str> = line.splitn(4, " | ").collect();
        let [level, date, user, message] = parts[..] else {
            panic!("not a line of log: {line:?}");
        };
        let whole = ["DEBUG", "WARINING"].contains(&level) && date.len() == 24 && user == USER;
        assert!(whole, "not a whole line: {line:?}");
        let known = MESSAGES.iter().any(|text| message.starts_with(text));
        assert!(known, "nobody wrote this: {line:?}");
        assert!(!line.contains(char::is_control), "controls the terminal: {line:?}");
    }
    let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count(" | to_upper before:["), count(" | to_upper after:["));
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

/// Closes with a reset instead of an end.
fn reset(stream: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let (value, size) = ((&raw const linger).cast(), size_of::<libc::linger>() as u32);
    let set =
        unsafe { libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size) };
    assert_eq!(set, 0);
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

/// Every byte value comes back, NULs in front and alone too.
#[test]
fn every_byte_value_comes_back() {
    let all: Vec<u8> = (0..=255).collect();
    for name in SERVERS {
        let host = Host::start(name);
        for words in [&all[..], b"\0", b"\0\0\0abc", b"\0quit", b"a\0b\0", &[0; 1023], b"\n", b"%s%d%n"] {
            let mut client = host.server.connect();
            assert_eq!(said(&mut client, words), words.to_ascii_uppercase());
        }
        host.stays_as_it_was(8);
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
    let mut client = Running::start(
        Command::new(program(Build::Mended, "tcp_client"))
            .args(["127.0.0.1", &host.server.port.to_string()]),
    );
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

/// A server that is stopped in the middle of its writes loses no byte of them.
#[test]
fn interrupted_writes_lose_nothing() {
    for name in SERVERS {
        let host = Host::start(name);
        let mut client = host.server.connect();
        client.set_write_timeout(Some(Duration::from_millis(200))).expect("a timeout is set");
        let (mut sent, mut came) = (0, 0);
        for _ in 0..5 {
            // Until the server is stuck in a write, with a part of it taken.
            while let Ok(count) = client.write(&[b'y'; 65536]) {
                sent += count;
            }
            for signal in [libc::SIGSTOP, libc::SIGCONT] {
                unsafe { libc::kill(-(host.server.pid() as i32), signal) };
            }
            let mut piece = vec![0; 1_000_000];
            client.read_exact(&mut piece).expect("the server writes");
            came += piece.len();
        }
        came += half_closed(&mut client).len();
        assert_eq!(came, sent, "{name}");
        host.stays_as_it_was(1);
    }
}

/// A client of one byte a second gets every byte, and keeps nobody from a server that forks.
#[test]
fn one_byte_a_second_is_enough() {
    std::thread::scope(|scope| {
        for name in SERVERS {
            scope.spawn(move || {
                let host = Host::start(name);
                let mut slow = host.server.connect();
                for byte in [b"q", b"u", b"i", b"t"] {
                    assert_eq!(said(&mut slow, byte), byte.to_ascii_uppercase());
                    if name != "tcp_server" {
                        host.server.serves();
                    }
                    // This is what the client is about.
                    std::thread::sleep(Duration::from_secs(1));
                }
                drop(slow);
                host.stays_as_it_was(if name == "tcp_server" { 1 } else { 5 });
            });
        }
    });
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

/// A client that has said all it has to say still gets every answer, and then the end.
#[test]
fn a_half_closed_client_gets_its_answers() {
    for name in SERVERS {
        let host = Host::start(name);
        for words in [&b""[..], b"x", b"words", &[b'w'; 5000]] {
            let mut client = host.server.connect();
            client.write_all(words).expect("it is taken");
            assert_eq!(half_closed(&mut client), words.to_ascii_uppercase());
        }
        host.stays_as_it_was(4);
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

/// Five hundred clients at once, and a backlog of five: all are served.
#[test]
fn five_hundred_at_once_are_all_served() {
    for name in SERVERS {
        let host = Host::start(name);
        let port = host.server.port;
        let all: Vec<_> = (0..500)
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
        host.stays_as_it_was(500);
    }
}

/// Two thousand clients that connect and disappear leave nothing.
#[test]
fn two_thousand_that_disappear_leave_nothing() {
    for name in SERVERS {
        let mut host = Host::start(name);
        for number in 0..2000 {
            let client = host.server.connect();
            if number % 2 == 0 {
                reset(client)
            } else {
                drop(client)
            }
            // The queue has room for the next.
            host.server.running.stdout.wait_for(" | accept() success:: [");
        }
        host.stays_as_it_was(2000);
    }
}

/// Nobody writes to the operator's terminal, or a line of log, by way of a message.
#[test]
fn a_message_cannot_forge_the_log() {
    let forged = b"x\nFATAL | Sun Nov 22 14:13:23 2026 | root | Server fork() failed:\r\x1b[2J\x1b]0;t\x07\x9b1m\xc2\x9b";
    for name in SERVERS {
        let host = Host::start(name);
        let mut client = host.server.connect();
        assert_eq!(said(&mut client, forged), forged.to_ascii_uppercase());
        drop(client);
        host.stays_as_it_was(1);
    }
}

/// Whatever a server does to it, the client says so and ends; it shows only what came.
#[test]
fn a_hostile_server_cannot_hold_the_client() {
    type Deed = fn(TcpStream);
    let read = |mut stream: &TcpStream| {
        let mut words = [0; 5];
        stream.read_exact(&mut words).expect("the client writes");
    };
    let deeds: [(&str, Deed, &str); 5] = [
        ("closes at once", drop, ""),
        ("resets at once", reset, ""),
        ("closes instead of answering", |stream| drop(stream), ""),
        (
            "answers half and closes",
            |mut stream| {
                stream.write_all(b"WO").expect("it is taken");
            },
            "WO",
        ),
        (
            "answers half and resets",
            |mut stream| {
                stream.write_all(b"WO").expect("it is taken");
                reset(stream);
            },
            "WO",
        ),
    ];
    for (index, (what, deed, most)) in deeds.into_iter().enumerate() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let mut client = Running::start(
            Command::new(program(Build::Mended, "tcp_client")).args(["127.0.0.1", &port.to_string()]),
        );
        let (stream, _) = listener.accept().expect("the client connects");
        client.type_in(b"words\n");
        if index > 1 {
            read(&stream);
        }
        deed(stream);
        assert_eq!(client.wait(), 8, "a server that {what}");
        let stderr = client.stderr.all().join("\n");
        assert!(stderr.starts_with("FATAL | "), "a server that {what}: {stderr:?}");
        let stdout = client.stdout.all().join("\n");
        if let Some((_, echo)) = stdout.split_once("Server Echo") {
            assert!(most.starts_with(echo.trim_end()), "a server that {what}: {echo:?}");
        }
    }
}
