//! A server under many clients, and what it holds after the first thousand and after the last.

use std::fmt;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use crate::harness::builds::{Build, program};
use crate::harness::net::namespace::in_own_network;
use crate::harness::net::ports::free_port;
use crate::harness::process::launch::{Launch, Running, Trace};
use crate::harness::process::procfs::{descriptors, group, state, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::soak::clients::{client, served_or_closed};

/// After these a server has done all that it ever does.
const FIRST: usize = 1000;
/// Fewer than the queue of `listen` holds.
const AT_ONCE: usize = 4;
/// Clients while every third fork fails.
const REFUSED: usize = 24;

/// What a server's first process holds. Its Pss_Anon is what it has alone: the rest of its Pss are pages of files,
/// counted by how many other processes of the machine map them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Holds {
    pub descriptors: usize,
    pub processes: usize,
    pub zombies: usize,
    pub pss_anon: Option<usize>,
}

pub struct Soaked {
    pub server: &'static str,
    pub clients: usize,
    pub refused: usize,
    pub seconds: f64,
    /// After the first thousand clients, and at the end.
    pub held: [Holds; 2],
    pub pss: [Option<usize>; 2],
}

impl fmt::Display for Holds {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Holds { descriptors, processes, zombies, pss_anon } = self;
        write!(out, "descriptors {descriptors}, processes {processes}, zombies {zombies}, Pss_Anon ")?;
        match pss_anon {
            Some(kb) => write!(out, "{kb} kB"),
            None => write!(out, "-"),
        }
    }
}

/// Serves that many clients; or what went wrong.
pub fn soak(server: &'static str, clients: usize) -> Result<Soaked, String> {
    let (port, program) = (free_port(), program(Build::Fixed, server));
    in_own_network(|| {
        let launch = Launch::new(program).arg(port.to_string()).arg("127.0.0.1");
        let mut server_runs = launch.stdout(Stdio::null()).stderr(Stdio::null()).start();
        let started = Instant::now();
        settles(&server_runs);
        let forks = server != "tcp_server";
        let mut refused = 0;
        let mut refuses = |server_runs: &mut Running| -> Result<(), String> {
            if forks {
                refused += refuse_forks(server_runs, port)?;
            }
            settles(server_runs);
            Ok(())
        };
        refuses(&mut server_runs)?;
        serve(port, 0..FIRST.min(clients))?;
        settles(&server_runs);
        let (first, first_pss) = (holds(&server_runs), memory(server_runs.pid(), "Pss:"));
        serve(port, FIRST.min(clients)..clients)?;
        refuses(&mut server_runs)?;
        let (last, last_pss) = (holds(&server_runs), memory(server_runs.pid(), "Pss:"));
        let seconds = started.elapsed().as_secs_f64();
        Ok(Soaked { server, clients, refused, seconds, held: [first, last], pss: [first_pss, last_pss] })
    })
    .map_err(|error: String| format!("{server}: {error}"))
}

/// These clients, some at a time; what went wrong first.
fn serve(port: u16, numbers: std::ops::Range<usize>) -> Result<(), String> {
    let (next, failed) = (AtomicUsize::new(numbers.start), Mutex::new(None));
    let work = || {
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= numbers.end || failed.lock().expect("no client panics with it").is_some() {
                return;
            }
            if let Err(error) = client(port, number) {
                failed.lock().expect("no client panics with it").get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    failed.into_inner().expect("no client panics with it").map_or(Ok(()), Err)
}

/// Clients while strace lets every third fork of the server fail; how many were refused.
fn refuse_forks(server: &mut Running, port: u16) -> Result<usize, String> {
    const FORKS: &str = "?clone,?clone3,?fork,?vfork";
    let trace = Trace::of(FORKS).inject(&format!("{FORKS}:error=EAGAIN:when=1+3")).without_children();
    server.attach_strace(server.pid(), &trace)?;
    let mut refused = 0;
    for _ in 0..REFUSED {
        refused += usize::from(!served_or_closed(port)?);
    }
    server.detach_strace();
    match refused {
        1..REFUSED => Ok(refused),
        _ => Err(format!("{refused} of {REFUSED} clients were refused by forks that fail")),
    }
}

/// Waits until every client has been served, and its process has ended.
fn settles(server: &Running) {
    wait_until("the server waits for a client, without children", || {
        waits_in_accept(server.pid()) && group(server.pid()).len() == 1
    });
}

fn holds(server: &Running) -> Holds {
    let group = group(server.pid());
    Holds {
        descriptors: descriptors(server.pid()),
        processes: group.len(),
        zombies: server.descendants().into_iter().filter(|&pid| state(pid) == Some('Z')).count(),
        pss_anon: memory(server.pid(), "Pss_Anon:"),
    }
}

/// kB of a kind of memory, where the kernel tells.
fn memory(pid: u32, kind: &str) -> Option<usize> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix(kind))?;
    line.split_whitespace().next()?.parse().ok()
}
