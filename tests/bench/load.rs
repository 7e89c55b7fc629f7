//! The clients: as little work as a client can do, so that the server is what is measured.

use std::io::ErrorKind::{ConnectionReset, TimedOut, WouldBlock};
use std::io::{Error, Read, Result, Write};
use std::mem::zeroed;
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::peer::connect;

fn round_trip(stream: &mut TcpStream, message: &[u8], reply: &mut [u8]) -> Result<()> {
    stream.write_all(message)?;
    stream.read_exact(reply)?;
    let upper = reply[0] == message[0].to_ascii_uppercase();
    if upper { Ok(()) } else { Err(Error::other("not in upper case")) }
}

/// Ends a connection from the server's side: the client keeps no TIME_WAIT, and no port.
pub fn quit(mut stream: TcpStream) -> Result<()> {
    stream.write_all(b"quit")?;
    let end = stream.read(&mut [0; 64])? == 0;
    if end { Ok(()) } else { Err(Error::other("a reply to quit")) }
}

/// A whole conversation: connect, `messages` and their replies, `quit`, the end. No call takes longer than `patience`.
pub fn conversation(port: u16, messages: usize, patience: Duration) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    (0..messages).try_for_each(|_| round_trip(&mut stream, b"hello", &mut [0; 5]))?;
    quit(stream)
}

/// Conversations a second of so many clients at once, for as long as `slice`.
pub fn connections(port: u16, clients: usize, slice: Duration) -> Result<f64> {
    let started = Instant::now();
    let client = || {
        let mut done = 0;
        while started.elapsed() < slice {
            match conversation(port, 1, slice) {
                Ok(()) => done += 1,
                // The backlog of five was full: the kernel would try again after a second.
                Err(error) if matches!(error.kind(), TimedOut | WouldBlock | ConnectionReset) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    };
    let done: Result<u32> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|client| client.join().expect("no client panics")).sum()
    });
    Ok(f64::from(done?) / started.elapsed().as_secs_f64())
}

/// Round trips a second of `size` bytes on an open connection, for as long as `slice`.
pub fn round_trips(port: u16, size: usize, slice: Duration) -> Result<f64> {
    let (message, mut reply) = (vec![b'a'; size], vec![0; size]);
    let mut stream = connect(port);
    round_trip(&mut stream, &message, &mut reply)?;
    let (started, mut trips) = (Instant::now(), 0.0);
    while started.elapsed() < slice {
        round_trip(&mut stream, &message, &mut reply)?;
        trips += 1.0;
    }
    let rate = trips / started.elapsed().as_secs_f64();
    quit(stream).map(|()| rate)
}

/// Connections that have said a word each, so that their process is there, and stay open, idle.
pub fn held(port: u16, count: usize) -> Result<Vec<TcpStream>> {
    let one = |_| {
        let mut stream = connect(port);
        round_trip(&mut stream, b"hello", &mut [0; 5]).map(|()| stream)
    };
    (0..count).map(one).collect()
}

/// Meanwhile this thread and a server, with what they start, share a processor:
/// on two, most of a round trip is waking the other one.
pub fn on_one_processor<T>(server: u32, act: impl FnOnce() -> T) -> T {
    let size = size_of::<libc::cpu_set_t>();
    let bind = |set: &libc::cpu_set_t| {
        for pid in [0, server as libc::pid_t] {
            unsafe { libc::sched_setaffinity(pid, size, set) };
        }
    };
    let (mut all, mut one): (libc::cpu_set_t, libc::cpu_set_t) = unsafe { zeroed() };
    unsafe {
        libc::sched_getaffinity(0, size, &raw mut all);
        libc::CPU_SET(libc::sched_getcpu() as usize, &mut one);
    }
    bind(&one);
    let done = act();
    bind(&all);
    done
}
