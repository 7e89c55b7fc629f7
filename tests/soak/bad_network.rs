//! Many clients over a network that loses, delays, reorders and doubles packets: every byte comes back, and no process stays.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::harness::builds::{Build, program};
use crate::harness::net::namespace::in_own_network;
use crate::harness::net::ports::free_port;
use crate::harness::pool::parallel;
use crate::harness::process::launch::Launch;
use crate::harness::process::procfs::group;
use crate::harness::process::wait::wait_at_most;
use crate::harness::skip::skip;

const CLIENTS: usize = 200;
/// Connected at the same time: no more than the queue of `listen` holds. If it is full, the kernel uses SYN cookies, and a
/// packet that comes late is then sometimes answered with a reset, which is no fault of the server.
const AT_ONCE: usize = 5;
const BYTES: usize = 100_000;
/// For all clients of a server.
const LIMIT: Duration = Duration::from_secs(150);

/// What `tc` does to each packet. On a loopback interface both directions pass it.
const NETEM: &str = "qdisc add dev lo root netem delay 30ms 20ms loss 5% reorder 10% duplicate 2%";

#[test]
fn no_byte_is_lost_on_a_bad_network() {
    for server in ["tcp_server_fork", "tcp_server_double_fork"] {
        serves_all(server);
    }
}

/// Where the kernel has no netem, the clients come over the usual network.
fn serves_all(name: &str) {
    let (port, program) = (free_port(), program(Build::Fixed, name));
    in_own_network(|| {
        if let Err(why) = spoil_network() {
            skip(&format!("a bad network: {why}"));
        }
        let launch = Launch::new(program).arg(port.to_string()).arg("127.0.0.1");
        let mut server = launch.stdout(Stdio::null()).stderr(Stdio::null()).start();
        server.wait_until_listening(port).expect("it listens");
        let (next, deadline) = (AtomicUsize::new(0), Instant::now() + LIMIT);
        let workers: Vec<usize> = (0..AT_ONCE).collect();
        parallel(AT_ONCE, &workers, |_| {
            while next.fetch_add(1, Relaxed) < CLIENTS {
                client(port, deadline);
            }
        });
        let ended = wait_at_most(LIMIT, || group(server.pid()).len() == 1);
        assert!(ended, "{name}: {} processes are left", group(server.pid()).len());
    });
}

/// Whether this thread has a network that the rest of the process has not.
fn is_own_network() -> bool {
    let network = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).ok();
    network("thread-self").is_some_and(|own| Some(own) != network("self"))
}

/// In a network of its own only: elsewhere others would suffer.
fn spoil_network() -> Result<(), String> {
    if !is_own_network() {
        return Err("no network namespace".into());
    }
    let tc = Command::new("tc").args(NETEM.split(' ')).output().map_err(|error| format!("tc: {error}"))?;
    match tc.status.success() {
        true => Ok(()),
        false => Err(format!("tc: {}", String::from_utf8_lossy(&tc.stderr).trim())),
    }
}

/// Sends its bytes and reads them back at the same time.
fn client(port: u16, deadline: Instant) {
    let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), left());
    let mut stream = stream.expect("the server accepts within the time limit");
    stream.set_read_timeout(Some(left())).expect("a socket takes a timeout");
    stream.set_write_timeout(Some(left())).expect("a socket takes a timeout");
    let sent: Vec<u8> = (0..BYTES).map(|at| b"abcdefghijklmnop0123456789"[(at + at / 1000) % 26]).collect();
    let mut writing = stream.try_clone().expect("a descriptor is left");
    let mut received = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            writing.write_all(&sent).expect("the server takes all bytes within the time limit");
            writing.shutdown(Shutdown::Write).expect("the connection is open");
        });
        stream.read_to_end(&mut received).expect("the server answers within the time limit");
    });
    assert!(received == sent.to_ascii_uppercase(), "{} of {BYTES} bytes came back right", {
        received.iter().zip(&sent).take_while(|(is, sent)| **is == sent.to_ascii_uppercase()).count()
    });
}
