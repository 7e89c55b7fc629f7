//! The fault matrix: every call of the four programs, made to fail by strace in every way its manual page lists.
//!
//! A run without faults tells which of a process's calls is which: its second
//! `write` is a log line, its fourth goes to the client. What must come of a
//! fault follows from the call that fails, never from the program, so the same
//! rules judge the port and the article's C++.

mod manual;
mod outcome;
mod places;
mod talk;
mod traced;

use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::programs::*;
use outcome::outcome;
use places::{of_a_client, of_a_server};

/// How long a client waits before it counts as hanging, where one is expected to hang.
const HANGS: Duration = Duration::from_secs(2);

/// What a call is for, which decides what must come of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `socket`, `setsockopt`, `bind`, `listen`, `signal`, `connect`: without it there is no service.
    Start,
    /// `getrlimit`: a question whose answer the program can do without.
    Limit,
    Log,
    Accept,
    Read,
    Write,
    Fork,
    InnerFork,
    Wait,
    Close,
    TerminalRead,
    TerminalWrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occurrence {
    First,
    Later,
    Forever,
}

/// A program to be put to the test.
#[derive(Clone, Debug)]
pub struct Subject {
    pub name: &'static str,
    program: PathBuf,
    /// The article's: its stdio writes line by line only when it is told to.
    article: bool,
}

impl Subject {
    pub fn port(name: &'static str) -> Self {
        let program = program(Build::Mended, name);
        Subject { name, program, article: false }
    }

    pub fn article(name: &'static str, program: PathBuf) -> Self {
        Subject { name, program, article: true }
    }

    fn words(&self) -> Vec<String> {
        let program = self.program.display().to_string();
        if self.article { vec!["stdbuf".into(), "-oL".into(), program] } else { vec![program] }
    }

    fn patience(&self) -> Duration {
        if self.article { HANGS } else { PATIENCE }
    }
}

/// One fault in one program.
#[derive(Clone, Debug)]
pub struct Case {
    pub kind: Kind,
    pub call: &'static str,
    pub errno: &'static str,
    pub occurrence: Occurrence,
    /// The count that strace knows the call by: `3`, `3+1` (and all after it), `3+2` (and every second after it).
    when: String,
    /// Only the process that was there first meets it, none of its children.
    parent_only: bool,
    /// It is met before the server listens, so strace starts the program.
    at_start: bool,
    /// How many the first process has open when all is well.
    descriptors: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Case { kind, call, errno, occurrence, when, .. } = self;
        write!(out, "{kind:?} {call} {errno} {occurrence:?} (when={when})")
    }
}

impl Case {
    fn inject(&self) -> String {
        let fault = match self.errno {
            "0" => "retval=0".to_string(),
            errno => format!("error={errno}"),
        };
        format!("inject={}:{fault}:when={}", self.call, self.when)
    }

    /// A signal has come in between: the call is made again, and nobody notices.
    fn is_interruption(&self) -> bool {
        self.errno == "EINTR"
            && self.occurrence != Occurrence::Forever
            && ["read", "write", "wait4"].contains(&self.call)
    }
}

/// The matrix of one program: what a run without faults shows that it calls.
pub fn cases(subject: &Subject) -> Vec<Case> {
    if subject.name == "tcp_client" { of_a_client(subject) } else { of_a_server(subject) }
}

/// Runs cases side by side. What ended badly, and how, in the order of the cases;
/// nothing is begun once that is `enough`.
pub fn run(subject: &Subject, cases: &[Case], side_by_side: usize, enough: usize) -> Vec<(Case, String)> {
    let peer = (subject.name == "tcp_client").then(|| Server::start("tcp_server_fork"));
    let peer_port = peer.as_ref().map(|peer| peer.port);
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else {
                        return;
                    };
                    if failed.lock().expect("no case panics").len() >= enough {
                        return;
                    }
                    if let Err(how) = outcome(subject, case, peer_port) {
                        let mut failed = failed.lock().expect("no case panics");
                        failed.push((index, case.clone(), how));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("no case panics");
    failed.sort_by_key(|(index, ..)| *index);
    failed.into_iter().map(|(_, case, how)| (case, how)).collect()
}
