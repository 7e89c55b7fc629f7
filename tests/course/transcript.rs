//! What a lesson tells a student to type and to look for, read from its page.
//!
//! An `sh` block holds what is typed: `# terminal 2` goes there, `> hello` is a line for the program that
//! runs, `^C` and `^D` are keys, any other `#` is a remark, all else a command for the shell. The `seen`
//! block below it holds what then appears, in order; `...` stands for anything within a line.

use std::collections::BTreeSet;

use crate::course::lessons::{self, Lesson};

/// An `sh` block and what is to be seen then: its `seen` block, or the traces where it runs the lesson.
pub struct Block {
    pub first: usize,
    pub typed: Vec<Line>,
    pub seen: Vec<Line>,
}

/// A line of the page that is typed, or seen, in a terminal.
pub struct Line {
    pub number: usize,
    pub terminal: usize,
    pub text: String,
}

/// The Makefile's, where a command names none.
pub const USUAL_PORT: u16 = 8080;

/// The blocks of a lesson, those under each heading together.
pub fn parts(lesson: &Lesson) -> Vec<Vec<Block>> {
    let mut parts: Vec<Vec<Block>> = Vec::new();
    for block in lessons::blocks(&lesson.text) {
        if block.above.contains("\n## ") {
            parts.push(Vec::new());
        }
        let blocks = parts.last_mut().expect("a heading comes first");
        if block.kind == "sh" {
            let mut typed = lines(&block, 1);
            typed.retain(|line| !line.text.is_empty() && !line.text.starts_with('#'));
            blocks.push(Block { first: block.first, typed, seen: Vec::new() });
        } else if block.kind == "seen" {
            let above = blocks.last_mut().filter(|above| above.seen.is_empty());
            let above = above.unwrap_or_else(|| panic!("{}: seen, and nothing typed", block.first));
            above.seen = lines(&block, last(&above.typed));
        }
    }
    let runs_it = |line: &Line| line.text.starts_with("make lesson N=");
    for block in parts.iter_mut().flatten().filter(|block| block.typed.iter().all(runs_it)) {
        if block.seen.is_empty() {
            let traces = lesson.traces();
            block.seen = traces.iter().flat_map(|trace| lines(trace, last(&block.typed))).collect();
        }
    }
    parts
}

/// Where something was typed last.
fn last(typed: &[Line]) -> usize {
    typed.last().map_or(1, |line| line.terminal)
}

/// The lines of a block, each with the terminal that was named last.
fn lines(block: &lessons::Block, mut terminal: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (text, number) in block.text.lines().zip(block.first + 1..) {
        match text.strip_prefix("# terminal ") {
            // A remark may stand behind it.
            Some(named) => terminal = named[..1].parse().expect("a terminal has a number"),
            None => lines.push(Line { number, terminal, text: text.to_string() }),
        }
    }
    lines
}

impl Line {
    /// What is typed for the program that runs; none if it is a command.
    pub fn keys(&self) -> Option<String> {
        match self.text.as_str() {
            "^C" => Some("\x03".to_string()),
            "^D" => Some("\x04".to_string()),
            text => Some(text.strip_prefix('>')?.trim_start().to_string() + "\n"),
        }
    }
}

impl Block {
    pub fn commands(&self) -> String {
        let commands = self.typed.iter().filter(|line| line.keys().is_none());
        commands.map(|line| line.text.clone() + "\n").collect()
    }
}

/// Whether a line of the screen has what a `seen` line says; how wide a gap is does not matter.
pub fn matches(seen: &str, line: &str) -> bool {
    let spaced = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (seen, line) = (spaced(seen), spaced(line));
    let mut rest = line.as_str();
    seen.split("...").all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// The numbers in a command that are ports.
pub fn ports(command: &str) -> impl Iterator<Item = u16> {
    let numbers = command.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    numbers.filter(|number| (7_000..20_000).contains(number))
}

/// The ports that are typed in some blocks, each with one to take instead: the same, unless somebody has it.
pub fn free_ports(blocks: &[Block], mut is_free: impl FnMut(u16) -> bool) -> Vec<(u16, String)> {
    let commands: String = blocks.iter().map(Block::commands).collect();
    let typed: BTreeSet<u16> = ports(&commands).chain([USUAL_PORT]).collect();
    let instead = |port: u16| {
        // A port that reads the same in both byte orders stays one.
        let step = if port.swap_bytes() == port { 257 } else { 1 };
        let given = (0..100).map(|count| port + count * step).find(|&other| is_free(other));
        let given = given.expect("some port is free");
        // Erratum 1 names a port with its bytes exchanged.
        [(port, given.to_string()), (port.swap_bytes(), given.swap_bytes().to_string())]
    };
    typed.into_iter().flat_map(instead).collect()
}
