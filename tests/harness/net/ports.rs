//! Free ports for servers under test, and whether one is in use.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use crate::harness::net::procnet;

/// Whether a socket of any process listens on it.
pub fn is_listening(port: u16) -> bool {
    procnet::listening().iter().any(|socket| socket.port == port)
}

/// An unused port below those that the kernel gives to clients. Each process takes a hundred at a time and holds the
/// first as a UDP port, so that several test runs keep apart. In the other byte order, as a program with erratum 1 takes
/// it, it is another port, unused, too, not a privileged one, and none that the kernel gives to clients.
pub fn free_port() -> u16 {
    static TAKEN: Mutex<(u16, Vec<UdpSocket>)> = Mutex::new((0, Vec::new()));
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if taken.0 % 100 == 0 {
            let from = std::process::id() * 37;
            let mut hundreds = (from..from + 200).map(|n| 10_000 + (n % 200 * 100) as u16);
            let held = hundreds.find_map(|first| UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok());
            let held = held.expect("one of 200 ranges of ports is unused");
            taken.0 = held.local_addr().expect("a bound socket has an address").port();
            taken.1.push(held);
        }
        taken.0 += 1;
        let (port, swapped) = (taken.0, taken.0.swap_bytes());
        let usable = port % 100 != 0 && swapped != port && (1024..32_768).contains(&swapped);
        if usable && is_unused(port) && is_unused(swapped) {
            return port;
        }
    }
}

/// No socket has it, not even one in TIME_WAIT: that would keep a server as printed from it (erratum 17) and appear in
/// lessons. Without SO_REUSEADDR, which the standard library's listeners have, bind() fails where any socket has the port.
pub fn is_unused(port: u16) -> bool {
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
