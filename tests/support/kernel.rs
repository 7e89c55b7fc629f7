//! What the kernel shows of processes and sockets, and waiting until it shows something.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::sockets;

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `condition` holds. Panics, naming `what`, when it never does.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    eventually_some(what, || condition().then_some(()));
}

pub fn eventually_some<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    within(PATIENCE, || {
        found = find();
        found.is_some()
    });
    found.unwrap_or_else(|| panic!("it never came to this: {what}"))
}

/// Whether `condition` comes to hold in that time.
pub fn within(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !condition() {
        let waited = began.elapsed();
        if waited > patience {
            return false;
        }
        // To look costs time that others need: the longer it takes, the seldomer.
        std::thread::sleep((waited / 8).clamp(Duration::from_millis(2), Duration::from_millis(30)));
    }
    true
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What `/proc/PID/stat` says behind the name: state, parent, group, and more.
pub fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    Some(stat.rsplit(") ").next()?.split(' ').map(str::to_string).collect())
}

/// What `pid` does, as the kernel's letter for it: `S` sleeps, `T` is stopped, `Z` has ended.
pub fn state(pid: u32) -> Option<char> {
    stat(pid)?.first()?.chars().next()
}

/// The processes below `pid`, of all generations, each after its parent.
pub fn children(pid: u32) -> Vec<u32> {
    let parent = |pid| Some((pid, stat(pid)?.get(1)?.parse::<u32>().ok()?));
    let parents: Vec<(u32, u32)> = processes().filter_map(parent).collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&above) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The processes of the group that `leader` leads: a server with all that it has forked.
pub fn group(leader: u32) -> Vec<u32> {
    processes().filter(|&pid| unsafe { libc::getpgid(pid as i32) } == leader as i32).collect()
}

pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// It waits in `accept`, as far as the kernel tells: otherwise it waits somewhere.
pub fn accepts(pid: u32) -> bool {
    let Ok(call) = std::fs::read_to_string(format!("/proc/{pid}/syscall")) else {
        return state(pid) == Some('S');
    };
    [libc::SYS_accept, libc::SYS_accept4].iter().any(|number| call.starts_with(&format!("{number} ")))
}

pub fn is_listening(port: u16) -> bool {
    sockets::listening().iter().any(|socket| socket.port == port)
}

/// A port that nobody has, below those that the kernel gives to clients. Each process takes a hundred
/// at a time, and holds the first of them as a UDP port: so copies that run at once keep apart. One that reads
/// the same in both byte orders would not show erratum 1.
pub fn free_port() -> u16 {
    static TAKEN: Mutex<(u16, Vec<UdpSocket>)> = Mutex::new((0, Vec::new()));
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if taken.0 % 100 == 0 {
            let from = std::process::id() * 37;
            let mut hundreds = (from..from + 200).map(|n| 10_000 + (n % 200 * 100) as u16);
            let held = hundreds.find_map(|first| UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok());
            let held = held.expect("a hundred is left");
            taken.0 = held.local_addr().expect("it is bound").port();
            taken.1.push(held);
        }
        taken.0 += 1;
        if taken.0 % 100 != 0 && taken.0.swap_bytes() != taken.0 && nobody_has(taken.0) {
            return taken.0;
        }
    }
}

/// Not even an old connection, which keeps a printed server from it (erratum 17), or which a lesson would list.
pub fn nobody_has(port: u16) -> bool {
    sockets::of(port).is_empty()
}
