//! A conversation between a server and clients, all of them under strace.
//!
//! Each thing that a person does waits until every process sleeps again, so
//! that the same conversation always leaves the same story in its traces.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::programs::{Running, eventually};
use super::story::CALLS;
use super::strace::{self, Event};

pub struct Conversation {
    bin: PathBuf,
    port: u16,
    traces: PathBuf,
    /// The server's strace first, then each client's.
    straces: Vec<Running>,
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
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let traces = std::env::temp_dir().join(format!("lanes-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&traces).expect("a directory for the traces");
        let mut conversation = Conversation { bin: bin.to_path_buf(), port, traces, straces: Vec::new() };
        conversation.start(server, &[&port.to_string(), "127.0.0.1"]);
        conversation
    }

    /// Starts another client.
    pub fn join(&mut self) {
        self.start("tcp_client", &["127.0.0.1", &self.port.to_string()]);
    }

    fn start(&mut self, program: &str, words: &[&str]) {
        let mut command = Command::new("strace");
        command.args(["-f", "-ttt", "-s", "64", "-e"]);
        command.arg(format!("trace={}", CALLS.join(",")));
        command.arg("-o").arg(self.trace(self.straces.len()));
        command.arg(self.bin.join(program)).args(words);
        self.straces.push(Running::start(&mut command));
        self.settle();
    }

    fn trace(&self, number: usize) -> PathBuf {
        self.traces.join(number.to_string())
    }

    /// Types a line into the client that came as number `client`, from 1.
    pub fn type_in(&mut self, client: usize, line: &str) {
        if let Some(stdin) = &mut self.straces[client].stdin {
            // A client that has ended takes no more lines, and its lane says why.
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
        self.settle();
    }

    /// Ends the server, and returns what was seen of all.
    pub fn end(mut self) -> Vec<Event> {
        for pid in tracees(self.straces[0].pid()) {
            unsafe { libc::kill(pid as i32, libc::SIGTERM) };
        }
        self.straces[0].wait();
        let traces = (0..self.straces.len()).map(|number| self.trace(number));
        let texts = traces.map(|trace| std::fs::read_to_string(trace).expect("a trace"));
        texts.flat_map(|text| strace::read(&text)).collect()
    }

    /// Waits until all sleep: each process waits for another, or for a line to be typed.
    fn settle(&mut self) {
        let mut before = false;
        eventually("all sleep", || {
            let now = self.straces.iter_mut().all(|strace| {
                let tracees = tracees(strace.pid());
                strace.has_ended() || !tracees.is_empty() && tracees.into_iter().all(sleeps)
            });
            std::mem::replace(&mut before, now) && now
        });
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // strace lets go of its processes when it is killed, so they are ended first.
        for pid in self.straces.iter().flat_map(|strace| tracees(strace.pid())) {
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
        let _ = std::fs::remove_dir_all(&self.traces);
    }
}

/// The processes that `strace` traces now.
fn tracees(strace: u32) -> Vec<u32> {
    let line = format!("\nTracerPid:\t{strace}\n");
    let entries = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let status = |pid| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    pids.filter(|&pid: &u32| status(pid).contains(&line)).collect()
}

/// It waits in a call. (A process that strace has stopped is in another state.)
fn sleeps(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|state| state.starts_with(['S', 'Z']) || state.is_empty())
}
