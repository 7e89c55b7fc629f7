//! The fault matrix: each call of the four programs fails, or takes less than it was given, and what came of it is one line.
//!
//! A run without faults tells which of a process's calls is which: its second `write` is a line of
//! log, its third goes to the client. The same cases are put to the port and to the article's C++.

mod outcome;
mod places;
mod quiet;
pub mod rules;

use std::fmt;
use std::path::{Path, PathBuf};

use super::article;
use super::parallel::parallel;
use super::programs::*;
pub use outcome::Outcome;

pub const PROGRAMS: [&str; 4] = [SERVERS[0], SERVERS[1], SERVERS[2], "tcp_client"];
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
pub struct Subject {
    name: &'static str,
    command: Vec<PathBuf>,
    printed: bool,
}

impl Subject {
    pub fn port(printed: bool, name: &'static str) -> Self {
        let build = if printed { Build::AsPrinted } else { Build::Mended };
        Subject { name, command: vec![program(build, name)], printed }
    }

    /// Its stdio writes line by line only when it is told to.
    pub fn article(copy: &Path, printed: bool, name: &'static str) -> Self {
        let command = vec!["stdbuf".into(), "-oL".into(), article::program(copy, printed, name)];
        Subject { name, command, printed }
    }

    pub fn is_client(&self) -> bool {
        self.name == "tcp_client"
    }

    /// Behind these words it talks to, or listens on, `port`.
    fn launch(&self, before: &[&str], port: u16) -> Launch {
        let mut words = before.iter().map(PathBuf::from).chain(self.command.clone());
        // Then no file of the time zone's is read between the calls.
        let launch = Launch::of(words.next().expect("the program at least")).args(words).env("TZ", "UTC0");
        // Erratum 1.
        let swapped = self.is_client() && self.printed;
        let port = if swapped { port.swap_bytes() } else { port }.to_string();
        launch.args(if self.is_client() { ["127.0.0.1", &port] } else { [&port, "127.0.0.1"] })
    }
}

/// One fault in one program.
pub struct Case {
    pub kind: Kind,
    call: &'static str,
    /// An errno, by its name too; or `short`, and none: three bytes are taken, and no more.
    fault: &'static str,
    errno: i32,
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

/// All that can befall a program, and what came of it.
pub fn outcomes(subject: &Subject) -> Vec<(Case, Outcome)> {
    let cases = places::cases(subject);
    let outcomes = parallel(4, &cases, |case| Outcome::of(subject, case));
    cases.into_iter().zip(outcomes).collect()
}

/// The same, a line each, as the record has it.
pub fn lines(subject: &Subject) -> Vec<String> {
    let line =
        |(case, outcome): &(Case, Outcome)| format!("{}, {case}: {}", subject.name, outcome.line(case));
    outcomes(subject).iter().map(line).collect()
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
