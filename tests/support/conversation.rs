//! A conversation between a server and clients, all of them under strace.
//!
//! Each thing that a person does waits until every process sleeps again, so
//! that the same conversation always leaves the same story in its traces.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::kernel::{eventually, group, state};
use super::run::{Launch, Running, Trace};
use super::story::CALLS;
use super::strace::Event;

pub struct Conversation {
    bin: PathBuf,
    port: u16,
    /// The server first, then each client.
    programs: Vec<Running>,
}

impl Conversation {
    /// Each of up to four clients comes and says a word; then they quit, in the same order.
    pub fn hold(bin: &Path, server: &str, clients: usize, port: u16) -> Vec<Event> {
        let mut conversation = Conversation::begin(bin, server, port);
        for (client, word) in ["hello", "world", "again", "more"][..clients].iter().enumerate() {
            conversation.join();
            conversation.type_in(client + 1, word);
        }
        for client in 1..=clients {
            conversation.type_in(client, "quit");
        }
        conversation.end()
    }

    /// Starts `server`, one of the programs in `bin`.
    pub fn begin(bin: &Path, server: &str, port: u16) -> Self {
        let mut conversation = Conversation { bin: bin.to_path_buf(), port, programs: Vec::new() };
        conversation.start(server, &[&port.to_string(), "127.0.0.1"]);
        conversation
    }

    /// Starts another client.
    pub fn join(&mut self) {
        self.start("tcp_client", &["127.0.0.1", &self.port.to_string()]);
    }

    fn start(&mut self, program: &str, words: &[&str]) {
        self.programs.push(Launch::of(self.bin.join(program)).args(words).traced(seeing(&[])).start());
        self.settle();
    }

    /// Types a line into the client that came as number `client`, from 1.
    pub fn type_in(&mut self, client: usize, line: &str) {
        if let Some(stdin) = &mut self.programs[client].stdin {
            // A client that has ended takes no more lines, and its lane says why.
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
        self.settle();
    }

    /// Ends what still runs, and returns what was seen of all.
    pub fn end(mut self) -> Vec<Event> {
        for program in &self.programs {
            unsafe { libc::kill(-(program.pid() as i32), libc::SIGTERM) };
        }
        for program in &mut self.programs {
            program.wait_for_all();
        }
        self.programs.iter().flat_map(Running::events).collect()
    }

    /// Waits until all sleep: each process waits for another, or for a line to be typed.
    fn settle(&mut self) {
        let mut before = false;
        eventually("all sleep", || {
            let now = self.programs.iter().flat_map(|program| group(program.pid())).all(sleeps);
            std::mem::replace(&mut before, now) && now
        });
    }
}

/// What strace is to see, the calls that are told, with more of its options.
pub fn seeing(options: &[&str]) -> Trace {
    // Not every processor has them all.
    let calls = Trace::of(&format!("?{}", CALLS.replace(',', ",?")));
    options.iter().fold(calls, |trace, option| trace.option(option))
}

/// It waits in a call, or has ended. Before it becomes the program it waits for strace.
fn sleeps(pid: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name != "strace\n" && matches!(state(pid), None | Some('S' | 'Z'))
}
