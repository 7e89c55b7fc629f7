//! Every lesson's traces are what `make lesson` shows on a terminal.

use crate::course::runs;
use crate::course::tests::{lesson, names};
use crate::harness::builds::{BUILD_TIMEOUT, exclusive, make_command};
use crate::harness::report::Failure;
use crate::harness::skip::skip;

each_lesson!(shows_what_a_run_shows);

/// The trace blocks of a lesson are what a run shows now, character by character.
fn shows_what_a_run_shows(test: &str) {
    let lesson = lesson(test);
    // The last one grades seven programs.
    let _turn = (lesson.number == 25).then(exclusive);
    let command = ["lesson", &format!("N={}", lesson.number)];
    let mut make = make_command(&command).env("NO_COLOR", "1").terminal(120).start();
    let status = make.wait_timeout(BUILD_TIMEOUT);
    make.screen().wait_until(|_| false);
    let text = make.screen().text().replace('\r', "");
    if status != Some(0) {
        let last: Vec<&str> = text.lines().rev().take(12).collect();
        let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
        Failure::new(format!("make {} has failed: {status:?}", command.join(" "))).note(last).fail();
    }
    let Some((_, remarks)) = text.split_once("\nThe trace in line ") else { return };
    let (mut different, mut lines) = (None, String::new());
    for remark in remarks.split("\nThe trace in line ") {
        let (line, what) = remark.split_once(' ').expect("a number is there");
        if let Some(needs) = what.trim_end().strip_prefix("is as it was recorded: ") {
            skip(&format!("{}:{line}: {needs}", lesson.place()));
            continue;
        }
        different = different.or(line.parse().ok());
        lines += &format!("the block in line {line} {}\n", what.trim_end());
    }
    if let Some(line) = different {
        let failure = Failure::new("the page does not show what a run shows").place(lesson.place(), line);
        failure.note(lines).record(format!("make lessons RECORD=1 N={}", lesson.number)).fail();
    }
}

#[test]
fn each_lesson_is_run_by_a_test() {
    CASES.assert_are("tests/lessons", names());
    assert_eq!(names().len(), runs::COUNT, "lessons, and runs in tests/course/runs/mod.rs");
}
