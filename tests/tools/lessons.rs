//! `make lessons`: the list, or every trace block written anew. `make lesson N=3`: one lesson, run now.

use std::process::ExitCode;

use crate::support::lanes::colours;
use crate::support::lessons::{self, Lesson};
use crate::support::programs::root;

pub fn main(words: &[String]) -> ExitCode {
    let lessons = lessons::all();
    match words.first().map(String::as_str) {
        None => list(&lessons),
        Some("record") => lessons.iter().for_each(record),
        Some(number) => match lessons.iter().find(|lesson| number.parse() == Ok(lesson.number)) {
            Some(lesson) => show(lesson),
            None => {
                eprintln!("there is no lesson {number}: N=1 to N={}", lessons.len());
                return ExitCode::FAILURE;
            }
        },
    }
    ExitCode::SUCCESS
}

fn list(lessons: &[Lesson]) {
    for lesson in lessons {
        println!("{:2}  {}", lesson.number, lesson.question);
    }
    println!("\nmake lesson N=1 runs the first; tests/lessons/README.md is for the teacher.");
}

/// Writes what a run shows into the lesson's file.
fn record(lesson: &Lesson) {
    let text = lesson.with(&lesson.run());
    let name = lesson.path.file_name().expect("it has one").to_string_lossy();
    if text == lesson.text {
        println!("{name}: as it was");
    } else {
        std::fs::write(&lesson.path, text).expect("the lesson can be written to");
        println!("{name}: written anew");
    }
}

/// Prints the lesson with what a run shows now.
fn show(lesson: &Lesson) {
    let colour = colours();
    let measured = lesson.run();
    let mut ink = "";
    let text = lesson.with(&measured);
    // Folded away in the file, and so here.
    let (shown, _answer) = text.split_once("<details>").expect("a lesson ends with its answer");
    for line in shown.lines() {
        ink = match line {
            "```" => "",
            _ if line.starts_with("```trace") => "36",
            _ if line.starts_with("```") => "33",
            _ => ink,
        };
        match line {
            _ if !colour => println!("{line}"),
            _ if line.starts_with('#') => println!("\x1b[1m{line}\x1b[0m"),
            _ if ink.is_empty() || line.starts_with("```") => println!("{line}"),
            _ => println!("\x1b[{ink}m{line}\x1b[0m"),
        }
    }
    println!("(The answer: {}.)", lesson.path.strip_prefix(root()).unwrap_or(&lesson.path).display());
    for (block, measured) in lesson.blocks().iter().zip(&measured) {
        if measured.is_none() {
            println!(
                "\nThe trace in line {} is as it was recorded: ARTICLE=file.md runs it here.",
                block.first
            );
        } else if measured.as_ref() != Some(&block.text) {
            println!("\nThe trace in line {} is not as it was recorded.", block.first);
        }
    }
}
