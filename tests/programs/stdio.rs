//! Closed standard streams, and SIGTERM to a parent that has children.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::{Build, SERVERS, Server, program};
use crate::harness::net::ports::free_port;
use crate::harness::net::socket::held;
use crate::harness::net::test_client::{echo, read_rest, start_client};
use crate::harness::process::launch::{Launch, Trace};
use crate::harness::report::during;

/// The program with standard streams closed by a shell: `<&- 2>&-`.
fn with_closed(streams: &str, build: Build, name: &str) -> Launch {
    let shell = format!("exec \"$@\" {streams}");
    Launch::new("sh").args(["-c", &shell, "sh"]).arg(program(build, name))
}

/// Programs work without standard streams, and no log line is sent to the peer.
#[test]
fn closed_streams_change_nothing() {
    for streams in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        for name in SERVERS {
            let _during = during(format!("{name} {streams}"));
            let server = Server::launch(with_closed(streams, Fixed, name));
            (0..3).for_each(|_| server.assert_serves());
            for (fd, _) in held(server.pid()) {
                assert!(
                    !["0", "1", "2"].contains(&fd.as_str()),
                    "descriptor {fd} is a socket, and log lines go to it"
                );
            }
        }
        let _during = during(format!("tcp_client {streams}"));
        let client = with_closed(streams, Fixed, "tcp_client").arg("127.0.0.1");
        let (mut client, mut server) = start_client(|port| client.arg(port.to_string()));
        let typed: &[u8] = if streams.contains('<') { b"" } else { b"quit\n" };
        client.type_in(typed);
        server.shutdown(Shutdown::Write).expect("the client is connected");
        assert_eq!(read_rest(&mut server), typed.trim_ascii());
        assert_eq!(client.wait(), 0);
    }
}

/// Where /dev/null cannot take a closed stream's place, `socket` fails.
#[test]
fn an_unusable_dev_null_is_a_failed_socket() {
    crate::needs_strace!();
    let refused = Trace::all().option("-P").option("/dev/null").inject("?open,openat:error=EMFILE");
    let server = with_closed(">&-", Fixed, "tcp_server").arg(free_port().to_string());
    let mut server = server.traced(refused).start();
    assert_eq!(server.wait(), 1);
    server.stderr.wait_for("socket() failed::Too many open files");
}

/// As printed, a socket takes the place of a closed stream: 0 is a descriptor like any other.
#[test]
fn as_printed_a_socket_may_be_0() {
    Server::launch(with_closed("<&-", AsPrinted, "tcp_server"));
    let client = with_closed("<&-", AsPrinted, "tcp_client").arg("127.0.0.1");
    start_client(|port| client.arg(port.swap_bytes().to_string()));
}

/// SIGTERM ends only the parent: connected clients are served to their end, new ones are refused.
#[test]
fn sigterm_to_the_parent_leaves_its_clients_served() {
    for name in &SERVERS[1..] {
        let _during = during(name);
        let mut server = Server::start(name);
        let mut client = server.connect();
        assert_eq!(echo(&mut client, b"words"), b"WORDS");
        server.running.signal(libc::SIGTERM);
        assert_eq!(server.running.wait(), 128 + libc::SIGTERM);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).is_err());
        assert_eq!(echo(&mut client, b"still here"), b"STILL HERE");
        client.write_all(b"quit").expect("the server reads quit");
        assert_eq!(read_rest(&mut client), b"");
        server.running.wait_for_descendants();
    }
}
