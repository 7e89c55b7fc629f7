//! The fault matrix as a table: how many faults end well, in the port and in the article's C++.
//!
//! `ARTICLE` names a saved copy of the article; without it the port stands alone.

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::support::article::{self, article};
use crate::support::matrix::{Case, Kind, Subject, cases, run};
use crate::support::programs::SERVERS;

/// The rows: what fails, and what must come of it.
const ROWS: [(&str, &str); 16] = [
    ("a server's start", "FATAL names the call and the reason; the exit status says which"),
    ("getrlimit", "goes on without an answer"),
    ("a server's log", "service goes on"),
    ("accept", "logged; the client that waits is served; calm while it lasts"),
    ("a server's read", "interrupted: nobody notices; else that client is closed"),
    ("a server's write", "interrupted: nobody notices; else that client is closed"),
    ("fork", "that client is closed, the next is served"),
    ("inner fork", "that client is closed, the next is served"),
    ("waitpid", "all are served"),
    ("a server's close", "no client is left waiting"),
    ("the client's start", "FATAL names the call and the reason; the exit status says which"),
    ("the client's log", "the conversation goes on"),
    ("the client's terminal: read", "FATAL, status 8"),
    ("the client's terminal: write", "FATAL, status 8"),
    ("the client's read and write", "FATAL, status 8, no echo of its own making"),
    ("the client's close", "FATAL, status 8"),
];

fn row(subject: &Subject, case: &Case) -> usize {
    let client = subject.name == "tcp_client";
    match case.kind {
        Kind::Start if client => 10,
        Kind::Start => 0,
        Kind::Limit => 1,
        Kind::Log if client => 11,
        Kind::Log => 2,
        Kind::Accept => 3,
        Kind::Read | Kind::Write if client => 14,
        Kind::Read => 4,
        Kind::Write => 5,
        Kind::Fork => 6,
        Kind::InnerFork => 7,
        Kind::Wait => 8,
        Kind::Close if client => 15,
        Kind::Close => 9,
        Kind::TerminalRead => 12,
        Kind::TerminalWrite => 13,
    }
}

/// Of a row's faults, how many there are, and how those that end badly do.
#[derive(Default)]
struct Tally {
    faults: usize,
    bad: BTreeMap<String, usize>,
}

impl Tally {
    fn good(&self) -> usize {
        self.faults - self.bad.values().sum::<usize>()
    }

    fn shown(&self) -> String {
        if self.faults == 0 { "-".into() } else { format!("{} of {}", self.good(), self.faults) }
    }
}

/// The whole matrix over the four programs that `subject` names.
fn matrix(subject: impl Fn(&'static str) -> Subject) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = ROWS.iter().map(|_| Tally::default()).collect();
    for name in SERVERS.into_iter().chain(["tcp_client"]) {
        let subject = subject(name);
        let cases = cases(&subject);
        eprintln!("{name}: {} faults", cases.len());
        for case in &cases {
            tallies[row(&subject, case)].faults += 1;
        }
        for (case, how) in run(&subject, &cases, 6, usize::MAX) {
            *tallies[row(&subject, &case)].bad.entry(how).or_default() += 1;
        }
    }
    tallies
}

pub fn main(_words: &[String]) -> ExitCode {
    let cpp = article().map(|copy| {
        eprintln!("the article's C++");
        matrix(|name| Subject::article(name, article::program(&copy, false, name)))
    });
    eprintln!("the port");
    let port = matrix(Subject::port);

    println!("| what fails | what must come of it | the article's C++ | the port |");
    println!("|---|---|---|---|");
    for (index, (what, must)) in ROWS.iter().enumerate() {
        let cpp = cpp.as_ref().map_or("not run".into(), |cpp| cpp[index].shown());
        println!("| {what} | {must} | {cpp} | {} |", port[index].shown());
    }
    let total = |tallies: &[Tally]| {
        let good: usize = tallies.iter().map(Tally::good).sum();
        let faults: usize = tallies.iter().map(|tally| tally.faults).sum();
        format!("**{good} of {faults}**")
    };
    let of_cpp = cpp.as_ref().map_or("not run".into(), |cpp| total(cpp));
    println!("| all | | {of_cpp} | {} |", total(&port));

    let bad = [("the article's C++", cpp.as_deref()), ("the port", Some(&port[..]))];
    for (whose, tallies) in bad {
        for (tally, (what, _)) in tallies.unwrap_or_default().iter().zip(ROWS) {
            for (how, count) in &tally.bad {
                println!("{whose}, {what}: {count} times: {how}");
            }
        }
    }
    if port.iter().all(|tally| tally.bad.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
