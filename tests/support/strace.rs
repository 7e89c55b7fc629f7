//! The one reader of strace's output: from lines to calls, each with its process and result.
//!
//! It reads what `strace -f -o FILE` writes, with or without `-ttt`, and joins
//! the two halves of a call that another process interrupted on paper.

use std::collections::HashMap;
use std::str::FromStr;

/// Something that a process did, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub pid: u32,
    /// Seconds since the epoch where `-ttt` was given.
    pub at: Option<f64>,
    /// The lines of the file where it began and where it was over, from 0.
    pub began: usize,
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
        unquoted(self.args.get(index)?)
    }
}

impl Event {
    pub fn call(&self) -> Option<&Call> {
        match &self.what {
            What::Call(call) => Some(call),
            _ => None,
        }
    }
}

/// All that a trace tells, in the order in which it began.
pub fn read(text: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut unfinished: HashMap<u32, usize> = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let Some((pid, at, rest)) = prefix(line) else {
            continue;
        };
        let event = |what| Event { pid, at, began: number, ended: number, what };
        if let Some(signal) = rest.strip_prefix("--- ") {
            let name = signal.split([' ', '{']).next().unwrap_or("");
            events.push(event(What::Signal(name.to_string())));
        } else if let Some(end) = rest.strip_prefix("+++ ") {
            events.push(event(What::End(end.trim_end_matches(" +++").to_string())));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((_, tail)) = resumed.split_once(" resumed>") else {
                continue;
            };
            let Some(index) = unfinished.remove(&pid) else {
                continue;
            };
            let What::Call(begun) = &events[index].what else {
                continue;
            };
            // The first half kept its raw text in `result` until now.
            let whole = format!("{}{}", begun.result, tail);
            if let Some(call) = parse(&whole) {
                events[index].what = What::Call(call);
                events[index].ended = number;
            }
        } else if let Some(half) = rest.strip_suffix(" <unfinished ...>") {
            let name = half.split('(').next().unwrap_or("").to_string();
            let args = half.get(name.len() + 1..).map(arguments).unwrap_or_default();
            unfinished.insert(pid, events.len());
            let result = half.to_string();
            events.push(event(What::Call(Call { name, args, result, errno: None, injected: false })));
        } else if let Some(call) = parse(rest) {
            events.push(event(What::Call(call)));
        }
    }
    for index in unfinished.into_values() {
        if let What::Call(call) = &mut events[index].what {
            call.result = "?".to_string();
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
    let mut pids = Vec::new();
    for event in events {
        if !pids.contains(&event.pid) {
            pids.push(event.pid);
        }
    }
    pids
}

/// Process id and time before a line. One process alone has no id: it is 0.
pub fn prefix(line: &str) -> Option<(u32, Option<f64>, &str)> {
    let mut rest = line.strip_prefix("[pid ").unwrap_or(line).trim_start();
    let mut pid = 0;
    if let Some((number, tail)) = number(rest, &[' ', ']']) {
        (pid, rest) = (number, tail);
    }
    let at = number(rest, &[' ']).filter(|_| rest.split(' ').next().is_some_and(|word| word.contains('.')));
    let rest = at.map_or(rest, |(_, tail)| tail);
    let at = at.map(|(at, _)| at);
    (!rest.is_empty()).then_some((pid, at, rest))
}

/// The number that `text` begins with, and what stands behind it.
fn number<'a, T: FromStr>(text: &'a str, ends: &[char]) -> Option<(T, &'a str)> {
    let (first, tail) = text.split_once(ends)?;
    Some((first.parse().ok()?, tail.trim_start()))
}

/// `name(arguments) = result errno (text)`.
fn parse(text: &str) -> Option<Call> {
    let open = text.find('(')?;
    let name = text[..open].to_string();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let length = outermost(&text[open + 1..], &[')'])?;
    let args = arguments(&text[open + 1..open + 1 + length]);
    let tail = text[open + 1 + length + 1..].trim_start().strip_prefix('=')?.trim();
    let mut words = tail.split(' ');
    let result = words.next()?.to_string();
    let errno = words.next().filter(|word| word.starts_with('E')).map(str::to_string);
    Some(Call { name, args, result, errno, injected: tail.ends_with("(INJECTED)") })
}

/// How far it is to the first of these letters that stands in no bracket and in no string.
fn outermost(text: &str, wanted: &[char]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ if depth == 0 && wanted.contains(&c) => return Some(index),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The arguments between the brackets of a call.
fn arguments(mut text: &str) -> Vec<String> {
    let mut args = Vec::new();
    while !text.is_empty() {
        let end = outermost(text, &[',']).unwrap_or(text.len());
        args.push(text[..end].trim().to_string());
        text = text.get(end + 1..).unwrap_or("").trim_start();
    }
    args
}

/// The bytes that strace prints as `"a\n\x1b\0"`, without a `...` behind.
fn unquoted(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix('"')?;
    let mut bytes = Vec::new();
    let mut rest = text.bytes().peekable();
    while let Some(c) = rest.next() {
        match c {
            b'"' => return Some(bytes),
            b'\\' => match rest.next()? {
                b'n' => bytes.push(b'\n'),
                b't' => bytes.push(b'\t'),
                b'r' => bytes.push(b'\r'),
                b'v' => bytes.push(0x0b),
                b'f' => bytes.push(0x0c),
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                }
                digit @ b'0'..=b'7' => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        match rest.peek() {
                            Some(&next @ b'0'..=b'7') => {
                                value = value * 8 + u32::from(next - b'0');
                                rest.next();
                            }
                            _ => break,
                        }
                    }
                    bytes.push(value as u8);
                }
                other => bytes.push(other),
            },
            _ => bytes.push(c),
        }
    }
    None
}
