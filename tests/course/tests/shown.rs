//! Every lesson's traces are what a run shows.

use crate::course::runs;
use crate::course::tests::{lesson, names};
use crate::harness::builds::exclusive;
use crate::harness::report::Failure;

each_lesson!(shows_what_a_run_shows);

/// The trace blocks of a lesson are what a run shows now, character by character.
fn shows_what_a_run_shows(test: &str) {
    let lesson = lesson(test);
    // The last one grades seven programs.
    let _turn = (lesson.number == 25).then(exclusive);
    let (traces, measured) = (lesson.traces(), runs::run(lesson.number));
    let (expected, now) = (traces.len(), measured.len());
    assert_eq!(expected, now, "{}: trace blocks on the page, and of the run", lesson.place());
    let record = format!("make lessons RECORD=1 N={}", lesson.number);
    let mut failure = Failure::new("the page does not show what a run shows").record(record);
    let mut first = None;
    for (trace, measured) in traces.iter().zip(measured) {
        let needs_something = trace.kind.contains(' ');
        let Some(measured) = measured else {
            assert!(needs_something, "{}:{}: not measured", lesson.place(), trace.first);
            continue;
        };
        if trace.text != measured {
            first = first.or(Some(trace.first));
            failure =
                failure.note(format!("the block in line {}", trace.first)).diff(trace.text, &measured);
        }
    }
    if let Some(line) = first {
        failure.place(lesson.place(), line).fail();
    }
}

#[test]
fn each_lesson_is_run_by_a_test() {
    CASES.assert_are("tests/lessons", names());
    assert_eq!(names().len(), runs::COUNT, "lessons, and runs in tests/course/runs/mod.rs");
}
