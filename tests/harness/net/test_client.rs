//! The peer of a program under test: a client of a server, and a server for a client.
//!
//! No read or write waits longer than [`TIMEOUT`]; a failure names the port, and so the program.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use crate::harness::net::procnet;
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::wait::{TIMEOUT, wait_for_some, wait_until};

/// Bounds every read and write of `stream`.
pub fn with_timeouts(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(TIMEOUT)).expect("a socket takes a timeout");
    stream.set_write_timeout(Some(TIMEOUT)).expect("a socket takes a timeout");
    stream
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    with_timeouts(
        stream.unwrap_or_else(|error| panic!("no connection to the server on port {port}: {error}")),
    )
}

/// The next connection to `listener`, which must come.
pub fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("a listening socket can be non-blocking");
    let (stream, _) = wait_for_some("a client connects to the test", || listener.accept().ok());
    stream.set_nonblocking(false).expect("a connection can be blocking");
    with_timeouts(stream)
}

/// Starts a client that connects to the test itself, and returns it with the test's end of its connection.
pub fn start_client(client: impl FnOnce(u16) -> Launch) -> (Running, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the kernel has a free port");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    let client = client(port).start();
    let stream = accept(&listener);
    (client, stream)
}

/// Sends `message`, and returns as many bytes as were sent.
pub fn echo(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    let mut reply = vec![0; message.len()];
    let result = stream.write_all(message).and_then(|()| stream.read_exact(&mut reply));
    result.unwrap_or_else(|error| {
        let start = &message[..message.len().min(40)];
        panic!(
            "no whole reply to \"{}\" ({} bytes) {}",
            start.escape_ascii(),
            message.len(),
            why(stream, &error)
        )
    });
    reply
}

/// All that comes until the peer closes.
pub fn read_rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let result = stream.read_to_end(&mut rest);
    result.unwrap_or_else(|error| {
        panic!("after {} bytes no end of the connection {}", rest.len(), why(stream, &error))
    });
    rest
}

/// Which program it is, and what happened to the connection.
fn why(stream: &TcpStream, error: &io::Error) -> String {
    let port =
        stream.peer_addr().map_or("a closed connection".into(), |peer| format!("port {}", peer.port()));
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it closed the connection".to_string(),
        io::ErrorKind::WouldBlock => format!("nothing came for {} s", TIMEOUT.as_secs()),
        _ => error.to_string(),
    };
    format!("from the program at {port}: {what}")
}

/// Ends a connection with a reset, and waits until the peer can see it.
pub fn reset(stream: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let (size, linger) = (size_of_val(&linger) as u32, (&raw const linger).cast());
    let fd = stream.as_raw_fd();
    let set = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, linger, size) };
    assert_eq!(set, 0, "SO_LINGER: {}", io::Error::last_os_error());
    let ends = stream.peer_addr().ok().zip(stream.local_addr().ok());
    drop(stream);
    if let Some((there, here)) = ends {
        wait_until("the peer's socket is reset", || procnet::connection(there, here).is_none());
    }
}
