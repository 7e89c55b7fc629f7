//! What is proven of the course: pages show what runs show, can be typed, and say the same in both languages.

/// A test for each lesson, by its number: `lesson_07`.
macro_rules! each_lesson {
    ($run:path) => {
        $crate::cases! { $run:
            lesson_00, lesson_01, lesson_02, lesson_03, lesson_04, lesson_05, lesson_06, lesson_07, lesson_08,
            lesson_09, lesson_10, lesson_11, lesson_12, lesson_13, lesson_14, lesson_15, lesson_16, lesson_17,
            lesson_18, lesson_19, lesson_20, lesson_21, lesson_22, lesson_23, lesson_24, lesson_25, lesson_26, lesson_27, lesson_28,
        }
    };
}

mod ask;
mod beyond;
mod glossary;
mod languages;
mod pages;
mod shown;
mod typed;

use crate::course::lessons::{self, Lesson};

/// The lesson that a test is named after.
fn lesson(test: &str) -> Lesson {
    let number = test.trim_start_matches("lesson_").parse();
    let mut lessons = lessons::all().into_iter();
    let lesson = lessons.find(|lesson| number == Ok(lesson.number));
    lesson.unwrap_or_else(|| panic!("tests/lessons has no page for {test}"))
}

/// The tests' names of all lessons.
fn names() -> Vec<String> {
    lessons::all().iter().map(|lesson| format!("lesson_{:02}", lesson.number)).collect()
}
