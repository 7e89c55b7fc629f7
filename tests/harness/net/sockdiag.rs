//! What the kernel says of its TCP sockets over netlink: `sock_diag(7)`. `/proc/net/tcp` says the same, but to read it takes
//! milliseconds, as the kernel walks its whole table for each.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::harness::net::socket::{LISTEN, Socket};

/// Types of netlink messages; the first also asks.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const DONE: u16 = libc::NLMSG_DONE as u16;

/// Where fields begin in a reply: struct nlmsghdr, then struct inet_diag_msg.
const HEADER: usize = 16;
const FAMILY: usize = HEADER;
const STATE: usize = HEADER + 1;
const PORT: usize = HEADER + 4;
const PEER_PORT: usize = HEADER + 6;
const ADDRESS: usize = HEADER + 8;
const WQUEUE: usize = HEADER + 60;
const INODE: usize = HEADER + 68;
const LENGTH: usize = HEADER + 72;

/// Bytes that either side of `stream` has written and the other side's kernel has not acknowledged: they may still be
/// on their way. Where the kernel does not tell of the other side, only ours count.
pub fn in_flight(stream: &TcpStream) -> usize {
    let mut ours = 0;
    unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut ours) };
    ours as usize + unacknowledged_by_us(stream).unwrap_or(0) as usize
}

/// Has delayed acknowledgements sent now.
pub fn acknowledge(stream: &TcpStream) {
    let (on, size) = (1, size_of::<libc::c_int>() as libc::socklen_t);
    let (tcp, quick, value) = (libc::IPPROTO_TCP, libc::TCP_QUICKACK, &raw const on);
    unsafe { libc::setsockopt(stream.as_raw_fd(), tcp, quick, value.cast::<libc::c_void>(), size) };
}

fn unacknowledged_by_us(stream: &TcpStream) -> Option<u32> {
    let reply = connection_reply(stream.peer_addr().ok()?, stream.local_addr().ok()?)?;
    // No such connection: nothing is on its way.
    Some(reply.map_or(0, |message| number(&message, WQUEUE)))
}

/// The socket of the connection between two IPv4 addresses, of which `here` is its own. The outer None: the kernel does
/// not tell.
pub fn connection(here: SocketAddr, there: SocketAddr) -> Option<Option<Socket>> {
    Some(connection_reply(here, there)?.map(|message| parsed(&message)))
}

fn connection_reply(here: SocketAddr, there: SocketAddr) -> Option<Option<Vec<u8>>> {
    let (SocketAddr::V4(here), SocketAddr::V4(there)) = (here, there) else { return None };
    let mut ends = Vec::new();
    ends.extend(here.port().to_be_bytes());
    ends.extend(there.port().to_be_bytes());
    for address in [here, there] {
        ends.extend(address.ip().octets());
        ends.extend([0; 12]);
    }
    let socket = ask(libc::AF_INET, u32::MAX, 0, &ends)?;
    let reply = receive(&socket)?;
    // Where there is no connection, the kernel tells of a listener, or that there is none.
    let found = messages(&reply).find(|message| is_socket(message) && message[STATE] != LISTEN);
    Some(found.map(<[u8]>::to_vec))
}

/// All sockets of IPv4 and IPv6 in these states, each a bit. None: the kernel does not tell.
pub fn sockets(states: u32) -> Option<Vec<Socket>> {
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let socket = ask(family, states, libc::NLM_F_DUMP, &[0; 36])?;
        loop {
            let reply = receive(&socket)?;
            let mut ended = false;
            for message in messages(&reply) {
                if is_socket(&message) {
                    found.push(parsed(message));
                } else if kind(message) == DONE {
                    ended = true;
                } else {
                    return None;
                }
            }
            if ended {
                break;
            }
        }
    }
    Some(found)
}

/// Sends a struct nlmsghdr and a struct inet_diag_req_v2. `ends` is the first 36 bytes of its struct inet_diag_sockid.
fn ask(family: i32, states: u32, flags: i32, ends: &[u8]) -> Option<OwnedFd> {
    let mut request = Vec::new();
    request.extend(72u32.to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(((libc::NLM_F_REQUEST | flags) as u16).to_ne_bytes());
    request.extend([0; 8]); // sequence number, port
    request.extend([family as u8, libc::IPPROTO_TCP as u8, 0, 0]);
    request.extend(states.to_ne_bytes());
    request.extend(ends);
    request.extend([0; 4]); // any interface
    request.extend([0xff; 8]); // no cookie
    unsafe {
        let socket =
            libc::socket(libc::AF_NETLINK, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, libc::NETLINK_SOCK_DIAG);
        if socket == -1 {
            return None;
        }
        let socket = OwnedFd::from_raw_fd(socket);
        let sent = libc::send(socket.as_raw_fd(), request.as_ptr().cast(), request.len(), 0);
        (sent == request.len() as isize).then_some(socket)
    }
}

/// The next datagram of a reply.
fn receive(socket: &OwnedFd) -> Option<Vec<u8>> {
    // The kernel fills at most 32 kB.
    let mut reply = vec![0; 1 << 15];
    let length = unsafe { libc::recv(socket.as_raw_fd(), reply.as_mut_ptr().cast(), reply.len(), 0) };
    reply.truncate(usize::try_from(length).ok().filter(|&length| length > 0)?);
    Some(reply)
}

/// The messages in a datagram, each with its header.
fn messages(mut datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if datagram.len() < HEADER {
            return None;
        }
        let length = (number(datagram, 0) as usize).clamp(HEADER, datagram.len());
        let message = &datagram[..length];
        datagram = &datagram[length.next_multiple_of(4).min(datagram.len())..];
        Some(message)
    })
}

fn kind(message: &[u8]) -> u16 {
    u16::from_ne_bytes([message[4], message[5]])
}

fn is_socket(message: &&[u8]) -> bool {
    kind(message) == SOCK_DIAG_BY_FAMILY && message.len() >= LENGTH
}

fn parsed(message: &[u8]) -> Socket {
    let port = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let address: [u8; 16] = message[ADDRESS..ADDRESS + 16].try_into().expect("16 bytes");
    let address = match i32::from(message[FAMILY]) {
        libc::AF_INET => Ipv4Addr::new(address[0], address[1], address[2], address[3]).to_string(),
        _ => Ipv6Addr::from(address).to_canonical().to_string(),
    };
    Socket {
        address,
        port: port(PORT),
        peer: port(PEER_PORT),
        state: message[STATE],
        inode: number(message, INODE).to_string(),
    }
}

fn number(message: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(message[at..at + 4].try_into().expect("four bytes"))
}
