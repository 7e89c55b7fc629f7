//! `make lanes`: one conversation, traced on both sides, drawn with a column a process.

use std::path::Path;
use std::process::ExitCode;

use crate::say;
use crate::support::conversation::Conversation;
use crate::support::paper::{colours, columns};
use crate::support::programs::{SERVERS, free_port};
use crate::support::stage::may_trace;
use crate::support::strace::{self, Event};
use crate::support::swimlanes::{Options, draw};

/// `TRACE`, or the directory of the programs, the server's name, the number of clients and, if it matters, the port.
pub fn main(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let events = match words[..] {
        [trace] => std::fs::read_to_string(trace)
            .map(|text| strace::read(&text))
            .map_err(|error| format!("{trace}: {error}")),
        [bin, server, clients, ref port @ ..] => hold(Path::new(bin), server, clients, port.first()),
        _ => Err("lanes of what?".to_string()),
    };
    match events {
        Ok(events) if events.is_empty() => fail("there is no call in this trace"),
        Ok(events) => {
            let options = Options { width: columns(120), colour: colours(), ..Options::default() };
            print!("{}", draw(&events, &options));
            ExitCode::SUCCESS
        }
        Err(reason) => fail(&reason),
    }
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("lanes: {reason}");
    ExitCode::FAILURE
}

fn hold(bin: &Path, server: &str, clients: &str, port: Option<&&str>) -> Result<Vec<Event>, String> {
    if !SERVERS.contains(&server) {
        return Err(format!("SERVER is one of {}", SERVERS.join(" ")));
    }
    let clients: usize =
        clients.parse().ok().filter(|count| (1..=4).contains(count)).ok_or("CLIENTS is 1 to 4")?;
    may_trace()?;
    let port = match port {
        Some(port) => port
            .parse()
            .ok()
            .filter(|&port: &u16| port > 0)
            .ok_or_else(|| say!("PORT is a number from 1 to 65535", "PORT 是 1 到 65535 的数"))?,
        None => free_port(),
    };
    let events = Conversation::hold(bin, server, clients, port);
    let bound = events.iter().filter_map(Event::call).find(|call| call.name == "bind");
    match bound.and_then(|bind| bind.errno.as_ref()) {
        Some(errno) => Err(say!(
            "port {port} is not to be had ({errno}): take another PORT, or wait a minute (make lesson N=17)",
            "端口 {port} 用不了（{errno}）：换一个 PORT，或者等一分钟（make lesson N=17）"
        )),
        None => Ok(events),
    }
}
