//! The commands of the quick start show what the README promises and leave nothing running.

use crate::harness::builds::{Build, SERVERS, Server, make_command, program, root, run_make};
use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::{connect, echo, read_rest};
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::wait_until;
use crate::harness::report::during;
use crate::harness::tempdir::TempDir;

/// The demo shows input, replies and the server's log, in this order, and ends everything.
#[test]
fn the_demo_shows_a_session() {
    for server in SERVERS {
        let _during = during(format!("make demo SERVER={server}"));
        let (status, text, _) = run_make(&["demo", &format!("SERVER={server}")]);
        assert!(
            status == 0 && !text.contains('\x1b'),
            "its status is {status}, and a pipe gets no colours:\n{text}"
        );
        let mut rest = text.as_str();
        for shown in [
            &format!("server │ $ {server} "),
            "listen() success",
            "client │ $ tcp_client 127.0.0.1 ",
            "client │ Please enterhello",
            "to_upper after:",
            "client │ Server EchoHELLO",
            "client │ Please enterquit",
            "Service close 4 sockFd",
        ] {
            rest = rest
                .split_once(shown)
                .unwrap_or_else(|| panic!("{shown:?} is not shown, or not in this order:\n{text}"))
                .1;
        }
    }
}

/// As printed, the client cannot connect: the demo says so, and ends.
#[test]
fn the_demo_as_printed_cannot_connect() {
    let (_, text, _) = run_make(&["demo", "AS_PRINTED=1"]);
    assert!(text.contains("connect() failed::Connection refused"), "{text}");
    assert!(text.contains("client │ exit status 5") && !text.contains("Server Echo"), "{text}");
}

/// Ctrl-C ends a server that make runs, under strace too, with its children.
#[test]
fn ctrl_c_ends_a_server_and_its_children() {
    crate::needs_strace!();
    for command in ["run-server", "strace-server"] {
        for server in SERVERS {
            let _during = during(format!("make {command} SERVER={server}"));
            program(Build::Fixed, server);
            let port = free_port().to_string();
            let words = [command, &format!("SERVER={server}"), &format!("PORT={port}")];
            let mut running = make_command(&words).terminal(200).start();
            running.screen().wait_for("listen() success", 1);
            let mut client = connect(port.parse().expect("a port is a number"));
            assert_eq!(echo(&mut client, b"hello"), b"HELLO");
            running.type_in(b"\x03");
            assert_ne!(running.wait(), 0);
            wait_until("all that make has started ends", || running.descendants().is_empty());
            assert_eq!(read_rest(&mut client), b"");
        }
    }
}

/// The directories of a tool are removed after Ctrl-C, too. Lesson 25 has seven.
#[test]
fn ctrl_c_leaves_no_temporary_directories() {
    crate::needs_strace!();
    let directory = TempDir::empty();
    let left = || {
        let entries = std::fs::read_dir(&*directory).expect("it can be read").flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        // The compiler has files of its own there.
        names.filter(|name| name.starts_with("tcp ")).count()
    };
    let mut lesson = make_command(&["lesson", "N=25"]).env("TMPDIR", &*directory).terminal(120).start();
    wait_until("the lesson has its directories", || left() == 7);
    lesson.type_in(b"\x03");
    assert_ne!(lesson.wait(), 0);
    wait_until("all that make has started ends", || lesson.descendants().is_empty());
    wait_until("the lesson's directories are removed", || left() == 0);
}

/// Under strace a program shows the article's calls, one per line, and none that the C library makes for itself.
#[test]
fn strace_shows_the_articles_calls() {
    crate::needs_strace!();
    let server = Server::start("tcp_server_fork");
    let mut client = make_command(&["strace-client", &format!("PORT={}", server.port)]).start();
    client.type_in(b"hello\nquit\n");
    assert_eq!(client.wait(), 0);
    let mut calls = client.stderr.all();
    calls.retain(|line| line.contains(") ") && !line.starts_with(' '));
    let names: Vec<&str> = calls.iter().filter_map(|line| line.split('(').next()).collect();
    let expected = "rt_sigaction socket write connect write write read write read write write write read \
                    close exit_group";
    assert_eq!(names.join(" "), expected, "{calls:#?}");
    assert!(calls.iter().any(|line| line.starts_with("read(3, \"HELLO\", 1024)")), "{calls:#?}");
}

/// A server's children are traced, too: what a client says is read by one of them.
#[test]
fn strace_shows_the_calls_of_a_servers_children() {
    crate::needs_strace!();
    for name in &SERVERS[1..] {
        let _during = during(name);
        program(Build::Fixed, name);
        let port = free_port();
        let words = ["strace-server", &format!("SERVER={name}"), &format!("PORT={port}")];
        let mut server = make_command(&words).start();
        server.wait_until_listening(port).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(echo(&mut connect(port), b"hello"), b"HELLO");
        // Another process's line may come between, so that a call is shown in two parts.
        server.stderr.wait_for("\"hello\", 1023)");
        server.stderr.wait_for("write(4, \"HELLO\", 5");
    }
}

/// A missing tool is installed where that needs no password; otherwise, or if strace is too old, one line says so.
#[test]
fn a_missing_tool_is_installed_or_named() {
    let bin = TempDir::empty();
    let need = |tool, path: &str| {
        let path = bin.display().to_string() + path;
        let install = Launch::new("/bin/sh").arg(root().join("tests/scripts/install.sh")).arg(tool);
        let mut install = install.env("LC_ALL", "C").env("PATH", path).start();
        (install.wait(), install.stderr.all())
    };
    bin.script("id", "echo 0");
    bin.script("dnf", "exit 1");
    let (status, said) = need("ss", "");
    assert!(status == 1 && said.concat().ends_with("the package iproute"), "{said:?}");
    // A package manager that installs what it is asked for.
    let ss = bin.join("ss");
    bin.script("dnf", &format!("echo '#!/bin/sh' > {ss:?}; /bin/chmod +x {ss:?}; [ \"$3\" = iproute ]"));
    assert_eq!(need("ss", "").0, 0);
    assert_eq!(need("ss", ""), (0, vec![]), "ss is there, and nothing is printed");
    for (version, status) in [("5.6", 1), ("5.7", 0), ("5.10-dirty", 0), ("6.13", 0), ("4.26", 1)] {
        bin.script("strace", &format!("echo 'strace -- version {version}'"));
        let (ended, said) = need("strace", ":/usr/bin:/bin");
        assert_eq!((ended, said.len()), (status, status as usize), "{version}: {said:?}");
    }
}
