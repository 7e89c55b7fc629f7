//! What every test relies on: programs end with their test, and waits are bounded.

use std::time::Duration;

use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::state;
use crate::harness::process::wait::wait_until;

fn sh(script: &str) -> Running {
    Launch::new("sh").args(["-c", script]).start()
}

/// A process that leaves its group and session and ignores signals is ended with the program; so is one that
/// forks faster than /proc can be read.
#[test]
fn all_that_a_program_has_started_ends_with_it() {
    let hides = "trap '' HUP INT TERM; setsid sh -c '(trap \"\" TERM; sleep 1000) & sleep 1000' & wait";
    let forks = "setsid sh -c 'while :; do (sleep 0.2; sleep 0.2) & sleep 0.01; done' & wait";
    for script in [hides, forks] {
        let program = sh(script);
        wait_until("the script has started four processes", || program.descendants().len() >= 4);
        let all = program.descendants();
        drop(program);
        assert!(all.iter().all(|&pid| state(pid).is_none()), "{all:?}");
    }
}

/// Orphans are ended too, after the program's own end, which is noticed immediately.
#[test]
fn orphans_of_a_program_that_has_ended_are_ended() {
    let mut program = sh("setsid sleep 1000 & exit 3");
    assert_eq!(program.wait(), 3);
    let orphans = program.descendants();
    assert_eq!(orphans.len(), 1);
    drop(program);
    assert_eq!(state(orphans[0]), None);
}

/// Endless output is not kept.
#[test]
fn endless_output_fills_no_memory() {
    let mut program = sh("exec cat /dev/zero");
    assert_eq!(program.wait_timeout(Duration::from_millis(300)), None);
    program.end();
    assert!(program.stdout.all().concat().len() <= 8 << 20);
}

/// Started by the next test: a process that dies without ending what it has started.
#[test]
#[ignore = "started by the next test"]
fn dies_with_a_program() {
    let program = sh("trap '' HUP; sleep 1000");
    println!("started {}", program.pid());
    unsafe { libc::_exit(0) };
}

/// A test that is killed leaves nothing running.
#[test]
fn a_program_ends_with_its_test() {
    let test = Launch::new(std::env::current_exe().expect("it runs"));
    let mut test = test.args(["--ignored", "--nocapture", "dies_with_a_program"]).start();
    let line = test.stdout.wait_for("started");
    let pid = line.rsplit(' ').next().and_then(|pid| pid.parse().ok()).expect("a process");
    wait_until("the supervisor has ended the program", || state(pid).is_none());
}
