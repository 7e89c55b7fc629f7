//! Free ports for servers under test, and whether one is in use.

use std::collections::HashSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::harness::net::procnet;

/// Whether a socket of any process listens on it.
pub fn is_listening(port: u16) -> bool {
    procnet::listening().iter().any(|socket| socket.port == port)
}

/// What this process knows about ports.
#[derive(Default)]
struct FreePorts {
    last: u16,
    /// Those that sockets had when a hundred was taken, and those that were given out, in both byte orders.
    taken: HashSet<u16>,
    held: Vec<UdpSocket>,
}

/// An unused port below those that the kernel gives to clients. Each process takes a hundred at a time and holds the
/// first as a UDP port, so that several test runs keep apart. In the other byte order, as a program with erratum 1 takes
/// it, it is another port, unused, too, not a privileged one, and none that the kernel gives to clients.
///
/// To try whether a port can be bound would, for a moment, keep others from it.
pub fn free_port() -> u16 {
    static PORTS: LazyLock<Mutex<FreePorts>> = LazyLock::new(Mutex::default);
    let mut ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if ports.last % 100 == 0 {
            ports.take_a_hundred();
        }
        ports.last += 1;
        let (port, swapped) = (ports.last, ports.last.swap_bytes());
        let usable = port % 100 != 0 && swapped != port && (1024..32_768).contains(&swapped);
        if usable && !ports.taken.contains(&port) && !ports.taken.contains(&swapped) {
            ports.taken.extend([port, swapped]);
            return port;
        }
    }
}

/// A free port that in neither byte order is so short that it could be part of a message by chance.
pub fn free_long_port() -> u16 {
    std::iter::repeat_with(free_port)
        .find(|port| port.swap_bytes() >= 10_000)
        .expect("there is always a next port")
}

impl FreePorts {
    fn take_a_hundred(&mut self) {
        let held = first_of_a_hundred().or_else(|| {
            // After thousands of ports the first are free again.
            self.held.clear();
            self.taken.clear();
            first_of_a_hundred()
        });
        let held = held.expect("one of 200 ranges of ports is unused");
        self.last = held.local_addr().expect("a bound socket has an address").port();
        self.held.push(held);
        self.taken.extend(ports_of_sockets());
    }
}

/// Holds the first UDP port of a hundred that no test run has.
fn first_of_a_hundred() -> Option<UdpSocket> {
    let from = std::process::id() * 37;
    let mut hundreds = (from..from + 200).map(|n| 10_000 + (n % 200 * 100) as u16);
    hundreds.find_map(|first| UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok())
}

/// All ports that sockets have, at either end and in any state. One in TIME_WAIT would keep a server as printed from its
/// port (erratum 17) and appear in lessons; it may be at the client's end only. To ask takes some 10 ms.
pub fn ports_of_sockets() -> HashSet<u16> {
    procnet::sockets(u32::MAX).iter().flat_map(|socket| [socket.port, socket.peer]).collect()
}
