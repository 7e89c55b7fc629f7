//! Every lesson's traces are what a run shows, and every lesson has all of its parts.

use std::process::Command;

use crate::support::lessons::{self, Lesson};
use crate::support::programs::root;

/// What a lesson is made of, in order.
const PARTS: [&str; 8] = [
    "## What to type",
    "## What you see",
    "## In the article",
    "## Try",
    "## A question",
    "<details>",
    "<summary>Answer</summary>",
    "</details>",
];

/// Two screens of text, one of what is typed and seen.
const LONGEST: usize = 120;

macro_rules! traces {
    ($($name:ident $number:literal)*) => {$(
        /// The lesson's trace blocks are what a run shows now, character by character.
        #[test]
        fn $name() {
            let lesson = lessons::all().into_iter().find(|lesson| lesson.number == $number);
            run(&lesson.expect("the lesson is there"));
        }
    )*};
}

traces! {
    lesson_01 1 lesson_02 2 lesson_03 3 lesson_04 4 lesson_05 5 lesson_06 6
    lesson_07 7 lesson_08 8 lesson_09 9 lesson_10 10 lesson_11 11 lesson_12 12
    lesson_13 13 lesson_14 14 lesson_15 15 lesson_16 16 lesson_17 17 lesson_18 18
    lesson_19 19 lesson_20 20 lesson_21 21 lesson_22 22 lesson_23 23 lesson_24 24 lesson_25 25
}

fn run(lesson: &Lesson) {
    let (blocks, measured) = (lesson.blocks(), lesson.run());
    assert_eq!(blocks.len(), measured.len(), "{}: blocks", lesson.path.display());
    for (block, measured) in blocks.iter().zip(measured) {
        let Some(measured) = measured else {
            assert!(block.needs.is_some(), "line {}: it needs nothing, and was not measured", block.first);
            continue;
        };
        assert!(
            block.text == measured,
            "{}, line {}\n--- recorded\n{}--- now\n{measured}--- `make lessons RECORD=1` writes it anew",
            lesson.path.display(),
            block.first,
            block.text
        );
    }
}

/// The lessons are numbered from 1 without a gap, and each is run by a test above.
#[test]
fn no_lesson_is_missing() {
    let numbers: Vec<usize> = lessons::all().iter().map(|lesson| lesson.number).collect();
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
}

/// A lesson asks, says what to type, shows a trace, names the article's section, has something to
/// try and a question with its answer folded away, on two screens at most.
#[test]
fn each_lesson_has_all_its_parts() {
    for lesson in lessons::all() {
        let name = lesson.path.display();
        assert!(lesson.question.contains('?'), "{name}: the title asks");
        assert!(!lesson.blocks().is_empty(), "{name}: a trace is shown");
        let mut rest = lesson.text.as_str();
        for part in PARTS {
            let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{name}: {part} in its place"));
            rest = after;
        }
        assert!(lesson.text.lines().count() <= LONGEST, "{name} is longer than two screens");
        let wide = lesson.text.lines().find(|line| line.chars().count() > 110);
        assert_eq!(wide, None, "{name}: a line is too wide");
    }
}

/// What a lesson tells to type exists: the make targets, the programs, and `make lesson` with its own number.
#[test]
fn each_command_exists() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("there is a Makefile");
    let target = |name: &str| makefile.lines().any(|line| line.starts_with(&format!("{name}:")));
    for lesson in lessons::all() {
        let name = lesson.path.display();
        let typed = lesson.typed();
        let live = format!("make lesson N={}", lesson.number);
        assert!(typed.iter().any(|line| line.starts_with(&live)), "{name}: {live}");
        for line in typed {
            let words: Vec<&str> = line.split_whitespace().collect();
            let makes = words.iter().position(|word| *word == "make");
            if let Some(at) = makes {
                assert!(target(words[at + 1]), "{name}: {line}");
            }
            for program in words.iter().filter(|word| word.starts_with("target/release/")) {
                let source = format!("src/bin/{}.rs", program.rsplit('/').next().expect("it has a name"));
                assert!(root().join(source).exists(), "{name}: {line}");
            }
        }
    }
}

/// `make lessons` lists every lesson with its question.
#[test]
fn the_list_has_every_question() {
    let made = Command::new("make").arg("lessons").current_dir(root()).env_remove("MAKEFLAGS").output();
    let list = String::from_utf8(made.expect("make runs").stdout).expect("it is text");
    for lesson in lessons::all() {
        assert!(list.contains(&format!("{:2}  {}", lesson.number, lesson.question)), "{list}");
    }
}
