//! The lessons as files: Markdown whose ```` ```trace ```` blocks are what a real run showed.

use std::fs;
use std::path::PathBuf;

use super::course::COURSE;
use super::programs::root;

/// How a block begins that a run wrote. With ` article` behind, it needs the article's C++.
const TRACE: &str = "```trace";

pub struct Lesson {
    pub number: usize,
    pub path: PathBuf,
    /// What its title asks.
    pub question: String,
    pub text: String,
}

/// A block of a lesson: its lines in the file, and what they say.
pub struct Block {
    pub first: usize,
    /// It needs the article's C++.
    pub of_article: bool,
    pub text: String,
}

/// All lessons, in order.
pub fn all() -> Vec<Lesson> {
    let directory = root().join("tests/lessons");
    let files = fs::read_dir(&directory).expect("the lessons are there").flatten();
    let mut lessons: Vec<Lesson> = files.filter_map(|file| lesson(file.path())).collect();
    lessons.sort_by_key(|lesson| lesson.number);
    lessons
}

/// The lesson in a file `NN-name.md` whose title is `# N. Question?`
fn lesson(path: PathBuf) -> Option<Lesson> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_suffix(".md")?.split('-').next()?.parse().ok()?;
    let text = fs::read_to_string(&path).expect("it can be read");
    let title = text.lines().next()?.strip_prefix("# ")?;
    let question = title.strip_prefix(&format!("{number}. "))?.to_string();
    Some(Lesson { number, path, question, text })
}

impl Lesson {
    /// The blocks of traces.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if line.starts_with(TRACE) {
                let body = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
                let text = body.fold(String::new(), |text, line| text + line + "\n");
                blocks.push(Block { first: number + 1, of_article: line.ends_with(" article"), text });
            }
        }
        blocks
    }

    /// The lines that the reader is told to type, without remarks.
    pub fn typed(&self) -> Vec<String> {
        let mut typed = Vec::new();
        let mut lines = self.text.lines();
        while lines.any(|line| line == "```sh") {
            typed.extend(lines.by_ref().take_while(|line| *line != "```").map(str::to_string));
        }
        typed.retain(|line| !line.is_empty() && !line.starts_with('#'));
        typed
    }

    /// What a run shows now, block by block. `None` where it needs an article that is not given.
    pub fn run(&self) -> Vec<Option<String>> {
        let run = COURSE.iter().find(|(number, _)| *number == self.number);
        let blocks = run.expect("each lesson has its run").1();
        let whole_lines = |text: String| text.trim_end().to_string() + "\n";
        blocks.into_iter().map(|block| block.map(whole_lines)).collect()
    }

    /// The text with these blocks. What was not measured stays as it was recorded.
    pub fn with(&self, measured: &[Option<String>]) -> String {
        let mut text = String::new();
        let mut measured = measured.iter();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            text = text + line + "\n";
            if line.starts_with(TRACE) {
                let body = lines.by_ref().take_while(|line| *line != "```");
                let recorded = body.fold(String::new(), |text, line| text + line + "\n");
                text += measured.next().and_then(Option::as_ref).unwrap_or(&recorded);
                text += "```\n";
            }
        }
        text
    }
}
