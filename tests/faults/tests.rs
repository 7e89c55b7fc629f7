//! Each call of the four programs fails: no server ends, no client hangs; as printed, the outcome is the C++'s.
//!
//! `make faults` prints the same cases as a table.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::article::article;
use crate::faults::case::Case;
use crate::faults::injection;
use crate::faults::matrix::{RECORD, recorded};
use crate::faults::observation::{Outcome, shown};
use crate::faults::oracle::consequence;
use crate::faults::target::Target;
use crate::harness::builds::PROGRAMS;
use crate::harness::report::{Failure, end_test};

mod fixed {
    crate::cases! { super::ends_well:
        tcp_server_socket_emfile, tcp_server_setsockopt_enomem, tcp_server_bind_eacces,
        tcp_server_listen_eaddrinuse, tcp_server_startlog_enospc_first, tcp_server_startlog_enospc_later,
        tcp_server_startlog_short_first, tcp_server_startlog_short_later, tcp_server_accept_emfile_first,
        tcp_server_accept_emfile_later, tcp_server_accept_emfile_forever, tcp_server_accept_econnaborted_first,
        tcp_server_accept_econnaborted_later, tcp_server_accept_econnaborted_forever,
        tcp_server_read_econnreset_first, tcp_server_read_econnreset_later, tcp_server_read_econnreset_forever,
        tcp_server_write_epipe_first, tcp_server_write_epipe_later, tcp_server_write_short_first,
        tcp_server_write_short_later, tcp_server_write_nothing_first, tcp_server_write_nothing_later,
        tcp_server_log_enospc_first, tcp_server_log_enospc_later, tcp_server_log_short_first,
        tcp_server_log_short_later, tcp_server_fork_socket_emfile, tcp_server_fork_setsockopt_enomem,
        tcp_server_fork_bind_eacces, tcp_server_fork_listen_eaddrinuse, tcp_server_fork_startlog_enospc_first,
        tcp_server_fork_startlog_enospc_later, tcp_server_fork_startlog_short_first,
        tcp_server_fork_startlog_short_later, tcp_server_fork_accept_emfile_first,
        tcp_server_fork_accept_emfile_later, tcp_server_fork_accept_emfile_forever,
        tcp_server_fork_accept_econnaborted_first, tcp_server_fork_accept_econnaborted_later,
        tcp_server_fork_accept_econnaborted_forever, tcp_server_fork_fork_eagain_first,
        tcp_server_fork_fork_eagain_later, tcp_server_fork_fork_eagain_forever,
        tcp_server_fork_parentlog_enospc_first, tcp_server_fork_parentlog_enospc_later,
        tcp_server_fork_parentlog_short_first, tcp_server_fork_parentlog_short_later,
        tcp_server_fork_read_econnreset_first, tcp_server_fork_read_econnreset_later,
        tcp_server_fork_read_econnreset_forever, tcp_server_fork_write_epipe_first,
        tcp_server_fork_write_epipe_later, tcp_server_fork_write_short_first, tcp_server_fork_write_short_later,
        tcp_server_fork_write_nothing_first, tcp_server_fork_write_nothing_later,
        tcp_server_fork_log_enospc_first, tcp_server_fork_log_enospc_later, tcp_server_fork_log_short_first,
        tcp_server_fork_log_short_later, tcp_server_double_fork_socket_emfile,
        tcp_server_double_fork_setsockopt_enomem, tcp_server_double_fork_bind_eacces,
        tcp_server_double_fork_listen_eaddrinuse, tcp_server_double_fork_startlog_enospc_first,
        tcp_server_double_fork_startlog_enospc_later, tcp_server_double_fork_startlog_short_first,
        tcp_server_double_fork_startlog_short_later, tcp_server_double_fork_accept_emfile_first,
        tcp_server_double_fork_accept_emfile_later, tcp_server_double_fork_accept_emfile_forever,
        tcp_server_double_fork_accept_econnaborted_first, tcp_server_double_fork_accept_econnaborted_later,
        tcp_server_double_fork_accept_econnaborted_forever, tcp_server_double_fork_fork_eagain_first,
        tcp_server_double_fork_fork_eagain_later, tcp_server_double_fork_fork_eagain_forever,
        tcp_server_double_fork_wait_echild_first, tcp_server_double_fork_wait_echild_later,
        tcp_server_double_fork_wait_echild_forever, tcp_server_double_fork_parentlog_enospc_first,
        tcp_server_double_fork_parentlog_enospc_later, tcp_server_double_fork_parentlog_short_first,
        tcp_server_double_fork_parentlog_short_later, tcp_server_double_fork_read_econnreset_first,
        tcp_server_double_fork_read_econnreset_later, tcp_server_double_fork_read_econnreset_forever,
        tcp_server_double_fork_write_epipe_first, tcp_server_double_fork_write_epipe_later,
        tcp_server_double_fork_write_short_first, tcp_server_double_fork_write_short_later,
        tcp_server_double_fork_write_nothing_first, tcp_server_double_fork_write_nothing_later,
        tcp_server_double_fork_log_enospc_first, tcp_server_double_fork_log_enospc_later,
        tcp_server_double_fork_log_short_first, tcp_server_double_fork_log_short_later,
        tcp_server_double_fork_innerfork_eagain_first, tcp_client_socket_emfile, tcp_client_connect_etimedout,
        tcp_client_log_enospc_first, tcp_client_log_enospc_later, tcp_client_log_short_first,
        tcp_client_log_short_later, tcp_client_read_econnreset_first, tcp_client_read_econnreset_later,
        tcp_client_read_econnreset_forever, tcp_client_write_epipe_first, tcp_client_write_epipe_later,
        tcp_client_write_short_first, tcp_client_write_short_later, tcp_client_write_nothing_first,
        tcp_client_write_nothing_later, tcp_client_terminalread_eio_first,
        tcp_client_terminalwrite_enospc_first, tcp_client_terminalwrite_enospc_later,
    }
}

mod as_printed {
    crate::cases! { super::ends_as_recorded:
        tcp_server_socket_emfile, tcp_server_bind_eacces, tcp_server_listen_eaddrinuse,
        tcp_server_startlog_enospc_first, tcp_server_startlog_enospc_later, tcp_server_startlog_short_first,
        tcp_server_startlog_short_later, tcp_server_accept_emfile_first, tcp_server_accept_emfile_later,
        tcp_server_accept_emfile_forever, tcp_server_accept_econnaborted_first,
        tcp_server_accept_econnaborted_later, tcp_server_accept_econnaborted_forever,
        tcp_server_read_econnreset_first, tcp_server_read_econnreset_later, tcp_server_read_econnreset_forever,
        tcp_server_write_epipe_first, tcp_server_write_epipe_later, tcp_server_write_short_first,
        tcp_server_write_short_later, tcp_server_write_nothing_first, tcp_server_write_nothing_later,
        tcp_server_log_enospc_first, tcp_server_log_enospc_later, tcp_server_log_short_first,
        tcp_server_log_short_later, tcp_server_fork_socket_emfile, tcp_server_fork_bind_eacces,
        tcp_server_fork_listen_eaddrinuse, tcp_server_fork_startlog_enospc_first,
        tcp_server_fork_startlog_enospc_later, tcp_server_fork_startlog_short_first,
        tcp_server_fork_startlog_short_later, tcp_server_fork_accept_emfile_first,
        tcp_server_fork_accept_emfile_later, tcp_server_fork_accept_emfile_forever,
        tcp_server_fork_accept_econnaborted_first, tcp_server_fork_accept_econnaborted_later,
        tcp_server_fork_accept_econnaborted_forever, tcp_server_fork_fork_eagain_first,
        tcp_server_fork_fork_eagain_later, tcp_server_fork_fork_eagain_forever,
        tcp_server_fork_parentlog_enospc_first, tcp_server_fork_parentlog_enospc_later,
        tcp_server_fork_parentlog_short_first, tcp_server_fork_parentlog_short_later,
        tcp_server_fork_read_econnreset_first, tcp_server_fork_read_econnreset_later,
        tcp_server_fork_read_econnreset_forever, tcp_server_fork_write_epipe_first,
        tcp_server_fork_write_epipe_later, tcp_server_fork_write_short_first, tcp_server_fork_write_short_later,
        tcp_server_fork_write_nothing_first, tcp_server_fork_write_nothing_later,
        tcp_server_fork_log_enospc_first, tcp_server_fork_log_enospc_later, tcp_server_fork_log_short_first,
        tcp_server_fork_log_short_later, tcp_server_double_fork_socket_emfile,
        tcp_server_double_fork_bind_eacces, tcp_server_double_fork_listen_eaddrinuse,
        tcp_server_double_fork_startlog_enospc_first, tcp_server_double_fork_startlog_enospc_later,
        tcp_server_double_fork_startlog_short_first, tcp_server_double_fork_startlog_short_later,
        tcp_server_double_fork_accept_emfile_first, tcp_server_double_fork_accept_emfile_forever,
        tcp_server_double_fork_accept_econnaborted_first, tcp_server_double_fork_accept_econnaborted_forever,
        tcp_server_double_fork_fork_eagain_first, tcp_server_double_fork_fork_eagain_forever,
        tcp_server_double_fork_wait_echild_first, tcp_server_double_fork_wait_echild_forever,
        tcp_server_double_fork_parentlog_enospc_first, tcp_server_double_fork_parentlog_short_first,
        tcp_server_double_fork_read_econnreset_first, tcp_server_double_fork_read_econnreset_later,
        tcp_server_double_fork_read_econnreset_forever, tcp_server_double_fork_write_epipe_first,
        tcp_server_double_fork_write_epipe_later, tcp_server_double_fork_write_short_first,
        tcp_server_double_fork_write_short_later, tcp_server_double_fork_write_nothing_first,
        tcp_server_double_fork_write_nothing_later, tcp_server_double_fork_log_enospc_first,
        tcp_server_double_fork_log_enospc_later, tcp_server_double_fork_log_short_first,
        tcp_server_double_fork_log_short_later, tcp_server_double_fork_innerfork_eagain_first,
        tcp_client_socket_emfile, tcp_client_connect_etimedout, tcp_client_log_enospc_first,
        tcp_client_log_enospc_later, tcp_client_log_short_first, tcp_client_log_short_later,
        tcp_client_read_econnreset_first, tcp_client_read_econnreset_later, tcp_client_read_econnreset_forever,
        tcp_client_write_epipe_first, tcp_client_write_epipe_later, tcp_client_write_short_first,
        tcp_client_write_short_later, tcp_client_write_nothing_first, tcp_client_write_nothing_later,
        tcp_client_terminalread_eio_first, tcp_client_terminalwrite_enospc_first,
        tcp_client_terminalwrite_enospc_later,
    }
}

/// The cases of a target, which a run without faults tells, once.
fn cases(target: &Target, key: String) -> &'static [Case] {
    static CASES: Mutex<BTreeMap<String, &'static [Case]>> = Mutex::new(BTreeMap::new());
    let mut all = CASES.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(key).or_insert_with(|| injection::cases(target).leak())
}

/// The program and the case of a test's name.
fn find(article: Option<&Path>, printed: bool, test: &str) -> Option<(Target, &'static Case)> {
    // The longest name first: tcp_server is the beginning of another.
    let mut programs = PROGRAMS;
    programs.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let program = programs.into_iter().find(|name| test.starts_with(name))?;
    let target = Target::new(article, printed, program);
    let cases = cases(&target, format!("{program} {printed} {}", article.is_some()));
    let case = cases.iter().find(|case| case.test_name(program) == test)?;
    Some((target, case))
}

/// The program and case; without them the test fails, which says what the program does have.
fn must_find(article: Option<&Path>, printed: bool, test: &str) -> (Target, &'static Case) {
    find(article, printed, test)
        .unwrap_or_else(|| panic!("in a run without faults, the program makes no call of the case {test}"))
}

/// Fixed, the port's outcome is right.
fn ends_well(test: &str) {
    crate::needs_strace!();
    let (target, case) = must_find(None, false, test);
    let outcome = Outcome::of(&target, case);
    if let Err(why) = consequence(target.is_client(), case, &outcome) {
        let calls: Vec<String> =
            outcome.calls.iter().filter_map(|call| shown(call, case)).take(20).collect();
        Failure::new(why)
            .case(format!(
                "{}, {}: strace injects {} into {} number {}",
                target.name, case.name, case.fault, case.call, case.when
            ))
            .note(format!(
                "clients or screen: {:?}\nlog lines with the reason: {:?}",
                outcome.seen, outcome.log
            ))
            .note(format!("calls from the fault on:\n{}", calls.join("\n")))
            .note("what must follow: tests/faults/oracle.rs")
            .fail();
    }
}

/// As printed, the outcome of the port is the recorded one; of the C++, too, where the article is given.
fn ends_as_recorded(test: &str) {
    crate::needs_strace!();
    let article = article();
    let mut failed = false;
    for (article, name) in [(None, "the port as printed"), (article.as_deref(), "the C++ as printed")] {
        if name.starts_with("the C++") && article.is_none() {
            continue;
        }
        let (target, case) = must_find(article, true, test);
        let key = format!("{}, {}: ", target.name, case.name);
        let recorded = recorded();
        let (at, line) = recorded
            .iter()
            .enumerate()
            .find(|(_, line)| line.starts_with(&key))
            .unwrap_or_else(|| panic!("{RECORD} has no line {key}"));
        let outcome = Outcome::of(&target, case).line(case);
        let expected = line.trim_start_matches(&key);
        if outcome != expected {
            let lines = |text: &str| text.replace("; ", "\n").replace(", ", "\n  ");
            Failure::new(format!("{name} has another outcome than recorded"))
                .case(key.trim_end_matches(": "))
                .place(RECORD, at + 1)
                .diff(&lines(expected), &lines(&outcome))
                .record("make faults ARTICLE=file RECORD=1")
                .print();
            failed = true;
        }
    }
    if failed {
        end_test();
    }
}

/// The cases that a run without faults shows, and the recorded ones, have tests.
#[test]
fn every_fault_has_a_test() {
    crate::needs_strace!();
    let names = |printed| {
        PROGRAMS.into_iter().flat_map(move |name| {
            let cases = injection::cases(&Target::new(None, printed, name));
            cases.into_iter().map(move |case| case.test_name(name))
        })
    };
    fixed::CASES.assert_are("the port", names(false));
    as_printed::CASES.assert_are("the port as printed", names(true));
    let recorded = recorded();
    let recorded = recorded.iter().filter_map(|line| line.split(": ").next());
    as_printed::CASES
        .assert_are(RECORD, recorded.map(|key| key.replace(", ", "_").replace(' ', "_").to_lowercase()));
}
