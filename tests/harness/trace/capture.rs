//! A trace that somebody else has made: its events in an order that is certain, or one line that asks for what is missing.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::harness::trace::calls::{Kind, kind};
use crate::harness::trace::parse::{self, Event, pids};
use crate::say;

/// The events of a trace, or of the files `NAME.PID` that `strace -ff -o NAME` writes.
pub fn open(path: &Path) -> Result<Vec<Event>, String> {
    let error = match std::fs::read(path) {
        Ok(bytes) => return read(&String::from_utf8_lossy(&bytes)),
        Err(error) => error.to_string(),
    };
    let files = files_of(path);
    let mut joined = String::new();
    for (pid, file) in &files {
        let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
        for line in String::from_utf8_lossy(&bytes).lines() {
            joined += &format!("{pid} {line}\n");
        }
    }
    match files.len() {
        0 => Err(error),
        1 => read(&joined),
        _ if parse::read(&joined).iter().all(|event| event.at.is_none()) => Err(ask_for_times()),
        _ => read(&joined),
    }
}

fn files_of(path: &Path) -> Vec<(u32, PathBuf)> {
    let directory =
        path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let pid: Option<u32> = entry.path().extension().and_then(|pid| pid.to_str()?.parse().ok());
        if entry.path().file_stem() == path.file_name() {
            files.extend(pid.map(|pid| (pid, entry.path())));
        }
    }
    files.sort();
    files
}

/// The events of a file that strace wrote, or of several that were joined.
pub fn read(text: &str) -> Result<Vec<Event>, String> {
    let mut events = parse::read_cut(text);
    if events.iter().all(|event| event.call().is_none()) {
        return Err(match text.contains("% time") && text.contains("syscall") {
            true => say!(
                "it counts calls (-c): trace with strace -f -ttt -o file",
                "这是 -c 的统计，请用 strace -f -ttt -o 文件 跟踪"
            ),
            false => say!(
                "strace has seen no call: is it a trace, and is tracing allowed here?",
                "strace 没有看到任何系统调用：这是 trace 文件吗？这里允许跟踪进程吗？"
            ),
        });
    }
    let calls = || events.iter().filter_map(Event::call);
    let has = |wanted: &[Kind]| calls().any(|call| wanted.contains(&kind(&call.name)));
    if !has(&[Kind::Socket, Kind::Bind, Kind::Listen, Kind::Accept, Kind::Connect, Kind::Read, Kind::Write])
    {
        return Err(match calls().any(|call| call.name == "io_uring_enter") {
            true => say!(
                "it has no calls on sockets: the program uses io_uring, which strace does not see into",
                "没有套接字调用：程序使用 io_uring，strace 看不到其中的操作"
            ),
            false => say!(
                "it has no calls on sockets: trace with strace -f -ttt -o file, without -e",
                "没有套接字调用：请用 strace -f -ttt -o 文件 跟踪，不要加 -e"
            ),
        });
    }
    let timed = events.iter().all(|event| event.at.is_some());
    if !timed {
        events.iter_mut().for_each(|event| event.at = None);
        return if is_one(&events) { Ok(events) } else { Err(ask_for_times()) };
    }
    past_midnight(&mut events);
    if events.is_sorted_by(|one, next| one.at <= next.at) {
        // The order of the lines is finer than the clock's.
        events.iter_mut().for_each(|event| event.at = None);
        return Ok(events);
    }
    // Several files, one after the other: the clock must tell what came first.
    match events.iter().all(|event| event.at.is_some_and(|at| at.fract() == 0.0)) {
        true => Err(ask_for_times()),
        false => Ok(events),
    }
}

fn ask_for_times() -> String {
    say!(
        "the order of its processes is not certain: trace each with strace -f -ttt -o file",
        "各进程的先后顺序无法确定：请对每个程序都用 strace -f -ttt -o 文件 跟踪"
    )
}

/// Times of day go on after midnight.
fn past_midnight(events: &mut [Event]) {
    const DAY: f64 = 86400.0;
    let mut days = 0.0;
    let mut before = 0.0;
    for event in events {
        let Some(at) = event.at.filter(|at| *at < DAY) else { continue };
        if at + DAY / 2.0 < before {
            days += DAY;
        }
        before = at;
        event.at = Some(at + days);
    }
}

/// One strace has written it: programs that no other has started run side by side, or there is one.
fn is_one(events: &[Event]) -> bool {
    let pids = pids(events);
    let mut ranges: Vec<RangeInclusive<usize>> = Vec::new();
    for pid in pids {
        let made = |event: &&Event| {
            event
                .call()
                .is_some_and(|call| call.returned() == Some(pid.into()) && kind(&call.name) == Kind::Fork)
        };
        if events.iter().find(made).is_some() {
            continue;
        }
        let own = || events.iter().filter(|event| event.pid == pid);
        let last = own().map(|event| event.ended).max().unwrap_or(0);
        let first = own().map(|event| event.ended).min().unwrap_or(0);
        ranges.push(first..=last);
    }
    ranges.iter().enumerate().all(|(at, range)| {
        let mut others = ranges.iter().enumerate().filter(|(other, _)| *other != at).peekable();
        others.peek().is_none()
            || others.any(|(_, other)| other.start() <= range.end() && range.start() <= other.end())
    })
}
