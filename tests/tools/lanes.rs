//! `make lanes`: one conversation, traced on both sides, drawn with a column a process.

use std::path::Path;
use std::process::ExitCode;

use crate::say;
use crate::support::conversation::Conversation;
use crate::support::paper::{colours, columns};
use crate::support::programs::{SERVERS, free_port};
use crate::support::stage::may_trace;
use crate::support::strace::{self, Event};
use crate::support::swimlanes::draw;

/// `TRACE`, or the directory of the programs, the server's name, the number of clients and, if it matters, the port.
pub fn main(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let events = match words[..] {
        [trace] => match std::fs::read(trace) {
            // Another locale's reasons stand in its brackets.
            Ok(text) => Ok(strace::read(&String::from_utf8_lossy(&text))),
            Err(error) => Err(format!("{trace}: {error}")),
        },
        [bin, server, clients, ref port @ ..] => hold(Path::new(bin), server, clients, port.first()),
        _ => panic!("the Makefile names a trace, or programs, a server and clients"),
    };
    let events = events.and_then(|events| match events.iter().any(|event| event.call().is_some()) {
        true => Ok(events),
        false => Err(say!(
            "strace has seen no call: is it a trace, and is tracing allowed here?",
            "strace 没有看到任何系统调用：这是 trace 文件吗？这里允许跟踪进程吗？"
        )),
    });
    match events {
        Ok(events) => {
            print!("{}", draw(&events, columns(120), colours()));
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("lanes: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn hold(bin: &Path, server: &str, clients: &str, port: Option<&&str>) -> Result<Vec<Event>, String> {
    if !SERVERS.contains(&server) {
        let servers = SERVERS.join(" ");
        return Err(say!("SERVER is one of {servers}", "SERVER 只能是 {servers} 之一"));
    }
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
    let events = Conversation::hold(bin, server, count, port);
    let in_use = |event: &Event| {
        event.call().is_some_and(|call| call.name == "bind" && call.errno.as_deref() == Some("EADDRINUSE"))
    };
    if events.iter().any(in_use) {
        // If this one reads the same in both byte orders, so does that one.
        let other = if port < 65_000 { port + 257 } else { port - 257 };
        return Err(say!(
            "port {port} is in use, by another server or by TIME-WAIT (erratum 17): wait a minute, or PORT={other}",
            "端口 {port} 被占用：另一个服务器在用，或处于 TIME-WAIT（勘误 17）：等一分钟，或改用 PORT={other}"
        ));
    }
    Ok(events)
}
