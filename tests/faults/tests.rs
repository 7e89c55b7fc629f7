//! Each call of the four programs fails: no server ends, no client hangs; the outcome is that of the C++, as printed and fixed.
//!
//! `make faults` prints the same cases as a table.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::article::article;
use crate::article::build::{VERSIONS, Version};
use crate::faults::case::Case;
use crate::faults::injection;
use crate::faults::matrix::{RECORD, key, recorded, test_name};
use crate::faults::observation::{FaultOutcome, shown};
use crate::faults::oracle::consequence;
use crate::faults::target::Target;
use crate::harness::builds::{PROGRAMS, run_make};
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
fn find(article: Option<&Path>, version: Version, test: &str) -> Option<(Target, &'static Case)> {
    // The longest name first: tcp_server is the beginning of another.
    let mut programs = PROGRAMS;
    programs.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let program = programs.into_iter().find(|name| test.starts_with(name))?;
    let target = Target::new(article, version, program);
    let cases = cases(&target, format!("{program} {version:?} {}", article.is_some()));
    let case = cases.iter().find(|case| case.test_name(program) == test)?;
    Some((target, case))
}

/// Fixed, the outcome is right, and that of the corrected C++.
fn ends_well(test: &str) {
    ends_as_recorded_in(test, Version::Fixed);
}

/// As printed, the outcome is that of the article's C++.
fn ends_as_recorded(test: &str) {
    ends_as_recorded_in(test, Version::AsPrinted);
}

/// The outcome of the port is the recorded one; that of the C++, too, where the article is given.
fn ends_as_recorded_in(test: &str, version: Version) {
    crate::needs_strace!();
    let article = article();
    let mut subjects = vec![(None, "the port")];
    if let Some(article) = &article {
        subjects.push((Some(article.as_path()), "the C++"));
    }
    let mut failed = false;
    for (article, name) in subjects {
        let found = find(article, version, test);
        let (target, case) = found
            .unwrap_or_else(|| panic!("in a run without faults, {name} makes no call of the case {test}"));
        let outcome = FaultOutcome::of(&target, case);
        let title = format!("{name}, {version:?}: {}, {}", target.name, case.name);
        let wrong = consequence(target.is_client(), case, &outcome).err();
        if let Some(why) = wrong.filter(|_| version == Version::Fixed) {
            let calls = outcome.calls.iter().filter_map(|call| shown(call, case)).take(20);
            let injected = format!("strace injects {} into {} number {}", case.fault, case.call, case.when);
            Failure::new(why)
                .case(format!("{title}: {injected}"))
                .note(format!("clients or screen: {:?}", outcome.seen))
                .note(format!("log lines with the reason: {:?}", outcome.log))
                .note(format!("calls from the fault on:\n{}", calls.collect::<Vec<_>>().join("\n")))
                .note("what must follow: tests/faults/oracle.rs")
                .print();
            failed = true;
            continue;
        }
        let key = key(version, target.name, case);
        let record = recorded(version);
        let (at, line) = record
            .iter()
            .find(|(_, line)| line.starts_with(&key))
            .unwrap_or_else(|| panic!("{RECORD} has no line {key}"));
        let (expected, actual) = (line.trim_start_matches(&key), outcome.line(case));
        if actual != expected {
            let lines = |text: &str| text.replace("; ", "\n").replace(", ", "\n  ");
            Failure::new("the outcome is not the recorded one")
                .case(title)
                .place(RECORD, *at)
                .diff(&lines(expected), &lines(&actual))
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
    for version in VERSIONS {
        let tests = if version == Version::Fixed { fixed::CASES } else { as_printed::CASES };
        let mut names = Vec::new();
        for program in PROGRAMS {
            let cases = injection::cases(&Target::new(None, version, program));
            names.extend(cases.iter().map(|case| case.test_name(program)));
        }
        tests.assert_are("the port", names);
        tests.assert_are(RECORD, recorded(version).iter().map(|(_, line)| test_name(line)));
    }
}

/// The command: a part of a name chooses cases, and what chooses none is no success.
#[test]
fn make_faults_says_what_it_does() {
    crate::needs_strace!();
    let (status, said, _) = run_make(&["faults", "ARTICLE=", "ONLY=client-socket"]);
    let same = "1 of 1 faults have the same outcome in the port as in the C++";
    assert_eq!(status, 0, "{said}");
    assert!(said.starts_with("Each call of the four programs fails") && said.contains("1/1"), "{said}");
    assert!(
        said.contains(&format!("as printed: {same}")) && said.contains(&format!("fixed: {same}")),
        "{said}"
    );
    let (status, _, why) = run_make(&["faults", "ARTICLE=", "ONLY=no-such"]);
    assert!(status == 2 && why.contains("ONLY=no-such: it is part of no case's name"), "{why}");
    let (status, _, why) = run_make(&["faults", "ARTICLE=", "RECORD=1"]);
    assert!(status == 2 && why.contains("give the article"), "{why}");
}
