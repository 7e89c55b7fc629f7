//! `make lanes`: one conversation, traced on both sides, drawn with a column a process.

use std::path::Path;
use std::process::ExitCode;

use crate::say;
use crate::support::conversation;
use crate::support::paper::{colours, columns};
use crate::support::programs::free_port;
use crate::support::stage::may_trace;
use crate::support::strace::{self, Event};
use crate::support::swimlanes::draw;

/// `TRACE`, or the directory of the programs, the server's name and the number of clients.
pub fn main(words: &[String]) -> ExitCode {
    let events = match words {
        // Another locale's reasons stand in its brackets.
        [trace] => std::fs::read(trace)
            .map(|text| strace::read(&String::from_utf8_lossy(&text)))
            .map_err(|error| format!("{trace}: {error}")),
        [bin, server, clients] => hold(Path::new(bin), server, clients),
        _ => panic!("the Makefile names a trace, or programs, a server and clients"),
    };
    let reason = match events {
        Ok(events) if events.iter().any(|event| event.call().is_some()) => {
            print!("{}", draw(&events, columns(120), colours()));
            return ExitCode::SUCCESS;
        }
        Ok(_) => say!(
            "strace has seen no call: is it a trace, and is tracing allowed here?",
            "strace 没有看到任何系统调用：这是 trace 文件吗？这里允许跟踪进程吗？"
        ),
        Err(reason) => reason,
    };
    eprintln!("lanes: {reason}");
    ExitCode::FAILURE
}

fn hold(bin: &Path, server: &str, clients: &str) -> Result<Vec<Event>, String> {
    let count = clients.parse().ok().filter(|count| (1..=4).contains(count));
    let count =
        count.ok_or(say!("CLIENTS is 1 to 4, not {clients}", "CLIENTS 是 1 到 4，不是 {clients}"))?;
    may_trace()?;
    Ok(conversation::hold(bin, server, count, free_port()))
}
