//! Lesson 26: errors that the machine causes, a line end from telnet, a terminal that is closed.

use std::process::Command;

use crate::course::sessions::{ends, serve, sh, stop, wait_for_accept};
use crate::course::views::{Blocks, as_strace, beside, calls, from, only};
use crate::harness::builds::Build::Fixed;
use crate::harness::builds::{Server, program};
use crate::harness::net::test_client::{connect, echo};
use crate::harness::process::launch::Launch;
use crate::harness::session::trace_of_calls;
use crate::harness::tempdir::TempDir;
use crate::harness::trace::parse;

/// What is tried, and the file with its trace.
const TRIED: [(&str, &str); 6] = [
    ("low", "a port below 1024, without the right to use it"),
    ("foreign", "an address of another machine"),
    ("stopped", "a port that a stopped server still has"),
    ("child", "a port that a child of an ended server still has"),
    ("refused", "a port on which no process listens"),
    ("dropped", "a machine that does not answer"),
];

/// 26: the errors, each in a line of strace. The first is `None` where this machine allows no network namespace.
pub fn errors() -> Blocks {
    let server = serve("tcp_server");
    let mut telnet = connect(server.port);
    echo(&mut telnet, b"quit\r\n");
    drop(telnet);
    let line_end = from(calls(&stop(server)), "read(");

    // What the server does at SIGHUP; it is ended afterwards if it continues.
    let closed = |words: &[&str]| {
        let launch = Launch::new(words[0]).args(&words[1..]).traced(trace_of_calls(&[]));
        let mut server = Server::launch(launch);
        wait_for_accept(&mut server);
        server.running.signal(libc::SIGHUP);
        if words.len() == 1 {
            return from(calls(&ends(server.running)), "listen(");
        }
        let mut calls = from(calls(&stop(server)), "listen(");
        calls.retain(|call| !call.starts_with("killed by"));
        calls
    };
    let server = program(Fixed, "tcp_server").display().to_string();
    let hangup = beside(
        ["started as usual", "started with nohup"],
        [closed(&[&server]), closed(&["nohup", &server])],
    );
    vec![in_a_namespace(), Some(line_end[..3].join("\n")), Some(hangup)]
}

fn in_a_namespace() -> Option<String> {
    let directory = TempDir::empty();
    let built = sh(&directory, r#"cc -DSTEP=4 -o handlers "$ROOT"/tests/lessons/handlers.c"#);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let server = program(Fixed, "tcp_server");
    let output = Command::new("unshare")
        .args(["-rn", "sh", "-c", include_str!("machine.sh")])
        .current_dir(&*directory)
        .env("BIN", server.parent().expect("the program is in a directory"))
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    let mut text = String::new();
    for (name, tried) in TRIED {
        let trace = std::fs::read_to_string(directory.join(name)).ok()?;
        let calls = only(as_strace(&parse::read(&trace)), &["bind(", "connect("]);
        let call = calls.last().unwrap_or_else(|| panic!("{name}: {output:?}"));
        text += &format!("{tried}\n    {call}\n");
    }
    Some(text)
}
