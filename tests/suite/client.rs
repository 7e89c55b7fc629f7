//! The client, driven as a user does, with the project's servers and with worse ones.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::support::programs::*;

fn client(port: u16) -> Running {
    Running::start(
        Command::new(program(Build::Mended, "tcp_client")).args(["127.0.0.1", &port.to_string()]),
    )
}

/// A client and the test's own end of its connection.
fn client_of_mine() -> (Running, TcpStream) {
    accepted(client)
}

fn received(server: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    server.read_exact(&mut bytes).unwrap();
    bytes
}

/// What is typed comes back behind the article's words, until `quit`.
#[test]
fn a_conversation_with_every_server() {
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = client(server.port);
        client.stdout.wait_for(" | socket() success::3");
        client.stdout.wait_for(" | connect() success.");
        client.type_in(b"hello\n");
        assert_eq!(client.stdout.wait_for("Server Echo"), "Please enterServer EchoHELLO", "{name}");
        client.type_in("你好, world\n".as_bytes());
        assert_eq!(client.stdout.wait_for("Server Echo"), "Please enterServer Echo你好, WORLD", "{name}");
        client.type_in(b"Quit\n");
        assert_eq!(client.wait(), 0, "{name}");
        assert_eq!(client.stdout.all().last().unwrap(), "Please enter", "{name}");
    }
}

/// End of input ends the client as `quit` does; a last line without its end is a line.
#[test]
fn end_of_input_ends_the_client() {
    let server = Server::start("tcp_server_fork");
    let mut client = client(server.port);
    client.type_in(b"no newline");
    client.end_input();
    assert_eq!(client.wait(), 0);
    assert_eq!(client.stdout.all()[2..], ["Please enterServer EchoNO NEWLINE", "Please enter"]);
}

/// An empty line is asked again: there is nothing to send.
#[test]
fn an_empty_line_is_not_sent() {
    let (mut client, mut server) = client_of_mine();
    client.type_in(b"\n\nx\n");
    assert_eq!(received(&mut server, 1), b"x");
    server.write_all(b"X").unwrap();
    assert_eq!(client.stdout.wait_for("Server Echo"), "Please enterPlease enterPlease enterServer EchoX");
}

/// A line of any length comes back whole, once, and the one after it is not late.
#[test]
fn long_lines_come_back_whole() {
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = client(server.port);
        for length in [1022, 1023, 1024, 1025, 1027, 2050, 5000, 200_000] {
            let line = "abcdefghijklmnopqrst".repeat(length / 20 + 1)[..length].to_string();
            client.type_in(line.as_bytes());
            client.type_in(b"\n");
            let echo = client.stdout.wait_for("Server Echo");
            assert_eq!(echo, format!("Please enterServer Echo{}", line.to_uppercase()), "{name} {length}");
        }
    }
}

/// A line goes out in pieces of at most 1023 bytes, each read back before the
/// next, and no end of a line passes for `quit`.
#[test]
fn a_long_line_goes_out_in_pieces() {
    let (mut client, mut server) = client_of_mine();
    let line = ["a".repeat(1023).as_bytes(), b"quit"].concat();
    client.type_in(&line);
    client.type_in(b"\n");
    let mut came = Vec::new();
    while came.len() < line.len() {
        let mut piece = [0; 4096];
        let count = server.read(&mut piece).unwrap();
        assert!(count <= 1023 && &piece[..count] != b"quit", "{count} bytes");
        came.extend_from_slice(&piece[..count]);
        // The reply comes in two parts, and both are waited for.
        let (first, second) = piece[..count].split_at(count / 2);
        server.write_all(first).unwrap();
        server.write_all(second).unwrap();
    }
    assert_eq!(came, line);
    let echo = client.stdout.wait_for("Server Echo");
    assert_eq!(echo.as_bytes(), [b"Please enterServer Echo".as_slice(), &line].concat());
}

/// A server that has gone is a FATAL line and status 8, and nothing is shown as an echo.
#[test]
fn a_server_that_has_gone_is_status_8() {
    let (mut client, mut server) = client_of_mine();
    client.type_in(b"hello\n");
    assert_eq!(received(&mut server, 5), b"hello");
    drop(server);
    assert_eq!(client.wait(), 8);
    let fatal = client.stderr.all();
    assert_eq!(fatal.len(), 1);
    assert!(
        fatal[0].starts_with("FATAL | ") && fatal[0].contains("Client read() failed: 3 : "),
        "{fatal:?}"
    );
    assert!(!client.stdout.all().concat().contains("Server Echo"));
}

/// Half a reply is no echo either.
#[test]
fn half_a_reply_is_status_8() {
    let (mut client, mut server) = client_of_mine();
    client.type_in(b"hello\n");
    assert_eq!(received(&mut server, 5), b"hello");
    server.write_all(b"HEL").unwrap();
    drop(server);
    assert_eq!(client.wait(), 8);
    assert!(!client.stdout.all().concat().contains("Server Echo"));
}

/// Nobody listens: status 5, and the line says why.
#[test]
fn nobody_listens_is_status_5() {
    let mut client = client(free_port());
    assert_eq!(client.wait(), 5);
    let fatal = client.stderr.all();
    assert!(fatal[0].ends_with(" | connect() failed::Connection refused: 3"), "{fatal:?}");
}

/// Bad arguments are status 4 and name the word that is wrong, before any call.
#[test]
fn bad_arguments_are_named() {
    let path = program(Build::Mended, "tcp_client");
    let usage = |words: &[&str]| {
        let mut client = Running::start(Command::new(&path).args(words));
        assert_eq!(client.wait(), 4, "{words:?}");
        assert!(client.stdout.all().is_empty(), "{words:?}");
        let said = client.stderr.all();
        assert!(said.contains(&format!("\t{} serverIp serverPort", path.display())), "{said:?}");
        said[0].clone()
    };
    assert_eq!(usage(&[]), "Usage::");
    assert_eq!(usage(&["127.0.0.1"]), "Usage::");
    assert_eq!(usage(&["127.0.0.1", "8080", "more"]), "Usage::");
    for port in ["", "0", "65536", "-1", "+80", " 80", "80 ", "abc", "0x50"] {
        assert_eq!(usage(&["127.0.0.1", port]), format!("bad port: {port}"));
    }
    for ip in ["", "999.1.1.1", "localhost", "127.0.0.1 ", "::1"] {
        assert_eq!(usage(&[ip, "8080"]), format!("bad ip: {ip}"));
    }
}
