//! The lessons as files: Markdown whose ```` ```trace ```` blocks are what a real run showed.

use std::fs;
use std::path::PathBuf;

use super::course::COURSE;
use super::language::chinese;
use super::programs::root;

/// How a block begins that a run wrote. What it needs that a machine may lack stands behind: ` article`, ` perl`.
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
    /// What it needs that a machine may lack: `article`, its C++.
    pub needs: Option<String>,
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

/// The lesson in a file `NN-name.md` with a title `# N. Question?`
fn lesson(path: PathBuf) -> Option<Lesson> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_suffix(".md")?.split('-').next()?.parse().ok()?;
    let text = fs::read_to_string(&path).expect("it can be read");
    let title = text.lines().find_map(|line| line.strip_prefix("# "))?;
    let question = title.strip_prefix(&format!("{number}. "))?.to_string();
    Some(Lesson { number, path, question, text })
}

impl Lesson {
    /// The lesson's page in the user's language, where there is one.
    pub fn translated(self) -> Lesson {
        let name = self.path.file_name().expect("it has one");
        let other = self.path.with_file_name("zh-CN").join(name);
        if !chinese() || !other.exists() { self } else { lesson(other).unwrap_or(self) }
    }

    /// The blocks of traces.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if line.starts_with(TRACE) {
                let body = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
                let text = body.fold(String::new(), |text, line| text + line + "\n");
                let needs = line.split_once(' ').map(|(_, needs)| needs.to_string());
                blocks.push(Block { first: number + 1, needs, text });
            }
        }
        blocks
    }

    /// What a run shows now, block by block. `None` where it needs what is not there.
    pub fn run(&self) -> Vec<Option<String>> {
        let run = COURSE.iter().find(|(number, _)| *number == self.number);
        let blocks = run.expect("each lesson has its run").1();
        let whole_lines = |text: String| text.trim_end().to_string() + "\n";
        blocks.into_iter().map(|block| block.map(whole_lines)).collect()
    }

    /// The text with these blocks. What was not measured stays as it was recorded.
    pub fn with(&self, measured: &[Option<String>]) -> String {
        let mut measured = measured.iter();
        replaced(&self.text, |line| line.starts_with(TRACE), |_| measured.next().cloned().flatten())
    }
}

/// `text` with other bodies in the blocks that begin with such a line; `None` keeps what is there. The body is
/// chosen by the line above the block.
pub fn replaced(
    text: &str,
    begins: impl Fn(&str) -> bool,
    mut body: impl FnMut(&str) -> Option<String>,
) -> String {
    let (mut new, mut above) = (String::new(), "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        new = new + line + "\n";
        if line.starts_with("```") {
            let kept = lines.by_ref().take_while(|line| *line != "```");
            let kept = kept.fold(String::new(), |text, line| text + line + "\n");
            let other = if begins(line) { body(above) } else { None };
            new = new + &other.unwrap_or(kept) + "```\n";
        }
        above = line;
    }
    new
}
