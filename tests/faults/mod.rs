//! The fault matrix: each call of the four programs fails, or takes less than it was given, and what came of it is one line.
//!
//! A run without faults tells which of a process's calls is which: its second `write` is a line of
//! log, its third goes to the client. The same cases are put to the port and to the article's C++.

pub mod command;
mod injection;
mod observation;
pub mod oracle;
mod quiescence;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::article;
use crate::harness::builds::{Build, PROGRAMS, program, root};
use crate::harness::pool::parallel;
use crate::harness::process::launch::Launch;
use observation::Outcome;

/// What strace is to see of a program; not every system has all of them.
const CALLS: &str = "socket,setsockopt,bind,listen,connect,accept,read,readv,write,writev,close,\
    ?clone,?clone3,?fork,?vfork,wait4,exit_group";
pub const RECORD: &str = "tests/faults/recorded.txt";
const FORKS: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

/// What a call is for, which decides what must come of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
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
    fn is_log(self) -> bool {
        matches!(self, Kind::StartLog | Kind::ParentLog | Kind::Log)
    }
}

/// A program to be put to the test.
struct Subject {
    name: &'static str,
    command: Vec<PathBuf>,
    printed: bool,
}

impl Subject {
    /// The port, or, where there is a copy of the article, its C++.
    fn of(article: Option<&Path>, printed: bool, name: &'static str) -> Self {
        let build = if printed { Build::AsPrinted } else { Build::Fixed };
        let command = match article {
            None => vec![program(build, name)],
            // Its stdio writes line by line only when it is told to.
            Some(copy) => vec!["stdbuf".into(), "-oL".into(), article::program(copy, printed, name)],
        };
        Subject { name, command, printed }
    }

    fn is_client(&self) -> bool {
        self.name == "tcp_client"
    }

    /// A shell does this, and becomes the program, which talks to, or listens on, `port`.
    fn launch(&self, first: &str, port: u16) -> Launch {
        let shell = format!("{first} exec \"$@\"");
        // Then no file of the time zone's is read between the calls.
        let launch = Launch::new("sh").args(["-c", &shell, "sh"]).args(&self.command).env("TZ", "UTC0");
        if !self.is_client() {
            return launch.args([&port.to_string(), "127.0.0.1"]);
        }
        // Erratum 1.
        let port = if self.printed { port.swap_bytes() } else { port };
        launch.args(["127.0.0.1", &port.to_string()])
    }

    /// All that can befall it, and what came of it.
    fn outcomes(&self) -> Vec<(Case, Outcome)> {
        let cases = injection::cases(self);
        let outcomes = parallel(4, &cases, |case| Outcome::of(self, case));
        cases.into_iter().zip(outcomes).collect()
    }
}

/// One fault in one program.
struct Case {
    /// `bind EACCES`, `Write EPIPE later`.
    name: String,
    kind: Kind,
    call: &'static str,
    /// An errno; or `short`: three bytes are taken, and no more.
    fault: &'static str,
    /// The count that strace knows the call by: `3`, `3+` (and all after it).
    when: String,
}

/// What comes of all programs as printed, a line each fault: of the port, or of the article's C++.
pub fn as_printed(article: Option<&Path>) -> Vec<String> {
    let lines = |name| {
        let outcomes = Subject::of(article, true, name).outcomes().into_iter();
        outcomes.map(move |(case, outcome)| format!("{name}, {}: {}", case.name, outcome.line(&case)))
    };
    PROGRAMS.into_iter().flat_map(lines).collect()
}

/// What is kept of the C++ in [`RECORD`].
pub fn recorded() -> Vec<String> {
    let text = std::fs::read_to_string(root().join(RECORD)).expect("make faults RECORD=1 has written it");
    text.lines().map(str::to_string).collect()
}
