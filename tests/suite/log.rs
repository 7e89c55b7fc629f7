//! The log: what a line says, where it goes, and that it leaves whole, once, in one write.

use std::io::Write;
use std::process::Command;

use crate::support::programs::*;
use crate::support::strace;

/// Level, time, user and message of a line.
fn fields(line: &str) -> [&str; 4] {
    let fields: Vec<&str> = line.splitn(4, " | ").collect();
    fields.try_into().unwrap_or_else(|_| panic!("no log line: {line:?}"))
}

fn messages(log: &[String]) -> Vec<&str> {
    log.iter().map(|line| fields(line)[3]).collect()
}

fn server(name: &str) -> Command {
    Command::new(program(Build::Mended, name))
}

/// What a message of one client leaves in the log of the one-process server.
fn logged(words: &[u8]) -> String {
    let server = Server::start("tcp_server");
    let mut client = server.connect();
    assert_eq!(said(&mut client, words), words.to_ascii_uppercase());
    let log = server.log();
    let before = log.iter().find(|line| line.contains("to_upper before:")).unwrap();
    before.split_once(">> ").unwrap().1.to_string()
}

/// A conversation's log is the article's, line by line, on every server.
#[test]
fn a_conversation_is_logged_as_in_the_article() {
    for name in SERVERS {
        let mut server = Server::start(name);
        let mut client = server.connect();
        let port = client.local_addr().unwrap().port();
        assert_eq!(said(&mut client, b"Hello"), b"HELLO");
        client.write_all(b"quit").unwrap();
        assert_eq!(rest(&mut client), b"");
        server.running.stdout.wait_for("Service close");
        let log = server.log();
        let wanted = [
            "socket() success::3".to_string(),
            "bind() success::3".to_string(),
            "listen() success::3".to_string(),
            format!("accept() success:: [127.0.0.1: {port}] | 4"),
            format!("to_upper before:[127.0.0.1:{port}]>> Hello"),
            format!("to_upper after:[127.0.0.1:{port}]>>HELLO"),
            format!("Client requests to quit: [127.0.0.1: {port}]"),
            "Service close 4 sockFd".to_string(),
        ];
        assert_eq!(messages(&log), wanted, "{name}");
        assert!(log.iter().all(|line| fields(line)[0] == "DEBUG"), "{name} {log:?}");
    }
}

/// A client that is reset shows as a failed read, with the reason.
#[test]
fn a_reset_is_logged_with_its_reason() {
    for name in SERVERS {
        let mut server = Server::start(name);
        let mut client = server.connect();
        let port = client.local_addr().unwrap().port();
        assert_eq!(said(&mut client, b"hello"), b"HELLO");
        reset(client);
        let line = server.running.stdout.wait_for(" read::");
        assert_eq!(fields(&line)[3], format!("Client [127.0.0.1:{port}] read::Connection reset by peer"));
        server.running.stdout.wait_for("Service close 4 sockFd");
        server.serves();
    }
}

/// A client that vanishes while it is written to is a log line, not the server's end.
#[test]
fn a_vanished_client_is_logged_with_its_reason() {
    for name in SERVERS {
        let mut server = Server::start(name);
        vanish(&server);
        let line = server.running.stdout.wait_for(" write::");
        assert_eq!(fields(&line)[0], "DEBUG");
        server.running.stdout.wait_for("Service close 4 sockFd");
        server.serves();
    }
}

/// The time is the local one, as asctime writes it.
#[test]
fn the_time_is_local() {
    for (zone, offset) in [("UTC0", 0), ("EAST-5", 5 * 3600), ("WEST9", -9 * 3600)] {
        let server = Server::with(server("tcp_server").env("TZ", zone));
        let log = server.log();
        let written = fields(&log[0])[1];
        let near = (-10..=0).any(|late| {
            let now = Command::new("date")
                .env("TZ", "UTC0")
                .env("LC_ALL", "C")
                .args(["+%a %b %e %T %Y", "-d", &format!("{} seconds", offset + late)])
                .output();
            String::from_utf8(now.unwrap().stdout).unwrap().trim_end() == written
        });
        assert!(near, "{zone}: {written}");
    }
}

/// The user is USER, and `unknow` without it.
#[test]
fn the_user_is_named() {
    let named = Server::with(server("tcp_server").env("USER", "teacher")).log();
    assert_eq!(fields(&named[0])[2], "teacher");
    let nobody = Server::with(server("tcp_server").env_remove("USER")).log();
    assert_eq!(fields(&nobody[0])[2], "unknow");
    let empty = Server::with(server("tcp_server").env("USER", "")).log();
    assert_eq!(fields(&empty[0])[2], "");
}

/// FATAL goes to standard error, and nothing else does.
#[test]
fn fatal_goes_to_standard_error() {
    let taken = Server::start("tcp_server");
    let port = taken.port.to_string();
    let mut second = Running::start(server("tcp_server").args([&port, "127.0.0.1"]));
    assert_eq!(second.wait(), 2);
    let (out, err) = (second.stdout.all(), second.stderr.all());
    assert_eq!(messages(&out), ["socket() success::3"]);
    assert_eq!(messages(&err), ["bind() failed::Address already in use : 3"]);
    assert_eq!(fields(&err[0])[0], "FATAL");
}

/// A message is cut where the article's buffer cuts it: at 1022 bytes.
#[test]
fn a_message_is_cut_at_1022_bytes() {
    let server = Server::start("tcp_server");
    let mut client = server.connect();
    assert_eq!(said(&mut client, &[b'a'; 1023]), [b'A'; 1023]);
    let log = server.log();
    let long: Vec<&str> =
        messages(&log).into_iter().filter(|message| message.contains("to_upper")).collect();
    assert_eq!(long.len(), 2);
    for message in long {
        assert_eq!(message.len(), 1022, "{message}");
    }
}

/// Control bytes are shown and not obeyed; text in UTF-8 stays as it is.
#[test]
fn control_bytes_are_shown() {
    assert_eq!(logged(b"a\nb\tc"), r"a\nb\tc");
    assert_eq!(logged(b"\x1b[2J\r\0\x07\x7f"), r"\x1b[2J\x0d\x00\x07\x7f");
    assert_eq!(logged("ü 你好 🙂".as_bytes()), "ü 你好 🙂");
    // A terminal takes U+009B for an escape sequence's start, in UTF-8 and alone.
    assert_eq!(logged(b"\xc2\x9b1m \x9b1m"), r"\xc2\x9b1m \x9b1m");
    assert_eq!(logged(b"cut \xe4\xbd"), r"cut \xe4\xbd");
    assert_eq!(logged(br"a\nb"), r"a\nb");
}

/// No client can write a line of its own into the log.
#[test]
fn no_line_can_be_forged() {
    let forged = "x\nFATAL | Sun Nov 22 14:13:23 2026 | root | all is lost\n";
    let server = Server::start("tcp_server_fork");
    let mut client = server.connect();
    assert_eq!(said(&mut client, forged.as_bytes()), forged.to_ascii_uppercase().as_bytes());
    let log = server.log();
    assert_eq!(log.len(), 6, "{log:?}");
    assert!(log.iter().all(|line| line.starts_with("DEBUG | ")), "{log:?}");
}

/// With a file for a log, no process writes again what another has written,
/// and a server that is killed has lost nothing.
#[test]
fn a_log_file_has_each_line_once() {
    for name in SERVERS {
        let path = std::env::temp_dir().join(format!("tcp-log-{}-{name}", std::process::id()));
        let port = free_port();
        let mut command = server(name);
        command.args([&port.to_string(), "127.0.0.1"]).stdout(std::fs::File::create(&path).unwrap());
        let running = Running::start_as_is(&mut command);
        let read = || std::fs::read_to_string(&path).unwrap();
        eventually("it listens", || read().contains("listen()"));
        for _ in 0..2 {
            let mut client = connect(port);
            assert_eq!(said(&mut client, b"hello"), b"HELLO");
            client.write_all(b"quit").unwrap();
            assert_eq!(rest(&mut client), b"");
        }
        eventually("both have gone", || read().matches("Service close").count() == 2);
        drop(running);
        let log: Vec<String> = read().lines().map(str::to_string).collect();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(log.len(), 3 + 2 * 5, "{name} {log:#?}");
        assert_eq!(messages(&log).iter().filter(|message| message.starts_with("listen()")).count(), 1);
    }
}

/// Each line leaves in one write, from every process, long ones too.
#[test]
fn each_line_leaves_in_one_write() {
    for name in SERVERS {
        let path = std::env::temp_dir().join(format!("tcp-writes-{}-{name}", std::process::id()));
        let mut command = Command::new("strace");
        command.args(["-f", "-e", "trace=write", "-e", "signal=none", "-s", "5000", "-o"]).arg(&path);
        let mut server = Server::with(command.arg(program(Build::Mended, name)));
        let mut client = server.connect();
        assert_eq!(said(&mut client, b"hello"), b"HELLO");
        assert_eq!(said(&mut client, &[1; 1023]), [1; 1023]);
        client.write_all(b"quit").unwrap();
        assert_eq!(rest(&mut client), b"");
        server.running.stdout.wait_for("Service close");
        let lines = server.log();
        let events = strace::read(&std::fs::read_to_string(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        let writes = events.iter().filter_map(|event| event.call()).filter(|call| call.fd() == Some(1));
        let written: Vec<String> =
            writes.map(|call| String::from_utf8(call.bytes(1).unwrap()).unwrap()).collect();
        let wanted: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(written, wanted, "{name}");
        assert!(written.iter().all(|line| line.len() <= 4096), "{name}");
    }
}
