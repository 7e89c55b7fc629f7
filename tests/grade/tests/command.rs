//! `make grade` as a user types it: names, directories, and files that are no programs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::grade::tests::in_turn;
use crate::harness::builds::{Build, MAKE_VARIABLES, make_command, program, root};
use crate::harness::process::launch::{Launch, Limit};
use crate::harness::process::wait::{TIMEOUT, wait_until};
use crate::harness::tempdir::TempDir;

/// A directory with the port's simplest server under another name.
fn directory_with(name: &[u8]) -> TempDir {
    let directory = TempDir::empty();
    let copy = directory.join(OsStr::from_bytes(name));
    std::fs::copy(program(Build::Fixed, "tcp_server"), copy).expect("it is copied");
    directory
}

/// `make -C` from a directory.
fn made_from(directory: &Path, name: &[u8]) -> Launch {
    let variable = [b"SERVER_BIN=", name].concat();
    let make = Launch::new("make").arg("--silent").arg("-C").arg(root()).args([
        "grade",
        "LIKE=tcp_server",
        "QUIET=1",
    ]);
    let make = make.arg(OsStr::from_bytes(&variable)).directory(directory);
    make.without_env(MAKE_VARIABLES).env("LC_ALL", "C")
}

/// A command's status and both streams.
fn ended(launch: Launch) -> (i32, String, String) {
    let mut running = launch.start();
    let status = running.wait_timeout(6 * TIMEOUT).expect("it ends");
    (status, running.stdout.all().join("\n"), running.stderr.all().join("\n"))
}

#[test]
fn names_are_not_executed() {
    let names = ["dol$lar `touch made`", "it's a\"b;c $(shell touch made)"];
    for name in names {
        let directory = TempDir::empty();
        directory.script(name, "echo started; exit 5");
        let (status, said, why) = ended(made_from(&directory, name.as_bytes()));
        assert_eq!((status, &*said), (2, ""), "{why}");
        assert!(why.contains("its last output: started"), "{name}: {why}");
        assert!(!directory.join("made").exists() && !root().join("made").exists());
    }
}

#[test]
fn a_name_in_another_encoding_is_graded() {
    let name = b"\xc4\xe3\xba\xc3";
    let directory = directory_with(name);
    let (status, said, why) = in_turn(|| ended(made_from(&directory, name)));
    assert_eq!((status, &*said), (0, "Score: 18 of 18"), "{why}");
}

/// Both directories have a server; only the one where make was called has the right one.
#[test]
fn a_relative_path_starts_where_make_was_called() {
    let (here, elsewhere) = (TempDir::empty(), TempDir::empty());
    here.script("server", "echo started here; exit 5");
    elsewhere.script("server", "echo started elsewhere; exit 7");
    let make = format!(
        "make --silent -C '{}' grade LIKE=tcp_server QUIET=1 SERVER_BIN=./server",
        root().display()
    );
    let stale =
        |launch: Launch| launch.without_env(MAKE_VARIABLES).env("PWD", &*elsewhere).env("LC_ALL", "C");
    here.write("Makefile", format!("all:\n\t@{}", make.replacen("make", "$(MAKE)", 1)));
    let ways = [
        (
            "a stale PWD",
            Launch::new("env").args(["sh", "-c", "exec env PWD=/nowhere \"$@\"", "sh"]).args(words(&make)),
        ),
        ("another program's PWD", Launch::new("env").args(words(&make))),
        ("a shell", Launch::new("sh").args(["-c", &make])),
        ("make", Launch::new("make").args(["--silent"])),
    ];
    for (way, launch) in ways {
        let (_, _, why) = ended(stale(launch.directory(&*here)));
        assert!(why.contains("its last output: started here"), "{way}: {why}");
    }
}

/// The words of a command with one quoted path.
fn words(command: &str) -> Vec<String> {
    command.split(' ').map(|word| word.trim_matches('\'').to_string()).collect()
}

#[test]
fn a_program_runs_in_its_own_directory() {
    let directory = directory_with(b"real");
    directory.write("server.conf", "");
    directory
        .script("server", "[ -e server.conf ] || exit 3\necho started >>server.log\nexec ./real \"$@\"");
    let (status, said, why) = in_turn(|| ended(made_from(&directory, b"./server")));
    assert_eq!((status, &*said), (0, "Score: 18 of 18"), "{why}");
    assert!(directory.join("server.log").exists() && !root().join("server.log").exists());
}

/// What is not judged: one line, with what to do, and status 2.
fn is_refused(directory: &Path, name: &str, reason: &str) {
    let (status, said, why) = ended(made_from(directory, name.as_bytes()));
    assert_eq!((status, &*said), (2, ""), "{name}: {why}");
    let lines: Vec<&str> = why.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("grade: ") && lines[0].contains(reason),
        "{name}: {why}"
    );
}

#[test]
fn what_cannot_be_judged_is_said() {
    let directory = directory_with(b"real");
    let path = directory.join("real");
    let mut elf = std::fs::read(&path).expect("it is a file");
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.write(name, bytes);
        assert!(Command::new("chmod").arg("755").arg(path).status().expect("chmod is there").success());
    };
    directory.write("text", "no program");
    write("truncated", &elf[..elf.len() / 2]);
    elf[18] ^= 0xff;
    write("machine", &elf);
    write("mach", &[0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1]);
    write("windows", b"MZ\x90\0");
    write("words", b"touch made\n");
    write("crlf", b"#!/bin/sh\r\nexit\r\n");
    write("interpreter", b"#!/usr/bin/no-such-interpreter\n");
    directory.script("talks", "echo one; echo two >&2; exit 5");
    for (name, reason) in [
        ("nowhere", "No such file"),
        ("text", "not executable"),
        ("truncated", "truncated"),
        ("machine", "another machine"),
        ("mach", "macOS"),
        ("windows", "Windows"),
        ("words", "#! line"),
        ("crlf", "CR"),
        ("interpreter", "/usr/bin/no-such-interpreter"),
        ("talks", "never listens (it ended with status 5); its last output: one | two"),
    ] {
        is_refused(&directory, name, reason);
    }
    assert!(!directory.join("made").exists() && !root().join("made").exists());
}

/// Ctrl-Z and fg, or a laptop that sleeps: the checks that it interrupted are made again.
#[test]
fn a_pause_changes_nothing() {
    let directory = directory_with(b"server");
    let name = format!("SERVER_BIN={}", directory.join("server").display());
    let (status, said) = in_turn(|| {
        let mut make = make_command(&["grade", "LIKE=tcp_server", &name]).start();
        let tool = || {
            let named =
                |pid: &u32| std::fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name == b"tools\n");
            make.descendants().into_iter().find(named)
        };
        let mut found = None;
        wait_until("the tool runs", || {
            found = tool().filter(|&pid| !crate::harness::process::procfs::descendants(pid).is_empty());
            found.is_some()
        });
        let pid = found.expect("it was found") as i32;
        for _ in 0..2 {
            unsafe { libc::kill(pid, libc::SIGSTOP) };
            std::thread::sleep(Duration::from_secs(3));
            unsafe { libc::kill(pid, libc::SIGCONT) };
            std::thread::sleep(Duration::from_millis(300));
        }
        (make.wait_timeout(6 * TIMEOUT), make.stdout.all())
    });
    assert_eq!((status, said.last().map(|line| &**line)), (Some(0), Some("Score: 18 of 18")), "{said:#?}");
}

#[test]
fn limits_left_in_the_shell_are_named() {
    let directory = directory_with(b"server");
    let name = format!("SERVER_BIN={}", directory.join("server").display());
    let limited =
        make_command(&["grade", "LIKE=tcp_server", "QUIET=1", &name]).limit(Limit::Descriptors, 16);
    let (status, said, why) = ended(limited);
    assert_eq!((status, &*said), (2, ""));
    assert!(why.starts_with("grade: ") && why.contains("ulimit -n") && why.lines().count() == 2, "{why}");
}

#[test]
fn a_directory_for_temporary_files_is_not_needed() {
    let directory = directory_with(b"server");
    let name = format!("SERVER_BIN={}", directory.join("server").display());
    let make =
        make_command(&["grade", "LIKE=tcp_server", "QUIET=1", &name]).env("TMPDIR", "/nowhere/at/all");
    let (status, said, why) = ended(make);
    assert_eq!((status, &*said), (0, "Score: 18 of 18"), "{why}");
}
