//! The lessons as Markdown pages: their titles, their blocks, and pages with other text in the blocks.

use std::fs;
use std::path::PathBuf;

use crate::harness::builds::root;
use crate::harness::i18n::chinese;

pub struct Lesson {
    pub number: usize,
    pub path: PathBuf,
    pub title: String,
    pub text: String,
}

/// A block between two fences of a page.
pub struct Block<'a> {
    /// The line of its first fence, from 1.
    pub first: usize,
    /// What the fence says: `sh`, `seen`, `trace`; `trace perl` if the run needs something that may be missing.
    pub kind: &'a str,
    pub text: &'a str,
    /// The text between the block before and this one.
    pub above: &'a str,
}

/// All lessons, in order.
pub fn all() -> Vec<Lesson> {
    let directory = root().join("tests/lessons");
    let files = fs::read_dir(&directory).expect("tests/lessons can be listed").flatten();
    let mut lessons: Vec<Lesson> = files.filter_map(|file| lesson(file.path())).collect();
    lessons.sort_by_key(|lesson| lesson.number);
    lessons
}

/// The lesson in a file `NN-name.md` with a title `# N. Title`.
fn lesson(path: PathBuf) -> Option<Lesson> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_suffix(".md")?.split('-').next()?.parse().ok()?;
    let text = fs::read_to_string(&path).expect("a lesson is UTF-8 text");
    let title = text.lines().find_map(|line| line.strip_prefix(&format!("# {number}. ")))?.to_string();
    Some(Lesson { number, path, title, text })
}

impl Lesson {
    /// The page from the project's directory: `tests/lessons/07-fork.md`.
    pub fn place(&self) -> String {
        self.path.strip_prefix(root()).unwrap_or(&self.path).display().to_string()
    }

    /// The lesson's page in the user's language, where there is one.
    pub fn translated(self) -> Lesson {
        self.in_chinese().filter(|_| chinese()).unwrap_or(self)
    }

    pub fn in_chinese(&self) -> Option<Lesson> {
        let other = self.path.with_file_name("zh-CN").join(self.path.file_name()?);
        if other.exists() { lesson(other) } else { None }
    }

    /// The blocks that a run writes.
    pub fn traces(&self) -> Vec<Block<'_>> {
        blocks(&self.text).into_iter().filter(Block::is_trace).collect()
    }

    /// The text with these traces. What was not measured stays as it was recorded.
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
