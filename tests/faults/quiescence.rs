//! A conversation with a program that may fail the other side: nothing comes any more when everybody sleeps.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::faults::Subject;
use crate::harness::process::launch::{Running, Trace};
use crate::harness::process::procfs::{group, state};
use crate::harness::process::wait::{TIMEOUT, wait_at_most};
use crate::harness::session::is_blocked;

/// How a conversation goes that nothing befalls.
pub const SERVED: &str = "FIRST SECOND end";

/// Waits until it is `done`; false if before that all of the group that `leader` leads sleep, and go on sleeping.
pub fn done_or_quiet(leader: u32, mut done: impl FnMut() -> bool) -> bool {
    let (mut quiet, mut over) = (0, false);
    wait_at_most(TIMEOUT, || {
        over = done();
        quiet = if group(leader).into_iter().all(is_blocked) { quiet + 1 } else { 0 };
        // Longer than a mended accept pauses.
        over || quiet > 20
    });
    over
}

/// Its status, if it has ended; who waits for its end may not know yet.
pub fn status(program: &mut Running) -> Option<i32> {
    matches!(state(program.pid()), None | Some('Z')).then(|| program.wait())
}

/// All that there is to read by now, and whether there may be more.
fn read_all(mut stream: &TcpStream, came: &mut Vec<u8>) -> bool {
    stream.set_nonblocking(true).expect("it is a socket");
    stream.read_to_end(came).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Two messages and `quit`, said to the server `leader`; what came, and how it ended.
pub fn talk(port: u16, leader: u32) -> String {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let heard = stream.map_or("refused".into(), |stream| goes_on(stream, leader));
    done_or_quiet(leader, || false);
    heard
}

pub fn goes_on(mut stream: TcpStream, leader: u32) -> String {
    let mut heard = Vec::new();
    for (word, wanted) in [("first", 5), ("second", 6), ("quit", usize::MAX)] {
        // A server that has closed is seen by the read.
        let _ = stream.write_all(word.as_bytes());
        let (mut came, mut open) = (Vec::new(), true);
        let done = done_or_quiet(leader, || {
            open = read_all(&stream, &mut came);
            !open || came.len() >= wanted
        });
        heard.extend((!came.is_empty()).then(|| came.escape_ascii().to_string()));
        if !open || !done {
            heard.push(if open { "and waits" } else { "end" }.to_string());
            break;
        }
    }
    heard.join(" ")
}

/// A client that was typed two messages and `quit`, to a peer that answers as the servers do; its status, once ended.
pub fn with_a_peer(subject: &Subject, trace: Trace) -> (Running, Option<i32>) {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    peer.set_nonblocking(true).expect("it is a socket");
    let port = peer.local_addr().expect("it is bound").port();
    let mut client = subject.launch("", port).traced(trace).start();
    // A client that has ended reads nothing.
    let _ = client.stdin.take().expect("it is open").write_all(b"first\nsecond\nquit\n");
    let pid = client.pid();
    let mut connection = None;
    done_or_quiet(pid, || {
        // While it is awake it may write more: what comes as one message would be chance.
        if state(pid) == Some('S') {
            connection = connection.take().or_else(|| Some(peer.accept().ok()?.0)).filter(answers);
        }
        // Or it asks for ever.
        client.has_ended() || client.trace().len() > 200_000
    });
    let status = status(&mut client);
    // Before its peer is gone.
    client.end();
    (client, status)
}

/// Says what has come in upper case; false at the end, and at `quit`.
fn answers(mut stream: &TcpStream) -> bool {
    let mut came = Vec::new();
    let open = read_all(stream, &mut came) && came != b"quit";
    open && stream.write_all(&came.to_ascii_uppercase()).is_ok()
}
