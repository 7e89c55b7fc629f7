//! The other end of a program's connections, in the test's hands.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use crate::harness::net::procnet::{self, Socket};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::wait::{TIMEOUT, wait_for_some, wait_until};

/// No read or write of it waits longer than [`TIMEOUT`].
pub fn with_timeouts(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout is set");
    stream.set_write_timeout(Some(TIMEOUT)).expect("a timeout is set");
    stream
}

pub fn connect(port: u16) -> TcpStream {
    with_timeouts(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server accepts"))
}

/// The next connection to `listener`, which must come.
pub fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("it is a socket");
    let (stream, _) = wait_for_some("a client connects", || listener.accept().ok());
    stream.set_nonblocking(false).expect("it is a socket");
    with_timeouts(stream)
}

/// A client that is started for a port at which the test itself listens, and the test's end of its connection.
pub fn start_client(client: impl FnOnce(u16) -> Launch) -> (Running, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let client = client(listener.local_addr().expect("it is bound").port()).start();
    let stream = accept(&listener);
    (client, stream)
}

/// Sends `words`, and returns as many bytes as were sent.
pub fn echo(stream: &mut TcpStream, words: &[u8]) -> Vec<u8> {
    stream.write_all(words).expect("the server takes it");
    let mut reply = vec![0; words.len()];
    stream.read_exact(&mut reply).expect("the server replies");
    reply
}

/// All that comes until the other side closes.
pub fn read_rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the server closes");
    rest
}

/// Ends a connection with a reset, and waits until the other side can see it.
pub fn reset(stream: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let (size, linger) = (size_of_val(&linger) as u32, (&raw const linger).cast());
    let fd = stream.as_raw_fd();
    let set = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, linger, size) };
    assert_eq!(set, 0, "a linger is set");
    let ends = stream.peer_addr().ok().zip(stream.local_addr().ok());
    drop(stream);
    if let Some((there, here)) = ends {
        let open = |socket: &Socket| (socket.port, socket.peer) == (there.port(), here.port());
        wait_until("the other side is reset", || !procnet::of(there.port()).iter().any(open));
    }
}
