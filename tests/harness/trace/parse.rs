//! The one reader of strace's output: from lines to calls, each with its process and result.
//!
//! It reads what strace writes to a file or a terminal, with any of its options for times, process ids, numbers and colours,
//! and joins the two halves of a call that another process's line divides.

use std::collections::HashSet;

/// Something that a process did, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub pid: u32,
    /// Seconds, since the epoch with `-ttt`, since midnight with `-t` and `-tt`.
    pub at: Option<f64>,
    /// The line of the file where it was over, from 0.
    pub ended: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Call(Call),
    /// A signal's name: `SIGCHLD`.
    Signal(String),
    /// `exited with 0`, `killed by SIGTERM`.
    End(String),
}

/// A system call: `accept(3, 0x7ffc, [16]) = -1 EMFILE (Too many open files)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: String,
    /// As strace prints them, strings with their quotes.
    pub args: Vec<String>,
    /// `3`, `-1`, `?` (it never returned), `0x7f…`.
    pub result: String,
    pub errno: Option<String>,
    /// What strace writes after the result: `([{fd=3, revents=POLLIN}])`.
    pub details: String,
    /// It never happened: strace put the result in its place.
    pub injected: bool,
}

impl Call {
    /// The number it returned, if it returned one; `-yy` says in brackets behind it what it is.
    pub fn returned(&self) -> Option<i64> {
        self.result.split('<').next()?.parse().ok()
    }

    pub fn fd(&self) -> Option<i32> {
        self.args.first()?.split('<').next()?.parse().ok()
    }

    /// The bytes of argument `index`, a string as strace prints it.
    pub fn bytes(&self, index: usize) -> Option<Vec<u8>> {
        unquoted(self.args.get(index)?).map(|(bytes, _)| bytes)
    }
}

impl Event {
    pub fn call(&self) -> Option<&Call> {
        if let What::Call(call) = &self.what { Some(call) } else { None }
    }
}

/// All events of a trace, in the order in which they began.
pub fn read(text: &str) -> Vec<Event> {
    events(text, false)
}

/// The same; a process's last line may break off in a call that has not returned.
pub fn read_cut(text: &str) -> Vec<Event> {
    events(text, true)
}

fn events(text: &str, cut: bool) -> Vec<Event> {
    let lines = whole_lines(text);
    let mut lines: Vec<_> = lines.iter().map(|line| prefix(line)).filter(|line| is_event(line.2)).collect();
    // On a terminal the first process has no number until there is a second one.
    let first = number_of_first(&lines).filter(|_| text.contains("[pid "));
    let mut ended = 0;
    for line in lines.iter_mut().filter(|line| line.0 == 0) {
        // In files that were joined another process may follow that has none.
        line.0 = first.unwrap_or(ended);
        ended += u32::from(line.2.starts_with("+++ "));
    }
    let mut events = Vec::new();
    for (line, &(pid, at, text)) in lines.iter().enumerate() {
        // The process's next line is the other half, if it returned.
        let next = lines[line + 1..].iter().enumerate().find(|(_, next)| next.0 == pid);
        let half = unfinished(text, cut && next.is_none());
        let resumed = next.filter(|_| half.is_some()).and_then(|(after, next)| {
            let (_, tail) = next.2.strip_prefix("<... ")?.split_once(" resumed>")?;
            Some((line + 1 + after, tail))
        });
        let (ended, tail) = resumed.unwrap_or((line, ") = ?"));
        let joined = half.map(|half| format!("{half}{tail}"));
        events.extend(what(joined.as_deref().unwrap_or(text)).map(|what| Event { pid, at, ended, what }));
    }
    events
}

/// The lines without colours; where strace's own messages divide one on a terminal, it is whole again.
fn whole_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begun = String::new();
    for line in text.lines() {
        let mut pieces = line.split('\x1b');
        let mut plain = pieces.next().unwrap_or("").to_string();
        for piece in pieces {
            plain += piece.split_once('m').map_or("", |(_, rest)| rest);
        }
        let line = std::mem::take(&mut begun) + &plain;
        match line.find("strace: Process ") {
            Some(0) => {}
            Some(at) => begun = line[..at].to_string(),
            None => lines.push(line),
        }
    }
    lines.extend(Some(begun).filter(|begun| !begun.is_empty()));
    lines
}

fn is_event(text: &str) -> bool {
    let name = text.split('(').next().unwrap_or("");
    let is_call = !name.is_empty() && name.len() < text.len() && name.chars().all(is_of_name);
    is_call || ["--- ", "+++ ", "<... "].iter().any(|start| text.starts_with(start))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The process that has a number although no other made it.
fn number_of_first(lines: &[(u32, Option<f64>, &str)]) -> Option<u32> {
    lines.iter().find(|line| line.0 == 0)?;
    let forks =
        lines.iter().map(|line| line.2).filter(|line| line.contains("clone") || line.contains("fork"));
    let made: HashSet<&str> = forks.filter_map(|line| Some(line.rsplit_once("= ")?.1.trim())).collect();
    let made = |pid: u32| made.contains(&*pid.to_string());
    lines.iter().map(|line| line.0).find(|&pid| pid != 0 && !made(pid))
}

/// What is there of a call that has not returned in this line; `cut`: the line may break off.
fn unfinished(text: &str, cut: bool) -> Option<&str> {
    for end in ["<unfinished ...>", "<detached ...>"] {
        if let Some(half) = text.strip_suffix(end) {
            return Some(half.strip_suffix(' ').unwrap_or(half));
        }
    }
    let text = text.trim_end();
    let (_, args) = text.split_once('(').filter(|_| cut && !text.starts_with(['-', '+', '<']))?;
    if arguments(args).is_some_and(|(_, tail)| tail.trim_start().starts_with('=')) {
        return None;
    }
    // Without what is no whole argument.
    let is_open = arguments(&format!("{args})")).is_some();
    Some(if is_open { text.trim_end_matches(')') } else { text.split([',', ')']).next().unwrap_or(text) })
}

fn what(text: &str) -> Option<What> {
    if let Some(signal) = text.strip_prefix("--- ") {
        signal.split([' ', '{']).next().map(|name| What::Signal(name.to_string()))
    } else if let Some(end) = text.strip_prefix("+++ ") {
        Some(What::End(end.trim_end_matches(" +++").to_string()))
    } else {
        call(text).map(What::Call)
    }
}

pub fn calls(events: &[Event], pid: u32) -> Vec<&Call> {
    events.iter().filter(|event| event.pid == pid).filter_map(Event::call).collect()
}

/// The processes of a trace, in order of birth.
pub fn pids(events: &[Event]) -> Vec<u32> {
    let mut known = HashSet::new();
    events.iter().map(|event| event.pid).filter(|&pid| known.insert(pid)).collect()
}

/// The greatest process number of Linux.
const PID_MAX: f64 = 4_194_304.0;

/// Process id and time before a line, and the line without them. A process alone has no id: it is 0.
pub fn prefix(line: &str) -> (u32, Option<f64>, &str) {
    let mut rest = line.trim_start();
    let numbered =
        rest.strip_prefix("[pid ").and_then(|rest| rest.split_once(']')).or(rest.split_once(' '));
    // `-Y` writes the program's name after the number.
    let number =
        |word: &str| word.trim().split('<').next()?.parse().ok().filter(|pid| f64::from(*pid) <= PID_MAX);
    let mut pid = 0;
    if let Some((its, after)) = numbered.and_then(|(word, after)| Some((number(word)?, after))) {
        (pid, rest) = (its, after.trim_start());
    }
    let mut at = None;
    if let Some((time, after)) =
        rest.split_once(' ').and_then(|(word, after)| Some((seconds(word)?, after)))
    {
        // `-r` writes the time since the line before.
        at = Some(time).filter(|time| *time > PID_MAX || rest[..rest.len() - after.len()].contains(':'));
        rest = after.trim_start();
        if let Some((_, after)) = rest.strip_prefix("(+").and_then(|rest| rest.split_once(") ")) {
            rest = after;
        }
    }
    // `-n` writes the call's number, `-i` the address of the instruction.
    while let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        if !inside.chars().all(|c| c.is_ascii_hexdigit() || " ?".contains(c)) {
            break;
        }
        rest = after.trim_start();
    }
    (pid, at, rest)
}

/// `1732284803.123456`, or `14:13:23.123456`.
fn seconds(word: &str) -> Option<f64> {
    let mut seconds = 0.0;
    for part in word.split(':') {
        let digits = part.chars().all(|c| c.is_ascii_digit() || c == '.');
        seconds = seconds * 60.0 + part.parse::<f64>().ok().filter(|_| digits)?;
    }
    Some(seconds)
}

/// `name(arguments) = result errno (text)`.
fn call(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    if name.is_empty() || !name.chars().all(is_of_name) {
        return None;
    }
    let (args, tail) = arguments(rest)?;
    let tail = tail.trim_start().strip_prefix('=')?.trim();
    let mut words = tail.split(' ').map(str::to_string);
    let result = words.next()?;
    let errno = words.next().filter(|word| word.starts_with('E'));
    let details = tail[result.len()..].to_string();
    Some(Call {
        name: name.to_string(),
        args,
        result,
        errno,
        details,
        injected: tail.contains("(INJECTED)"),
    })
}

/// The arguments up to the bracket that closes the call, and what stands behind it.
fn arguments(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut args, mut start) = (Vec::new(), 0);
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            ',' | ')' if depth == 0 => {
                let arg = text[start..index].trim();
                args.extend((!arg.is_empty()).then(|| arg.to_string()));
                start = index + 1;
                if c == ')' {
                    return Some((args, &text[start..]));
                }
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The bytes that strace prints as `"a\n\33\0"`, or a record as `"\x1b"`, and what stands behind them.
pub fn unquoted(text: &str) -> Option<(Vec<u8>, &str)> {
    let (mut bytes, mut at) = (Vec::new(), 1);
    text.strip_prefix('"')?;
    loop {
        let rest = &text.as_bytes()[at..];
        let octal = rest.iter().skip(1).take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
        let number = |digits: &str, radix| Some(u32::from_str_radix(digits, radix).ok()? as u8);
        let (byte, length) = match *rest {
            [] => return None,
            [b'"', ..] => return Some((bytes, &text[at + 1..])),
            [b'\\', b'x', ..] => (number(text.get(at + 2..at + 4)?, 16)?, 4),
            [b'\\', ..] if octal > 0 => (number(&text[at + 1..=at + octal], 8)?, 1 + octal),
            [b'\\', letter, ..] => {
                let known = b"ntrvf".iter().position(|known| *known == letter);
                (known.map_or(letter, |known| b"\n\t\r\x0b\x0c"[known]), 2)
            }
            [byte, ..] => (byte, 1),
        };
        bytes.push(byte);
        at += length;
    }
}
