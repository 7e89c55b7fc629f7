//! The build with the errata put back: each shows the defect that the README's table describes.
//!
//! Errata 2 and 3 do not compile, erratum 14 needs C's stdio; the others are here by number.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::programs::*;

fn server(name: &str) -> Server {
    Server::of(Build::AsPrinted, name)
}

/// Starts the client so that erratum 1 brings it to `port`.
fn client(port: u16) -> Running {
    let path = program(Build::AsPrinted, "tcp_client");
    Running::start(Command::new(path).args(["127.0.0.1", &port.swap_bytes().to_string()]))
}

/// A client and the test's own end of its connection.
fn client_of_mine() -> (Running, TcpStream) {
    accepted(client)
}

/// Erratum 1: the client connects to the port with its two bytes exchanged.
#[test]
fn erratum_1_the_client_finds_another_port() {
    let server = server("tcp_server_fork");
    let path = program(Build::AsPrinted, "tcp_client");
    let mut lost = Running::start(Command::new(path).args(["127.0.0.1", &server.port.to_string()]));
    assert_eq!(lost.wait(), 5);
    assert!(lost.stderr.all()[0].ends_with("connect() failed::Connection refused: 3"));
    let mut found = client(server.port);
    found.stdout.wait_for("connect() success.");
}

/// Erratum 4: the port as waitpid's options ends the server at its first client.
#[test]
fn erratum_4_the_first_client_ends_the_server() {
    let mut server = server("tcp_server_double_fork");
    let mut client = server.connect();
    assert_eq!(said(&mut client, b"hello"), b"HELLO");
    assert_eq!(server.running.wait(), 7);
    server.running.stderr.wait_for("FATAL | ");
    assert!(server.running.stderr.seen[0].ends_with("Server waitpid failed:Invalid argument"));
}

/// Erratum 5: at the end of input the client asks for ever.
#[test]
fn erratum_5_the_client_asks_for_ever() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().swap_bytes().to_string();
    let mut command = Command::new(program(Build::AsPrinted, "tcp_client"));
    command.args(["127.0.0.1", &port]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut client = command.spawn().unwrap();
    let mut asked = Vec::new();
    client.stdout.take().unwrap().take(100_000).read_to_end(&mut asked).unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
    assert!(String::from_utf8(asked).unwrap().matches("Please enter").count() > 8_000);
}

/// Erratum 6: the echo is followed by NULs up to 1024 bytes.
#[test]
fn erratum_6_the_echo_has_nuls_behind_it() {
    let server = server("tcp_server_fork");
    let mut client = client(server.port);
    client.type_in(b"hello\n");
    let echo = client.stdout.wait_for("Server Echo");
    assert_eq!(echo, format!("Please enterServer EchoHELLO{}", "\0".repeat(1024 - 5)));
}

/// Erratum 7: without a server, the user's own words are shown as its echo.
#[test]
fn erratum_7_own_words_pass_for_the_echo() {
    let (mut client, mut server) = client_of_mine();
    client.type_in(b"hello\n");
    server.read_exact(&mut [0; 5]).unwrap();
    drop(server);
    let echo = client.stdout.wait_for("Server Echo");
    assert!(echo.starts_with("Please enterServer Echohello\0"), "{echo:?}");
}

/// Erratum 8: a line is sent whole, and after a long one each echo is late.
#[test]
fn erratum_8_the_echoes_run_late() {
    let server = server("tcp_server_fork");
    let mut client = client(server.port);
    client.type_in("a".repeat(3000).as_bytes());
    client.type_in(b"\nshort\n");
    client.stdout.wait_for("Server EchoAAAA");
    let late = client.stdout.wait_for("Server Echo");
    assert!(late.starts_with("Please enterServer EchoAAAA"), "{late:?}");
}

/// Erratum 9: a NUL cuts the reply, and a leading one leaves the client without any.
#[test]
fn erratum_9_a_nul_cuts_the_reply() {
    let server = server("tcp_server_fork");
    let mut client = server.connect();
    client.write_all(b"ab\0cd").unwrap();
    let mut reply = [0; 8];
    assert_eq!(client.read(&mut reply).unwrap(), 2);
    client.write_all(b"\0hello").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(client.read(&mut reply).is_err());
}

/// Erratum 10: a client that vanishes kills the one-process server.
#[test]
fn erratum_10_a_vanished_client_kills_the_server() {
    let mut server = server("tcp_server");
    vanish(&server);
    assert_eq!(server.running.wait(), 128 + libc::SIGPIPE);
}

/// Erratum 11: one refused fork ends the service for all.
#[test]
fn erratum_11_a_refused_fork_ends_the_server() {
    for name in &SERVERS[1..] {
        let path = program(Build::AsPrinted, name);
        let mut refused = Command::new("strace");
        refused.args(["-o", "/dev/null", "-e", "inject=clone,clone3,fork:error=EAGAIN"]).arg(path);
        let mut server = Server::with(&mut refused);
        let _client = server.connect();
        assert_eq!(server.running.wait(), 6, "{name}");
    }
}

/// Erratum 12: a failing accept is tried again at once, thousands of times a second.
#[test]
fn erratum_12_a_failing_accept_is_tried_at_once() {
    let path = program(Build::AsPrinted, "tcp_server_fork");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 4; exec \"$@\"", "sh"]).arg(path);
    let mut server = Server::with(&mut limited);
    let _client = server.connect();
    for _ in 0..5_000 {
        server.running.stdout.wait_for("WARINING | ");
    }
    assert!(
        server.running.stdout.seen.last().unwrap().ends_with("accept() failed::Too many open files : 3")
    );
}

/// Erratum 13: port 70000 is 4464, and an address that is none is every address.
#[test]
fn erratum_13_bad_arguments_are_taken() {
    let port = free_port();
    for name in SERVERS {
        let mut command = Command::new(program(Build::AsPrinted, name));
        command.arg((u32::from(port) + 65_536).to_string()).arg("999.1.1.1");
        let mut server = Running::start(&mut command);
        server.stdout.wait_for("listen() success");
        assert_eq!(listening(port), ["0.0.0.0"], "{name}");
    }
}

/// Erratum 15: what a client sends reaches the operator's terminal as it is.
#[test]
fn erratum_15_control_bytes_reach_the_terminal() {
    let mut server = server("tcp_server_fork");
    let mut client = server.connect();
    assert_eq!(said(&mut client, b"\x1b[2J\nforged"), b"\x1b[2J\nFORGED");
    let line = server.running.stdout.wait_for("to_upper before:");
    assert!(line.ends_with(">> \x1b[2J"));
    server.running.stdout.wait_for("forged");
    assert_eq!(server.running.stdout.seen.last().unwrap(), "forged");
}

/// Erratum 16: a failed bind is called socket, and usage glues the program to its first word.
#[test]
fn erratum_16_the_messages_mislead() {
    let taken = server("tcp_server");
    for name in SERVERS {
        let path = program(Build::AsPrinted, name);
        let mut second = Running::start(Command::new(&path).args([&taken.port.to_string(), "127.0.0.1"]));
        assert_eq!(second.wait(), 2, "{name}");
        assert!(second.stderr.all()[0].ends_with("socket() failed::Address already in use : 3"), "{name}");
        let mut usage = Running::start(&mut Command::new(&path));
        assert_eq!(usage.wait(), 4, "{name}");
        assert_eq!(usage.stderr.all()[1], format!("\t{}port ip", path.display()), "{name}");
    }
}

/// Erratum 17: after a client's quit, the server can't come back on its port.
#[test]
fn erratum_17_no_restart_within_a_minute() {
    for name in SERVERS.iter().take(2) {
        let server = server(name);
        let port = server.port.to_string();
        server.serves();
        drop(server);
        let path = program(Build::AsPrinted, name);
        let mut again = Running::start(Command::new(path).args([&port, "127.0.0.1"]));
        assert_eq!(again.wait(), 2, "{name}");
    }
}
