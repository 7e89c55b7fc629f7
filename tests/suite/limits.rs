//! What a host does to the programs, and what comes of it: streams that are closed, a signal to the parent.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use crate::support::programs::*;

/// Without its standard streams a program does its work, and no line of log goes to the other side.
#[test]
fn without_streams_nothing_is_missed() {
    for (streams, shell) in [(&[0][..], "<&-"), (&[1], ">&-"), (&[2], "2>&-"), (&[0, 1, 2], "<&- >&- 2>&-")]
    {
        let without = |name| {
            let shell = format!("exec \"$@\" {shell}");
            Launch::of("sh").args(["-c", &shell, "sh"]).arg(program(Build::Mended, name))
        };
        for name in SERVERS {
            let port = free_port();
            let mut running = without(name).arg(port.to_string()).arg("127.0.0.1").start();
            // It may be unable to say so.
            running.listens(port, PATIENCE).expect("it listens");
            let server = Server { running, port };
            (0..3).for_each(|_| server.serves());
            for stream in 0..=2 {
                let target = std::fs::read_link(format!("/proc/{}/fd/{stream}", server.pid()));
                let safe = target.is_ok_and(|target| !target.to_string_lossy().starts_with("socket:"));
                assert!(safe, "{name} without {streams:?}: {stream}");
            }
        }
        let start = |port: u16| without("tcp_client").arg("127.0.0.1").arg(port.to_string()).start();
        let (mut client, mut server) = accepted(start);
        let typed: &[u8] = if streams.contains(&0) { b"" } else { b"quit\n" };
        client.type_in(typed);
        server.shutdown(Shutdown::Write).expect("it is connected");
        assert_eq!(rest(&mut server), typed.trim_ascii(), "the client without {streams:?}");
        assert_eq!(client.wait(), 0, "the client without {streams:?}");
    }
}

/// Where their places can't be filled, `socket` has failed.
#[test]
fn a_place_that_cannot_be_filled_is_a_failed_socket() {
    let refused = Trace::all().option("-P").option("/dev/null").inject("?open,openat:error=EMFILE");
    let server = Launch::of("sh").args(["-c", "exec >&-; exec \"$@\"", "sh"]);
    let server = server.arg(program(Build::Mended, "tcp_server")).traced(refused);
    let mut server = server.arg(free_port().to_string()).arg("127.0.0.1").start();
    assert_eq!(server.wait(), 1);
    server.stderr.wait_for("socket() failed::Too many open files");
}

/// SIGTERM ends the parent alone: clients being served finish, new ones are refused.
#[test]
fn an_ended_parent_leaves_its_clients_served() {
    for name in &SERVERS[1..] {
        let mut server = Server::start(name);
        let mut clients = [server.connect(), server.connect(), server.connect()];
        clients.iter_mut().for_each(|client| assert_eq!(said(client, b"words"), b"WORDS"));
        server.running.signal(libc::SIGTERM);
        assert_eq!(server.running.wait(), 128 + libc::SIGTERM);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).is_err());
        for mut client in clients {
            assert_eq!(said(&mut client, b"still here"), b"STILL HERE");
            client.write_all(b"quit").expect("it is taken");
            assert_eq!(rest(&mut client), b"");
        }
        assert_eq!(server.running.wait_for_all(), 128 + libc::SIGTERM);
    }
}
