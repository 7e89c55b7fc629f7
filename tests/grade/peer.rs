//! The grader's end of a connection. Each wait ends when the program has been idle for a while.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::time::Duration;

use crate::grade::patience::{Patience, settle};
use crate::harness::net::procnet;
use crate::harness::net::socket::Socket;
use crate::harness::net::test_client::reset;
use crate::say;

/// How long a read or write waits before the program is looked at.
const TURN: Duration = Duration::from_millis(10);

pub struct Peer {
    pub stream: TcpStream,
    /// The one above the program's processes.
    supervisor: u32,
    /// Its own address and the server's, unless it was reset immediately.
    ends: Option<(SocketAddr, SocketAddr)>,
}

impl Peer {
    pub fn new(stream: TcpStream, supervisor: u32) -> Self {
        stream.set_nonblocking(false).expect("it is a socket");
        stream.set_read_timeout(Some(TURN)).expect("a timeout is set");
        stream.set_write_timeout(Some(TURN)).expect("a timeout is set");
        let ends = stream.local_addr().ok().zip(stream.peer_addr().ok());
        Peer { stream, supervisor, ends }
    }

    pub fn connect(port: u16, supervisor: u32) -> Result<Self, String> {
        let stream =
            TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_secs(5));
        stream.map(|stream| Peer::new(stream, supervisor)).map_err(|error| refused(&error))
    }

    /// A client with a port below 1024, where the system allows that.
    pub fn connect_from_low_port(port: u16, supervisor: u32) -> Result<Self, String> {
        for own in (600..1024).rev() {
            let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
            assert_ne!(fd, -1, "a descriptor is left");
            let stream = unsafe { TcpStream::from_raw_fd(fd) };
            let address = |port: u16| libc::sockaddr_in {
                sin_family: libc::AF_INET as u16,
                sin_port: port.to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be() },
                sin_zero: [0; 8],
            };
            let (own, there) = (address(own), address(port));
            let size = size_of::<libc::sockaddr_in>() as u32;
            let (bound, denied) = unsafe {
                let bound = libc::bind(fd, (&raw const own).cast(), size) == 0;
                (bound, !bound && std::io::Error::last_os_error().kind() == ErrorKind::PermissionDenied)
            };
            if denied {
                break;
            }
            if bound {
                return match unsafe { libc::connect(fd, (&raw const there).cast(), size) } {
                    0 => Ok(Peer::new(stream, supervisor)),
                    _ => Err(refused(&std::io::Error::last_os_error())),
                };
            }
        }
        Peer::connect(port, supervisor)
    }

    /// What looks up the socket at the other side, also after this one is closed.
    pub fn other_side(&self) -> impl Fn() -> Option<Socket> + use<> {
        let ends = self.ends;
        move || ends.and_then(|(here, there)| procnet::connection(there, here))
    }

    /// Sets the size of `SO_SNDBUF` or `SO_RCVBUF`.
    pub fn set_buffer(&self, buffer: libc::c_int, bytes: libc::c_int) {
        let size = size_of_val(&bytes) as u32;
        let bytes = (&raw const bytes).cast();
        unsafe { libc::setsockopt(self.stream.as_raw_fd(), libc::SOL_SOCKET, buffer, bytes, size) };
    }

    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (mut sent, mut patience) = (0, Patience::new(self.supervisor));
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => {
                    sent += count;
                    patience = Patience::new(self.supervisor);
                }
                Err(error) if timed_out(&error) && !patience.is_over() => {}
                Err(error) if timed_out(&error) => {
                    return Err(say!("it takes no more bytes", "它不再接收数据"));
                }
                Err(error) => {
                    return Err(say!("it takes no more bytes: {error}", "它不再接收数据：{error}"));
                }
            }
        }
        Ok(())
    }

    /// The next bytes, at most `most`: none at the end. An error if nothing comes.
    pub fn read(&mut self, most: usize) -> std::io::Result<Vec<u8>> {
        let patience = Patience::new(self.supervisor);
        self.read_with(patience, most)
    }

    /// Waits until there is something to read, be it the end. False: nothing comes.
    pub fn wait_readable(&self) -> bool {
        let mut patience = Patience::new(self.supervisor).for_an_answer();
        loop {
            match self.stream.peek(&mut [0]) {
                Err(error) if timed_out(&error) && !patience.is_over() => {}
                Err(error) => return !timed_out(&error),
                Ok(_) => return true,
            }
        }
    }

    fn read_with(&mut self, mut patience: Patience, most: usize) -> std::io::Result<Vec<u8>> {
        let mut buffer = vec![0; most];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(count) => {
                    buffer.truncate(count);
                    return Ok(buffer);
                }
                Err(error) if timed_out(&error) && !patience.is_over() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// All that comes until it is `enough`, or until nothing more comes.
    pub fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        self.collect(Patience::new, enough)
    }

    /// The same, without waiting for a program that pauses.
    pub fn read_briefly(&mut self, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        self.collect(
            |supervisor| {
                Patience::new(supervisor).bounds(Duration::from_millis(600), Duration::from_secs(15))
            },
            enough,
        )
    }

    fn collect(&mut self, patience: impl Fn(u32) -> Patience, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut received = Vec::new();
        while !enough(&received) && received.len() < 1 << 20 {
            match self.read_with(patience(self.supervisor), 1 << 16) {
                Ok(more) if more.is_empty() => break,
                Ok(more) => received.extend(more),
                Err(_) => break,
            }
        }
        received
    }

    /// Reads what is there already.
    pub fn drain(&mut self) {
        let _ = self.stream.set_nonblocking(true);
        while matches!(self.stream.read(&mut [0; 4096]), Ok(1..)) {}
        let _ = self.stream.set_nonblocking(false);
    }

    /// Waits for these bytes, and for no others.
    pub fn expect(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (mut at, all) = (0, bytes.len());
        let then = loop {
            if at == all {
                return Ok(());
            }
            match self.read((all - at).min(1 << 16)) {
                Ok(more) if more.is_empty() => break say!("the connection was closed", "连接被关闭"),
                Ok(more) if bytes[at..].starts_with(&more) => at += more.len(),
                Ok(more) => {
                    at += more.iter().zip(&bytes[at..]).take_while(|(is, should)| is == should).count();
                    break say!("a wrong byte", "错误的字节");
                }
                Err(error) if timed_out(&error) => break say!("nothing more", "再无数据"),
                Err(error) => break error.to_string(),
            }
        };
        Err(say!("{at} of {all} bytes came back, then {then}", "收到 {at}/{all} 字节，之后：{then}"))
    }

    /// Sends bytes that come back as they are.
    pub fn echo(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.send(bytes)?;
        self.expect(bytes)
    }

    /// Whether the other side ends the connection; what comes before does not matter.
    pub fn is_ended(&mut self) -> bool {
        let mut patience = Patience::new(self.supervisor);
        loop {
            match self.read(1 << 16) {
                Ok(more) if more.is_empty() => return true,
                Ok(_) if patience.is_over() => return false,
                Ok(_) => {}
                Err(error) => return !timed_out(&error),
            }
        }
    }

    /// Waits until the program does nothing more for the moment.
    pub fn settle(&self) {
        settle(self.supervisor);
    }

    /// Disconnects with a reset.
    pub fn vanish(self) {
        reset(self.stream);
    }
}

fn refused(error: &std::io::Error) -> String {
    say!("no client can connect: {error}", "客户端无法连接：{error}")
}

pub fn timed_out(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
