//! Clients that do as little work as possible, so that the server is what is measured.

use std::collections::VecDeque;
use std::io::Write;
use std::mem::zeroed;
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::net::test_client::{connect, echo, read_rest};

fn round_trip(stream: &mut TcpStream, message: &[u8]) {
    assert!(echo(stream, message)[0].is_ascii_uppercase(), "the server replies in upper case");
}

/// Lets the server end the connection: TIME_WAIT does not use up the client's ports.
pub fn quit(mut stream: TcpStream) {
    stream.write_all(b"quit").expect("the server reads quit");
    assert_eq!(read_rest(&mut stream), b"", "quit has no reply");
}

/// A whole session: connect, messages and their replies, `quit`, the end.
pub fn session(port: u16, messages: usize) {
    let mut stream = connect(port);
    (0..messages).for_each(|_| round_trip(&mut stream, b"hello"));
    quit(stream);
}

/// How often per second `act` can be done, measured for as long as `slice`.
pub fn rate(slice: Duration, mut act: impl FnMut()) -> f64 {
    let (started, mut done) = (Instant::now(), 0.0);
    while started.elapsed() < slice {
        act();
        done += 1.0;
    }
    done / started.elapsed().as_secs_f64()
}

/// Microseconds of each session of so many clients, from the time at which it wants one: it waits for its turn, since no
/// more than five connect at the same time. The queue of `listen` holds six, and a client that finds it full
/// tries again after a second.
pub fn latencies(port: u16, clients: usize, slice: Duration) -> Vec<f64> {
    const TURNS: usize = 5;
    let started = Instant::now();
    let waiting = Mutex::new(VecDeque::from(vec![started; clients]));
    let next = || waiting.lock().expect("no client panics with it").pop_front();
    let serve = || {
        let mut times = Vec::new();
        while let Some(since) = next().filter(|_| started.elapsed() < slice) {
            session(port, 1);
            times.push(since.elapsed().as_secs_f64() * 1e6);
            waiting.lock().expect("no client panics with it").push_back(Instant::now());
        }
        times
    };
    thread::scope(|scope| {
        let turns: Vec<_> = (0..clients.min(TURNS)).map(|_| scope.spawn(serve)).collect();
        turns.into_iter().flat_map(|turn| turn.join().expect("the clients are served")).collect()
    })
}

/// Round trips per second of `size` bytes on an open connection.
pub fn round_trips(port: u16, size: usize, slice: Duration) -> f64 {
    let (message, mut stream) = (vec![b'a'; size], connect(port));
    round_trip(&mut stream, &message);
    let rate = rate(slice, || round_trip(&mut stream, &message));
    quit(stream);
    rate
}

/// Idle connections, each after one message, so that its process exists.
pub fn idle(port: u16, count: usize) -> Vec<TcpStream> {
    let one = |_| {
        let mut stream = connect(port);
        round_trip(&mut stream, b"hello");
        stream
    };
    (0..count).map(one).collect()
}

/// Runs `act` while this thread and a server, with what they start, share a processor: on two, most of a round
/// trip is waking the other one.
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
