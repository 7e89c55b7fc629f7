//! The three servers, driven over real sockets: what each client is owed, whatever the others do.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::support::programs::*;

/// Letters come back in upper case, and all else as it was.
#[test]
fn letters_come_back_in_upper_case() {
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = server.connect();
        assert_eq!(said(&mut client, b"hello, World 1!"), b"HELLO, WORLD 1!", "{name}");
        assert_eq!(said(&mut client, b"again"), b"AGAIN", "{name}");
    }
}

/// UTF-8 comes back with its ASCII letters alone changed, as in the C locale.
#[test]
fn utf8_comes_back_whole() {
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = server.connect();
        let words = "café 你好 ß é";
        assert_eq!(said(&mut client, words.as_bytes()), "CAFé 你好 ß é".as_bytes(), "{name}");
    }
}

/// Each of the 256 bytes comes back, NUL too, alone and among the others.
#[test]
fn every_byte_value_comes_back() {
    let all: Vec<u8> = (0..=255).collect();
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = server.connect();
        assert_eq!(said(&mut client, &all), all.to_ascii_uppercase(), "{name}");
        for byte in all.iter().map(std::slice::from_ref) {
            assert_eq!(said(&mut client, byte), byte.to_ascii_uppercase(), "{name} {byte:?}");
        }
    }
}

/// A line longer than the buffer comes back whole, in as many reads as it takes.
#[test]
fn a_long_line_comes_back_whole() {
    let line = b"the quick brown fox ".repeat(500);
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = server.connect();
        assert_eq!(said(&mut client, &line), line.to_ascii_uppercase(), "{name}");
    }
}

/// The four bytes of `quit`, in any case, end the connection, and the log says so.
#[test]
fn quit_in_any_case_ends_the_connection() {
    for name in SERVERS {
        let mut server = Server::start(name);
        for word in ["quit", "QUIT", "qUiT"] {
            let mut client = server.connect();
            client.write_all(word.as_bytes()).unwrap();
            assert_eq!(rest(&mut client), b"", "{name} {word}");
            server.running.stdout.wait_for("Client requests to quit: [127.0.0.1: ");
            server.running.stdout.wait_for("Service close 4 sockFd");
        }
    }
}

/// `quit` with anything glued to it is a message like any other.
#[test]
fn quit_glued_to_other_bytes_is_a_message() {
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = server.connect();
        for words in ["quit\n", " quit", "quitquit", "quit\0", "qui", "t"] {
            let echo = words.to_ascii_uppercase();
            assert_eq!(said(&mut client, words.as_bytes()), echo.as_bytes(), "{name} {words:?}");
        }
    }
}

/// A client that says no more still gets what it is owed, then the end.
#[test]
fn a_half_closed_client_gets_its_reply() {
    for name in SERVERS {
        let mut server = Server::start(name);
        let mut client = server.connect();
        client.write_all(b"last words").unwrap();
        assert_eq!(half_closed(&mut client), b"LAST WORDS", "{name}");
        let port = client.local_addr().unwrap().port();
        server.running.stdout.wait_for(&format!("Client has quited:[127.0.0.1:{port}]"));
    }
}

/// Clients that come one after another are all served.
#[test]
fn clients_are_served_in_turn() {
    for name in SERVERS {
        let server = Server::start(name);
        for _ in 0..20 {
            server.serves();
        }
    }
}

/// The forking servers serve clients at once, each with its own words.
#[test]
fn forking_servers_serve_clients_at_once() {
    for name in &SERVERS[1..] {
        let server = Server::start(name);
        let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
        for round in 0..3 {
            for (number, client) in clients.iter_mut().enumerate() {
                let words = format!("client {number} round {round}");
                assert_eq!(said(client, words.as_bytes()), words.to_uppercase().as_bytes(), "{name}");
            }
        }
    }
}

/// The one-process server lets the second client connect, write and wait, and
/// serves it when the first has gone.
#[test]
fn the_second_client_of_one_process_waits_for_the_first() {
    let server = Server::start("tcp_server");
    let mut first = server.connect();
    assert_eq!(said(&mut first, b"first"), b"FIRST");
    let mut second = server.connect();
    second.write_all(b"second").unwrap();
    second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let waiting = second.read(&mut [0; 10]).unwrap_err();
    assert_eq!(waiting.kind(), ErrorKind::WouldBlock);
    drop(first);
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reply = [0; 6];
    second.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"SECOND");
}

/// After a hundred clients, some of them vanished, the forking servers have the
/// descriptors of the start, no children and no zombies.
#[test]
fn a_hundred_clients_leave_nothing_behind() {
    for name in &SERVERS[1..] {
        let server = Server::start(name);
        let before = descriptors(server.pid());
        for number in 0..100 {
            let mut client = server.connect();
            assert_eq!(said(&mut client, b"hello"), b"HELLO");
            if number % 2 == 0 {
                client.write_all(b"quit").unwrap();
                assert_eq!(rest(&mut client), b"");
            }
        }
        eventually("no child is left", || children(server.pid()).is_empty());
        assert_eq!(descriptors(server.pid()), before, "{name}");
        server.serves();
    }
}

/// In the forking servers each side has closed what is the other's: the parent
/// holds no connection, the child no listening socket.
#[test]
fn parent_and_child_hold_one_socket_each() {
    for name in &SERVERS[1..] {
        let server = Server::start(name);
        let mut client = server.connect();
        assert_eq!(said(&mut client, b"hello"), b"HELLO");
        let serving = eventually_some("a process serves", || {
            group(server.pid()).into_iter().find(|&pid| pid != server.pid())
        });
        assert_eq!(sockets(server.pid()), 1, "{name}: the parent");
        assert_eq!(sockets(serving), 1, "{name}: the one that serves");
    }
}

/// The grandchild is nobody's child here: the one between has gone and was reaped.
#[test]
fn the_double_fork_leaves_the_parent_no_child() {
    let server = Server::start("tcp_server_double_fork");
    let mut client = server.connect();
    assert_eq!(said(&mut client, b"hello"), b"HELLO");
    eventually("no child is left", || children(server.pid()).is_empty());
    assert_eq!(group(server.pid()).len(), 2);
    assert_eq!(said(&mut client, b"and yet"), b"AND YET");
}

/// A server that ended comes back on its port at once, although it holds a
/// connection in TIME_WAIT there.
#[test]
fn a_server_comes_back_on_its_port_at_once() {
    for name in SERVERS {
        let server = Server::start(name);
        let port = server.port;
        server.serves();
        drop(server);
        let mut command = Command::new(program(Build::Mended, name));
        let mut again = Running::start(command.arg(port.to_string()).arg("127.0.0.1"));
        again.stdout.wait_for("listen() success");
    }
}

/// Without an address a server listens on every interface, with one on that alone.
#[test]
fn a_server_listens_where_it_is_told() {
    for name in SERVERS {
        let port = free_port();
        let mut command = Command::new(program(Build::Mended, name));
        let mut everywhere = Running::start(command.arg(port.to_string()));
        everywhere.stdout.wait_for("listen() success");
        assert_eq!(listening(port), ["0.0.0.0"], "{name}");
        let server = Server::start(name);
        assert_eq!(listening(server.port), ["127.0.0.1"], "{name}");
    }
}

/// A port that is taken is a bind that fails: status 2, and the line names bind.
#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for name in SERVERS {
        let mut command = Command::new(program(Build::Mended, name));
        let mut server = Running::start(command.args([&port, "127.0.0.1"]));
        assert_eq!(server.wait(), 2, "{name}");
        let fatal = server.stderr.all();
        assert_eq!(fatal.len(), 1, "{name}");
        assert!(fatal[0].ends_with(" | bind() failed::Address already in use : 3"), "{name}");
    }
}

/// Bad arguments are status 4 and name the word that is wrong, before any call.
#[test]
fn bad_arguments_are_named() {
    let usage = |name: &str, words: &[&str]| {
        let path = program(Build::Mended, name);
        let mut server = Running::start(Command::new(&path).args(words));
        assert_eq!(server.wait(), 4, "{name} {words:?}");
        assert!(server.stdout.all().is_empty(), "{name} {words:?}");
        let said = server.stderr.all();
        let usage = format!("\t{} port ip", path.display());
        assert!(said.contains(&usage), "{name} {words:?} {said:?}");
        said[0].clone()
    };
    for name in SERVERS {
        assert_eq!(usage(name, &[]), "Usage::");
        assert_eq!(usage(name, &["8080", "127.0.0.1", "more"]), "Usage::");
        for port in
            ["", "0", "65536", "70000", "4294967297", "-1", "+80", " 80", "80 ", "abc", "0x50", "8o"]
        {
            assert_eq!(usage(name, &[port]), format!("bad port: {port}"));
        }
        for ip in ["", "999.1.1.1", "localhost", "127.0.0.1 ", "127.0.0.1 x", "1.2.3.4.5", "::1"] {
            assert_eq!(usage(name, &["8080", ip]), format!("bad ip: {ip}"));
        }
    }
}
