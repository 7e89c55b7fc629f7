//! The lessons as files: Markdown whose ```` ```trace ```` blocks are what a real run showed.

use std::fs;
use std::path::PathBuf;

use crate::course::traces::COURSE;
use crate::harness::builds::root;
use crate::harness::i18n::chinese;

pub struct Lesson {
    pub number: usize,
    pub path: PathBuf,
    /// What its title asks.
    pub question: String,
    pub text: String,
}

/// A block between two fences of a page.
pub struct Block<'a> {
    /// The line of its first fence, from 1, and what stands there: `sh`; `trace`, with what it needs
    /// that a machine may lack: `trace article`, `trace perl`.
    pub first: usize,
    pub kind: &'a str,
    /// What it says, and what the page says above it, from the last block on.
    pub text: &'a str,
    pub above: &'a str,
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
        self.in_chinese().filter(|_| chinese()).unwrap_or(self)
    }

    pub fn in_chinese(&self) -> Option<Lesson> {
        let other = self.path.with_file_name("zh-CN").join(self.path.file_name()?);
        if other.exists() { lesson(other) } else { None }
    }

    /// The blocks of traces.
    pub fn traces(&self) -> Vec<Block<'_>> {
        blocks(&self.text).into_iter().filter(Block::is_trace).collect()
    }

    /// What a run shows now, block by block. `None` where it needs what is not there.
    pub fn run(&self) -> Vec<Option<String>> {
        let blocks = COURSE[self.number]();
        blocks.into_iter().map(|block| Some(block?.trim_end().to_string())).collect()
    }

    /// The text with these blocks. What was not measured stays as it was recorded.
    pub fn with(&self, measured: &[Option<String>]) -> String {
        let mut measured = measured.iter().cloned();
        replaced(&self.text, |block| if block.is_trace() { measured.next().flatten() } else { None })
    }
}

impl Block<'_> {
    fn is_trace(&self) -> bool {
        self.kind.starts_with("trace")
    }
}

/// The blocks of a page.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let pieces: Vec<&str> = page.split("\n```").collect();
    let mut line = 1;
    let mut blocks = Vec::new();
    for pair in pieces.chunks_exact(2) {
        let (above, block) = (pair[0], pair[1]);
        let first = line + above.matches('\n').count() + 1;
        let (kind, text) = block.split_once('\n').unwrap_or((block, ""));
        blocks.push(Block { first, kind, text, above });
        line = first + block.matches('\n').count() + 1;
    }
    blocks
}

/// A page with other texts in its blocks; `None` keeps what is there.
pub fn replaced(page: &str, mut text: impl FnMut(&Block) -> Option<String>) -> String {
    let (_, end) = page.rsplit_once("\n```").unwrap_or(("", page));
    let fenced = blocks(page).into_iter().map(|block| {
        let text = text(&block).unwrap_or(block.text.to_string());
        format!("{}\n```{}\n{text}\n```", block.above, block.kind)
    });
    fenced.collect::<String>() + end
}
