//! The one reader of strace's output: from lines to calls, each with its process and result.
//!
//! It reads what `strace -f -o FILE` writes, with or without `-ttt`, and joins
//! the two halves of a call that another process interrupted on paper.

use std::collections::HashSet;
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
    pub errno: Option<String>,
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

/// All that a trace tells, in the order in which it began.
pub fn read(text: &str) -> Vec<Event> {
    let lines: Vec<_> = text.lines().map(prefix).enumerate().collect();
    let event = |&(line, (pid, at, text)): &(usize, (u32, Option<f64>, &str))| {
        let Some(half) = text.strip_suffix(" <unfinished ...>") else {
            return Some(Event { pid, at, ended: line, what: what(text)? });
        };
        // The process's next line is the other half, if it returned.
        let next = lines[line + 1..].iter().find(|(_, next)| next.0 == pid);
        let resumed = next.and_then(|(line, next)| Some((line, next.2.strip_prefix("<... ")?)));
        let resumed = resumed.and_then(|(line, text)| Some((*line, text.split_once(" resumed>")?.1)));
        let (ended, tail) = resumed.unwrap_or((line, ") = ?"));
        Some(Event { pid, at, ended, what: what(&format!("{half}{tail}"))? })
    };
    lines.iter().filter_map(event).collect()
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

/// Process id and time before a line. One process alone has no id: it is 0.
pub fn prefix(line: &str) -> (u32, Option<f64>, &str) {
    fn number<T: FromStr>(text: &str) -> Option<(T, &str)> {
        let (first, tail) = text.split_once([' ', ']'])?;
        Some((first.parse().ok()?, tail.trim_start()))
    }
    let line = line.strip_prefix("[pid ").unwrap_or(line).trim_start();
    let (pid, rest) = number(line).unwrap_or((0, line));
    let (at, rest) = number(rest).map_or((None, rest), |(at, tail)| (Some(at), tail));
    (pid, at, rest)
}

/// `name(arguments) = result errno (text)`.
fn call(text: &str) -> Option<Call> {
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
