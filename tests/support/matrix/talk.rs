//! A client's conversation with a server that may fail it, without a clock: that nothing comes is
//! known when everybody sleeps.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use crate::support::programs::*;

/// How a conversation goes that nothing befalls.
pub const SERVED: &str = "FIRST SECOND end";

/// Waits until it is `done`; false if before that all of the group that `leader` leads sleep, and go on sleeping.
pub fn done_or_quiet(leader: u32, mut done: impl FnMut() -> bool) -> bool {
    let asleep = || group(leader).iter().all(|&pid| matches!(state(pid), None | Some('S' | 'Z')));
    let (mut quiet, mut over) = (0, false);
    within(PATIENCE, || {
        over = done();
        quiet = if asleep() { quiet + 1 } else { 0 };
        // Longer than a mended accept pauses.
        over || quiet > 20
    });
    over
}

/// What more there is to read: false at the end.
pub fn read_more(mut stream: impl Read, came: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes) {
        Ok(count) => {
            came.extend_from_slice(&bytes[..count]);
            count > 0
        }
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// Two messages and `quit`, said to the server `leader`; what came, and how it ended.
pub fn talk(port: u16, leader: u32) -> String {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let heard = stream.map_or("refused".into(), |stream| goes_on(stream, leader));
    done_or_quiet(leader, || false);
    heard
}

pub fn goes_on(mut stream: TcpStream, leader: u32) -> String {
    stream.set_nonblocking(true).expect("it is a socket");
    let mut heard = String::new();
    for (word, wanted) in [("first", 5), ("second", 6), ("quit", usize::MAX)] {
        // A server that has closed is seen by the read.
        let _ = stream.write_all(word.as_bytes());
        let (mut came, mut open) = (Vec::new(), true);
        let done = done_or_quiet(leader, || {
            open = read_more(&mut stream, &mut came);
            !open || came.len() >= wanted
        });
        heard += &came.escape_ascii().to_string();
        heard += if came.is_empty() { "" } else { " " };
        if !open || !done {
            return heard + if open { "and waits" } else { "end" };
        }
    }
    heard
}
