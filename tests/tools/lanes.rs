//! `make lanes`: one conversation, traced on both sides, drawn with a column a process.

use std::path::Path;
use std::process::ExitCode;

use crate::say;
use crate::support::conversation;
use crate::support::paper::{colours, columns};
use crate::support::programs::free_port;
use crate::support::stage::may_trace;
use crate::support::strace::{self, Call, Event};
use crate::support::swimlanes::draw;

/// `TRACE`, or the directory of the programs, the server's name, the number of clients and, if it matters, the port.
pub fn main(words: &[String]) -> ExitCode {
    let events = match words {
        // Another locale's reasons stand in its brackets.
        [trace] => std::fs::read(trace)
            .map(|text| strace::read(&String::from_utf8_lossy(&text)))
            .map_err(|error| format!("{trace}: {error}")),
        [bin, server, clients, port @ ..] => hold(Path::new(bin), server, clients, port.first()),
        _ => panic!("the Makefile names a trace, or programs, a server and clients"),
    };
    let reason = match events {
        Ok(events) if made(&events, |_| true) => {
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

/// Whether somebody made such a call.
fn made(events: &[Event], such: impl Fn(&Call) -> bool) -> bool {
    events.iter().filter_map(Event::call).any(such)
}

fn hold(bin: &Path, server: &str, clients: &str, port: Option<&String>) -> Result<Vec<Event>, String> {
    let count = clients.parse().ok().filter(|count| (1..=4).contains(count));
    let count =
        count.ok_or(say!("CLIENTS is 1 to 4, not {clients}", "CLIENTS 是 1 到 4，不是 {clients}"))?;
    may_trace()?;
    let port = match port {
        Some(port) => port.parse().ok().filter(|&port| port > 0).ok_or(say!(
            "PORT is a number from 1 to 65535, not {port}",
            "PORT 是 1 到 65535 的数，不是 {port}"
        ))?,
        None => free_port(),
    };
    let events = conversation::hold(bin, server, count, port);
    if made(&events, |call| call.name == "bind" && call.errno.as_deref() == Some("EADDRINUSE")) {
        // If this one reads the same in both byte orders, so does that one.
        let other = if port < 65_000 { port + 257 } else { port - 257 };
        return Err(say!(
            "port {port} is in use, by another server or by TIME-WAIT (erratum 17): wait a minute, or PORT={other}",
            "端口 {port} 被占用：另一个服务器在用，或处于 TIME-WAIT（勘误 17）：等一分钟，或改用 PORT={other}"
        ));
    }
    Ok(events)
}
