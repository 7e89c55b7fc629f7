//! The one reader of strace's output: from lines to calls, each with its process and result.
//!
//! It reads what `strace -f -o FILE` writes, with or without `-ttt`, and joins
//! the two halves of a call that another process interrupted on paper.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

/// Something that a process did, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub pid: u32,
    /// Seconds since the epoch where `-ttt` was given.
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
    /// `EMFILE`, where it failed.
    pub errno: Option<String>,
    /// It never happened: strace put the result in its place.
    pub injected: bool,
}

impl Call {
    /// The number it returned, if it returned one; `-yy` says in brackets behind it what it is.
    pub fn returned(&self) -> Option<i64> {
        self.result.split('<').next()?.parse().ok()
    }

    /// The first argument as a descriptor.
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

/// All that a trace tells, in the order in which it began.
pub fn read(text: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut unfinished: HashMap<u32, (usize, &str)> = HashMap::new();
    for (ended, line) in text.lines().enumerate() {
        let (pid, at, rest) = prefix(line);
        let resumed = rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"));
        if let Some((_, tail)) = resumed {
            let Some((index, half)) = unfinished.remove(&pid) else {
                continue;
            };
            if let Some(call) = parse(&format!("{half}{tail}")) {
                (events[index].what, events[index].ended) = (What::Call(call), ended);
            }
            continue;
        }
        let half = rest.strip_suffix(" <unfinished ...>");
        let what = if let Some(signal) = rest.strip_prefix("--- ") {
            signal.split([' ', '{']).next().map(|name| What::Signal(name.to_string()))
        } else if let Some(end) = rest.strip_prefix("+++ ") {
            Some(What::End(end.trim_end_matches(" +++").to_string()))
        } else {
            parse(&half.map_or(rest.to_string(), |half| format!("{half}) = ?"))).map(What::Call)
        };
        if let Some(what) = what {
            half.map(|half| unfinished.insert(pid, (events.len(), half)));
            events.push(Event { pid, at, ended, what });
        }
    }
    events
}

/// The calls of one process, in order.
pub fn calls(events: &[Event], pid: u32) -> Vec<&Call> {
    events.iter().filter(|event| event.pid == pid).filter_map(Event::call).collect()
}

/// The processes of a trace, in order of birth.
pub fn pids(events: &[Event]) -> Vec<u32> {
    let mut known = HashSet::new();
    events.iter().map(|event| event.pid).filter(|&pid| known.insert(pid)).collect()
}

/// Process id and time before a line. One process alone has no id: it is 0.
pub fn prefix(line: &str) -> (u32, Option<f64>, &str) {
    let line = line.strip_prefix("[pid ").unwrap_or(line).trim_start();
    let (pid, rest) = number(line, &[' ', ']']).unwrap_or((0, line));
    let (at, rest) = number(rest, &[' ']).map_or((None, rest), |(at, tail)| (Some(at), tail));
    (pid, at, rest)
}

/// The number that `text` begins with, and what stands behind it.
fn number<'a, T: FromStr>(text: &'a str, ends: &[char]) -> Option<(T, &'a str)> {
    let (first, tail) = text.split_once(ends)?;
    Some((first.parse().ok()?, tail.trim_start()))
}

/// `name(arguments) = result errno (text)`.
fn parse(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let (args, tail) = arguments(rest)?;
    let tail = tail.trim_start().strip_prefix('=')?.trim();
    let mut words = tail.split(' ').map(str::to_string);
    let result = words.next()?;
    let errno = words.next().filter(|word| word.starts_with('E'));
    Some(Call { name: name.to_string(), args, result, errno, injected: tail.ends_with("(INJECTED)") })
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
    let mut bytes = Vec::new();
    let mut rest = text.strip_prefix('"')?.as_bytes();
    loop {
        let (&first, tail) = rest.split_first()?;
        rest = tail;
        if first == b'"' {
            return Some((bytes, &text[text.len() - rest.len()..]));
        }
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let octal = rest.iter().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
        let (radix, digits) = if rest.starts_with(b"x") { (16, 1..3) } else { (8, 0..octal) };
        let length = digits.end.max(1);
        let number = std::str::from_utf8(rest.get(digits)?).ok()?;
        bytes.push(match *rest.first()? {
            _ if !number.is_empty() => u32::from_str_radix(number, radix).ok()? as u8,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'v' => 0x0b,
            b'f' => 0x0c,
            other => other,
        });
        rest = &rest[length..];
    }
}
