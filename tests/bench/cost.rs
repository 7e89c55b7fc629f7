//! What a connection costs: memory, page faults, system calls.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::FromRawFd;

use super::load::{idle, quit, session};
use super::subjects::BenchSubject;
use crate::harness::builds::Server;
use crate::harness::process::launch::Trace;
use crate::harness::process::procfs::{group, state};
use crate::harness::process::wait::wait_until;

/// The processes of a server, without zombies, which hold no memory.
pub fn processes(server: &Server) -> Vec<u32> {
    group(server.pid()).into_iter().filter(|&pid| state(pid) != Some('Z')).collect()
}

/// Pss of a server in kB, where the kernel lets us read it.
fn pss(server: &Server) -> Option<f64> {
    let of = |pid: u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    processes(server).into_iter().map(of).sum()
}

/// kB that one more idle connection adds to a server, as the mean of a hundred.
pub fn pss_per_connection(server: &Server) -> Option<f64> {
    let first = idle(server.port, 1);
    let few = pss(server);
    let others = idle(server.port, 100);
    let many = pss(server);
    first.into_iter().chain(others).for_each(quit);
    Some((many? - few?) / 100.0)
}

/// Page faults of a session in all processes of a server, as the mean of 200, where the kernel lets us count.
pub fn page_faults_per_connection(server: &Server) -> Option<f64> {
    // struct perf_event_attr, version 0: type and size, config, then flags.
    const SOFTWARE: u64 = 1;
    const PAGE_FAULTS: u64 = 2;
    const INHERIT: u64 = 1 << 1;
    let attr: [u64; 8] = [SOFTWARE | 64 << 32, PAGE_FAULTS, 0, 0, 0, INHERIT, 0, 0];
    let (any_cpu, call) = (-1, libc::SYS_perf_event_open);
    let fd = unsafe { libc::syscall(call, &raw const attr, server.pid(), any_cpu, -1, 0) };
    // It counts from 0, in the process and in its future children.
    let mut counter = (fd >= 0).then(|| unsafe { File::from_raw_fd(fd as i32) })?;
    (0..200).for_each(|_| session(server.port, 1));
    let mut count = [0; 8];
    counter.read_exact(&mut count).expect("a count is 8 bytes");
    Some(u64::from_ne_bytes(count) as f64 / 200.0)
}

/// System calls before `socket()`, and per message, as strace sees them.
pub fn calls(subject: &BenchSubject) -> [f64; 2] {
    let (one, many) = (traced(subject, 1), traced(subject, 51));
    let before = one.iter().position(|name| name == "socket").unwrap_or(0);
    [before as f64, (many.len() as f64 - one.len() as f64) / 50.0]
}

/// The calls of a session with that many messages.
fn traced(subject: &BenchSubject, messages: usize) -> Vec<String> {
    let mut server = subject.start(Some(Trace::all()));
    session(server.port, messages);
    wait_until("the server has no child and waits for the next client", || {
        processes(&server).len() == 1 && state(server.pid()) == Some('S')
    });
    server.running.signal(libc::SIGTERM);
    server.running.wait_for_descendants();
    let events = server.running.events();
    events.iter().filter_map(|event| Some(event.call()?.name.clone())).collect()
}
