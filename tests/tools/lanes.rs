//! `make lanes`: one conversation, traced on both sides, drawn with a column a process.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::support::conversation::Conversation;
use crate::support::paper::{colours, columns};
use crate::support::programs::{SERVERS, free_port};
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
    let strace = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    match strace {
        Err(error) => return Err(format!("strace: {error}")),
        Ok(ran) if !ran.status.success() => {
            return Err(String::from_utf8_lossy(&ran.stderr).trim().to_string());
        }
        Ok(_) => {}
    }
    let port = match port {
        Some(port) => port.parse().map_err(|_| "PORT is a number")?,
        None => free_port(),
    };
    Ok(Conversation::hold(bin, server, clients, port))
}
