//! `make demo`: a server and a client talk, and what stands on both terminals is shown as it comes.

// The tests use the rest of these.
#[path = "../support/keeper.rs"]
#[allow(dead_code)]
mod keeper;
#[path = "../support/kernel.rs"]
#[allow(dead_code)]
mod kernel;
#[path = "../support/paper.rs"]
#[allow(dead_code)]
mod paper;
#[path = "../support/peer.rs"]
#[allow(dead_code)]
mod peer;
#[path = "../support/programs.rs"]
#[allow(dead_code)]
mod programs;
#[path = "../support/run.rs"]
#[allow(dead_code)]
mod run;
#[path = "../support/strace.rs"]
#[allow(dead_code)]
mod strace;
#[path = "../support/streams.rs"]
#[allow(dead_code)]
mod streams;

use std::path::Path;
use std::process::ExitCode;

use crate::paper::colours;
use crate::programs::{SERVERS, Server};
use crate::run::{Launch, Running};

const WORDS: [&str; 2] = ["hello", "quit"];
/// What the client prints before each word, and no end of line behind it.
const PROMPT: &str = "Please enter";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [bin, name] = &words[..] else {
        eprintln!("demo: the Makefile names the programs' directory and the server");
        return ExitCode::FAILURE;
    };
    let bin = Path::new(bin);
    if !SERVERS.contains(&name.as_str()) {
        eprintln!("demo: SERVER is one of {}", SERVERS.join(" "));
        return ExitCode::FAILURE;
    }
    let mut server = Server::launch(Launch::of(bin.join(name)));
    let port = server.port.to_string();
    show("server", &format!("$ {name} {port} 127.0.0.1"));
    server.running.stdout.seen.iter().for_each(|line| show("server", line));

    let mut client = Launch::of(bin.join("tcp_client")).args(["127.0.0.1", &port]).start();
    show("client", &format!("$ tcp_client 127.0.0.1 {port}"));
    while let Some(line) = client.stdout.line() {
        if line != PROMPT {
            show("client", &line);
        }
        if line.contains("connect() success") {
            converse(&mut server, &mut client);
        }
    }
    let status = client.wait();
    client.stderr.all().iter().for_each(|line| show("client", line));
    if status != 0 {
        show("client", &format!("exit status {status}"));
    }
    server.log();
    ExitCode::SUCCESS
}

fn converse(server: &mut Server, client: &mut Running) {
    for word in WORDS {
        client.type_in(format!("{word}\n").as_bytes());
        show("client", &format!("{PROMPT} {}", typed(word)));
        let last = if word == "quit" { "Service close" } else { "to_upper after" };
        let seen = server.running.stdout.seen.len();
        server.running.stdout.wait_for(last);
        server.running.stdout.seen[seen..].iter().for_each(|line| show("server", line));
        if word != "quit" {
            let reply = client.stdout.wait_for("Server Echo");
            show("client", reply.trim_start_matches(PROMPT));
        }
    }
}

/// A line of one of the two terminals.
fn show(who: &str, line: &str) {
    match (who, colours()) {
        ("server", true) => println!("\x1b[33m{who} │\x1b[0m {line}"),
        (_, true) => println!("\x1b[36m{who} │\x1b[0m {line}"),
        (_, false) => println!("{who} │ {line}"),
    }
}

fn typed(word: &str) -> String {
    if colours() { format!("\x1b[1m{word}\x1b[0m") } else { word.to_string() }
}
