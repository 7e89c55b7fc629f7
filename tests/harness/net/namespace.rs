//! A network of a thread's own, where the kernel allows one: nobody else's connections are in it.

use std::panic::resume_unwind;
use std::process::{Command, Stdio};
use std::thread;

/// Does the work in a thread that has a network with nothing but a loopback interface, as have the threads and programs
/// that it starts. Where that is not allowed, in the network of all.
pub fn in_own_network<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let name = thread::current().name().unwrap_or_default().to_string();
    let isolated = || {
        if unshare_network() {
            acknowledge_immediately();
        }
        work()
    };
    thread::scope(|scope| {
        // A failure names the test.
        let thread = thread::Builder::new().name(name).spawn_scoped(scope, isolated);
        thread.expect("a thread is left").join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// False where it is not allowed.
fn unshare_network() -> bool {
    unsafe {
        if libc::unshare(libc::CLONE_NEWNET) == -1 {
            return false;
        }
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[..2].copy_from_slice(&[b'l' as libc::c_char, b'o' as libc::c_char]);
        request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        let up = libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request);
        libc::close(socket);
        up == 0
    }
}

/// Every segment is acknowledged when it comes: how much of a peer's data is sent by then does not depend on a timer.
fn acknowledge_immediately() {
    for destination in ["127.0.0.0/8", "127.0.0.1"] {
        let route =
            ["route", "change", "local", destination, "dev", "lo", "src", "127.0.0.1", "table", "local"];
        let mut ip = Command::new("ip");
        // Without it there may be other results, but seldom.
        let _ = ip.args(route).args(["quickack", "1"]).stderr(Stdio::null()).status();
    }
}
