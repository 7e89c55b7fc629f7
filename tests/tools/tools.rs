//! One program for the Makefile's tools; each tool is a module that says what it is for.

mod compare;
mod faults;
mod grade;
mod lanes;
mod lessons;
mod side_by_side;
#[path = "../support/mod.rs"]
#[allow(dead_code)] // the tests use the rest
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    one_line_at_panic();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (tool, words) = words.split_first().expect("the Makefile names a tool");
    match tool.as_str() {
        "compare" => compare::main(words),
        "faults" => faults::main(words),
        "grade" => grade::main(words),
        "lanes" => lanes::main(words),
        "lesson" => lessons::show(words),
        "lessons" => lessons::list(words),
        "record" => lessons::record(words),
        "side-by-side" => side_by_side::main(words),
        _ => panic!("there is no tool {tool}"),
    }
}

/// A panic's words are one line for the user. A reader that has left, `| head`, needs none.
fn one_line_at_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let words = panic.payload();
        let words = words.downcast_ref().map(String::as_str).or(words.downcast_ref().copied());
        let words = words.unwrap_or("it can't go on");
        if !words.contains("Broken pipe") {
            eprintln!("{words}");
        }
        std::process::exit(2);
    }));
}
