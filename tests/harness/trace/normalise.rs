//! Traces normalised, so that two runs of a program read the same.
//!
//! Processes are named in the order of their creation, ports in the order of their use. Time stamps and pointers are
//! left out, and the calls that the C library and the loader make for themselves. Arguments, lengths, results and
//! errors stay.

use std::ops::Range;

use crate::harness::trace::parse::{self, Call, Event, What};
use crate::harness::trace::render::{flags, forks, port};

/// A process and what it does from its own first call on, a row each, as strace or [`output_row`] shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub name: String,
    pub rows: Vec<String>,
}

/// The row of text that was written completely to standard output (1) or standard error (2): a line
/// of the log, another line, or the rest without an end of line.
pub fn output_row(fd: i32, text: &[u8]) -> String {
    format!("write({fd}, {})", quoted(text))
}

/// The descriptor and the text of an [`output_row`].
pub fn row_output(row: &str) -> Option<(i32, Vec<u8>)> {
    let (fd, text) = row.strip_prefix("write(")?.strip_suffix(')')?.split_once(", ")?;
    let (fd, text) = (fd.parse().ok()?, unquoted(text));
    (output_row(fd, &text) == row).then_some((fd, text))
}

/// Text as strace quotes it, but UTF-8 stays, and a long run of one byte is counted: `"a"*1500`.
pub fn quoted(text: &[u8]) -> String {
    if text.is_empty() {
        return "\"\"".to_string();
    }
    let is_long = |run: &[u8]| run.len() >= 16;
    let runs: Vec<&[u8]> = text.chunk_by(|one, next| one == next).collect();
    let pieces = runs.chunk_by(|one, next| !is_long(one) && !is_long(next));
    let shown = |piece: &[&[u8]]| match piece[0] {
        run if is_long(run) => format!("\"{}\"*{}", escaped(&run[..1], sign), run.len()),
        _ => format!("\"{}\"", escaped(&piece.concat(), sign)),
    };
    pieces.map(shown).collect::<Vec<_>>().join(" ")
}

/// A sign as strace has it; as bytes, what would draw nothing or turn the line round.
fn sign(c: char) -> String {
    match c.escape_debug() {
        named if named.len() > 2 || c == '\'' => {
            c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect()
        }
        shown => shown.to_string(),
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
    while let Some((piece, behind)) = parse::unquoted(shown) {
        let (count, rest) = behind.split_once(' ').unwrap_or((behind, ""));
        text.extend(piece.repeat(count.trim_start_matches('*').parse().unwrap_or(1)));
        shown = rest;
    }
    text
}

/// What the processes of a trace do, which strace has written with `-y`. `ports` have names already; the
/// ports of accepted clients are named in order: `PORT1`.
pub fn normalise(events: &[Event], program: &str, ports: &[(u32, &str)]) -> Vec<Process> {
    // What came before belongs to the shell that became the program.
    let becomes = |event: &Event| event.call().is_some_and(|call| call.name == "execve");
    let events = &events[events.iter().rposition(becomes).map_or(0, |start| start + 1)..];
    let mut processes = Vec::from_iter(events.first().map(|first| (first.pid, program.to_string())));
    let mut accepted = Vec::new();
    for (event, call) in events.iter().filter_map(|event| Some((event, event.call()?))) {
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
    let names = TraceNames { ports: accepted.into_iter().chain(known).collect(), processes };
    let process = |(pid, name): &(u32, String)| {
        let its = events.iter().filter(|event| event.pid == *pid && is_its_own(event));
        let rows = names.rows(&Vec::from_iter(its), program.starts_with("server"));
        Process { name: name.clone(), rows }
    };
    names.processes.iter().map(process).collect()
}

struct TraceNames {
    processes: Vec<(u32, String)>,
    ports: Vec<(String, String)>,
}

impl TraceNames {
    fn rows(&self, events: &[&Event], logs_only: bool) -> Vec<String> {
        let rows = events.chunk_by(|one, next| are_one(one, next)).flat_map(|events| {
            let texts = events.iter().filter_map(|event| leaves(event));
            let text: Vec<u8> = texts.flat_map(|(_, text)| text).collect();
            let last = events.last().expect("a row is of something");
            match (&last.what, leaves(last)) {
                (_, Some((fd, _))) => {
                    lines(&text, logs_only).iter().map(|line| output_row(fd, line)).collect()
                }
                (What::Call(call), _) => vec![self.call_row(call)],
                (What::Signal(name), _) => vec![format!("--- {name} ---")],
                (What::End(end), _) => vec![format!("+++ {end} +++")],
            }
        });
        let named = |row| self.ports.iter().fold(row, |row: String, (port, name)| row.replace(port, name));
        rows.map(named).collect()
    }

    fn process(&self, number: &str) -> String {
        let known = self.processes.iter().find(|(pid, _)| pid.to_string() == number);
        known.map_or(number, |(_, name)| name).to_string()
    }

    fn call_row(&self, call: &Call) -> String {
        let waits = call.name == "wait4";
        let shown = |(index, arg): (usize, &String)| match call.bytes(index) {
            Some(bytes) => quoted(&bytes),
            None if waits && index == 0 => self.process(arg),
            None if waits && index == 2 => self.options(arg),
            None if arg.starts_with("0x") => "0x...".to_string(),
            None => plain(arg),
        };
        let mut args: Vec<String> = call.args.iter().enumerate().map(shown).collect();
        let first = args.first().cloned().unwrap_or_default();
        let mut result = match &call.errno {
            Some(errno) => format!("{} {errno}", call.result),
            None if waits || forks(call) => self.process(&call.result),
            None => plain(&call.result),
        };
        if call.injected {
            result += " (INJECTED)";
        }
        // What differs between C libraries and processors has one name, and no more than both have.
        match &*call.name {
            _ if forks(call) => return format!("fork() = {result}"),
            "exit_group" => return format!("exit_group({})", args.join(", ")),
            name if call.result == "?" => return format!("{name}({first}, ...) = ?"),
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

/// A number without what `-y` says of a descriptor.
fn plain(arg: &str) -> String {
    let is_number = arg.starts_with(|c: char| c.is_ascii_digit());
    arg.split('<').next().filter(|_| is_number).unwrap_or(arg).to_string()
}

/// Whether two in turn are one row: in how many pieces C++ writes a line is not counted, and an
/// interrupted call is made again by the kernel.
fn are_one(one: &Event, next: &Event) -> bool {
    let again =
        |one: &Call, next: &Call| one.result == "?" && one.name == next.name && one.fd() == next.fd();
    let fd = |event| leaves(event).map(|(fd, _)| fd);
    one.call().zip(next.call()).is_some_and(|(one, next)| again(one, next))
        || fd(one).is_some() && fd(one) == fd(next)
}

/// Text for standard output or standard error that leaves whole.
fn leaves(event: &Event) -> Option<(i32, Vec<u8>)> {
    let call = event.call()?;
    let fd = call.fd().filter(|fd| [1, 2].contains(fd))?;
    let text = match &*call.name {
        "write" => call.bytes(1)?,
        // musl's stdio: what was gathered, and what comes.
        "writev" => {
            let pieces = call.args.get(1)?.split("iov_base=").filter_map(parse::unquoted);
            pieces.flat_map(|(text, _)| text).collect()
        }
        _ => return None,
    };
    (call.returned() == Some(text.len() as i64)).then_some((fd, text))
}

/// A server's line of the log is whole whatever a client put in it; other text ends at its line's end.
fn lines(text: &[u8], logs_only: bool) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match lines.last_mut() {
            Some(log) if logs_only && time(log).is_some() && time(line).is_none() => log.extend(line),
            _ => lines.push(line.to_vec()),
        }
    }
    for line in &mut lines {
        time(line).map(|time| line.splice(time, *b"TIME"));
    }
    lines
}

/// Where the time stands in a line of the log, behind its level.
fn time(line: &[u8]) -> Option<Range<usize>> {
    const BAR: &[u8] = b" | ";
    let start = line.windows(BAR.len()).position(|signs| signs == BAR)? + BAR.len();
    let end = start + "Sun Nov 22 14:13:23 2026".len();
    line.get(end..)?.starts_with(BAR).then_some(start..end)
}

/// The rows of a client that was killed because it prompts forever, each once. How much text C's stdio collects
/// for one `write` is left out.
pub fn without_repetition(rows: Vec<String>) -> Vec<String> {
    if rows.last().is_none_or(|end| end != "+++ killed by SIGKILL +++") {
        return rows;
    }
    let end = rows.iter().position(|row| row == "read(0, \"\") = 0");
    let (before, after) = rows.split_at(end.map_or(rows.len(), |end| end + 1));
    let text: Vec<u8> = after.iter().filter_map(|row| row_output(row)).flat_map(|(_, text)| text).collect();
    let (first, period) = repeated_part(&text);
    let is_call =
        |row: &&String| row_output(row).is_none() && !row.ends_with(" = ?") && !row.starts_with("+++");
    let mut repeated: Vec<String> = after.iter().filter(is_call).cloned().collect();
    repeated.dedup();
    let mut rows = [before, &repeated].concat();
    rows.extend((!first.is_empty()).then(|| output_row(1, first)));
    rows.push(output_row(1, period));
    rows.push("... and so on forever".to_string());
    rows
}

/// The beginning of a text that ends with one part over and over, and that part.
fn repeated_part(text: &[u8]) -> (&[u8], &[u8]) {
    let tail = &text[text.len() / 2..];
    let period = (1..tail.len()).find(|period| tail.starts_with(&tail[*period..])).unwrap_or(text.len());
    let differs = |at: &usize| text[*at] != text[*at + period];
    let start = (0..text.len() - period).rev().find(differs).map_or(0, |at| at + 1);
    (&text[..start], &text[start..start + period])
}

/// A signal's handler and flags, without what the C library puts beside them.
fn disposition(arg: &str) -> String {
    let Some(fields) = arg.strip_suffix('}') else { return arg.to_string() };
    let said = |field: &&str| field.contains("sa_handler=") || field.contains("sa_flags=");
    let fields: Vec<&str> = fields.split(", ").filter(said).collect();
    fields.join(", ").replace("SA_RESTORER|", "") + "}"
}

/// Not so what the loader and the C library do for themselves: memory, threads' bookkeeping, the signals that
/// wait while they fork, their own files, and looking at what the standard streams are. Nor when a
/// child's end is told to its parent, or that a scenario stops a program and lets it go on.
fn is_its_own(event: &Event) -> bool {
    const THEIR_OWN: &str = " brk mmap mmap2 munmap mremap mprotect madvise arch_prctl set_thread_area \
        set_tid_address set_robust_list rseq getrandom futex readlink readlinkat rt_sigprocmask prlimit64 ugetrlimit ";
    const FILES: [&str; 4] = ["/etc/", "/lib", "/usr/", "/proc/self/"];
    const SILENT: [&str; 4] = ["SIGCHLD", "SIGSTOP", "SIGCONT", "stopped"];
    let Some(call) = event.call() else {
        return !matches!(&event.what, What::Signal(name) if SILENT.contains(&&**name));
    };
    // `"/etc/localtime"`, `3</etc/localtime>`
    let is_file = |arg: &String| {
        let path = arg.trim_start_matches(|c: char| c.is_ascii_digit() || c == '<' || c == '"');
        FILES.iter().any(|start| path.starts_with(start))
    };
    let of_file = |args| call.args.iter().take(args).any(is_file);
    match &*call.name {
        name if THEIR_OWN.contains(&format!(" {name} ")) => false,
        "read" | "pread64" | "close" => !of_file(1),
        "open" | "openat" => !of_file(2),
        "access" | "faccessat" | "newfstatat" | "fstatat64" | "statx" | "stat" | "stat64" | "fstat"
        | "fstat64" | "lseek" | "_llseek" | "ioctl" => !of_file(2) && !matches!(call.fd(), Some(0..=2)),
        _ => true,
    }
}
