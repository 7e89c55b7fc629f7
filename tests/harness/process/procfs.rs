//! What `/proc` shows of processes: state, parent, group, descriptors.

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

/// The descendants of `pid`, each after its parent.
pub fn descendants(pid: u32) -> Vec<u32> {
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

/// Whether it blocks in `accept`; where the kernel does not tell in which call, whether it blocks.
pub fn waits_in_accept(pid: u32) -> bool {
    let Ok(call) = std::fs::read_to_string(format!("/proc/{pid}/syscall")) else {
        return state(pid) == Some('S');
    };
    [libc::SYS_accept, libc::SYS_accept4].iter().any(|number| call.starts_with(&format!("{number} ")))
}
