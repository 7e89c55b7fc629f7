//! What a program does, told so that two runs of it read the same.
//!
//! Processes have names in order of birth, ports too; time stamps and pointers are
//! gone, and so is what the C library and the loader do for themselves. Arguments,
//! lengths, results and errors stay.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::support::strace::{self, Call, What};

/// One line of what a process does.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// Text that left whole for standard output (1) or standard error (2): a line of
    /// the log, another line, or what has no end of line.
    Said { fd: i32, text: Vec<u8> },
    /// Anything else, as strace shows it.
    Done(String),
}

/// A process, and all that it does from its first own call to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub name: String,
    pub rows: Vec<Row>,
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Row::Said { fd, text } => write!(out, "write({fd}, {})", quoted(text)),
            Row::Done(call) => out.write_str(call),
        }
    }
}

impl Row {
    /// The row that is shown as `text`.
    pub fn parse(text: &str) -> Self {
        for fd in [1, 2] {
            if let Some(said) = text.strip_prefix(&format!("write({fd}, "))
                && let Some(said) = said.strip_suffix(')')
            {
                return Row::Said { fd, text: unquoted(said) };
            }
        }
        Row::Done(text.to_string())
    }
}

/// Text as strace quotes it, but UTF-8 stays, and a long run of one byte is counted: `"a"*1500`.
pub fn quoted(text: &[u8]) -> String {
    const LONG: usize = 16;
    let mut pieces: Vec<String> = Vec::new();
    let mut plain: Vec<u8> = Vec::new();
    for run in text.chunk_by(|one, next| one == next) {
        if run.len() < LONG {
            plain.extend(run);
            continue;
        }
        if !plain.is_empty() {
            pieces.push(escaped(&std::mem::take(&mut plain)));
        }
        pieces.push(format!("{}*{}", escaped(&run[..1]), run.len()));
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(escaped(&plain));
    }
    pieces.join(" ")
}

fn escaped(text: &[u8]) -> String {
    let mut shown = String::from('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => shown.push_str("\\n"),
                '\t' => shown.push_str("\\t"),
                '\0' => shown.push_str("\\0"),
                '"' | '\\' => shown.extend(['\\', c]),
                // Those above 0x7f are two bytes, which stay as they are.
                _ if c.is_ascii_control() => shown.push_str(&format!("\\x{:02x}", c as u32)),
                _ => shown.push(c),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown + "\""
}

/// What [`quoted`] shows.
fn unquoted(shown: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = shown;
    while let Some(piece) = rest.trim_start().strip_prefix('"') {
        let mut start = text.len();
        let mut chars = piece.char_indices();
        rest = "";
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    rest = &piece[at + 1..];
                    break;
                }
                '\\' => match chars.next().map_or('\\', |(_, c)| c) {
                    'n' => text.push(b'\n'),
                    't' => text.push(b'\t'),
                    '0' => text.push(0),
                    'x' => {
                        let digits: String = chars.by_ref().take(2).map(|(_, c)| c).collect();
                        text.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
                    }
                    other => text.push(other as u8),
                },
                _ => text.extend(c.to_string().as_bytes()),
            }
        }
        if let Some(count) = rest.strip_prefix('*') {
            let digits = count.find(|c: char| !c.is_ascii_digit()).unwrap_or(count.len());
            let byte = text[start];
            start += count[..digits].parse::<usize>().expect("a count");
            text.resize(start, byte);
            rest = &count[digits..];
        }
    }
    text
}

/// Stands behind rows that came again and again.
pub const FOR_EVER: &str = "... again, for ever";

/// What a client does that never sees the end of its input: each of its rows once. How
/// much of its text C's stdio gathers before it leaves is left out.
pub fn for_ever(rows: Vec<Row>) -> Vec<Row> {
    let end = rows.iter().position(|row| row.to_string() == "read(0, \"\") = 0");
    let (before, after) = rows.split_at(end.map_or(rows.len(), |end| end + 1));
    let mut told = before.to_vec();
    let mut again: Vec<Row> = Vec::new();
    for row in after {
        match row {
            Row::Done(call) if call.ends_with(" = ?") || call.starts_with("+++") => {}
            Row::Done(_) if again.contains(row) => {}
            Row::Done(_) => again.push(row.clone()),
            Row::Said { fd, text } => {
                let mut said = again.iter_mut().filter_map(|row| match row {
                    Row::Said { fd: other, text } if other == fd => Some(text),
                    _ => None,
                });
                match said.next() {
                    Some(whole) => whole.extend(text),
                    None => again.push(row.clone()),
                }
            }
        }
    }
    for row in &mut again {
        if let Row::Said { text, .. } = row {
            let repeats = |period: &usize| text[*period..].iter().eq(&text[..text.len() - period]);
            let period = (1..text.len()).find(repeats);
            text.truncate(period.unwrap_or(text.len()));
        }
    }
    told.append(&mut again);
    told.push(Row::Done(FOR_EVER.to_string()));
    told
}

/// Tells what the processes of a trace do. `ports` are those known by name before;
/// the clients that are accepted get theirs in order: `PORT1`.
pub fn conduct(trace: &str, program: &str, ports: &[(u32, &str)]) -> Vec<Process> {
    let events = strace::read(trace);
    let mut names =
        Names { logs_only: program.starts_with("server"), processes: HashMap::new(), ports: Vec::new() };
    let mut order = Vec::new();
    let (mut children, mut grandchildren) = (0, 0);
    for event in &events {
        if order.is_empty() {
            order.push(event.pid);
            names.processes.insert(event.pid, program.to_string());
        }
        let Some(call) = event.call() else { continue };
        if call.name == "execve" {
            // What came before belongs to the shell that became the program.
            order.truncate(1);
            (children, grandchildren) = (0, 0);
        }
        if is_fork(call)
            && let Some(child @ 1..) = call.returned()
        {
            let (count, kind) = match names.processes.get(&event.pid) {
                Some(name) if name == program => (&mut children, "child"),
                _ => (&mut grandchildren, "grandchild"),
            };
            *count += 1;
            order.push(child as u32);
            names.processes.insert(child as u32, format!("{kind} {count}"));
        }
        if call.name == "accept"
            && let Some(port) = call.args.get(1).and_then(|address| port_of(address))
        {
            let name = format!("PORT{}", names.ports.len() + 1);
            names.ports.push((port.to_string(), name));
        }
    }
    let known = ports.iter();
    names.ports.extend(known.map(|(port, name)| (port.to_string(), name.to_string())));
    let told = order
        .iter()
        .map(|pid| Process { name: names.processes[pid].clone(), rows: rows(&events, *pid, &names) });
    told.collect()
}

struct Names {
    logs_only: bool,
    processes: HashMap<u32, String>,
    ports: Vec<(String, String)>,
}

/// A row before it is told: its bytes are still those of the run.
enum Raw {
    Said(i32, Vec<u8>),
    Call(Call),
    Line(String),
}

fn rows(events: &[strace::Event], pid: u32, names: &Names) -> Vec<Row> {
    let mut raw: Vec<Raw> = Vec::new();
    let mut files = HashSet::new();
    for event in events.iter().filter(|event| event.pid == pid) {
        match &event.what {
            What::Call(call) if call.name == "execve" => raw.clear(),
            What::Call(call) if is_of_the_library(call, &mut files) => {}
            What::Call(call) => {
                // The kernel makes an interrupted call again: that is one call.
                if let Some(Raw::Call(before)) = raw.last()
                    && before.result == "?"
                    && (&before.name, before.fd()) == (&call.name, call.fd())
                {
                    raw.pop();
                }
                match (said(call), raw.last_mut()) {
                    // In how many pieces C++ writes a line is not counted.
                    (Some((fd, text)), Some(Raw::Said(before, whole))) if *before == fd => {
                        whole.extend(text);
                    }
                    (Some((fd, text)), _) => raw.push(Raw::Said(fd, text)),
                    (None, _) => raw.push(Raw::Call(call.clone())),
                }
            }
            // When a child's end is told to its parent is the kernel's affair; the
            // scenarios themselves stop programs and let them go on.
            What::Signal(name) if ["SIGCHLD", "SIGSTOP", "SIGCONT", "stopped"].contains(&&**name) => {}
            What::Signal(name) => raw.push(Raw::Line(format!("--- {name} ---"))),
            What::End(end) => raw.push(Raw::Line(format!("+++ {end} +++"))),
        }
    }
    let told = raw.into_iter().flat_map(|raw| match raw {
        Raw::Said(fd, text) => {
            let lines = lines(&text, names.logs_only).into_iter();
            lines.map(|line| Row::Said { fd, text: names.in_text(&timeless(line)) }).collect()
        }
        Raw::Call(call) => vec![Row::Done(names.told(&call))],
        Raw::Line(line) => vec![Row::Done(line)],
    });
    told.collect()
}

/// Text for standard output or standard error that left whole.
fn said(call: &Call) -> Option<(i32, Vec<u8>)> {
    let fd = call.fd().filter(|fd| call.name == "write" && [1, 2].contains(fd))?;
    let text = call.bytes(1)?;
    (call.returned() == Some(text.len() as i64)).then_some((fd, text))
}

/// A server's line of the log is whole whatever a client put in it; other text ends
/// at its line's end.
fn lines(text: &[u8], logs_only: bool) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    for at in 1..=text.len() {
        let whole = logs_only && message(&text[start..]).is_some();
        let ends = text[at - 1] == b'\n';
        if at == text.len() || ends && (!whole || message(&text[at..]).is_some()) {
            lines.push(&text[start..at]);
            start = at;
        }
    }
    lines
}

/// Where the time stands in a line of the log, and where it is over.
fn message(line: &[u8]) -> Option<(usize, usize)> {
    for level in ["DEBUG | ", "NOTICE | ", "WARINING | ", "FATAL | "] {
        let time = (level.len(), level.len() + "Sun Nov 22 14:13:23 2026".len());
        if line.starts_with(level.as_bytes()) && line.get(time.1..time.1 + 3) == Some(b" | ") {
            return Some(time);
        }
    }
    None
}

fn timeless(line: &[u8]) -> Vec<u8> {
    match message(line) {
        Some((start, end)) => [&line[..start], b"TIME", &line[end..]].concat(),
        None => line.to_vec(),
    }
}

impl Names {
    fn in_text(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for (port, name) in &self.ports {
            while let Some(at) = text.windows(port.len()).position(|part| part == port.as_bytes()) {
                text.splice(at..at + port.len(), name.bytes());
            }
        }
        text
    }

    fn process(&self, pid: &str) -> String {
        let known = pid.parse().ok().and_then(|pid: u32| self.processes.get(&pid));
        known.cloned().unwrap_or(pid.to_string())
    }

    fn told(&self, call: &Call) -> String {
        let injected = if call.injected { " (INJECTED)" } else { "" };
        let result = match &call.errno {
            Some(errno) => format!("{} {errno}{injected}", call.result),
            None => self.process_if(is_fork(call) || call.name == "wait4", &call.result) + injected,
        };
        if is_fork(call) {
            return format!("fork() = {result}");
        }
        if call.name == "exit_group" {
            return format!("exit_group({})", call.args.join(", "));
        }
        let mut args: Vec<String> = Vec::new();
        for (index, arg) in call.args.iter().enumerate() {
            args.push(match call.bytes(index) {
                Some(bytes) => quoted(&self.in_text(&bytes)),
                None if call.name == "wait4" && index == 2 => self.options(arg),
                None => self.process_if(call.name == "wait4" && index == 0, &self.in_argument(arg)),
            });
        }
        if call.result == "?" {
            return format!("{}({}, ...) = ?", call.name, args.first().map_or("", |arg| arg));
        }
        // How much is asked of standard input is for C's stdio to say.
        if call.name == "read" && call.fd() == Some(0) {
            args.truncate(2);
        }
        format!("{}({}) = {result}", call.name, args.join(", "))
    }

    /// The options of `wait4`: with erratum 4, as printed, they are a port.
    fn options(&self, arg: &str) -> String {
        const FLAGS: [(&str, u32); 6] = [
            ("WNOHANG", 1),
            ("WSTOPPED", 2),
            ("WUNTRACED", 2),
            ("WEXITED", 4),
            ("WCONTINUED", 8),
            ("0", 0),
        ];
        let arg = arg.split(" /*").next().unwrap_or(arg);
        let value = arg.split('|').try_fold(0, |value, flag| {
            let known = FLAGS.iter().find(|(name, _)| *name == flag).map(|(_, bits)| *bits);
            let bits = flag.strip_prefix("0x").and_then(|bits| u32::from_str_radix(bits, 16).ok());
            known.or(bits).map(|bits| value | bits)
        });
        let port = value.map(|value| value.to_string());
        let name = self.ports.iter().find(|(known, _)| Some(known) == port.as_ref());
        name.map_or(arg.to_string(), |(_, name)| name.clone())
    }

    fn process_if(&self, is_process: bool, text: &str) -> String {
        if is_process { self.process(text) } else { text.to_string() }
    }

    fn in_argument(&self, arg: &str) -> String {
        let mut told = String::new();
        let mut rest = arg;
        while let Some(at) = rest.find("0x") {
            let digits = rest[at + 2..].find(|c: char| !c.is_ascii_hexdigit());
            let end = digits.map_or(rest.len(), |digits| at + 2 + digits);
            told.push_str(&rest[..at]);
            told.push_str(if end - at > 8 { "0x..." } else { &rest[at..end] });
            rest = &rest[end..];
        }
        told.push_str(rest);
        if let Some(port) = port_of(&told)
            && let Some((port, name)) = self.ports.iter().find(|(known, _)| *known == port.to_string())
        {
            told = told.replace(&format!("htons({port})"), &format!("htons({name})"));
        }
        told
    }
}

fn port_of(address: &str) -> Option<u16> {
    let (_, port) = address.split_once("sin_port=htons(")?;
    port.split(')').next()?.parse().ok()
}

fn is_fork(call: &Call) -> bool {
    ["clone", "clone3", "fork", "vfork"].contains(&&*call.name)
}

/// What the loader and the C library do for themselves: memory, threads' bookkeeping,
/// their own files, and looking at what the standard streams are.
fn is_of_the_library(call: &Call, files: &mut HashSet<i64>) -> bool {
    const MEMORY: [&str; 6] = ["brk", "mmap", "munmap", "mremap", "mprotect", "madvise"];
    const BOOKKEEPING: [&str; 7] =
        ["arch_prctl", "set_tid_address", "set_robust_list", "rseq", "getrandom", "futex", "readlink"];
    const FILES: [&str; 3] = ["/etc/", "/lib", "/usr/"];
    let fd = call.fd().map(i64::from);
    let stream = matches!(fd, Some(0..=2));
    let of_file = fd.is_some_and(|fd| files.contains(&fd));
    let path = |index: usize| {
        let path = call.args.get(index).map_or("", |path| path.trim_start_matches('"'));
        FILES.iter().any(|start| path.starts_with(start))
    };
    match &*call.name {
        name if MEMORY.contains(&name) || BOOKKEEPING.contains(&name) => true,
        "prlimit64" => call.args.get(1).is_some_and(|what| what == "RLIMIT_STACK"),
        "access" => path(0),
        "openat" if path(1) => {
            files.extend(call.returned().filter(|fd| *fd >= 0));
            true
        }
        "close" => fd.is_some_and(|fd| files.remove(&fd)),
        "newfstatat" => stream || of_file || path(1),
        "fstat" | "lseek" | "ioctl" => stream || of_file,
        "read" | "pread64" => of_file,
        _ => false,
    }
}
