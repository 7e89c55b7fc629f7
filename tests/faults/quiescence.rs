//! Sessions with a program that may fail its peer: they end when nothing happens any more.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::faults::target::Target;
use crate::harness::process::launch::{Running, Trace};
use crate::harness::process::procfs::{group, state};
use crate::harness::process::wait::{TIMEOUT, wait_at_most};
use crate::harness::session::is_blocked;

/// What a client sees in a session without faults.
pub const SERVED: &str = "FIRST SECOND end";
/// When all processes have blocked for so long, nothing more happens. A server that pauses before it retries an
/// `accept` pauses less: the observation of retries checks that.
pub const QUIET: Duration = Duration::from_millis(100);
/// And it was looked at so often meanwhile: this process may not have run for all of that time.
const LOOKS: u32 = 12;
/// A trace as long as this is that of a client that prompts forever.
const ENDLESS: usize = 200_000;

/// Waits until it is `done`; false if all processes of the group of `leader` block before that for [`QUIET`].
pub fn done_or_quiet(leader: u32, mut done: impl FnMut() -> bool) -> bool {
    let (mut is_done, mut active, mut looks) = (false, Instant::now(), 0);
    wait_at_most(TIMEOUT, || {
        is_done = done();
        looks += 1;
        if !group(leader).into_iter().all(is_blocked) {
            (active, looks) = (Instant::now(), 0);
        }
        is_done || active.elapsed() > QUIET && looks > LOOKS
    });
    is_done
}

/// Its status, if it has ended; the process that waits for it may not know yet.
pub fn status(program: &mut Running) -> Option<i32> {
    matches!(state(program.pid()), None | Some('Z')).then(|| program.wait())
}

/// Reads all that is there; whether there may be more later.
fn read_available(mut stream: &TcpStream, received: &mut Vec<u8>) -> bool {
    stream.set_nonblocking(true).expect("a connection can be non-blocking");
    stream.read_to_end(received).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// A client of the server `leader` sends two messages and `quit`: what it received, and how its connection ended.
pub fn serve_client(port: u16, leader: u32) -> String {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let received = stream.map_or("refused".into(), |stream| serve_connected(stream, leader));
    done_or_quiet(leader, || false);
    received
}

/// The same, once it is connected.
pub fn serve_connected(mut stream: TcpStream, leader: u32) -> String {
    let mut session = Vec::new();
    for (message, wanted) in [("first", 5), ("second", 6), ("quit", usize::MAX)] {
        // The read sees whether the server has closed.
        let _ = stream.write_all(message.as_bytes());
        let (mut received, mut open) = (Vec::new(), true);
        let done = done_or_quiet(leader, || {
            open = read_available(&stream, &mut received);
            !open || received.len() >= wanted
        });
        session.extend((!received.is_empty()).then(|| received.escape_ascii().to_string()));
        if !open || !done {
            session.push(if open { "and waits" } else { "end" }.to_string());
            break;
        }
    }
    session.join(" ")
}

/// A client that is given two messages and `quit`, and a peer that replies as the servers do; its status, if it ended.
pub fn run_client(target: &Target, trace: Trace) -> (Running, Option<i32>) {
    let peer = TcpListener::bind("127.0.0.1:0").expect("the kernel has a free port");
    peer.set_nonblocking(true).expect("a listening socket can be non-blocking");
    let port = peer.local_addr().expect("a bound socket has an address").port();
    let mut client = target.launch("", port).traced(trace).start();
    // A client that has ended reads nothing.
    let _ = client.stdin.take().expect("a client's input is open").write_all(b"first\nsecond\nquit\n");
    let pid = client.pid();
    let mut connection = None;
    done_or_quiet(pid, || {
        // While it runs it may write more: how much arrives as one message would depend on the time.
        if state(pid) == Some('S') {
            connection = connection.take().or_else(|| Some(peer.accept().ok()?.0)).filter(replies);
        }
        client.has_ended() || client.trace().len() > ENDLESS
    });
    let status = status(&mut client);
    // While it still has its peer.
    client.end();
    (client, status)
}

/// Replies in upper case; false at the end, and at `quit`.
fn replies(mut stream: &TcpStream) -> bool {
    let mut received = Vec::new();
    let open = read_available(stream, &mut received) && received != b"quit";
    open && stream.write_all(&received.to_ascii_uppercase()).is_ok()
}
