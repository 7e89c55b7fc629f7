//! A session of a server and clients, all of them under strace.
//!
//! Each input is typed when every process blocks, so that the same session always leaves the same trace.

use std::io::Write;
use std::path::Path;

use crate::harness::process::launch::{Launch, Running, Trace};
use crate::harness::process::procfs::{group, state};
use crate::harness::process::wait::wait_until;
use crate::harness::trace::causality::CALLS;
use crate::harness::trace::parse::{self, Event};

/// What [`traces`] tells.
pub fn run(bin: &Path, server: &str, clients: usize, port: u16) -> Vec<Event> {
    run_and(bin, server, clients, port, |_| ())
}

/// The same, with a look at the programs, the server first, while all clients are served.
pub fn run_and(
    bin: &Path,
    server: &str,
    clients: usize,
    port: u16,
    look: impl FnOnce(&[Running]),
) -> Vec<Event> {
    parse::read(&traces(bin, server, clients, port, look))
}

/// Up to four clients connect one after another and send a message; then they quit, in the same order. `bin` is the
/// directory of the programs. The server's trace, then those of the clients.
pub fn traces(
    bin: &Path,
    server: &str,
    clients: usize,
    port: u16,
    look: impl FnOnce(&[Running]),
) -> String {
    let start = |name: &str, words: [&str; 2]| {
        Launch::new(bin.join(name)).args(words).user("student").traced(trace_of_calls(&[])).start()
    };
    let port = port.to_string();
    let mut programs = vec![start(server, [&port, "127.0.0.1"])];
    settle(&programs);
    for word in &["hello", "world", "again", "more"][..clients] {
        programs.push(start("tcp_client", ["127.0.0.1", &port]));
        settle(&programs);
        let client = programs.len() - 1;
        type_in(&mut programs, client, word);
    }
    look(&programs);
    for client in 1..=clients {
        type_in(&mut programs, client, "quit");
    }
    for program in &programs {
        program.signal_group(libc::SIGTERM);
    }
    for program in &mut programs {
        program.wait_for_descendants();
    }
    programs.iter().map(Running::trace).collect()
}

fn type_in(programs: &mut [Running], client: usize, line: &str) {
    let stdin = programs[client].stdin.as_mut().expect("a client's input is open");
    // A client that has ended takes no more input; the diagram shows why.
    let _ = stdin.write_all(format!("{line}\n").as_bytes());
    settle(programs);
}

/// Waits until every process blocks, twice in a row: one may be about to wake another.
fn settle(programs: &[Running]) {
    let mut before = false;
    wait_until("all processes of the session block", || {
        let now = programs.iter().flat_map(|program| group(program.pid())).all(is_blocked);
        std::mem::replace(&mut before, now) && now
    });
}

/// Traces the calls that diagrams show, with more of strace's options.
pub fn trace_of_calls(options: &[&str]) -> Trace {
    // Not every architecture has them all.
    let calls = Trace::of(&format!("?{}", CALLS.replace(',', ",?")));
    options.iter().fold(calls, |trace, option| trace.option(option))
}

/// Whether a process blocks in a call or has ended. Before it becomes the program, it waits for strace.
pub fn is_blocked(pid: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name != "strace\n" && matches!(state(pid), None | Some('S' | 'Z'))
}
