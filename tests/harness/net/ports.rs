//! Free ports for servers under test, and whether one is in use.

use std::collections::HashSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::harness::net::procnet;

/// Whether a socket of any process listens on it.
pub fn is_listening(port: u16) -> bool {
    procnet::listening().iter().any(|socket| socket.port == port)
}

/// What this process knows about free ports.
struct FreePorts {
    last: u16,
    /// When the last hundred was taken.
    in_use: HashSet<u16>,
    held: Vec<UdpSocket>,
}

static PORTS: LazyLock<Mutex<FreePorts>> =
    LazyLock::new(|| Mutex::new(FreePorts { last: 0, in_use: HashSet::new(), held: Vec::new() }));

/// An unused port below those that the kernel gives to clients. Each process takes a hundred at a time and holds the
/// first as a UDP port, so that several test runs keep apart. In the other byte order, as a program with erratum 1 takes
/// it, it is another port, unused, too, not a privileged one, and none that the kernel gives to clients.
pub fn free_port() -> u16 {
    let mut ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if ports.last % 100 == 0 {
            ports.take_a_hundred();
        }
        ports.last += 1;
        let (port, swapped) = (ports.last, ports.last.swap_bytes());
        let usable = port % 100 != 0 && swapped != port && (1024..32_768).contains(&swapped);
        if usable && [port, swapped].iter().all(|port| !ports.in_use.contains(port) && can_bind(*port)) {
            return port;
        }
    }
}

impl FreePorts {
    fn take_a_hundred(&mut self) {
        let from = std::process::id() * 37;
        let mut hundreds = (from..from + 200).map(|n| 10_000 + (n % 200 * 100) as u16);
        let held = hundreds.find_map(|first| UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok());
        let held = held.expect("one of 200 ranges of ports is unused");
        self.last = held.local_addr().expect("a bound socket has an address").port();
        self.held.push(held);
        self.in_use = ports_of_sockets();
    }
}

/// No socket has it, at either end and in any state. One in TIME_WAIT would keep a server as printed from it (erratum 17)
/// and appear in lessons.
pub fn is_unused(port: u16) -> bool {
    !ports_of_sockets().contains(&port) && can_bind(port)
}

/// All ports that sockets have, at either end. A connection in TIME_WAIT at the client's end has the server's port as its
/// peer only, which bind() does not notice.
fn ports_of_sockets() -> HashSet<u16> {
    procnet::sockets(u32::MAX).iter().flat_map(|socket| [socket.port, socket.peer]).collect()
}

/// Without SO_REUSEADDR, which the standard library's listeners have, bind() fails where any socket has the port as its
/// own.
fn can_bind(port: u16) -> bool {
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        assert_ne!(socket, -1, "a socket to try ports with: {}", std::io::Error::last_os_error());
        let socket = OwnedFd::from_raw_fd(socket);
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_port = port.to_be();
        let size = size_of_val(&address) as libc::socklen_t;
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) == 0
    }
}
