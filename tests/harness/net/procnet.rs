//! The kernel's TCP sockets, of IPv4 and IPv6.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::harness::net::sockdiag;
use crate::harness::net::socket::{LISTEN, Socket};

/// Those with this port at either end.
pub fn of(port: u16) -> Vec<Socket> {
    let mut found = sockets(u32::MAX);
    found.retain(|socket| socket.port == port || socket.peer == port);
    found
}

/// The socket of the connection between two addresses, of which `here` is its own.
pub fn connection(here: SocketAddr, there: SocketAddr) -> Option<Socket> {
    let its = |socket: &Socket| (socket.port, socket.peer) == (here.port(), there.port());
    sockdiag::connection(here, there).unwrap_or_else(|| table(!(1 << LISTEN)).into_iter().find(its))
}

pub fn in_state(state: u8) -> Vec<Socket> {
    sockets(1 << state)
}

pub fn listening() -> Vec<Socket> {
    in_state(LISTEN)
}

/// Those in these states, each a bit.
pub fn sockets(states: u32) -> Vec<Socket> {
    sockdiag::sockets(states).unwrap_or_else(|| table(states))
}

/// The same from the tables in `/proc/net`, where there is no `sock_diag`.
pub fn table(states: u32) -> Vec<Socket> {
    let table = |name| std::fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let tables = table("tcp") + &table("tcp6");
    let mut found = Vec::new();
    for socket in tables.lines().filter_map(socket) {
        // A socket appears twice when others come and go while the table is read.
        if states & 1 << socket.state != 0 && !found.contains(&socket) {
            found.push(socket);
        }
    }
    found
}

fn socket(row: &str) -> Option<Socket> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let &[_, here, there, state, _, _, _, _, _, inode, ..] = &words[..] else { return None };
    let (address, port) = here.split_once(':')?;
    let (_, peer) = there.split_once(':')?;
    let number = |hex| u16::from_str_radix(hex, 16).ok();
    let (port, peer) = (number(port)?, number(peer)?);
    let state = u8::from_str_radix(state, 16).ok()?;
    Some(Socket { address: notation(address)?, port, peer, state, inode: inode.into() })
}

/// An address in dotted or colon notation; an IPv4 address mapped into IPv6 as IPv4.
fn notation(hex: &str) -> Option<String> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    if hex.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).to_string());
    }
    let bytes = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical().to_string())
}
