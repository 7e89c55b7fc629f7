//! `make lesson N=3 ASK=1`: the lesson's own question first; Enter shows the answer, then the lesson.

use crate::harness::i18n::chinese;

/// The questions of all lessons; the file says how one is written.
const QUESTIONS: &str = include_str!("questions.txt");

pub struct Question {
    pub number: usize,
    /// In English and in Chinese.
    question: [&'static str; 2],
    answer: [&'static str; 2],
    /// Words of the answer that must not be seen before it.
    pub hidden: Vec<&'static str>,
}

impl Question {
    pub fn text(&self) -> &'static str {
        self.question[usize::from(chinese())]
    }

    /// The question in both languages.
    pub fn shown(&self) -> String {
        self.question.join(" ")
    }

    pub fn answers(&self) -> [&'static str; 2] {
        self.answer
    }

    pub fn answer(&self) -> &'static str {
        self.answer[usize::from(chinese())]
    }
}

/// The questions, in the order of the file.
pub fn all() -> Vec<Question> {
    let mut lines = QUESTIONS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut questions = Vec::new();
    while let Some(head) = lines.next() {
        let number =
            head.parse().unwrap_or_else(|_| panic!("questions.txt: not the number of a lesson: {head}"));
        let mut line =
            || lines.next().unwrap_or_else(|| panic!("questions.txt: lesson {number} has six lines"));
        questions.push(Question {
            number,
            question: [line(), line()],
            answer: [line(), line()],
            hidden: line().split("; ").collect(),
        });
    }
    questions
}
