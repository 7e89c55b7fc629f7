//! A conversation between a server and clients, all of them under strace.
//!
//! Each thing that a person does waits until every process sleeps again, so
//! that the same conversation always leaves the same story in its traces.

use std::io::Write;
use std::path::Path;

use crate::harness::process::launch::{Launch, Running, Trace};
use crate::harness::process::procfs::{group, state};
use crate::harness::process::wait::wait_until;
use crate::harness::trace::causality::CALLS;
use crate::harness::trace::parse::Event;

/// Each of up to four clients comes and says a word; then they quit, in the same order. `bin` has the programs.
pub fn run(bin: &Path, server: &str, clients: usize, port: u16) -> Vec<Event> {
    let start = |name: &str, words: [&str; 2]| {
        Launch::new(bin.join(name)).args(words).traced(trace_of_calls(&[])).start()
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
    for client in 1..=clients {
        type_in(&mut programs, client, "quit");
    }
    for program in &programs {
        unsafe { libc::kill(-(program.pid() as i32), libc::SIGTERM) };
    }
    for program in &mut programs {
        program.wait_for_descendants();
    }
    programs.iter().flat_map(Running::events).collect()
}

fn type_in(programs: &mut [Running], client: usize, line: &str) {
    let stdin = programs[client].stdin.as_mut().expect("it is a pipe");
    // A client that has ended takes no more lines, and its lane says why.
    let _ = stdin.write_all(format!("{line}\n").as_bytes());
    settle(programs);
}

/// Waits until all sleep: each process waits for another, or for a line to be typed.
fn settle(programs: &[Running]) {
    let mut before = false;
    wait_until("all sleep", || {
        let now = programs.iter().flat_map(|program| group(program.pid())).all(is_blocked);
        std::mem::replace(&mut before, now) && now
    });
}

/// What strace is to see, the calls that are told, with more of its options.
pub fn trace_of_calls(options: &[&str]) -> Trace {
    // Not every processor has them all.
    let calls = Trace::of(&format!("?{}", CALLS.replace(',', ",?")));
    options.iter().fold(calls, |trace, option| trace.option(option))
}

/// It waits in a call, or has ended. Before it becomes the program it waits for strace.
pub fn is_blocked(pid: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name != "strace\n" && matches!(state(pid), None | Some('S' | 'Z'))
}
