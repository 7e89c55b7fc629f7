//! Proves that the commands for a first look show what they promise and leave nothing running.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::programs::*;

const NOT_OURS: [&str; 5] = ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "AS_PRINTED", "STATIC"];

fn make(words: &[&str]) -> Command {
    let mut make = Command::new("make");
    make.arg("--silent").args(words).current_dir(root());
    NOT_OURS.iter().for_each(|variable| _ = make.env_remove(variable));
    make
}

fn launched(words: &[&str]) -> Launch {
    let make = Launch::of("make").arg("--silent").args(words).directory(root());
    NOT_OURS.iter().fold(make, |make, variable| make.without_env(variable))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).to_string()
}

/// The processes that were started with `word` among their arguments.
fn started_with(word: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    let command = |path: &Path| std::fs::read_to_string(path.join("cmdline")).unwrap_or_default();
    let commands = entries.map(|entry| command(&entry.path()));
    commands.filter(|command| command.split('\0').any(|other| other == word)).collect()
}

/// The demo shows the words, the replies and the server's log, in this order, and ends everything.
#[test]
fn a_conversation_is_shown() {
    for server in SERVERS {
        let output = make(&["demo", &format!("SERVER={server}")]).output().expect("make runs");
        let text = text(&output);
        assert!(output.status.success(), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
        let mut rest = text.as_str();
        for shown in [
            &format!("server │ $ {server} "),
            "listen() success",
            "client │ $ tcp_client 127.0.0.1 ",
            "connect() success",
            "client │ Please enter hello",
            "to_upper before:",
            "to_upper after:",
            "client │ Server EchoHELLO",
            "client │ Please enter quit",
            "Client requests to quit",
            "Service close 4 sockFd",
        ] {
            let (_, after) = rest.split_once(shown).unwrap_or_else(|| panic!("no {shown}:\n{text}"));
            rest = after;
        }
        let port = text.split(&format!("$ {server} ")).nth(1).and_then(|rest| rest.split(' ').next());
        let left = started_with(port.expect("the port is shown"));
        assert!(left.is_empty(), "{left:?}");
    }
}

/// As printed, the client cannot connect: the demo says so, and ends.
#[test]
fn as_printed_nobody_connects() {
    let output = make(&["demo", "AS_PRINTED=1"]).output().expect("make runs");
    let text = text(&output);
    assert!(text.contains("connect() failed::Connection refused"), "{text}");
    assert!(text.contains("client │ exit status 5"), "{text}");
    assert!(!text.contains("Server Echo"), "{text}");
}

/// Ctrl-C on a server that make runs, under strace too, ends it and its children at once.
#[test]
fn ctrl_c_ends_everything() {
    for command in ["run-server", "strace-server"] {
        for server in SERVERS {
            let port = free_port().to_string();
            let words = [command, &format!("SERVER={server}"), &format!("PORT={port}")];
            let mut running = launched(&words).terminal(200).start();
            running.screen().wait_for("listen() success", 1);
            let mut client = connect(port.parse().expect("a number"));
            assert_eq!(said(&mut client, b"hello"), b"HELLO");
            running.type_in(b"\x03");
            assert_ne!(running.wait(), 0);
            eventually("all have ended", || started_with(&port).is_empty());
            assert_eq!(rest(&mut client), b"");
        }
    }
}

/// Under strace a program shows the article's calls, one a line, and nothing that the C library does for itself.
#[test]
fn strace_shows_the_articles_calls() {
    let server = Server::start("tcp_server_fork");
    let mut client = launched(&["strace-client", &format!("PORT={}", server.port)]).start();
    client.type_in(b"hello\nquit\n");
    assert_eq!(client.wait(), 0);
    let calls = client.stderr.all();
    let calls: Vec<&String> =
        calls.iter().filter(|line| line.contains(") ") && !line.starts_with(' ')).collect();
    let names: Vec<&str> = calls.iter().filter_map(|line| line.split('(').next()).collect();
    let expected = [
        "rt_sigaction",
        "socket",
        "write",
        "connect",
        "write",
        "write",
        "read",
        "write",
        "read",
        "write",
        "write",
        "write",
        "read",
        "close",
        "exit_group",
    ];
    assert_eq!(names, expected, "{calls:#?}");
    assert!(calls.iter().any(|line| line.starts_with("read(3, \"HELLO\", 1024)")), "{calls:#?}");
}

/// A missing tool is installed where that needs no password; otherwise one line names its package.
#[test]
fn a_missing_tool_is_installed_or_named() {
    let bin = std::env::temp_dir().join(format!("need-{}", std::process::id()));
    std::fs::create_dir_all(&bin).expect("a directory");
    let script = |name: &str, text: &str| {
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("it is written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it can be run");
    };
    let need = |command: &str| {
        let mut install = Command::new("/bin/sh");
        install.arg(root().join("tests/tools/install.sh")).arg(command).env("PATH", &bin);
        install.output().expect("sh runs")
    };
    script("id", "echo 0");
    script("dnf", "exit 1");
    let failed = need("ss");
    let said = String::from_utf8_lossy(&failed.stderr).to_string();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(
        said.lines().last().is_some_and(|line| line.ends_with("install the package iproute")),
        "{said}"
    );

    // A manager that installs what it is asked for.
    script(
        "dnf",
        &format!("echo '#!/bin/sh' > {0}/ss; /bin/chmod +x {0}/ss; [ \"$3\" = iproute ]", bin.display()),
    );
    let installed = need("ss");
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let there = need("ss");
    assert!(there.status.success() && there.stderr.is_empty(), "it is there, and nothing is said");
    std::fs::remove_dir_all(&bin).expect("it goes");
}
