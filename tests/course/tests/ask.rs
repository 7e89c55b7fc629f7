//! `ASK=1`: each lesson has a question of its own, and nothing that is shown with it contains the answer.

use crate::course::lessons;
use crate::course::{ask, runs};
use crate::harness::builds::make_command;

#[test]
fn each_lesson_has_a_question() {
    assert!(
        ask::all().iter().map(|question| question.number).eq(0..runs::COUNT),
        "questions.txt: one per lesson"
    );
}

/// In both languages, on a terminal: before Enter the title and the question without the answer's words; then the
/// answer with them and the lesson; then the last question, and after Enter its answer from the page.
fn a_lesson_asks(number: usize, language: &str) {
    let lesson = lessons::all().remove(number);
    let chinese = language.starts_with("zh");
    let lesson = if chinese { lesson.in_chinese().expect("a Chinese page") } else { lesson };
    let question = ask::all().remove(number);
    let n = format!("N={number}");
    let mut make = make_command(&["lesson", &n, "ASK=1"]);
    make = make.env("LC_ALL", language).env("NO_COLOR", "1");
    let mut make = make.terminal(160).start();
    let enter = if chinese { "（按回车键看答案。）" } else { "(Enter shows the answer.)" };
    make.screen().wait_for(enter, 1);
    let before = make.screen().text();
    assert!(before.contains(&lesson.title), "{before}");
    for word in &question.hidden {
        assert!(!before.contains(word), "{word:?} is seen before Enter:\n{before}");
    }
    make.type_in(b"\n");
    make.screen().wait_for(enter, 2);
    let (_, answer) = lesson.text.split_once("</summary>").expect("an answer is folded");
    let first = answer.trim_start().lines().next().unwrap_or_default();
    let first: String = first.chars().take(20).collect();
    let shown = make.screen().text();
    assert!(question.hidden.iter().any(|word| shown[before.len()..].contains(word)), "{shown}");
    assert!(!shown.contains(&first), "the last answer is seen before Enter:\n{shown}");
    make.type_in(b"\n");
    assert_eq!(make.wait(), 0);
    make.screen().wait_for(&first, 1);
}

#[test]
fn it_asks_in_english() {
    a_lesson_asks(1, "C");
}

#[test]
fn it_asks_in_chinese() {
    a_lesson_asks(9, "zh_CN.UTF-8");
}

/// Titles are shown with the questions: neither contains a word of the answer.
#[test]
fn no_title_or_question_contains_the_answer() {
    for (question, lesson) in ask::all().iter().zip(lessons::all()) {
        let chinese = lesson.in_chinese().expect("a Chinese page");
        for title in [&lesson.title, &chinese.title] {
            let shown = format!("{title} {}", question.shown());
            for word in &question.hidden {
                assert!(!shown.contains(word), "lesson {}: {word:?} is in: {shown}", lesson.number);
            }
        }
        for (at, answer) in question.answers().iter().enumerate() {
            let has_one = question.hidden.iter().any(|word| answer.contains(word));
            assert!(has_one, "lesson {}: no hidden word is in its answer {at}: {answer}", lesson.number);
        }
    }
}
