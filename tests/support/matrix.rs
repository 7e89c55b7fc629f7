//! The fault matrix: each call of the four programs fails, or takes less than it was given, and what came of it is one line.
//!
//! A run without faults tells which of a process's calls is which: its second `write` is a line of
//! log, its third goes to the client. The same cases are put to the port and to the article's C++.

mod outcome;
mod places;
pub mod rules;
mod talk;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::article;
use super::programs::*;
pub use outcome::Outcome;
pub use places::cases;

/// What strace is to see of a program; not every system has all of them.
const CALLS: &str = "socket,setsockopt,bind,listen,connect,accept,read,readv,write,writev,close,\
    ?clone,?clone3,?fork,?vfork,wait4,exit_group";
const FORKS: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

/// What a call is for, which decides what must come of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `socket`, `setsockopt`, `bind`, `listen`, `connect`: without it there is no service.
    Start,
    /// A line of log: before there is a client, of the process that accepts, of the one that serves.
    StartLog,
    ParentLog,
    Log,
    Accept,
    Read,
    Write,
    Fork,
    InnerFork,
    Wait,
    TerminalRead,
    TerminalWrite,
}

impl Kind {
    pub fn is_log(self) -> bool {
        matches!(self, Kind::StartLog | Kind::ParentLog | Kind::Log)
    }
}

/// A program to be put to the test.
#[derive(Clone)]
pub struct Subject {
    pub name: &'static str,
    program: PathBuf,
    printed: bool,
    /// Its stdio writes line by line only when it is told to.
    article: bool,
}

impl Subject {
    pub fn port(printed: bool, name: &'static str) -> Self {
        let build = if printed { Build::AsPrinted } else { Build::Mended };
        Subject { name, program: program(build, name), printed, article: false }
    }

    pub fn article(copy: &Path, printed: bool, name: &'static str) -> Self {
        let program = article::program(copy, printed, name);
        Subject { name, program, printed, article: true }
    }

    fn is_client(&self) -> bool {
        self.name == "tcp_client"
    }

    fn forks(&self) -> bool {
        !self.is_client() && self.name != "tcp_server"
    }

    /// Behind these words it talks to, or listens on, `port`.
    fn launch(&self, before: &[&str], port: u16) -> Launch {
        let before = if self.article { [before, &["stdbuf", "-oL"]].concat() } else { before.to_vec() };
        let mut words = before.iter().map(PathBuf::from).chain([self.program.clone()]);
        let launch = Launch::of(words.next().expect("the program at least")).args(words);
        match self.is_client() {
            // Erratum 1.
            true if self.printed => launch.args(["127.0.0.1", &port.swap_bytes().to_string()]),
            true => launch.args(["127.0.0.1", &port.to_string()]),
            false => launch.args([&port.to_string(), "127.0.0.1"]),
        }
    }
}

/// One fault in one program.
#[derive(Clone)]
pub struct Case {
    pub kind: Kind,
    pub call: String,
    /// An errno's name, or `short`: three bytes are taken, and no more.
    pub fault: &'static str,
    /// `first`, `later`, `for ever`.
    occurrence: &'static str,
    /// The count that strace knows the call by: `3`, `3+` (and all after it).
    when: String,
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Case { kind, call, fault, occurrence, .. } = self;
        match kind {
            Kind::Start => write!(out, "{call} {fault}"),
            kind => write!(out, "{kind:?} {fault} {occurrence}"),
        }
    }
}

/// The outcomes of cases, which run side by side, in the order of the cases.
pub fn run(subject: &Subject, cases: &[Case], side_by_side: usize) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { return };
                    let outcome = Outcome::of(subject, case);
                    outcomes.lock().expect("no other case panics").push((index, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no case panics");
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What each case came to, a line each, as the record has it.
pub fn lines(subject: &Subject, side_by_side: usize) -> Vec<String> {
    let cases = cases(subject);
    let outcomes = run(subject, &cases, side_by_side);
    let line =
        |(case, outcome): (&Case, &Outcome)| format!("{}, {case}: {}", subject.name, outcome.line(case));
    cases.iter().zip(&outcomes).map(line).collect()
}

/// Where it is kept what the article's C++, as printed, comes to.
pub fn record() -> PathBuf {
    root().join("tests/traces/faults.txt")
}

/// What the record says of a program.
pub fn recorded(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(record()).expect("make faults RECORD=1 has written it");
    text.lines().filter(|line| line.starts_with(&format!("{name}, "))).map(str::to_string).collect()
}
