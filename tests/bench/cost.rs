//! What a connection costs: memory, page faults, system calls.

use std::fs;
use std::io::{Read, Result};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::contenders::{Contender, Server};
use super::load::{Held, conversation};
use crate::support::programs::{children, eventually, root};
use crate::support::strace::{self, Event};

/// What the kernel says of a process behind its name: state, parent, group, and more.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit(") ").next()?.split(' ');
    Some(fields.map(str::to_string).collect())
}

/// The processes of a group, which is a server with all that it has started.
pub fn processes(group: u32) -> Vec<u32> {
    let group = group.to_string();
    // A zombie holds nothing any more.
    let member = |&pid: &u32| stat(pid).is_some_and(|stat| stat[2] == group && stat[0] != "Z");
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(member).collect()
}

/// kB of memory of a group, what is shared counted in parts.
fn pss(group: u32) -> Option<f64> {
    let of = |pid: u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    processes(group).into_iter().map(of).sum()
}

/// kB that one more idle connection adds to a server, as the mean of a hundred.
pub fn pss_a_connection(server: &Server) -> Result<Option<f64>> {
    let mut held = Held::none();
    held.grow(server.port, 1)?;
    let few = pss(server.group());
    held.grow(server.port, 101)?;
    let many = pss(server.group());
    held.release()?;
    Ok(few.zip(many).map(|(few, many)| (many - few) / 100.0))
}

/// Something that the kernel counts in a process and in all that it will fork.
struct Counter(fs::File);

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
        let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &attr, pid, any_cpu, -1, 0) };
        (fd >= 0).then(|| Counter(unsafe { OwnedFd::from_raw_fd(fd as i32) }.into()))
    }

    fn count(&mut self) -> f64 {
        let mut count = [0; 8];
        self.0.read_exact(&mut count).expect("a count is 8 bytes");
        u64::from_ne_bytes(count) as f64
    }
}

/// What a whole conversation costs in all processes of a server.
pub struct Work {
    pub page_faults: f64,
    pub microseconds: f64,
}

/// The mean of two hundred conversations.
pub fn work_a_connection(server: &Server) -> Result<Option<Work>> {
    let counters =
        [Counter::PAGE_FAULTS, Counter::TASK_CLOCK].map(|what| Counter::of(server.group(), what));
    let [Some(mut faults), Some(mut clock)] = counters else {
        return Ok(None);
    };
    conversation(server.port, 1)?;
    let before = (faults.count(), clock.count());
    for _ in 0..200 {
        conversation(server.port, 1)?;
    }
    Ok(Some(Work {
        page_faults: (faults.count() - before.0) / 200.0,
        microseconds: (clock.count() - before.1) / 200.0 / 1000.0,
    }))
}

/// System calls, as strace sees them.
pub struct Calls {
    pub before_socket: f64,
    pub a_message: f64,
}

/// `None` without strace.
pub fn calls(contender: &Contender) -> Result<Option<Calls>> {
    if Command::new("strace").arg("-V").output().is_err() {
        return Ok(None);
    }
    let count = |trace: &[Event]| trace.iter().filter(|event| event.call().is_some()).count();
    let (one, many) = (traced(contender, 1)?, traced(contender, 51)?);
    let socket = |event: &Event| event.call().is_some_and(|call| call.name == "socket");
    let before = one.iter().position(socket).unwrap_or(0);
    Ok(Some(Calls {
        before_socket: count(&one[..before]) as f64,
        a_message: (count(&many) as f64 - count(&one) as f64) / 50.0,
    }))
}

/// The trace of a conversation of so many messages.
pub fn traced(contender: &Contender, messages: usize) -> Result<Vec<Event>> {
    static TRACES: AtomicU32 = AtomicU32::new(0);
    let number = TRACES.fetch_add(1, Ordering::Relaxed);
    let file = root().join(format!("target/bench-{}-{number}.strace", std::process::id()));
    let mut strace = vec!["strace".into(), "-f".into(), "-o".into(), file.display().to_string()];
    strace.extend(contender.command.iter().cloned());
    let mut server = Server::start(&strace);
    conversation(server.port, messages)?;
    let leader = children(server.group()).into_iter().min().expect("strace has started it");
    eventually("the server waits for the next client, alone", || {
        children(leader).is_empty() && stat(leader).is_some_and(|stat| stat[0] == "S")
    });
    unsafe { libc::kill(leader as i32, libc::SIGTERM) };
    server.running.wait();
    let trace = strace::read(&fs::read_to_string(&file)?);
    fs::remove_file(&file)?;
    Ok(trace)
}
