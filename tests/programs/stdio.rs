//! What a host does to the programs, and what comes of it: streams that are closed, a signal to the parent.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::{Build, SERVERS, Server, program};
use crate::harness::net::ports::free_port;
use crate::harness::net::procnet::held;
use crate::harness::net::test_client::{echo, read_rest, start_client};
use crate::harness::process::launch::{Launch, Trace};

/// The program without some of its standard streams, which a shell has closed: `<&- 2>&-`.
fn without(streams: &str, build: Build, name: &str) -> Launch {
    let shell = format!("exec \"$@\" {streams}");
    Launch::new("sh").args(["-c", &shell, "sh"]).arg(program(build, name))
}

/// Without its standard streams a program does its work, and no line of log goes to the other side.
#[test]
fn without_streams_nothing_is_missed() {
    for streams in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        for name in SERVERS {
            let server = Server::launch(without(streams, Fixed, name));
            (0..3).for_each(|_| server.assert_serves());
            for (stream, inode) in held(server.pid()) {
                assert!(stream.parse::<u32>().is_ok_and(|stream| stream > 2), "{name} {streams}: {inode}");
            }
        }
        let client = without(streams, Fixed, "tcp_client").arg("127.0.0.1");
        let (mut client, mut server) = start_client(|port| client.arg(port.to_string()));
        let typed: &[u8] = if streams.contains('<') { b"" } else { b"quit\n" };
        client.type_in(typed);
        server.shutdown(Shutdown::Write).expect("it is connected");
        assert_eq!(read_rest(&mut server), typed.trim_ascii(), "the client {streams}");
        assert_eq!(client.wait(), 0, "the client {streams}");
    }
}

/// Where their places can't be filled, `socket` has failed.
#[test]
fn a_place_that_cannot_be_filled_is_a_failed_socket() {
    let refused = Trace::all().option("-P").option("/dev/null").inject("?open,openat:error=EMFILE");
    let server = without(">&-", Fixed, "tcp_server").arg(free_port().to_string());
    let mut server = server.traced(refused).start();
    assert_eq!(server.wait(), 1);
    server.stderr.wait_for("socket() failed::Too many open files");
}

/// As printed, a socket takes that place: 0 is a descriptor like any other.
#[test]
fn as_printed_a_socket_may_be_0() {
    Server::launch(without("<&-", AsPrinted, "tcp_server"));
    let client = without("<&-", AsPrinted, "tcp_client").arg("127.0.0.1");
    start_client(|port| client.arg(port.swap_bytes().to_string()));
}

/// SIGTERM ends the parent alone: clients being served finish, new ones are refused.
#[test]
fn an_ended_parent_leaves_its_clients_served() {
    for name in &SERVERS[1..] {
        let mut server = Server::start(name);
        let mut client = server.connect();
        assert_eq!(echo(&mut client, b"words"), b"WORDS");
        server.running.signal(libc::SIGTERM);
        assert_eq!(server.running.wait(), 128 + libc::SIGTERM);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).is_err());
        assert_eq!(echo(&mut client, b"still here"), b"STILL HERE");
        client.write_all(b"quit").expect("it is taken");
        assert_eq!(read_rest(&mut client), b"");
        server.running.wait_for_descendants();
    }
}
