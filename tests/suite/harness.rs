//! Holds the harness itself to what every test leans on: an end that is certain, bounds, a real terminal, a trace.

use std::time::Duration;

use crate::support::programs::*;

fn sh(script: &str) -> Launch {
    Launch::of("sh").args(["-c", script])
}

/// What leaves its group and its session, and ignores every signal it can, is ended with the program;
/// so is what starts others faster than it can be looked at.
#[test]
fn all_that_a_program_has_started_ends_with_it() {
    let hides = "trap '' HUP INT TERM; setsid sh -c '(trap \"\" TERM; sleep 1000) & sleep 1000' & wait";
    let forks = "setsid sh -c 'while :; do (sleep 0.2; sleep 0.2) & sleep 0.01; done' & wait";
    for script in [hides, forks] {
        let program = sh(script).limit('u', 500).start();
        eventually("all have started", || program.below().len() >= 4);
        let all = program.below();
        drop(program);
        assert!(all.iter().all(|&pid| state(pid).is_none()), "{all:?}");
    }
}

/// Orphans are ended too, after the program's own end, which is seen at once.
#[test]
fn orphans_of_a_program_that_has_ended_are_ended() {
    let mut program = sh("setsid sleep 1000 & exit 3").start();
    assert_eq!(program.wait(), 3);
    let orphans = program.below();
    assert_eq!(orphans.len(), 1);
    drop(program);
    assert_eq!(state(orphans[0]), None);
}

/// An end by a signal has the shell's number, with strace and without.
#[test]
fn an_end_is_told_as_a_shell_tells_it() {
    assert_eq!(sh("kill -PIPE $$").start().wait(), 128 + libc::SIGPIPE);
    assert_eq!(sh("kill -PIPE $$").traced(Trace::all()).start().wait(), 128 + libc::SIGPIPE);
    assert_eq!(sh("exit 7").traced(Trace::all()).start().wait(), 7);
}

/// Output that never ends is neither kept nor waited for.
#[test]
fn endless_output_fills_no_memory() {
    let mut program = sh("yes 'a line that comes again and again'").start();
    program.stdout.line();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(program.wait_within(Duration::ZERO), None);
    let mut program = sh("exec cat /dev/zero").start();
    assert_eq!(program.wait_within(Duration::from_millis(300)), None);
    program.end();
    assert!(program.stdout.all().concat().len() <= 64 << 20);
}

/// Ctrl-C typed on its terminal ends what runs there, not the shell; the terminal has its width.
#[test]
fn a_terminal_is_a_real_one() {
    let mut shell = Launch::of("sh").arg("-i").env("PS1", "ready> ").env("ENV", "").terminal(60).start();
    shell.screen().wait_for("ready> ", 1);
    shell.type_in(b"sh -c 'stty size; exec sleep 1000'\n");
    shell.screen().wait_for("24 60", 1);
    shell.type_in(b"\x03");
    shell.screen().wait_for("ready> ", 2);
    shell.type_in(b"tty -s && echo \"it is\" a terminal\n\x04");
    shell.screen().wait_for("it is a terminal", 1);
    assert_eq!(shell.wait(), 0);
}

/// A trace shows the program's own process, its children, the injected fault, and English reasons.
#[test]
fn a_trace_is_the_programs_own() {
    let fault = Trace::of("openat,exit_group").inject("openat:error=ENOENT:when=1");
    let mut program = sh("(exit 4); exit 5").env("LC_ALL", "zh_CN.UTF-8").traced(fault).start();
    let pid = program.pid();
    assert_eq!(program.wait_for_all(), 5);
    let events = program.events();
    assert_eq!(events.first().map(|event| event.pid), Some(pid));
    assert!(events.iter().any(|event| event.pid != pid), "{}", program.trace());
    assert!(program.trace().contains("ENOENT (No such file or directory) (INJECTED)"));
}

/// strace is let in later, and goes again; the program goes on.
#[test]
fn strace_comes_and_goes() {
    let mut program = Launch::of("cat").start();
    program.type_in(b"one\n");
    program.stdout.wait_for("one");
    program.attach(&Trace::of("read,write").inject("write:error=EIO:when=1"));
    program.let_go();
    program.type_in(b"two\n");
    program.stdout.wait_for("two");
    program.end_input();
    assert_eq!(program.wait(), 0);
}

/// A limit is the program's alone.
#[test]
fn limits_hold() {
    let mut program = sh("ulimit -n; ulimit -f").limit('n', 12).limit('f', 512).start();
    assert_eq!(program.stdout.all(), ["12", "1"]);
}

/// Not a test of its own: a process that dies without ending what it has started.
#[test]
#[ignore = "started by the next one"]
fn dies_with_a_program() {
    let program = sh("trap '' HUP; sleep 1000").start();
    println!("started {}", program.pid());
    unsafe { libc::_exit(0) };
}

/// A test that is killed leaves nothing running.
#[test]
fn a_program_ends_with_its_test() {
    let test = Launch::of(std::env::current_exe().expect("it runs"));
    let mut test = test.args(["--ignored", "--nocapture", "dies_with_a_program"]).start();
    let line = test.stdout.wait_for("started");
    let pid = line.rsplit(' ').next().and_then(|pid| pid.parse().ok()).expect("a process");
    eventually("its keeper has ended it", || state(pid).is_none());
}
