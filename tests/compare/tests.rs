//! The port makes the calls of the article's C++ in every scenario, and no others but for the errata.
//!
//! What the C++ does is recorded in `tests/compare/traces`, so this needs neither g++ nor the article.
//! With `ARTICLE`, the C++ runs each scenario too, and must do what is recorded.

use std::sync::OnceLock;

use crate::article::build::{Built, built, to_run};
use crate::article::{article, listings};
use crate::compare::differences::{Pair, Reason, compared, expected};
use crate::compare::golden::recorded;
use crate::compare::runner::{Implementation, run};
use crate::compare::scenario::{self, FILE, Scenario, load};
use crate::harness::builds::PROGRAMS;
use crate::harness::pool::parallel;
use crate::harness::report::{Failure, end_test};
use crate::harness::skip::skip;
use crate::harness::trace::normalise::Process;

crate::cases! {
    mod fixed: super::calls_fixed;
    mod as_printed: super::calls_as_printed;
    for [
        no_words, three_words, any_address, bad_port, bad_address, no_socket, port_taken, no_setsockopt,
        no_listen, accept_fails, accept_fails_on, two_in_turn, two_at_once, no_fork, no_grandchild,
        no_waitpid, messages, quit, half_close, reset, no_user, full_buffer, control_bytes, nul_within,
        nul_first, no_write, short_write, sigpipe, restart, refused, one_letter, quit_comes, empty_line,
        nul_typed, fits, long_line, unended_line, end_of_input, server_gone, server_resets, conversation,
    ]
}

/// Fixed, the port makes the C++'s calls, but for what the errata change.
fn calls_fixed(name: &str) {
    check(name, false);
}

/// As printed, nothing differs.
fn calls_as_printed(name: &str) {
    check(name, true);
}

/// Runs the scenarios of that name, one for each of its programs.
fn check(name: &str, printed: bool) {
    crate::needs_strace!();
    let mut scenarios = scenario::all();
    scenarios.retain(|scenario| scenario.name.replace('-', "_") == name);
    let port = Implementation::port(printed);
    let as_expected = parallel(2, &scenarios, |scenario| {
        let recorded = recorded(scenario, printed);
        let of_port = rows(&expected(&recorded, !printed, scenario));
        // Both are run, also if the first differs.
        does(scenario, &port, &of_port) & cpp(printed).is_none_or(|cpp| does(scenario, cpp, &recorded))
    });
    if as_expected.contains(&false) {
        end_test();
    }
}

/// Whether the programs do what is expected in a scenario; a report if not.
fn does(scenario: &Scenario, implementation: &Implementation, expected: &[Process]) -> bool {
    let actual = run(scenario, implementation);
    if actual == expected {
        return true;
    }
    let text = |processes: &[Process], name: &str| {
        let process = processes.iter().find(|process| process.name == name);
        process.map_or("(there is no such process)".to_string(), |process| process.rows.join("\n"))
    };
    let mut names: Vec<&String> = expected.iter().chain(&actual).map(|process| &process.name).collect();
    names.dedup();
    let mut failure = Failure::new(format!("{} does not make the expected calls", implementation.name()))
        .case(format!("{scenario}: {}", scenario.says[0]))
        .place(FILE, scenario.line);
    let mut told = Vec::new();
    for name in names {
        let (expected, actual) = (text(expected, name), text(&actual, name));
        if expected != actual && !told.contains(&name) {
            failure = failure.process(name).diff(&expected, &actual);
            told.push(name);
        }
    }
    failure.record("make compare ARTICLE=file RECORD=1, and again with AS_PRINTED=1").print();
    false
}

/// The rows that are expected of the port.
fn rows(pairs: &[Pair]) -> Vec<Process> {
    let process = |Pair { name, lines }: &Pair| {
        let rows = lines.iter().filter_map(|line| line.port.clone()).collect();
        Process { name: name.clone(), rows }
    };
    pairs.iter().map(process).collect()
}

/// The article's C++, where the article is given.
fn cpp(printed: bool) -> Option<&'static Implementation> {
    static BUILT: [OnceLock<Option<Implementation>>; 2] = [const { OnceLock::new() }; 2];
    let build = || {
        let Built { directory, without, .. } =
            built(&article()?, &to_run(printed)).unwrap_or_else(|line| panic!("{line}"));
        assert!(without.is_empty(), "the article's C++ is not complete: {without:?}");
        Some(Implementation { directory, printed, port: false })
    };
    BUILT[usize::from(printed)].get_or_init(build).as_ref()
}

#[test]
fn every_scenario_has_a_test() {
    fixed::CASES.assert_are(FILE, scenario::names());
}

/// A scenario that is written wrongly is named with its line, and no count becomes 0.
#[test]
fn a_wrong_scenario_is_named_with_its_line() {
    const HEAD: &str = "\n== a: b\nc\nfor tcp_server\n    listen\n";
    let why = |rest: &str| load(format!("{HEAD}{rest}").leak()).err().unwrap_or_default();
    assert_eq!(
        why("    hear x \"text\"\n"),
        format!("{FILE}:6: \"hear x \\\"text\\\"\": \"x\" is not a number")
    );
    assert!(why("    hear 1\n").ends_with("a text in quotes is missing"));
    assert!(why("    one says \"a\"*b\n").ends_with("\"b\" is not a number"));
    assert!(why("    herd 1 \"text\"\n").ends_with("there is no such step"));
    assert!(why(HEAD).starts_with(&format!("{FILE}:7: tcp_server, a is in line 2, too")), "{}", why(HEAD));
    assert_eq!(why("    one says \"a\"*1500 \"b: c\"\n"), "");
}

/// Whatever a listing logs appears in the recorded traces.
#[test]
fn every_log_text_is_recorded() {
    let Some(article) = article() else {
        return skip("the C++ in each scenario, and its log texts: no ARTICLE");
    };
    let listings = listings(&article);
    for (program, listing) in
        PROGRAMS.into_iter().zip(["tcpServer.cc", "version one", "version two", "tcpClient.cc"])
    {
        let its = scenario::all().into_iter().filter(|scenario| scenario.program == program);
        let record: String =
            its.flat_map(|scenario| recorded(&scenario, false)).flat_map(|its| its.rows).collect();
        for log in listings.get(listing).split("logMessage(").skip(1) {
            let format = log.split(['"', '%']).nth(1);
            let text =
                format!("| {}", format.unwrap_or_else(|| panic!("{listing}: a log call without a format")));
            assert!(record.contains(&text), "no scenario of {program} comes to this log text: {text}");
        }
    }
}

/// `make compare` explains no other difference: one row more, less, elsewhere or otherwise is marked, in any scenario.
#[test]
fn any_changed_row_is_unexplained() {
    const CHANGES: [fn(&mut Vec<String>, usize); 4] = [
        |rows, row| drop(rows.remove(row)),
        |rows, row| rows.insert(row, rows[row].clone()),
        |rows, row| rows[row] += ", 0",
        |rows, row| rows.swap(row, row.saturating_sub(1)),
    ];
    for (scenario, printed) in
        scenario::all().iter().flat_map(|scenario| [(scenario, false), (scenario, true)])
    {
        let pairs = expected(&recorded(scenario, printed), !printed, scenario);
        // What the port is to do, as if it had done so.
        let port = rows(&pairs);
        let differs = |port: &[Process]| {
            let compared = compared(pairs.clone(), port);
            compared.iter().flat_map(|pair| &pair.lines).any(|line| line.why == Reason::Unexplained)
        };
        assert!(!differs(&port), "{scenario}: what is expected is explained");
        for (process, Process { name, rows }) in port.iter().enumerate() {
            for (row, change) in (0..rows.len()).flat_map(|row| CHANGES.map(|change| (row, change))) {
                let mut changed = port.clone();
                change(&mut changed[process].rows, row);
                assert!(changed == port || differs(&changed), "{scenario}, {name}, row {row}");
            }
        }
    }
}
