//! The log: the line's fields, what is escaped in it, and that it leaves whole, once, in one write.

use std::io::Write;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::programs::*;

fn of(name: &str) -> Launch {
    Launch::of(program(Build::Mended, name))
}

/// Level, time, user and message of a line.
fn fields(line: &str) -> [&str; 4] {
    let fields: Vec<&str> = line.splitn(4, " | ").collect();
    fields.try_into().unwrap_or_else(|_| panic!("no log line: {line:?}"))
}

/// The time is the local one, as asctime writes it.
#[test]
fn the_time_is_local() {
    for (zone, offset) in [("UTC0", 0), ("EAST-5", 5 * 3600), ("WEST9", -9 * 3600)] {
        let second = || SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs() as i64;
        let before = second();
        let log = Server::launch(of("tcp_server").env("TZ", zone)).log();
        let near = (before..=second()).any(|second| {
            let date = Command::new("date")
                .args(["-u", "+%a %b %e %T %Y", "-d", &format!("@{}", second + offset)])
                .env("LC_ALL", "C")
                .output();
            String::from_utf8_lossy(&date.expect("date is there").stdout).trim_end() == fields(&log[0])[1]
        });
        assert!(near, "{zone}: {}", log[0]);
    }
}

/// A line has the second in which it is written, whoever writes it.
#[test]
fn the_time_goes_on() {
    let mut server = Server::start("tcp_server_fork");
    let first = server.running.stdout.seen[0].clone();
    eventually("another second is logged", || {
        server.serves();
        let line = server.running.stdout.wait_for("Service close");
        fields(&line)[1] != fields(&first)[1]
    });
}

/// The user is USER, and `unknow` without it.
#[test]
fn the_user_is_named() {
    for (launch, name) in [
        (of("tcp_server").user("teacher"), "teacher"),
        (of("tcp_server").without_env("USER"), "unknow"),
        (of("tcp_server").user(""), ""),
        (of("tcp_server").user("a\x1bb"), r"a\u{1b}b"),
    ] {
        assert_eq!(fields(&Server::launch(launch).log()[0])[2], name);
    }
}

/// What a message of one client leaves in the log of the one-process server.
fn logged(words: &[u8]) -> String {
    let server = Server::start("tcp_server");
    assert_eq!(said(&mut server.connect(), words), words.to_ascii_uppercase());
    let log = server.log();
    let before = log.iter().find(|line| line.contains("to_upper before:")).expect("it is logged");
    before.split_once(">> ").expect("words").1.to_string()
}

/// Control, format and separator characters, the backslash, and what is not UTF-8 are shown, not done.
#[test]
fn what_controls_a_terminal_is_shown() {
    for (words, shown) in [
        (&b"a\nb\tc\\n"[..], r"a\nb\tc\\n"),
        (b"\x1b[2J\r\0\x07\x7f", r"\u{1b}[2J\r\0\u{7}\u{7f}"),
        // A terminal takes U+009B for an escape sequence's start, in UTF-8 and alone.
        (b"\xc2\x9b1m \x9b1m", r"\u{9b}1m \x9b1m"),
        (b"cut \xe4\xbd", r"cut \xe4\xbd"),
        ("\u{2028}\u{202e}\u{200b}\u{a0}".as_bytes(), r"\u{2028}\u{202e}\u{200b}\u{a0}"),
        ("ü e\u{301} 你好 🙂 \"'%s%d%n".as_bytes(), "ü e\u{301} 你好 🙂 \"'%s%d%n"),
    ] {
        assert_eq!(logged(words), shown);
    }
}

/// Each line leaves in one write, from every process, and ends in its newline however long it is.
#[test]
fn each_line_leaves_in_one_write() {
    for name in SERVERS {
        let trace = Trace::of("write").option("-e").option("signal=none");
        let mut server = Server::launch(of(name).user(&"u".repeat(100)).traced(trace));
        let mut client = server.connect();
        assert_eq!(said(&mut client, b"hello"), b"HELLO");
        assert_eq!(said(&mut client, &[0xff; 1023]), [0xff; 1023]);
        client.write_all(b"quit").expect("it is taken");
        assert_eq!(rest(&mut client), b"");
        server.running.stdout.wait_for("Service close");
        unsafe { libc::kill(-(server.pid() as i32), libc::SIGTERM) };
        server.running.wait_for_all();
        let (lines, events) = (server.running.stdout.all(), server.running.events());
        let writes = events.iter().filter_map(|event| event.call()).filter(|call| call.fd() == Some(1));
        let written: Vec<Vec<u8>> = writes.filter_map(|call| call.bytes(1)).collect();
        let wanted: Vec<Vec<u8>> = lines.iter().map(|line| format!("{line}\n").into_bytes()).collect();
        assert_eq!(written, wanted, "{name}");
        // As much as a pipe takes in one piece.
        assert_eq!(written.iter().map(Vec::len).max(), Some(4096), "{name}");
    }
}
