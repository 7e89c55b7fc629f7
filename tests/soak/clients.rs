//! Clients of every kind: they quit, leave, reset, close half, or say nothing; and whether each got its own bytes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::os::fd::AsRawFd;

use crate::harness::net::test_client::with_timeouts;

/// One client, different from its neighbours; what went wrong, if something did.
pub fn client(port: u16, number: usize) -> Result<(), String> {
    let failed = |what: &str, error: std::io::Error| format!("client {number} {what}: {error}");
    let stream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|error| failed("connects", error))?;
    let mut stream = with_timeouts(stream);
    // No two clients say the same.
    let message = format!("client {number} says hello").repeat(if number % 40 == 7 { 150 } else { 1 });
    let mut talks = |message: &str| {
        stream.write_all(message.as_bytes()).map_err(|error| failed("sends", error))?;
        let mut reply = vec![0; message.len()];
        stream.read_exact(&mut reply).map_err(|error| failed("reads", error))?;
        match reply == message.to_uppercase().as_bytes() {
            true => Ok(()),
            false => Err(format!("client {number} got {}", reply.escape_ascii())),
        }
    };
    match number % 8 {
        0..=2 => {
            talks(&message)?;
            quits(stream).map_err(|error| failed("quits", error))
        }
        3 => talks(&message),
        4 => {
            talks(&message)?;
            resets_when_closed(&stream);
            Ok(())
        }
        5 => {
            stream.write_all(message.as_bytes()).map_err(|error| failed("sends", error))?;
            stream.shutdown(Shutdown::Write).map_err(|error| failed("closes its half", error))?;
            let mut reply = Vec::new();
            stream.read_to_end(&mut reply).map_err(|error| failed("reads", error))?;
            let whole = reply == message.to_uppercase().as_bytes();
            if whole { Ok(()) } else { Err(format!("client {number} got {} bytes", reply.len())) }
        }
        6 => {
            resets_when_closed(&stream);
            Ok(())
        }
        // Leaves before the reply.
        _ => stream.write_all(message.as_bytes()).map_err(|error| failed("sends", error)),
    }
}

fn quits(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"quit")?;
    match stream.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

fn resets_when_closed(stream: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let (size, linger) = (size_of_val(&linger) as u32, (&raw const linger).cast());
    unsafe { libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, linger, size) };
}

/// A client of a server whose forks may fail: whether it was served, or else saw its connection end.
pub fn served_or_closed(port: u16) -> Result<bool, String> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|error| error.to_string())?;
    let mut stream = with_timeouts(stream);
    let mut reply = [0; 5];
    // Closed with unread data it is reset.
    match stream.write_all(b"hello").and_then(|()| stream.read_exact(&mut reply)) {
        Ok(()) if &reply == b"HELLO" => Ok(true),
        Ok(()) => Err(format!("got {}", reply.escape_ascii())),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err("a client whose fork failed is not closed".to_string())
        }
        Err(_) => Ok(false),
    }
}
