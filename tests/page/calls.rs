//! Which system calls a line makes, and what strace recorded of them.
//!
//! A call is found by its name; where a program makes it in several places, by what it closes, by its exit status,
//! or by the text that it writes. Of places that are alike the second has the second trace that differs.

use std::collections::HashMap;

use crate::page::records::Record;
use crate::page::statement::{is_word_char, without_comment};

/// A name in either language, the call in strace's spelling, and the lesson that explains it.
const CALLS: [(&str, &str, u32); 24] = [
    ("socket", "socket", 1),
    ("openSocket", "socket", 1),
    ("open_socket", "socket", 1),
    ("setsockopt", "setsockopt", 17),
    ("bind", "bind", 1),
    ("listen", "listen", 6),
    ("accept", "accept", 2),
    ("connect", "connect", 3),
    ("read", "read", 2),
    ("readn", "read", 14),
    ("readAtLeast", "read", 14),
    ("read_at_least", "read", 14),
    ("write", "write", 2),
    ("writen", "write", 14),
    ("close", "close", 7),
    ("fork", "fork", 7),
    ("waitpid", "wait4", 10),
    ("signal", "rt_sigaction", 9),
    ("ignore_sigpipe", "rt_sigaction(SIGPIPE", 13),
    ("exit", "exit_group", 0),
    ("getline", "read(0", 15),
    ("usleep", "nanosleep", 18),
    ("pause_before_retry", "nanosleep", 18),
    ("lost", "", 19),
];

/// The lesson on what a program prints, and on buffers.
const LOG_LESSON: u32 = 16;

/// What strace recorded of a call, and its lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub text: String,
    pub lesson: u32,
}

/// Finds the calls of one form of a listing, line by line from its start.
pub struct Finder<'a> {
    records: &'a [Record],
    /// The values of `SOCKET_ERR` and the like.
    constants: &'a HashMap<String, String>,
    /// The descriptor of the listening socket: what `listen` and `accept` are called with.
    listening: Option<String>,
    is_client: bool,
    /// How many places that match the same rows have been passed.
    passed: HashMap<String, usize>,
}

impl<'a> Finder<'a> {
    pub fn new(
        lines: &[&str],
        is_client: bool,
        records: &'a [Record],
        constants: &'a HashMap<String, String>,
    ) -> Self {
        let listens = lines.iter().filter_map(|line| without_comment(line).split_once("listen(")).next();
        let listening =
            listens.map(|(_, rest)| rest.split([',', ')']).next().unwrap_or("").trim().to_string());
        Finder { records, constants, listening, is_client, passed: HashMap::new() }
    }

    /// The calls of the next line.
    pub fn calls(&mut self, line: &str) -> Vec<Recorded> {
        let code = without_comment(line);
        let mut calls = Vec::new();
        if let Some(text) = self.printed(code) {
            calls.push(Recorded { text, lesson: LOG_LESSON });
        }
        for (at, name) in names(code) {
            let Some((_, call, lesson)) = CALLS.iter().find(|(known, ..)| *known == name) else { continue };
            let arguments = &code[at + name.len() + 1..];
            let Some(start) = self.start(call, arguments) else { continue };
            let lesson = if start.starts_with("rt_sigaction(SIGPIPE") { 13 } else { *lesson };
            let found = self.nth(&start, |text| text.starts_with(&start));
            calls.extend(found.map(|text| Recorded { text, lesson }));
        }
        calls
    }

    /// How the row of a call starts.
    fn start(&self, call: &str, arguments: &str) -> Option<String> {
        let argument = arguments.split([',', ')', ';']).next().unwrap_or("").trim();
        let socket = if self.is_client { "3" } else { "4" };
        Some(match call {
            "" => return None,
            "read" | "write" => format!("{call}({socket}, "),
            "close" if self.listening.as_deref() == Some(argument) => "close(3)".to_string(),
            "close" => format!("close({socket})"),
            "exit_group" => {
                let value = self.constants.get(argument).map_or(argument, String::as_str);
                format!("exit_group({value})")
            }
            "rt_sigaction" => format!("rt_sigaction({argument},"),
            call if call.contains('(') => call.to_string(),
            call => format!("{call}("),
        })
    }

    /// What a line writes to the terminal or to the log.
    fn printed(&mut self, code: &str) -> Option<String> {
        let log =
            ["logMessage(", "log_message!("].into_iter().find_map(|name| Some(code.split_once(name)?.1));
        if let Some(arguments) = log {
            let (level, rest) = arguments.split_once(',')?;
            let (_, format) = rest.split_once('"')?;
            let (format, _) = format.split_once('"')?;
            let level = format!("\"{} | ", level.trim());
            return self.nth(code.trim(), |text| {
                let line = text.split_once(&level).and_then(|(_, rest)| rest.splitn(3, " | ").nth(2));
                line.is_some_and(|line| is_of_format(line.trim_end_matches("\\n\")"), format))
            });
        }
        let streams = [("cout", 1), ("cerr", 2)];
        let (stream, fd) = streams.into_iter().find(|(name, _)| code.contains(name))?;
        let (_, text) = code.split_once(stream)?.1.split_once('"')?;
        let (text, _) = text.split_once('"')?;
        // A row of a trace ends with its line.
        let line = text.split_inclusive("\\n").next().filter(|line| !line.is_empty())?;
        let start = format!("write({fd}, \"{line}");
        self.nth(code.trim(), |text| text.starts_with(&start))
    }

    /// The first different row that fits; for the second place of a `kind` the second, or the last.
    fn nth(&mut self, kind: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        let mut rows: Vec<&str> = Vec::new();
        let passed = self.passed.entry(kind.to_string()).or_insert(0);
        for record in self.records {
            if fits(&record.text) && !rows.contains(&record.text.as_str()) {
                rows.push(&record.text);
                if rows.len() > *passed {
                    break;
                }
            }
        }
        *passed += 1;
        rows.last().map(|row| row.to_string())
    }
}

/// The names in a line that a bracket follows, outside of strings, and where they are.
fn names(code: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    for (bracket, _) in code.match_indices('(') {
        if code[..bracket].matches('"').count() % 2 == 1 {
            continue;
        }
        let name = code[..bracket].rsplit(|c| !is_word_char(c)).next().unwrap_or("");
        let before = code[..bracket - name.len()].trim_end();
        let is_method = before.ends_with('.') || before.ends_with("fn");
        if !name.is_empty() && !is_method {
            names.push((bracket - name.len(), name));
        }
    }
    names
}

/// Whether `text` is what printf writes for a format.
fn is_of_format(text: &str, format: &str) -> bool {
    let format = format.replace("%.*s", "%s").replace("%d", "%s");
    let mut pieces = format.split("%s");
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or("")) else { return false };
    let mut ends = true;
    for piece in pieces {
        ends = piece.is_empty();
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    ends || rest.is_empty()
}

/// The constants that a text defines: `#define NAME 1`, `pub const NAME: c_int = 1;`.
pub fn constants(text: &str) -> HashMap<String, String> {
    let mut constants = HashMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split([' ', '\t', ';', ':']).filter(|word| !word.is_empty()).collect();
        match words[..] {
            ["#define", name, value, ..] | ["pub", "const", name, _, "=", value] => {
                constants.insert(name.to_string(), value.to_string());
            }
            _ => {}
        }
    }
    constants
}
