//! What `/proc` shows of processes: state, parent, group, descriptors.

use std::os::unix::fs::FileExt;
fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields of `/proc/PID/stat` after the name: state, parent, group, and more.
pub fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    Some(stat.rsplit(") ").next()?.split(' ').map(str::to_string).collect())
}

/// The state of `pid`, as the kernel's letter for it: `S` blocks, `T` is stopped, `Z` is a zombie.
pub fn state(pid: u32) -> Option<char> {
    stat(pid)?.first()?.chars().next()
}

/// The threads of a process.
fn threads(pid: u32) -> Vec<u32> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The children that the kernel lists for each thread; where it does not, those that name `pid` as their parent.
fn children(pid: u32) -> Vec<u32> {
    if !std::path::Path::new("/proc/thread-self/children").exists() {
        let parent = |pid: u32| stat(pid)?.get(1)?.parse::<u32>().ok();
        return processes().filter(|&child| parent(child) == Some(pid)).collect();
    }
    let mut children = Vec::new();
    for thread in threads(pid) {
        let list =
            std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")).unwrap_or_default();
        children.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    children
}

/// The descendants of `pid`, each after its parent.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        for child in children(parent) {
            // One that changes its parent meanwhile would be seen twice.
            if !found.contains(&child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found.split_off(1)
}

/// What a program is doing, all its processes and threads together.
pub struct Activity {
    /// A thread runs, or waits for a processor or a disk.
    pub running: bool,
    /// CPU time used so far, in clock ticks, with that of ended children.
    pub ticks: u64,
}

/// The activity of what runs below `pid`.
pub fn activity(pid: u32) -> Activity {
    let mut all = Activity { running: false, ticks: 0 };
    for process in descendants(pid) {
        let Some(stat) = stat(process) else { continue };
        all.ticks += stat[11..15].iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>();
        let runs = |thread: u32| {
            let stat = std::fs::read(format!("/proc/{process}/task/{thread}/stat")).unwrap_or_default();
            let stat = String::from_utf8_lossy(&stat);
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['R', 'D']))
        };
        all.running |= threads(process).into_iter().any(runs);
    }
    all
}

/// The processes of the group that `leader` leads: a server with all that it has forked.
pub fn group(leader: u32) -> Vec<u32> {
    processes().filter(|&pid| unsafe { libc::getpgid(pid as i32) } == leader as i32).collect()
}

pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Bytes of a process's memory from this address on, as many as there is room for. `None`: they cannot be read.
pub fn read_memory(pid: u32, address: u64, bytes: &mut [u8]) -> Option<()> {
    std::fs::File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(bytes, address).ok()
}

/// The calls that accept a connection. Some processors have no `accept`: one call does what all sockets' calls do.
#[cfg(not(any(target_arch = "x86", target_arch = "s390x")))]
pub const ACCEPT: [libc::c_long; 2] = [libc::SYS_accept, libc::SYS_accept4];
#[cfg(any(target_arch = "x86", target_arch = "s390x"))]
pub const ACCEPT: [libc::c_long; 2] = [libc::SYS_socketcall, libc::SYS_accept4];

/// Which of them `accept` is: the first argument of `socketcall`.
pub const ACCEPT_OF_SOCKETCALL: u64 = 5;

/// Whether it blocks in `accept`; where the kernel does not tell in which call, whether it blocks.
pub fn waits_in_accept(pid: u32) -> bool {
    let Ok(call) = std::fs::read_to_string(format!("/proc/{pid}/syscall")) else {
        return state(pid) == Some('S');
    };
    let mut words = call.split(' ');
    let number = words.next().unwrap_or_default();
    if cfg!(any(target_arch = "x86", target_arch = "s390x")) && number == ACCEPT[0].to_string() {
        return words.next() == Some(&format!("{ACCEPT_OF_SOCKETCALL:#x}"));
    }
    ACCEPT.iter().any(|accept| number == accept.to_string())
}
