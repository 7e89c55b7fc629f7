//! `make demo`: a session of a server and a client, the output of both as it comes.

#[path = "../harness/mod.rs"]
#[allow(dead_code)] // the tests use the rest
mod harness;

use std::path::Path;

use harness::builds::Server;
use harness::process::launch::Launch;
use harness::terminal::colours;

/// The client's prompt, without an end of line.
const PROMPT: &str = "Please enter";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [bin, name] = &words[..] else {
        panic!("the Makefile names the programs' directory and the server");
    };
    let program = |name: &str| Launch::new(Path::new(bin).join(name));
    let Server { running: mut server, port } = Server::launch(program(name));
    show("server", &format!("$ {name} {port} 127.0.0.1"));
    server.stdout.wait_for("listen() success");
    server.stdout.seen.drain(..).for_each(|line| show("server", &line));

    let mut client = program("tcp_client").args(["127.0.0.1", &port.to_string()]).start();
    show("client", &format!("$ tcp_client 127.0.0.1 {port}"));
    let (bold, plain) = if colours() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut messages = [("hello", "to_upper after"), ("quit", "Service close")].into_iter().peekable();
    while let Some(line) = client.stdout.line() {
        if line != PROMPT {
            show("client", line.trim_start_matches(PROMPT));
        }
        let is_ready = line.contains("connect() success") || line.contains("Server Echo");
        if let Some((word, last)) = messages.next_if(|_| is_ready) {
            client.type_in(format!("{word}\n").as_bytes());
            show("client", &format!("{PROMPT}{bold}{word}{plain}"));
            server.stdout.wait_for(last);
            server.stdout.seen.drain(..).for_each(|line| show("server", &line));
        }
    }
    let status = client.wait();
    client.stderr.all().iter().for_each(|line| show("client", line));
    if status != 0 {
        show("client", &say!("exit status {status}", "退出状态 {status}"));
    }
}

/// A line of the output of one of them.
fn show(name: &str, line: &str) {
    let (colour, plain) = match name {
        _ if !colours() => ("", ""),
        "server" => ("\x1b[33m", "\x1b[0m"),
        _ => ("\x1b[36m", "\x1b[0m"),
    };
    println!("{colour}{name} │{plain} {line}");
}
