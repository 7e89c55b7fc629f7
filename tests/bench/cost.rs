//! What a connection costs: memory, page faults, processor time, system calls.

use std::fs::{self, File};
use std::io::{Read, Result};
use std::os::fd::FromRawFd;

use super::contenders::Contender;
use super::load::{conversation, held, quit};
use crate::support::programs::{PATIENCE, Server, eventually, group, state};
use crate::support::run::Trace;
use crate::support::strace::Event;

/// The processes of a server; a zombie holds nothing any more.
pub fn processes(server: &Server) -> Vec<u32> {
    group(server.pid()).into_iter().filter(|&pid| state(pid) != Some('Z')).collect()
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
    let first = held(server.port, 1)?;
    let few = pss(server);
    let others = held(server.port, 100)?;
    let many = pss(server);
    first.into_iter().chain(others).try_for_each(quit)?;
    Ok(few.zip(many).map(|(few, many)| (many - few) / 100.0))
}

/// Nanoseconds on a processor, and page faults, as the kernel numbers what it counts.
const TASK_CLOCK: u64 = 1;
const PAGE_FAULTS: u64 = 2;

/// Counts in a process and in all that it will fork. `None` where the kernel does not let us.
fn counter(pid: u32, what: u64) -> Option<impl FnMut() -> f64> {
    // struct perf_event_attr, version 0: type and size, config, then flags.
    const SOFTWARE: u64 = 1;
    const INHERIT: u64 = 1 << 1;
    let attr: [u64; 8] = [SOFTWARE | 64 << 32, what, 0, 0, 0, INHERIT, 0, 0];
    let any_cpu = -1;
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attr, pid, any_cpu, -1, 0) };
    let mut file = (fd >= 0).then(|| unsafe { File::from_raw_fd(fd as i32) })?;
    Some(move || {
        let mut count = [0; 8];
        file.read_exact(&mut count).expect("a count is 8 bytes");
        u64::from_ne_bytes(count) as f64
    })
}

/// Page faults, and microseconds of processor, of a conversation in all processes of a server: the mean of 200.
pub fn work_a_connection(server: &Server) -> Result<Option<[f64; 2]>> {
    let count = |what| counter(server.pid(), what);
    let (Some(mut faults), Some(mut clock)) = (count(PAGE_FAULTS), count(TASK_CLOCK)) else {
        return Ok(None);
    };
    let before = [faults(), clock()];
    for _ in 0..200 {
        conversation(server.port, 1, PATIENCE)?;
    }
    Ok(Some([(faults() - before[0]) / 200.0, (clock() - before[1]) / 200.0 / 1000.0]))
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
    let mut server = contender.start(|launch| launch.traced(Trace::all()));
    conversation(server.port, messages, PATIENCE)?;
    eventually("the server waits for the next client, alone", || {
        processes(&server).len() == 1 && state(server.pid()) == Some('S')
    });
    server.running.signal(libc::SIGTERM);
    server.running.wait_for_all();
    Ok(server.running.events())
}
