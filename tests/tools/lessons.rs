//! `make lessons`: the list, or every trace block written anew. `make lesson N=3`: one lesson, run now.

use std::process::ExitCode;

use crate::support::lessons::{self, Lesson};
use crate::support::paper::colours;
use crate::support::programs::root;

/// The lesson of that number, all without one; or one line that says which there are.
fn chosen(words: &[String]) -> Result<Vec<Lesson>, ExitCode> {
    let mut lessons = lessons::all();
    let Some(number) = words.first() else { return Ok(lessons) };
    let (first, last) = (lessons[0].number, lessons[lessons.len() - 1].number);
    lessons.retain(|lesson| number.parse() == Ok(lesson.number));
    if lessons.is_empty() {
        eprintln!("there is no lesson {number}: N={first} to N={last}, `make lessons` lists them");
        return Err(ExitCode::FAILURE);
    }
    Ok(lessons)
}

pub fn list(words: &[String]) -> ExitCode {
    let lessons = match chosen(words) {
        Ok(lessons) => lessons,
        Err(status) => return status,
    };
    for lesson in lessons {
        println!("{:2}  {}", lesson.number, lesson.question);
    }
    println!("\nmake lesson N=1 runs the first; tests/lessons/README.md is for the teacher.");
    ExitCode::SUCCESS
}

/// Writes what a run shows into the lessons' files.
pub fn record(words: &[String]) -> ExitCode {
    let lessons = match chosen(words) {
        Ok(lessons) => lessons,
        Err(status) => return status,
    };
    for lesson in lessons {
        let text = lesson.with(&lesson.run());
        let name = lesson.path.file_name().expect("it has one").to_string_lossy();
        if text == lesson.text {
            println!("{name}: as it was");
        } else {
            std::fs::write(&lesson.path, text).expect("the lesson can be written to");
            println!("{name}: written anew");
        }
    }
    ExitCode::SUCCESS
}

/// Prints the lesson with what a run shows now.
pub fn show(words: &[String]) -> ExitCode {
    if words.len() != 1 {
        eprintln!("which lesson? make lesson N=1; `make lessons` lists them");
        return ExitCode::FAILURE;
    }
    match chosen(words) {
        Ok(lessons) => print(&lessons[0]),
        Err(status) => return status,
    }
    ExitCode::SUCCESS
}

fn print(lesson: &Lesson) {
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
