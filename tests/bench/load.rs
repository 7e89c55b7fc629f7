//! The clients: as little work as a client can do, so that the server is what is measured.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::FromRawFd;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::programs::PATIENCE;

/// Ends a connection from the server's side: the client keeps no TIME_WAIT, and no port.
fn quit(mut stream: TcpStream) -> Result<()> {
    stream.write_all(b"quit")?;
    match stream.read(&mut [0; 64])? {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::InvalidData, "a reply to quit")),
    }
}

/// A connection on which no call takes longer than `patience`, `connect` included.
fn connect(port: u16, patience: Duration) -> Result<TcpStream> {
    let (seconds, micros) = (patience.as_secs(), patience.subsec_micros());
    let limit = libc::timeval { tv_sec: seconds as libc::time_t, tv_usec: libc::suseconds_t::from(micros) };
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be() },
        sin_zero: [0; 8],
    };
    let size = |bytes: usize| bytes as libc::socklen_t;
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        if socket == -1 {
            return Err(Error::last_os_error());
        }
        let stream = TcpStream::from_raw_fd(socket);
        for option in [libc::SO_SNDTIMEO, libc::SO_RCVTIMEO] {
            let limit: *const libc::timeval = &limit;
            let length = size(size_of::<libc::timeval>());
            libc::setsockopt(socket, libc::SOL_SOCKET, option, limit.cast(), length);
        }
        let address: *const libc::sockaddr_in = &address;
        let length = size(size_of::<libc::sockaddr_in>());
        if libc::connect(socket, address.cast(), length) == -1 {
            return Err(Error::last_os_error());
        }
        Ok(stream)
    }
}

fn round_trip(stream: &mut TcpStream, message: &[u8], reply: &mut [u8]) -> Result<()> {
    stream.write_all(message)?;
    stream.read_exact(reply)?;
    if reply[0] == message[0].to_ascii_uppercase() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidData, "not in upper case"))
}

/// An open connection that has had one reply: its server process is there.
fn greeted(port: u16) -> Result<TcpStream> {
    let mut stream = connect(port, PATIENCE)?;
    round_trip(&mut stream, b"hello", &mut [0; 5])?;
    Ok(stream)
}

/// A whole conversation: connect, one message, its reply, `quit`, the end. `messages` of them.
pub fn conversation(port: u16, messages: usize) -> Result<()> {
    patient_conversation(port, messages, PATIENCE)
}

fn patient_conversation(port: u16, messages: usize, patience: Duration) -> Result<()> {
    let mut stream = connect(port, patience)?;
    for _ in 0..messages {
        round_trip(&mut stream, b"hello", &mut [0; 5])?;
    }
    quit(stream)
}

/// The backlog of five was full: the kernel would try again after a second.
fn overrun(error: &Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EAGAIN | libc::ECONNRESET))
}

/// Conversations a second of so many clients at once, for as long as `slice`.
pub fn connections(port: u16, clients: usize, slice: Duration) -> Result<f64> {
    let started = Instant::now();
    let client = || {
        let mut done = 0;
        while started.elapsed() < slice {
            match patient_conversation(port, 1, slice) {
                Ok(()) => done += 1,
                Err(error) if overrun(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    };
    let done: Result<Vec<u32>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let ended = clients.into_iter().map(|client| client.join());
        ended.map(|done| done.expect("no client panics")).collect()
    });
    Ok(f64::from(done?.iter().sum::<u32>()) / started.elapsed().as_secs_f64())
}

/// Round trips on open connections.
pub struct Trips {
    pub a_second: f64,
    /// Microseconds that half of them, and 99 of 100, stay below.
    pub p50: f64,
    pub p99: f64,
}

/// Messages of `size` bytes to and fro on so many connections at once, for as long as `slice`.
pub fn round_trips(port: u16, connections: usize, size: usize, slice: Duration) -> Result<Trips> {
    let open: Result<Vec<TcpStream>> = (0..connections).map(|_| greeted(port)).collect();
    let client = |mut stream: TcpStream| {
        let (message, mut reply) = (vec![b'a'; size], vec![0; size]);
        let started = Instant::now();
        let mut laps = vec![started];
        while started.elapsed() < slice {
            round_trip(&mut stream, &message, &mut reply)?;
            laps.push(Instant::now());
        }
        quit(stream)?;
        Ok(laps)
    };
    let open = open?.into_iter();
    let laps: Result<Vec<Vec<Instant>>> = thread::scope(|scope| {
        let clients: Vec<_> = open.map(|stream| scope.spawn(|| client(stream))).collect();
        let ended = clients.into_iter().map(|client| client.join());
        ended.map(|laps| laps.expect("no client panics")).collect()
    });
    let mut trips: Vec<Duration> = Vec::new();
    let mut a_second = 0.0;
    for laps in laps? {
        let took = *laps.last().expect("the start") - laps[0];
        a_second += (laps.len() - 1) as f64 / took.as_secs_f64();
        trips.extend(laps.windows(2).map(|pair| pair[1] - pair[0]));
    }
    trips.sort();
    let percentile = |part: usize| trips[(trips.len() - 1) * part / 100].as_secs_f64() * 1e6;
    Ok(Trips { a_second, p50: percentile(50), p99: percentile(99) })
}

/// Millions of bytes a second that a server takes from a client that does not wait for replies.
pub fn one_way(port: u16, bytes: usize) -> Result<f64> {
    let mut stream = connect(port, PATIENCE)?;
    let mut writer = stream.try_clone()?;
    let started = Instant::now();
    let elapsed = thread::scope(|scope| {
        let sent = scope.spawn(move || {
            let piece = [b'a'; 1 << 16];
            (0..bytes / piece.len()).try_for_each(|_| writer.write_all(&piece))
        });
        let mut buffer = vec![0; 1 << 16];
        let mut left = bytes;
        while left > 0 {
            match stream.read(&mut buffer)? {
                0 => return Err(Error::from(ErrorKind::UnexpectedEof)),
                came => left -= came,
            }
        }
        sent.join().expect("the writer does not panic")?;
        Ok(started.elapsed())
    })?;
    quit(stream)?;
    Ok(bytes as f64 / 1e6 / elapsed.as_secs_f64())
}

/// Connections that have said a word each and stay open, idle.
pub struct Held(Vec<TcpStream>);

impl Held {
    pub fn none() -> Self {
        Held(Vec::new())
    }

    /// Opens more of them until there are `count`.
    pub fn grow(&mut self, port: u16, count: usize) -> Result<()> {
        while self.0.len() < count {
            self.0.push(greeted(port)?);
        }
        Ok(())
    }

    pub fn release(self) -> Result<()> {
        self.0.into_iter().try_for_each(quit)
    }
}
