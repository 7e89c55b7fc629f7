//! The kernel's sockets, asked in two ways.

use std::net::{TcpListener, TcpStream};

use crate::harness::net::procnet::{LISTEN, Socket, in_state, sockets, table};

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
        let _client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let all = with_port(port, sockets(u32::MAX));
        assert_eq!(all, with_port(port, table(u32::MAX)));
        assert_eq!(all.len(), 3, "a listener and two ends: {all:?}");
        assert_eq!(with_port(port, in_state(LISTEN)).len(), 1);
    }
}
