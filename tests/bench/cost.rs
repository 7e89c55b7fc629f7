//! What a connection costs: memory, page faults, processor time, system calls.

use std::fs::{self, File};
use std::io::{Read, Result};
use std::os::fd::{FromRawFd, OwnedFd};

use super::contenders::{Contender, Server};
use super::load::{Held, conversation};
use crate::support::programs::{eventually, group, state};
use crate::support::run::Trace;
use crate::support::strace::Event;

/// The processes of a server; a zombie holds nothing any more.
pub fn processes(server: &Server) -> Vec<u32> {
    group(server.group()).into_iter().filter(|&pid| state(pid) != Some('Z')).collect()
}

/// kB of memory of a server, what is shared counted in parts, where the kernel lets us look.
fn pss(server: &Server) -> Option<f64> {
    let of = |pid: u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    processes(server).into_iter().map(of).sum()
}

/// kB that one more idle connection adds to a server, as the mean of a hundred.
pub fn pss_a_connection(server: &Server) -> Result<Option<f64>> {
    let mut held = Held::default();
    held.grow(server.port, 1)?;
    let few = pss(server);
    held.grow(server.port, 101)?;
    let many = pss(server);
    held.release()?;
    Ok(few.zip(many).map(|(few, many)| (many - few) / 100.0))
}

/// Something that the kernel counts in a process and in all that it will fork.
struct Counter(File);

impl Counter {
    /// Nanoseconds on a processor.
    const TASK_CLOCK: u64 = 1;
    const PAGE_FAULTS: u64 = 2;

    /// `None` where the kernel does not let us count.
    fn of(pid: u32, what: u64) -> Option<Self> {
        // struct perf_event_attr, version 0: type and size, config, then flags.
        const SOFTWARE: u64 = 1;
        const INHERIT: u64 = 1 << 1;
        let attr: [u64; 8] = [SOFTWARE | 64 << 32, what, 0, 0, 0, INHERIT, 0, 0];
        let any_cpu = -1;
        let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attr, pid, any_cpu, -1, 0) };
        (fd >= 0).then(|| Counter(unsafe { OwnedFd::from_raw_fd(fd as i32) }.into()))
    }

    fn count(&mut self) -> f64 {
        let mut count = [0; 8];
        self.0.read_exact(&mut count).expect("a count is 8 bytes");
        u64::from_ne_bytes(count) as f64
    }
}

/// Page faults, and microseconds of processor, of a conversation in all processes of a server: the mean of 200.
pub fn work_a_connection(server: &Server) -> Result<Option<[f64; 2]>> {
    let count = |what| Counter::of(server.group(), what);
    let (Some(mut faults), Some(mut clock)) = (count(Counter::PAGE_FAULTS), count(Counter::TASK_CLOCK))
    else {
        return Ok(None);
    };
    let before = [faults.count(), clock.count()];
    for _ in 0..200 {
        conversation(server.port, 1)?;
    }
    Ok(Some([(faults.count() - before[0]) / 200.0, (clock.count() - before[1]) / 200.0 / 1000.0]))
}

/// System calls before `socket()`, and of a message, as strace sees them.
pub fn calls(contender: &Contender) -> Result<[f64; 2]> {
    let count = |trace: &[Event]| trace.iter().filter(|event| event.call().is_some()).count() as f64;
    let (one, many) = (traced(contender, 1)?, traced(contender, 51)?);
    let socket = |event: &Event| event.call().is_some_and(|call| call.name == "socket");
    let before = one.iter().position(socket).unwrap_or(0);
    Ok([count(&one[..before]), (count(&many) - count(&one)) / 50.0])
}

/// The trace of a conversation of so many messages, and of the one that every start holds.
pub fn traced(contender: &Contender, messages: usize) -> Result<Vec<Event>> {
    let mut server = Server::start(contender, Some(Trace::all()));
    conversation(server.port, messages)?;
    eventually("the server waits for the next client, alone", || {
        processes(&server).len() == 1 && state(server.group()) == Some('S')
    });
    server.running.signal(libc::SIGTERM);
    server.running.wait_for_all();
    Ok(server.running.events())
}
