//! Proves that the port makes the calls of the article's C++, and no others, as printed and fixed: a test for each scenario.
//!
//! What the C++ does is recorded in `traces/`, so this needs neither g++ nor the article. Where `ARTICLE` is given,
//! the C++ runs too and is held to the record.

use std::sync::OnceLock;

use super::golden::{merged, recorded, version_of};
use super::runner::{Implementation, run, run_as_far_as_possible};
use super::scenario::{FILE, Scenario, parse, scenarios};
use crate::article::build::{Recipe, VERSIONS, Version, build};
use crate::article::{Listings, article, fixes};
use crate::harness::builds::{PROGRAMS, make_command, root, run_make};
use crate::harness::lockstep::session::{LockstepSession, LockstepStep, SERVER};
use crate::harness::pool::parallel;
use crate::harness::process::wait::TIMEOUT;
use crate::harness::report::{Failure, end_test};
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;
use crate::harness::trace::normalise::Process;

crate::cases! {
    mod as_printed: super::as_printed_calls;
    mod fixed: super::fixed_calls;
    for [
        accept_fails, accept_fails_again, accept_fails_on, any_address, bad_address, bad_port, both_bad,
        bye, control_bytes, session, empty_line, end_of_input, fits, four_left, full_buffer,
        half_close, long_line, messages, no_fork, no_grandchild, no_listen, no_setsockopt, no_socket,
        no_user, no_waitpid, no_words, no_write, not_quit, nul_first, nul_typed, nul_within, one_letter,
        port_taken, quit, quit_comes, refused, reset, restart, server_gone, server_resets, short_write,
        sigpipe, three_words, two_at_once, two_in_turn, unended_line,
        unended_line_server_gone,
    ]
}

fn as_printed_calls(name: &str) {
    play(name, Version::AsPrinted);
}

fn fixed_calls(name: &str) {
    play(name, Version::Fixed);
}

/// The list above has a test for each scenario.
#[test]
fn each_scenario_is_a_test() {
    let mut names: Vec<String> = scenarios().into_iter().map(|scenario| scenario.name).collect();
    names.sort();
    names.dedup();
    fixed::CASES.assert_are(FILE, names);
}

/// The port, and the C++ where it is given.
fn subjects(version: Version) -> &'static [Implementation] {
    static SUBJECTS: [OnceLock<Vec<Implementation>>; 2] = [const { OnceLock::new() }; 2];
    SUBJECTS[version as usize].get_or_init(|| {
        let mut subjects = vec![Implementation::port(version)];
        if let Some(article) = article() {
            let name = match version {
                Version::AsPrinted => "the article's C++, as printed",
                Version::Fixed => "the article's C++, corrected",
            };
            let cpp = Implementation::cpp(&article, version.errata(), name);
            let (cpp, without) = cpp.unwrap_or_else(|why| panic!("{why}"));
            assert!(without.is_empty(), "the article's C++ is not complete: {without:?}");
            subjects.push(cpp);
        }
        subjects
    })
}

/// Runs the scenarios of a name, in Rust's spelling, with all programs that play them, and holds them to the record.
fn play(name: &str, version: Version) {
    crate::needs_strace!();
    let mut all = scenarios();
    all.retain(|scenario| scenario.name.replace('-', "_") == name);
    let mut runs = Vec::new();
    for scenario in &all {
        runs.extend(subjects(version).iter().map(|subject| (scenario, subject)));
    }
    let failures = parallel(2, &runs, |(scenario, subject)| {
        let expected = recorded(scenario, version).unwrap_or_else(|why| panic!("{why}"));
        let (actual, stopped) = run_as_far_as_possible(scenario, subject);
        match (failure(scenario, subject.name, &expected, &actual), stopped) {
            (failure, None) => failure,
            (Some(failure), Some(step)) => Some(failure.note(format!("it went no further than {step}"))),
            (None, Some(step)) => {
                let failure = Failure::new(format!("a step cannot be done: {step}"));
                Some(failure.case(format!("{scenario}, {}", subject.name)).place(FILE, scenario.line))
            }
        }
    });
    let failures: Vec<Failure> = failures.into_iter().flatten().collect();
    failures.iter().for_each(Failure::print);
    if !failures.is_empty() {
        end_test();
    }
}

/// The report of a difference, if there is one.
fn failure(
    scenario: &Scenario,
    subject: &str,
    expected: &[Process],
    actual: &[Process],
) -> Option<Failure> {
    if expected == actual {
        return None;
    }
    let mut failure = Failure::new("the calls are not those that are recorded of the C++")
        .case(format!("{scenario}, {subject}"))
        .place(FILE, scenario.line)
        .record("make compare ARTICLE=file RECORD=1");
    let text = |processes: &[Process], name: &str| {
        let its = processes.iter().find(|process| process.name == name);
        its.map_or(String::new(), |process| process.rows.join("\n"))
    };
    let mut names: Vec<&str> = expected.iter().map(|process| process.name.as_str()).collect();
    names.extend(
        actual
            .iter()
            .map(|process| process.name.as_str())
            .filter(|name| expected.iter().all(|other| other.name != *name)),
    );
    for name in names {
        let (expected, actual) = (text(expected, name), text(actual, name));
        if expected != actual {
            failure = failure.process(name).diff(&expected, &actual);
        }
    }
    Some(failure)
}

/// A row more, less, elsewhere or changed is reported, in any scenario.
#[test]
fn every_changed_row_is_reported() {
    const CHANGES: [fn(&mut Vec<String>, usize); 4] = [
        |rows, row| drop(rows.remove(row)),
        |rows, row| rows.insert(row, rows[row].clone()),
        |rows, row| rows[row] += ", 0",
        |rows, row| rows.swap(row, row.saturating_sub(1)),
    ];
    for scenario in &scenarios() {
        for version in VERSIONS {
            let record = recorded(scenario, version).unwrap_or_else(|why| panic!("{why}"));
            assert!(failure(scenario, "", &record, &record).is_none());
            for (process, Process { name, rows }) in record.iter().enumerate() {
                for (row, change) in (0..rows.len()).flat_map(|row| CHANGES.map(|change| (row, change))) {
                    let mut changed = record.clone();
                    change(&mut changed[process].rows, row);
                    let is_reported = failure(scenario, "", &record, &changed).is_some();
                    assert!(changed == record || is_reported, "{scenario}, {name}, row {row}");
                }
            }
        }
    }
}

/// Both versions are kept in one file, each line once, and come back as they were.
#[test]
fn both_versions_are_in_one_file() {
    let process = |name: &str, rows: &str| Process {
        name: name.to_string(),
        rows: rows.split(' ').map(str::to_string).collect(),
    };
    let printed = vec![process("server", "a b c"), process("child 1", "d")];
    let fixed = vec![process("server", "x a c")];
    let text = merged(&[printed.clone(), fixed.clone()]);
    assert_eq!(text, "  server\n+     x\n      a\n-     b\n      c\n- child 1\n-     d\n");
    assert_eq!(version_of(text.lines(), Version::AsPrinted), printed);
    assert_eq!(version_of(text.lines(), Version::Fixed), fixed);
}

/// A mistake in a scenario is reported with its line.
#[test]
fn a_mistake_in_a_scenario_is_reported() {
    let says =
        |steps: &str| parse(&format!("text\n\n== name: title\n标题\nfor tcp_client\n{steps}\n")).err();
    assert_eq!(says("    types 1 \"a: b\\n\"\n    with 8: hear 2 \"x\""), None);
    for (steps, why) in [
        ("    types x \"a\"", "6: x: not a number: \"types x \\\"a\\\"\""),
        ("    ends-itself\n    ends", "7: only in lockstep: \"ends\""),
        ("    hear 1", "6: it needs a text in quotes: \"hear 1\""),
        ("    server takes 0x10", "6: 0x10: not a number: \"server takes 0x10\""),
        ("    port: ends-itself", "6: port: neither `with N` nor `without N`: \"port: ends-itself\""),
        ("    server says \"a\"*b", "6: b: not a number: \"server says \\\"a\\\"*b\""),
        ("ends-itself", "6: a step is indented: \"ends-itself\""),
    ] {
        assert_eq!(says(steps), Some(format!("{FILE}:{why}")));
    }
    assert!(
        parse("== name: title\n标题\nfor nobody\n")
            .is_err_and(|why| why.starts_with(&format!("{FILE}:3: ")))
    );
}

/// The scenarios reach every line that a listing logs, as printed and corrected.
#[test]
fn every_log_line_is_reached() {
    let Some(article) = article() else { return skip("log lines that no scenario reaches: no ARTICLE") };
    let listings = Listings::read(&article).unwrap_or_else(|why| panic!("{why}"));
    let all = scenarios();
    for version in VERSIONS {
        let fixed = fixes::apply(&listings, &version.errata());
        for (program, listing) in
            PROGRAMS.into_iter().zip(["tcpServer.cc", "version one", "version two", "tcpClient.cc"])
        {
            let its = all.iter().filter(|scenario| scenario.program == program);
            let record: String = its
                .flat_map(|scenario| recorded(scenario, version).expect("it is recorded"))
                .flat_map(|its| its.rows)
                .collect();
            for log in fixed.text(listing).expect("the copy has it").split("logMessage(").skip(1) {
                let text = format!("| {}", log.split(['"', '%']).nth(1).expect("it has a format"));
                assert!(record.contains(&text), "{program}, {version:?}: no scenario reaches {text}");
            }
        }
    }
}

/// The corrected C++ has no undefined behaviour in any scenario that its sanitizers see.
#[test]
fn sanitizers_report_nothing() {
    let Some(article) = article() else { return skip("the sanitizers: no ARTICLE") };
    crate::needs_strace!();
    let listings = Listings::read(&article).unwrap_or_else(|why| panic!("{why}"));
    let directory = root().join("target/article/sanitized");
    let options = &["-O1", "-g", "-w", "-fsanitize=address,undefined"];
    let recipe = Recipe { directory, names: PROGRAMS, options, only: None };
    let built = build(&article, &listings, &fixes::all(), &recipe).unwrap_or_else(|why| panic!("{why}"));
    assert!(built.without.is_empty(), "{:?}", built.without);
    let subject =
        Implementation { directory: built.directory, fixed: fixes::all(), name: "the C++, sanitized" };
    let mut scenarios = scenarios();
    // The sanitizers write something themselves: faults of the nth `write` would be of another.
    scenarios.retain(|scenario| scenario.settings.faults.iter().all(|fault| !fault.starts_with("write")));
    let reports = parallel(4, &scenarios, |scenario| {
        let processes = run(scenario, &subject);
        let rows = processes.into_iter().flat_map(|process| process.rows);
        let is_report = |row: &String| row.contains("Sanitizer") || row.contains("runtime error");
        rows.filter(is_report).map(|row| format!("{scenario}: {row}")).collect::<Vec<String>>()
    });
    assert_eq!(reports.concat(), Vec::<String>::new());
}

/// The command: what it compares, and what it says where it compares nothing.
#[test]
fn make_compare_says_what_it_does() {
    crate::needs_strace!();
    let (status, said, _) = run_make(&["compare", "ARTICLE=", "ONLY=port-tak"]);
    let totals: Vec<&str> = said.lines().rev().take(2).collect();
    assert_eq!(status, 0, "{said}");
    assert!(
        totals[0].starts_with("3 scenarios, fixed: ")
            && totals[0].ends_with(" rows the same, 0 unexplained")
    );
    assert!(totals[1].starts_with("3 scenarios, as printed: "), "{said}");

    let says = |words: &[&str], line: &str| {
        let (status, said, why) = run_make(&[&["compare", "ARTICLE="], words].concat());
        let first = why.lines().next().unwrap_or_default();
        assert!(status == 2 && first.starts_with(line), "{words:?}: {status}, {why}");
        assert!(!said.contains("unexplained"), "{said}");
    };
    says(&["ONLY=no-such"], "ONLY=no-such: it is part of none of: ");
    says(&["RECORD=1"], "give the article, ARTICLE=file: ");
    says(&["RECORD=1", "ONLY=quit"], "RECORD=1 records all: without ONLY");
    says(&["ERRATUM=18"], "ERRATUM=18: it is 1 to 17");
    says(&["ERRATUM=13"], "give the article, ARTICLE=file: ");

    // Where strace may not trace, nothing is a success.
    let desk = TempDir::empty();
    desk.script("strace", "echo 'strace: PTRACE_TRACEME: Operation not permitted' >&2; exit 1");
    let path = format!("{}:{}", desk.display(), std::env::var("PATH").unwrap_or_default());
    let mut make = make_command(&["compare", "ARTICLE=", "ONLY=quit"]).env("PATH", path).start();
    let status = make.wait_timeout(15 * TIMEOUT).expect("make ends");
    let why = make.stderr.all().join("\n");
    assert!(status == 2 && why.starts_with("strace may not trace here (strace: PTRACE_TRACEME"), "{why}");
}

/// One fix beside the article as printed: its rows are marked, also where the program dies without it.
#[test]
fn one_fix_is_compared_with_the_article() {
    crate::needs_strace!();
    let Some(article) = article() else { return skip("one fix beside the article: no ARTICLE") };
    let article = format!("ARTICLE={}", article.display());
    let (status, said, why) = run_make(&["compare", &article, "ERRATUM=2", "ONLY=short-write"]);
    assert_eq!((status, why.as_str()), (0, ""), "{said}");
    for row in ["   2 --- SIGSEGV ---", "| close(4) = 0", "as printed, it went no further than"] {
        assert!(said.contains(row), "no {row:?} in\n{said}");
    }
}

/// What `make fuzz` prints of a session is a scenario.
#[test]
fn a_session_in_lockstep_is_a_scenario() {
    let of_a_server = vec![
        LockstepStep::Connects("a"),
        LockstepStep::Sends("a", b"x\0\xff\"\n".repeat(7)),
        LockstepStep::Reads("a"),
        LockstepStep::Stop,
        LockstepStep::Continue,
        LockstepStep::ClosesHalf("a"),
        LockstepStep::Connects("b"),
        LockstepStep::Resets("b"),
        LockstepStep::Leaves("a"),
    ];
    let of_the_client = vec![
        LockstepStep::Types(b"\xe4\xbd\xa0\n".to_vec()),
        LockstepStep::Sends(SERVER, [b'a'; 2000].to_vec()),
        LockstepStep::EndsInput,
    ];
    for (program, steps) in [("tcp_server_fork", of_a_server), ("tcp_client", of_the_client)] {
        let session = LockstepSession { name: "seed-7".to_string(), program, steps };
        let scenarios = parse(&session.to_string()).expect("the language is the same");
        assert_eq!(scenarios[0].lockstep(), Some(Ok(session)));
    }
    let wrong = "== n: n\nn\nfor tcp_client\n    lockstep\n    called\n    hear 1 \"x\"\n    ends\n";
    let why = parse(wrong).err().unwrap_or_default();
    assert_eq!(why, "tests/compare/scenarios.txt:6: not in lockstep: hear 1 \"x\"");
}
