//! Failure reports: a difference is paired by content, a report is short, and cases are complete.

use crate::harness::cases::Cases;
use crate::harness::diff::{common, unified};
use crate::harness::report::{Failure, during};
use crate::harness::text::{table, without_colours};

/// Lines are paired by what they say, not by their place.
#[test]
fn a_difference_is_paired_by_content() {
    let expected = "socket\nbind\nlisten(3, 5)\naccept\nread\nwrite\nclose\nexited";
    let actual = "socket\nbind\nlisten(3, 6)\naccept\nread\nwrite\nexited";
    let shown = [
        "@@ -1,8 +1,7 @@",
        " socket",
        " bind",
        "-listen(3, 5)",
        "+listen(3, 6)",
        " accept",
        " read",
        " write",
    ];
    assert_eq!(unified(expected, actual), [&shown[..], &["-close", " exited"]].concat());
    assert_eq!(unified(expected, expected), Vec::<String>::new());
    assert_eq!(common(&[1, 2, 3, 4], &[0, 2, 4, 5]), [(1, 1), (3, 2)]);
}

/// A change far from another has a hunk of its own, and a long line is cut where it differs.
#[test]
fn a_long_difference_stays_short() {
    let expected: String = (0..100).map(|line| format!("{line}\n")).collect();
    let actual = expected.replace("\n20\n", "\n").replace("\n90\n", "\n90\nnew\n");
    let shown = unified(&expected, &actual);
    let changed: Vec<&String> = shown.iter().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(changed, ["@@ -18,7 +18,6 @@", "-20", "@@ -89,6 +88,7 @@", "+new"]);
    let long = "a".repeat(1000);
    let shown = unified(&format!("{long}b{long}"), &format!("{long}c{long}"));
    assert!(shown[1].contains('b') && shown[2].contains('c'), "{shown:#?}");
    assert!(shown.iter().all(|line| line.chars().count() < 170), "{shown:#?}");
}

/// A report gives the case, what the test was at, the place, the difference and both commands, in 60 lines.
#[test]
fn a_report_leads_to_the_line() {
    let _during = during("scenario two-at-once, step 3");
    let lines =
        |count: usize, word: &str| (0..count).map(|line| format!("{line} {word}\n")).collect::<String>();
    let failure = Failure::new("the calls differ")
        .case("two-at-once, tcp_server")
        .place("tests/compare/scenarios.txt", 196)
        .process("server")
        .diff("bind\nlisten(3, 5)", "bind\nlisten(3, 6)")
        .record("make compare RECORD=1");
    let expected = "FAILED compare::two: the calls differ
  case: two-at-once, tcp_server
  during: scenario two-at-once, step 3
  at: tests/compare/scenarios.txt:196
  | process: server
  | --- expected
  | +++ actual
  | @@ -1,2 +1,2 @@
  |  bind
  | -listen(3, 5)
  | +listen(3, 6)
  run again: cargo test compare::two -- --exact
  record again: make compare RECORD=1
";
    assert_eq!(failure.text("compare::two"), expected);
    let long = Failure::new(lines(50, "text")).diff(&lines(90, "old"), &lines(90, "new")).text("test");
    assert_eq!(long.lines().count(), 60);
    assert!(long.ends_with("more lines\n  run again: cargo test test -- --exact\n"), "{long}");
}

/// A case without a test, and a test without a case, are each named with the line to write.
#[test]
fn a_missing_case_is_named() {
    let cases = Cases { names: &["no_words", "gone"], file: "tests/x/tests.rs", line: 7 };
    let missing = "add `two_at_once,`: scenarios.txt has this case, and no test runs it";
    let gone = "remove `gone,`: scenarios.txt has no such case";
    assert_eq!(cases.wrong("scenarios.txt", ["no-words", "two-at-once"]), [missing, gone]);
}

/// Columns are as wide as a terminal shows them.
#[test]
fn a_table_is_aligned() {
    let rows = [["名字", "b"], ["a", "cc"]].map(|row| row.map(str::to_string).to_vec());
    assert_eq!(table(&rows), "名字  b\na     cc\n");
    assert_eq!(without_colours("\x1b[31mred\x1b[0m and plain"), "red and plain");
}
