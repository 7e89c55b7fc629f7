//! Waiting until nothing happens any more: every process of a program blocks in a call that only its peer can end.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::net::sockdiag::{acknowledge, in_flight};
use crate::harness::process::launch::Running;
use crate::harness::process::procfs::{ACCEPT, state};
use crate::harness::process::wait::wait_at_most;

/// How long bytes may be unacknowledged while every process blocks: more, and the receiver's buffer is full.
const DELAYED: Duration = Duration::from_millis(250);

/// The calls in which a process waits for somebody else.
const WAITS: [libc::c_long; 5] =
    [ACCEPT[0], ACCEPT[1], libc::SYS_read, libc::SYS_recvfrom, libc::SYS_wait4];

/// Waits until every process of `program` blocks or has ended and nothing is on its way to or from `peers`; false
/// if that has not come within `patience`, or `enough` before.
pub fn settles(
    program: &Running,
    peers: &[&TcpStream],
    patience: Duration,
    mut enough: impl FnMut() -> bool,
) -> bool {
    let (mut blocked_since, mut before, mut stopped) = (None, false, false);
    let settled = wait_at_most(patience, || {
        peers.iter().for_each(|peer| acknowledge(peer));
        if !program.group().into_iter().all(is_blocked) {
            (blocked_since, before) = (None, false);
            stopped = enough();
            return stopped;
        }
        let since = *blocked_since.get_or_insert_with(Instant::now);
        let now = since.elapsed() > DELAYED || peers.iter().all(|peer| in_flight(peer) == 0);
        // Twice: what has been sent may be about to wake somebody.
        std::mem::replace(&mut before, now) && now
    });
    settled && !stopped
}

/// It has ended, or it is in a call that waits for its peer. Before it becomes the program it waits for strace.
fn is_blocked(pid: u32) -> bool {
    // Not every user may see which call it is in.
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let number = call.split(' ').next().and_then(|number| number.parse::<libc::c_long>().ok());
    if call == "running\n" || number.is_some_and(|number| number >= 0 && !WAITS.contains(&number)) {
        return false;
    }
    match state(pid) {
        None | Some('Z') => true,
        // Not `t`: strace looks at a call before it begins.
        Some('S') => !is_strace(pid),
        _ => false,
    }
}

fn is_strace(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "strace\n")
}
