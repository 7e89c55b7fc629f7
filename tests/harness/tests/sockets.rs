//! The kernel's sockets, asked in two ways.

use std::net::{TcpListener, TcpStream};

use crate::harness::net::ports::{free_port, ports_of_sockets};
use crate::harness::net::procnet::{connection, in_state, sockets, table};
use crate::harness::net::socket::{LISTEN, Socket};
use crate::harness::net::test_client::reset;
use crate::harness::process::wait::wait_until;

/// The sockets that have this port, as text.
fn with_port(port: u16, found: Vec<Socket>) -> Vec<String> {
    let mut rows = Vec::new();
    for it in found {
        if it.port == port || it.peer == port {
            rows.push(format!("{} {} {} {} {}", it.address, it.port, it.peer, it.state, it.inode));
        }
    }
    rows.sort();
    rows
}

#[test]
fn netlink_and_the_tables_of_proc_agree() {
    for address in ["127.0.0.1:0", "[::ffff:127.0.0.1]:0"] {
        let listener = TcpListener::bind(address).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let all = with_port(port, sockets(u32::MAX));
        // A socket may be missing from the table when others come and go while it is read.
        wait_until("netlink and the tables agree", || with_port(port, table(u32::MAX)) == all);
        assert_eq!(all.len(), 3, "a listener and two ends: {all:?}");
        assert_eq!(with_port(port, in_state(LISTEN)).len(), 1);
        let here = client.local_addr().expect("it is connected");
        let there = client.peer_addr().expect("it is connected");
        let found = |from, to| connection(from, to).map(|socket| (socket.port, socket.peer));
        assert_eq!(found(there, here), Some((port, here.port())));
        reset(client);
        assert_eq!(found(there, here), None, "a listener is no connection");
    }
}

/// A connection that its client closed first: nothing holds the server's port afterwards, but `ss` still shows it.
#[test]
fn a_port_with_an_old_connection_is_not_free() {
    let port = free_port();
    assert!(!ports_of_sockets().contains(&port), "{:?}", with_port(port, sockets(u32::MAX)));
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let (server, _) = listener.accept().expect("a client is connected");
    drop(listener);
    drop(client);
    drop(server);
    assert!(ports_of_sockets().contains(&port), "{:?}", with_port(port, sockets(u32::MAX)));
}
