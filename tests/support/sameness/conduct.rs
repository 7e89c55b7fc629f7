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
            let said = text.strip_prefix(&format!("write({fd}, "));
            if let Some(said) = said.and_then(|said| said.strip_suffix(')')) {
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
    let mut plain: &[u8] = &[];
    let mut rest = text;
    for run in text.chunk_by(|one, next| one == next) {
        if run.len() < LONG {
            plain = &rest[..plain.len() + run.len()];
            continue;
        }
        pieces.extend((!plain.is_empty()).then(|| escaped(plain)));
        pieces.push(format!("{}*{}", escaped(&run[..1]), run.len()));
        (rest, plain) = (&rest[plain.len() + run.len()..], &[]);
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(escaped(plain));
    }
    pieces.join(" ")
}

fn escaped(text: &[u8]) -> String {
    let mut shown = String::from('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' | '\0' | '"' | '\\' => shown.extend(c.escape_debug()),
                // What would draw nothing, or turn the line round.
                _ if c.escape_debug().len() > 1 => {
                    c.to_string().bytes().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
                }
                _ => shown.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
    }
    shown + "\""
}

/// What [`quoted`] shows.
pub fn unquoted(shown: &str) -> Vec<u8> {
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
pub fn for_ever(rows: &[Row]) -> Vec<Row> {
    let end = rows.iter().position(|row| row.to_string() == "read(0, \"\") = 0");
    let (before, after) = rows.split_at(end.map_or(rows.len(), |end| end + 1));
    let (mut again, mut said): (Vec<Row>, Vec<u8>) = (Vec::new(), Vec::new());
    for row in after {
        match row {
            Row::Said { text, .. } => said.extend(text),
            Row::Done(call) if call.ends_with(" = ?") || call.starts_with("+++") => {}
            Row::Done(_) if again.contains(row) => {}
            Row::Done(_) => again.push(row.clone()),
        }
    }
    let repeats = |period: &usize| said[*period..].iter().eq(&said[..said.len() - period]);
    let period = (1..said.len()).find(repeats).unwrap_or(said.len());
    again.push(Row::Said { fd: 1, text: said[..period].to_vec() });
    again.push(Row::Done(FOR_EVER.to_string()));
    [before, &again].concat()
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
        let child = call.returned().filter(|child| is_fork(call) && *child > 0);
        if let Some(child) = child {
            let (count, kind) = match names.processes.get(&event.pid) {
                Some(name) if name == program => (&mut children, "child"),
                _ => (&mut grandchildren, "grandchild"),
            };
            *count += 1;
            order.push(child as u32);
            names.processes.insert(child as u32, format!("{kind} {count}"));
        }
        let address = call.args.get(1).filter(|_| call.name == "accept");
        if let Some(port) = address.and_then(|address| port_of(address)) {
            let name = format!("PORT{}", names.ports.len() + 1);
            names.ports.push((port.to_string(), name));
        }
    }
    names.ports.extend(ports.iter().map(|(port, name)| (port.to_string(), name.to_string())));
    let process =
        |pid: &u32| Process { name: names.processes[pid].clone(), rows: rows(&events, *pid, &names) };
    order.iter().map(process).collect()
}

struct Names {
    logs_only: bool,
    processes: HashMap<u32, String>,
    ports: Vec<(String, String)>,
}

fn rows(events: &[strace::Event], pid: u32, names: &Names) -> Vec<Row> {
    // When a child's end is told to its parent is the kernel's affair; the scenarios
    // themselves stop programs and let them go on.
    const SILENT: [&str; 4] = ["SIGCHLD", "SIGSTOP", "SIGCONT", "stopped"];
    let mut rows: Vec<Row> = Vec::new();
    let mut files = HashSet::new();
    for event in events.iter().filter(|event| event.pid == pid) {
        match &event.what {
            What::Call(call) if call.name == "execve" => rows.clear(),
            What::Call(call) if is_of_the_library(call, &mut files) => {}
            What::Call(call) => {
                // The kernel makes an interrupted call again: that is one call.
                let interrupted = Call { result: "?".to_string(), ..call.clone() };
                if rows.last() == Some(&Row::Done(names.told(&interrupted))) {
                    rows.pop();
                }
                match (said(call), rows.last_mut()) {
                    // In how many pieces C++ writes a line is not counted.
                    (Some((fd, text)), Some(Row::Said { fd: before, text: whole })) if *before == fd => {
                        whole.extend(text);
                    }
                    (Some((fd, text)), _) => rows.push(Row::Said { fd, text }),
                    (None, _) => rows.push(Row::Done(names.told(call))),
                }
            }
            What::Signal(name) if SILENT.contains(&&**name) => {}
            What::Signal(name) => rows.push(Row::Done(format!("--- {name} ---"))),
            What::End(end) => rows.push(Row::Done(format!("+++ {end} +++"))),
        }
    }
    let told = rows.into_iter().flat_map(|row| match row {
        Row::Said { fd, text } => {
            let lines = lines(&text, names.logs_only).into_iter();
            lines.map(|line| Row::Said { fd, text: names.in_text(&timeless(line)) }).collect()
        }
        done => vec![done],
    });
    told.collect()
}

/// Text for standard output or standard error that left whole.
fn said(call: &Call) -> Option<(i32, Vec<u8>)> {
    let fd = call.fd().filter(|fd| [1, 2].contains(fd))?;
    let bytes = |piece: &str| Call { args: vec![piece.to_string()], ..call.clone() }.bytes(0);
    let text = match &*call.name {
        "write" => call.bytes(1)?,
        // musl's stdio: what was gathered, and what comes.
        "writev" => call.args.get(1)?.split("iov_base=").filter_map(bytes).flatten().collect(),
        _ => return None,
    };
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
        let waits = call.name == "wait4";
        let result = match &call.errno {
            Some(errno) => format!("{} {errno}{injected}", call.result),
            None => self.process_if(is_fork(call) || waits, &call.result) + injected,
        };
        let mut args: Vec<String> = Vec::new();
        for (index, arg) in call.args.iter().enumerate() {
            args.push(match call.bytes(index) {
                Some(bytes) => quoted(&self.in_text(&bytes)),
                None if waits && index == 2 => self.options(arg),
                None => self.process_if(waits && index == 0, &self.in_argument(arg)),
            });
        }
        // What differs between C libraries and processors has one name, and no more than both have.
        match &*call.name {
            _ if is_fork(call) => return format!("fork() = {result}"),
            "exit_group" => return format!("exit_group({})", args.join(", ")),
            name if call.result == "?" => {
                return format!("{name}({}, ...) = ?", args.first().map_or("", |arg| arg));
            }
            "nanosleep" | "clock_nanosleep" => {
                let time = args.iter().find(|arg| arg.starts_with('{')).cloned();
                return format!("nanosleep({}) = {result}", time.unwrap_or_default());
            }
            "rt_sigaction" => {
                args.truncate(3);
                args.iter_mut().for_each(|arg| *arg = disposition(arg));
            }
            // How much is asked of standard input is for C's stdio to say.
            "read" if call.fd() == Some(0) => args.truncate(2),
            _ => {}
        }
        format!("{}({}) = {result}", call.name, args.join(", "))
    }

    /// The options of `wait4`: with erratum 4, as printed, they are a port.
    fn options(&self, arg: &str) -> String {
        let bits = |flag: &str| match flag {
            "WNOHANG" => Some(1),
            "WSTOPPED" | "WUNTRACED" => Some(2),
            "WEXITED" => Some(4),
            "WCONTINUED" => Some(8),
            flag => u32::from_str_radix(flag.strip_prefix("0x")?, 16).ok(),
        };
        let arg = arg.split(" /*").next().unwrap_or(arg);
        let port = arg.split('|').map(bits).sum::<Option<u32>>().map(|port| port.to_string());
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
        let port = port_of(&told).map(|port| port.to_string());
        match self.ports.iter().find(|(known, _)| Some(known) == port.as_ref()) {
            Some((port, name)) => told.replace(&format!("htons({port})"), &format!("htons({name})")),
            None => told,
        }
    }
}

fn port_of(address: &str) -> Option<u16> {
    let (_, port) = address.split_once("sin_port=htons(")?;
    port.split(')').next()?.parse().ok()
}

/// A signal's handler and flags, without what the C library puts beside them.
fn disposition(arg: &str) -> String {
    let Some(fields) = arg.strip_prefix('{').and_then(|arg| arg.strip_suffix('}')) else {
        return arg.to_string();
    };
    let said = |field: &&str| field.starts_with("sa_handler=") || field.starts_with("sa_flags=");
    let fields: Vec<&str> = fields.split(", ").filter(said).collect();
    format!("{{{}}}", fields.join(", ").replace("SA_RESTORER|", ""))
}

fn is_fork(call: &Call) -> bool {
    ["clone", "clone3", "fork", "vfork"].contains(&&*call.name)
}

/// What the loader and the C library do for themselves: memory, threads' bookkeeping, the signals
/// that wait while they fork, their own files, and looking at what the standard streams are.
fn is_of_the_library(call: &Call, files: &mut HashSet<i64>) -> bool {
    const THEIR_OWN: &str = " brk mmap munmap mremap mprotect madvise arch_prctl set_tid_address set_robust_list \
        rseq getrandom futex readlink readlinkat rt_sigprocmask ";
    const FILES: [&str; 4] = ["\"/etc/", "\"/lib", "\"/usr/", "\"/proc/self/"];
    let fd = call.fd().map(i64::from);
    let stream = matches!(fd, Some(0..=2));
    let of_file = fd.is_some_and(|fd| files.contains(&fd));
    let path = call.args.iter().take(2).any(|arg| FILES.iter().any(|start| arg.starts_with(start)));
    match &*call.name {
        name if THEIR_OWN.contains(&format!(" {name} ")) => true,
        "prlimit64" => call.args.get(1).is_some_and(|what| what == "RLIMIT_STACK"),
        "access" | "faccessat" => path,
        "open" | "openat" if path => {
            files.extend(call.returned().filter(|fd| *fd >= 0));
            true
        }
        "close" => fd.is_some_and(|fd| files.remove(&fd)),
        "newfstatat" | "statx" => stream || of_file || path,
        "fstat" | "lseek" | "ioctl" => stream || of_file,
        "read" | "pread64" => of_file,
        _ => false,
    }
}
