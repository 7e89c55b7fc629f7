//! Machines that lack something: one line says what, and what to do; nothing else is printed.

use std::io::Write;

use crate::harness::builds::{SERVERS, Server, make_command, root};
use crate::harness::net::test_client::{connect, read_rest};
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::TIMEOUT;
use crate::harness::tempdir::TempDir;

/// A script of ours with these commands before those of the machine: its status, and its lines.
fn run(script: &str, words: &[&str], commands: &TempDir) -> (i32, Vec<String>) {
    let path = format!("{}:{}", commands.display(), std::env::var("PATH").unwrap_or_default());
    let script = Launch::new("/bin/sh").arg(root().join("tests/scripts").join(script)).args(words);
    let mut script = script.env("LC_ALL", "C").env("PATH", path).start();
    (script.wait(), script.stderr.all())
}

/// Cargo of Debian 12 cannot read Cargo.toml.
#[test]
fn an_old_rust_is_named() {
    let commands = TempDir::empty();
    for (version, status, said) in [
        ("1.65.0", 1, "Rust 1.85 or later is needed, not 1.65.0: get it from https://rustup.rs"),
        ("1.84.1-nightly (66221abde 2024-11-19)", 1, "not 1.84.1-nightly"),
        ("1.85.0 (d73d2caf9 2024-12-31)", 0, ""),
        ("2.0.0", 0, ""),
    ] {
        commands.script("cargo", &format!("echo 'cargo {version}'"));
        let (ended, lines) = run("install.sh", &["cargo"], &commands);
        assert_eq!((ended, lines.len()), (status, status as usize), "{version}: {lines:?}");
        assert!(lines.concat().contains(said), "{version}: {lines:?}");
    }
    commands.script("cargo", "exit 127");
    let (status, lines) = run("install.sh", &["cargo"], &commands);
    assert!(
        status == 1 && lines.len() == 1 && lines[0].starts_with("Rust 1.85 or later is needed: get"),
        "{lines:?}"
    );
}

/// BusyBox's `ps` does not list the children of a process.
#[test]
fn a_ps_that_can_do_less_is_replaced() {
    let commands = TempDir::empty();
    commands.script("ps", "echo \"ps: unrecognized option: ppid\" >&2; exit 1");
    for manager in ["apt-get", "sudo"] {
        commands.script(manager, "exit 1");
    }
    let (status, lines) = run("install.sh", &["ps"], &commands);
    assert_eq!(status, 1);
    assert!(lines.last().is_some_and(|line| line.ends_with("install the package procps")), "{lines:?}");
}

/// Where strace may not trace, one line says so; where it hangs, too.
#[test]
fn no_right_to_trace_is_said() {
    let commands = TempDir::empty();
    for (strace, why) in [
        (
            "echo 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2; exit 1",
            "Operation not permitted",
        ),
        ("exit 124", "it hangs"),
    ] {
        commands.script("strace", strace);
        let (status, lines) = run("may_trace.sh", &[], &commands);
        assert!(status == 1 && lines.len() == 1, "{lines:?}");
        assert!(lines[0].contains(why) && lines[0].contains("kernel.yama.ptrace_scope"), "{lines:?}");
    }
}

/// A port that is taken: by whom, and what to set.
#[test]
fn a_port_in_use_is_explained() {
    let mut server = Server::start(SERVERS[0]);
    let port = format!("PORT={}", server.port);
    let next = format!("PORT={}", server.port + 1);
    let said = |command: &str, start: &str, more: &[&str]| {
        let mut make = make_command(&[&[command, &port], more].concat()).start();
        let status = make.wait_timeout(3 * TIMEOUT);
        make.end();
        let lines = make.stderr.all();
        assert!(matches!(status, Some(1..)), "{command} {more:?}: {status:?}: {lines:?}");
        let found = lines.iter().any(|line| line.starts_with(start) && line.ends_with(&next));
        assert!(found, "{command}: {lines:?}");
    };
    for command in ["run-server", "strace-server"] {
        said(command, "a program of ", &[]);
    }
    // After a quit the server's end of the connection is in TIME_WAIT: erratum 17.
    let mut client = connect(server.port);
    client.write_all(b"quit").expect("the server reads");
    read_rest(&mut client);
    drop(client);
    server.running.end();
    said("run-server", "port ", &["AS_PRINTED=1"]);
}

/// The calls from a program's first own one on, without the C library's reading of the time zone; the last half line stays.
#[test]
fn own_calls_are_passed_on() {
    let calls = "execve(\"x\") = 0\nread(3, \"ELF\") = 832\nsocket(AF_INET) = 3\nread(4, \"TZif2\") = 114\nread(4, \"TZif2\") = 1\n\
                 close(4) = 0\nwrite(1, \"log\") = 3\nread(4, \"TZif2\") = 2\naccept(3, ";
    let desk = TempDir::empty();
    let file = std::fs::File::open(desk.write("calls", calls)).expect("it was written");
    let mut script =
        Launch::new("/bin/sh").arg(root().join("tests/scripts/own_calls.sh")).stdin(file).start();
    script.wait();
    let expected = ["socket(AF_INET) = 3", "write(1, \"log\") = 3", "read(4, \"TZif2\") = 2", "accept(3, "];
    assert_eq!(script.stdout.all(), expected);
}
