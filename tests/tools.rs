//! One program for the Makefile's tools: each has a folder, and its entry point in `command.rs`.

#![allow(dead_code)] // the tests use the rest

mod article;
mod compare;
mod course;
mod faults;
mod fuzz;
mod grade;
mod harness;
mod lanes;
mod page;
mod soak;

use std::process::ExitCode;

use crate::harness::report::{failure_is_expected, message};
use crate::harness::tempdir::remove_when_interrupted;

fn main() -> ExitCode {
    print_panics_as_one_line();
    remove_when_interrupted();
    std::panic::catch_unwind(run).unwrap_or(ExitCode::from(2))
}

fn run() -> ExitCode {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let (tool, words) = words.split_first().expect("the Makefile names a tool");
    match tool.as_str() {
        "compare" => status(compare::command::compare(words)),
        "fixed" => status(article::command::fixed(words)),
        "faults" => status(faults::command::faults(words)),
        "fuzz" => status(fuzz::command::fuzz()),
        "grade" => status(grade::command::grade()),
        "lanes" => status(lanes::command::lanes(words)),
        "lesson" => status(course::command::show(words)),
        "lessons" => status(course::command::list(words)),
        "record" => status(course::command::record(words)),
        "page" => status(page::command::page(words)),
        "side-by-side" => status(page::command::side_by_side(words)),
        "soak" => status(soak::command::run()),
        _ => panic!("there is no tool {tool}"),
    }
}

/// 0 if all is as it should be, 1 if not; 2, after the line that says why, if the tool could not tell.
fn status(result: Result<bool, String>) -> ExitCode {
    match result {
        Ok(as_it_should_be) => ExitCode::from(u8::from(!as_it_should_be)),
        Err(line) => {
            eprintln!("{line}");
            ExitCode::from(2)
        }
    }
}

/// A user sees a panic as one line, without Rust's own. A closed pipe, as of `| head`, is no error to report.
fn print_panics_as_one_line() {
    std::panic::set_hook(Box::new(|panic| {
        if failure_is_expected() {
            return;
        }
        let words = message(panic.payload());
        if words.contains("Broken pipe") {
            std::process::exit(2);
        }
        eprintln!("{words}");
    }));
}
