//! What a program does, told so that two runs of it read the same.
//!
//! Processes have names in order of birth, ports too; time stamps and pointers are
//! gone, and so is what the C library and the loader do for themselves. Arguments,
//! lengths, results and errors stay.

use std::collections::HashSet;

use crate::support::strace::{self, Call, Event, What};
use crate::support::words::{flags, forks, port};

/// A process, and all that it does from its first own call to its end, a row each: as
/// strace shows it, or as [`saying`] does.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub name: String,
    pub rows: Vec<String>,
}

/// The row of text that left whole for standard output (1) or standard error (2): a line
/// of the log, another line, or what has no end of line.
pub fn saying(fd: i32, text: &[u8]) -> String {
    format!("write({fd}, {})", quoted(text))
}

/// What [`saying`] was told.
pub fn said(row: &str) -> Option<(i32, Vec<u8>)> {
    let (fd, text) = row.strip_prefix("write(")?.split_once(", ")?;
    let (fd, text) = (fd.parse().ok()?, unquoted(text));
    (saying(fd, &text) == row).then_some((fd, text))
}

/// Text as strace quotes it, but UTF-8 stays, and a long run of one byte is counted: `"a"*1500`.
fn quoted(text: &[u8]) -> String {
    const LONG: usize = 16;
    if text.is_empty() {
        return "\"\"".to_string();
    }
    let mut pieces: Vec<(Vec<u8>, usize)> = Vec::new();
    for run in text.chunk_by(|one, next| one == next) {
        match pieces.last_mut() {
            _ if run.len() >= LONG => pieces.push((vec![run[0]], run.len())),
            Some((plain, 1)) => plain.extend(run),
            _ => pieces.push((run.to_vec(), 1)),
        }
    }
    let shown = |(text, count): &(Vec<u8>, usize)| match count {
        1 => format!("\"{}\"", escaped(text, sign)),
        count => format!("\"{}\"*{count}", escaped(text, sign)),
    };
    pieces.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn sign(c: char) -> String {
    match c {
        '\n' | '\t' | '\0' | '"' | '\\' => c.escape_debug().to_string(),
        // What would draw nothing, or turn the line round.
        _ if c.escape_debug().len() > 1 => {
            c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect()
        }
        _ => c.to_string(),
    }
}

/// Text with each sign as it is to be shown, and each byte that is none as `\xff`.
pub fn escaped(text: &[u8], sign: impl Fn(char) -> String) -> String {
    let shown = |chunk: std::str::Utf8Chunk| {
        let signs: String = chunk.valid().chars().map(&sign).collect();
        signs + &chunk.invalid().escape_ascii().to_string()
    };
    text.utf8_chunks().map(shown).collect()
}

/// What [`quoted`] shows.
pub fn unquoted(mut shown: &str) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((piece, behind)) = strace::unquoted(shown.trim_start()) {
        shown = behind.trim_start_matches('*').trim_start_matches(|c: char| c.is_ascii_digit());
        let count = behind[..behind.len() - shown.len()].trim_start_matches('*').parse().unwrap_or(1);
        text.extend(piece.repeat(count));
    }
    text
}

/// Tells what the processes of a trace do. `ports` are those known by name before;
/// the clients that are accepted get theirs in order: `PORT1`.
pub fn conduct(trace: &str, program: &str, ports: &[(u32, &str)]) -> Vec<Process> {
    let events = strace::read(trace);
    let mut processes = Vec::from_iter(events.first().map(|first| (first.pid, program.to_string())));
    let mut accepted = Vec::new();
    for (event, call) in events.iter().filter_map(|event| Some((event, event.call()?))) {
        if call.name == "execve" {
            // What came before belongs to the shell that became the program.
            processes.truncate(1);
        }
        if let Some(child) = call.returned().filter(|child| forks(call) && *child > 0) {
            let kind = if event.pid == processes[0].0 { "child" } else { "grandchild" };
            let count = processes.iter().filter(|(_, name)| name.starts_with(kind)).count();
            processes.push((child as u32, format!("{kind} {}", count + 1)));
        }
        let address = call.args.get(1).filter(|_| call.name == "accept");
        if let Some(port) = address.and_then(|address| port(address)) {
            accepted.push((port.to_string(), format!("PORT{}", accepted.len() + 1)));
        }
    }
    let known = ports.iter().map(|(port, name)| (port.to_string(), name.to_string()));
    let names = Names { ports: accepted.into_iter().chain(known).collect(), processes };
    let process = |(pid, name): &(u32, String)| {
        let its = events.iter().filter(|event| event.pid == *pid);
        let rows = names.rows(its, program.starts_with("server"));
        Process { name: name.clone(), rows }
    };
    names.processes.iter().map(process).collect()
}

enum Row {
    Said(i32, Vec<u8>),
    Done(String),
}

struct Names {
    processes: Vec<(u32, String)>,
    ports: Vec<(String, String)>,
}

impl Names {
    fn rows<'a>(&self, events: impl Iterator<Item = &'a Event>, logs_only: bool) -> Vec<String> {
        // When a child's end is told to its parent is the kernel's affair; the scenarios
        // themselves stop programs and let them go on.
        const SILENT: [&str; 4] = ["SIGCHLD", "SIGSTOP", "SIGCONT", "stopped"];
        let mut rows: Vec<Row> = Vec::new();
        let mut files = HashSet::new();
        for event in events {
            match &event.what {
                What::Call(call) if call.name == "execve" => rows.clear(),
                What::Call(call) if is_of_the_library(call, &mut files) => {}
                What::Call(call) => {
                    // The kernel makes an interrupted call again: that is one call.
                    let interrupted = self.told(&Call { result: "?".to_string(), ..call.clone() });
                    if matches!(rows.last(), Some(Row::Done(last)) if *last == interrupted) {
                        rows.pop();
                    }
                    match (leaves(call), rows.last_mut()) {
                        // In how many pieces C++ writes a line is not counted.
                        (Some((fd, text)), Some(Row::Said(before, whole))) if *before == fd => {
                            whole.extend(text)
                        }
                        (Some((fd, text)), _) => rows.push(Row::Said(fd, text)),
                        (None, _) => rows.push(Row::Done(self.told(call))),
                    }
                }
                What::Signal(name) if SILENT.contains(&&**name) => {}
                What::Signal(name) => rows.push(Row::Done(format!("--- {name} ---"))),
                What::End(end) => rows.push(Row::Done(format!("+++ {end} +++"))),
            }
        }
        let shown = rows.into_iter().flat_map(|row| match row {
            Row::Said(fd, text) => lines(&text, logs_only).iter().map(|line| saying(fd, line)).collect(),
            Row::Done(row) => vec![row],
        });
        let named = |row| self.ports.iter().fold(row, |row: String, (port, name)| row.replace(port, name));
        shown.map(named).collect()
    }

    fn process(&self, number: &str) -> String {
        let known = self.processes.iter().find(|(pid, _)| pid.to_string() == number);
        known.map_or(number, |(_, name)| name).to_string()
    }

    fn told(&self, call: &Call) -> String {
        let waits = call.name == "wait4";
        let shown = |(index, arg): (usize, &String)| match call.bytes(index) {
            Some(bytes) => quoted(&bytes),
            None if waits && index == 0 => self.process(arg),
            None if waits && index == 2 => self.options(arg),
            None => without_pointers(arg),
        };
        let mut args: Vec<String> = call.args.iter().enumerate().map(shown).collect();
        let mut result = match &call.errno {
            Some(errno) => format!("{} {errno}", call.result),
            None if waits || forks(call) => self.process(&call.result),
            None => call.result.clone(),
        };
        if call.injected {
            result += " (INJECTED)";
        }
        // What differs between C libraries and processors has one name, and no more than both have.
        match &*call.name {
            _ if forks(call) => return format!("fork() = {result}"),
            "exit_group" => return format!("exit_group({})", args.join(", ")),
            name if call.result == "?" => {
                return format!("{name}({}, ...) = ?", args.first().map_or("", |arg| arg));
            }
            "nanosleep" | "clock_nanosleep" => {
                args.retain(|arg| arg.starts_with('{'));
                return format!("nanosleep({}) = {result}", args[0]);
            }
            "rt_sigaction" => args = args[..3].iter().map(|arg| disposition(arg)).collect(),
            // How much is asked of standard input is for C's stdio to say.
            "read" if call.fd() == Some(0) => args.truncate(2),
            _ => {}
        }
        format!("{}({}) = {result}", call.name, args.join(", "))
    }

    /// The options of `wait4`: with erratum 4, as printed, they are a port.
    fn options(&self, arg: &str) -> String {
        let number = flags(arg).map_or(String::new(), |number| number.to_string());
        if self.ports.iter().any(|(port, _)| *port == number) { number } else { arg.to_string() }
    }
}

/// Text for standard output or standard error that leaves whole.
fn leaves(call: &Call) -> Option<(i32, Vec<u8>)> {
    let fd = call.fd().filter(|fd| [1, 2].contains(fd))?;
    let text = match &*call.name {
        "write" => call.bytes(1)?,
        // musl's stdio: what was gathered, and what comes.
        "writev" => call
            .args
            .get(1)?
            .split("iov_base=")
            .filter_map(strace::unquoted)
            .flat_map(|(text, _)| text)
            .collect(),
        _ => return None,
    };
    (call.returned() == Some(text.len() as i64)).then_some((fd, text))
}

/// A server's line of the log is whole whatever a client put in it; other text ends
/// at its line's end.
fn lines(text: &[u8], logs_only: bool) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line = text;
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let rest = &text[at + 1..];
        if !logs_only || time(line).is_none() || time(rest).is_some() || rest.is_empty() {
            lines.push(timeless(&line[..line.len() - rest.len()]));
            line = rest;
        }
    }
    lines.extend((!line.is_empty()).then(|| timeless(line)));
    lines
}

/// Where the time stands in a line of the log.
fn time(line: &[u8]) -> Option<std::ops::Range<usize>> {
    let levels = ["DEBUG | ", "NOTICE | ", "WARINING | ", "FATAL | "];
    let start = levels.iter().find(|level| line.starts_with(level.as_bytes()))?.len();
    let end = start + "Sun Nov 22 14:13:23 2026".len();
    line.get(end..)?.starts_with(b" | ").then_some(start..end)
}

fn timeless(line: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    if let Some(time) = time(&line) {
        line.splice(time, *b"TIME");
    }
    line
}

fn without_pointers(arg: &str) -> String {
    let mut parts = arg.split("0x");
    let first = parts.next().unwrap_or("").to_string();
    parts.fold(first, |told, part| {
        let digits = part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len());
        told + "0x" + if digits > 6 { "..." } else { &part[..digits] } + &part[digits..]
    })
}

/// A signal's handler and flags, without what the C library puts beside them.
fn disposition(arg: &str) -> String {
    let Some(fields) = arg.strip_suffix('}') else { return arg.to_string() };
    let said = |field: &&str| field.contains("sa_handler=") || field.contains("sa_flags=");
    let fields: Vec<&str> = fields.split(", ").filter(said).collect();
    fields.join(", ").replace("SA_RESTORER|", "") + "}"
}

/// What the loader and the C library do for themselves: memory, threads' bookkeeping, the signals
/// that wait while they fork, their own files, and looking at what the standard streams are.
fn is_of_the_library(call: &Call, files: &mut HashSet<i32>) -> bool {
    const THEIR_OWN: &str = " brk mmap munmap mremap mprotect madvise arch_prctl set_tid_address set_robust_list \
        rseq getrandom futex readlink readlinkat rt_sigprocmask ";
    const FILES: [&str; 4] = ["\"/etc/", "\"/lib", "\"/usr/", "\"/proc/self/"];
    let path = call.args.iter().take(2).any(|arg| FILES.iter().any(|start| arg.starts_with(start)));
    let of_file = call.fd().is_some_and(|fd| files.contains(&fd));
    match &*call.name {
        name if THEIR_OWN.contains(&format!(" {name} ")) => true,
        "prlimit64" => call.args.get(1).is_some_and(|what| what == "RLIMIT_STACK"),
        "open" | "openat" if path => {
            files.extend(call.returned().map(|fd| fd as i32));
            true
        }
        "close" => call.fd().is_some_and(|fd| files.remove(&fd)),
        "read" | "pread64" => of_file,
        "access" | "faccessat" | "newfstatat" | "statx" | "stat" | "fstat" | "lseek" | "ioctl" => {
            of_file || path || matches!(call.fd(), Some(0..=2))
        }
        _ => false,
    }
}
