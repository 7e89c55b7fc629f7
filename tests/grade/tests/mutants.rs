//! Programs with one mistake fail the check about it and no other; right programs of other kinds fail none.

use std::path::PathBuf;
use std::process::Command;

use crate::grade::outcome::Verdict;
use crate::grade::table::checks;
use crate::grade::tests::{assert_failed, compiled, fails, fails_only, findings};
use crate::harness::builds::{PROGRAMS, root};
use crate::harness::skip::skip;

fn mutant(mistake: &str, like: &str, expected: &str) {
    let source = if like == "tcp_client" { "student_client.c" } else { "student_server.c" };
    let kind = PROGRAMS.iter().position(|name| *name == like).expect("it is like one of them") + 1;
    let defines = [format!("-DKIND={kind}"), format!("-DMISTAKE={mistake}")];
    let needs_root = mistake == "PORT_ASSERT" && unsafe { libc::geteuid() } != 0;
    if needs_root {
        return skip("a client with a privileged port: not root");
    }
    let program = compiled(source, &format!("{like}.{mistake}"), &defines);
    if mistake == "NONE" { fails_only(&program, like, "") } else { fails(&program, like, expected) }
}

macro_rules! mutants {
    ($($name:ident: $mistake:ident $like:ident $expected:literal,)*) => {$(
        #[test]
        fn $name() {
            mutant(stringify!($mistake), stringify!($like), $expected);
        }
    )*};
}

include!("../mutants/mistakes.txt");

/// It exits if epoll_wait fails, which no check brings about.
#[test]
fn a_server_that_exits_at_eintr_passes() {
    fails_only(&compiled("student_epoll.c", "epoll", &[]), "tcp_server", "");
}

/// A copy of `student.py`, whose name says what kind it is.
fn python(kind: &str) -> Option<PathBuf> {
    // Python itself: what is called python3 may be a script that looks for it first, for each of dozens of servers.
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let Some(python) = python.ok().filter(|ran| ran.status.success()) else {
        skip("a server in Python: no python3");
        return None;
    };
    let python = String::from_utf8_lossy(&python.stdout);
    let directory = root().join("target/mutants");
    std::fs::create_dir_all(&directory).expect("a directory");
    let copy = directory.join(kind);
    // By another process: a file that is written here is open in a program that is started meanwhile.
    let copied = Command::new("sh")
        .args(["-c", "sed \"1s|.*|#!$1 -IS|\" \"$2\" >\"$3\" && chmod +x \"$3\"", "sh", python.trim()])
        .arg(root().join("tests/grade/mutants/student.py"))
        .arg(&copy)
        .status();
    assert!(copied.expect("sh is there").success());
    Some(copy)
}

fn python_fails(kind: &str, expected: &str) {
    if let Some(program) = python(kind) {
        fails(&program, "tcp_server_fork", expected);
    }
}

#[test]
fn a_right_server_in_python_passes() {
    if let Some(program) = python("right") {
        fails_only(&program, "tcp_server_fork", "");
    }
}

#[test]
fn letters_of_latin_1() {
    python_fails("latin", "9 nul/14");
}

#[test]
fn one_wait_for_each_signal_in_python() {
    python_fails("wait_once", "zombie/9");
}

#[test]
fn accept_is_not_checked_in_python() {
    python_fails("ignores", "12/18");
}

#[test]
fn refusing_may_take_long() {
    let Some(program) = python("slow_refusal") else { return };
    let chosen = checks("tcp_server_fork").into_iter().filter(|check| check.name == "13").collect();
    assert_failed(findings(&program, "tcp_server_fork", chosen), "", &program, "tcp_server_fork");
}

/// What a server that answers in another way does right is not failed; what cannot be seen is skipped, with the reason.
fn skips(kind: &str, skipped: &[&str], reason: &str) {
    let Some(program) = python(kind) else { return };
    let findings = findings(&program, "tcp_server_fork", checks("tcp_server_fork"));
    assert_failed(findings.clone(), "", &program, "tcp_server_fork");
    let of_another_kind = ["orphan", "11 wait"];
    let found = findings.iter().filter(|finding| finding.verdict == Verdict::Skipped);
    let found: Vec<_> = found.filter(|finding| !of_another_kind.contains(&finding.name)).collect();
    let names: Vec<&str> = found.iter().map(|finding| finding.name).collect();
    assert_eq!(names, skipped);
    assert!(found.iter().all(|finding| finding.seen.contains(reason)), "{:?}", found[0].seen);
}

#[test]
fn a_server_of_lines_is_skipped_where_it_needs_a_newline() {
    skips("lines", &["9 nul", "parts", "long", "slow", "9 short"], "newline");
}

#[test]
fn a_server_with_a_prefix_is_skipped_where_bytes_are_compared() {
    skips("prefix", &["9 nul", "parts", "long", "slow", "9 short"], "prefix");
}
