//! What a lesson tells a student to type and to look for, read from its page.
//!
//! An `sh` block holds what is typed: `# terminal 2` goes there, `> hello` is a line for the program that
//! runs, `^C`, `^D` and `^Z` are keys, any other `#` is a comment, all else a command for the shell. The
//! `seen` block below it holds what then appears, in order; `...` stands for anything within a line.

use crate::course::lessons::{self, Lesson};
use crate::harness::wrap::pieces;

/// An `sh` block and what is to be seen then: its `seen` block, or the lesson's traces if it runs the lesson.
pub struct TypedBlock {
    pub first: usize,
    pub typed: Vec<TypedLine>,
    pub seen: Vec<TypedLine>,
}

/// A line of the page that is typed, or seen, in a terminal.
pub struct TypedLine {
    pub number: usize,
    pub terminal: usize,
    pub text: String,
}

/// The `PORT` of the pages.
pub const USUAL_PORT: u16 = 8080;

/// The blocks of a lesson, those under each heading together.
pub fn parts(lesson: &Lesson) -> Vec<Vec<TypedBlock>> {
    let mut parts: Vec<Vec<TypedBlock>> = Vec::new();
    for block in lessons::blocks(&lesson.text) {
        if block.above.contains("\n## ") {
            parts.push(Vec::new());
        }
        let blocks = parts.last_mut().expect("a heading precedes the first block");
        if block.kind == "sh" {
            let mut typed = lines(&block, 1);
            typed.retain(|line| !line.text.is_empty() && !line.text.starts_with('#'));
            blocks.push(TypedBlock { first: block.first, typed, seen: Vec::new() });
        } else if block.kind == "seen" {
            let above = blocks.last_mut().filter(|above| above.seen.is_empty());
            let above = above.unwrap_or_else(|| {
                panic!("{}:{}: a seen block without an sh block", lesson.place(), block.first)
            });
            above.seen = lines(&block, last(&above.typed));
        }
    }
    let runs_it = |line: &TypedLine| line.text.starts_with("make lesson N=");
    for block in parts.iter_mut().flatten().filter(|block| block.typed.iter().all(runs_it)) {
        if block.seen.is_empty() {
            let traces = lesson.traces();
            let shown = traces.iter().flat_map(|trace| lines(trace, last(&block.typed)));
            block.seen = shown.flat_map(as_make_shows).collect();
        }
    }
    parts
}

/// `make lesson` wraps a line that is wider than 100 columns.
fn as_make_shows(line: TypedLine) -> Vec<TypedLine> {
    let pieces = pieces(&line.text, 0, 100).into_iter();
    pieces.map(|piece| TypedLine { text: piece.to_string(), ..line }).collect()
}

/// The terminal in which something was typed last.
fn last(typed: &[TypedLine]) -> usize {
    typed.last().map_or(1, |line| line.terminal)
}

/// The lines of a block, each with the terminal that was named last.
fn lines(block: &lessons::Block, mut terminal: usize) -> Vec<TypedLine> {
    let mut lines = Vec::new();
    for (text, number) in block.text.lines().zip(block.first + 1..) {
        match text.strip_prefix("# terminal ") {
            // A comment may follow.
            Some(named) => terminal = named[..1].parse().expect("a terminal has a number"),
            None => lines.push(TypedLine { number, terminal, text: text.to_string() }),
        }
    }
    lines
}

impl TypedLine {
    /// What is typed into the running program; none if it is a command.
    pub fn keys(&self) -> Option<String> {
        match self.text.as_str() {
            "^C" => Some("\x03".to_string()),
            "^D" => Some("\x04".to_string()),
            "^Z" => Some("\x1a".to_string()),
            text => Some(text.strip_prefix('>')?.trim_start().to_string() + "\n"),
        }
    }
}

impl TypedBlock {
    pub fn commands(&self) -> String {
        let commands = self.typed.iter().filter(|line| line.keys().is_none());
        commands.map(|line| line.text.clone() + "\n").collect()
    }
}

/// Whether a line of the screen contains a `seen` line; how many spaces are between words does not matter.
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

/// The port that a command uses, if `PORT` is `base`: `PORT=$((PORT + 1))` or `$PORT`.
pub fn port_of(command: &str, base: u16) -> u16 {
    let after = |mark: &str| command.split_once(mark)?.1.split(|c: char| !c.is_ascii_digit()).next();
    if command.contains("1$PORT") {
        return 10_000 + base;
    }
    if command.contains("PORT / 257") {
        return base / 257 * 257;
    }
    let literal = after("PORT=").and_then(|number| number.parse().ok());
    let further = after("PORT + ").and_then(|number| number.parse::<u16>().ok());
    literal.unwrap_or(base + further.unwrap_or(0))
}

/// Free ports for a part of a lesson: what `PORT` is set to, and each port that the page shows with the one in its place.
pub struct Ports {
    pub base: u16,
    pub shown: Vec<(u16, String)>,
}

impl Ports {
    pub fn free(blocks: &[TypedBlock], mut is_free: impl FnMut(u16) -> bool) -> Self {
        let commands: String = blocks.iter().map(TypedBlock::commands).collect();
        let mut offsets = Vec::from_iter(commands.lines().map(|line| port_of(line, USUAL_PORT)));
        offsets.retain(|port| (USUAL_PORT..USUAL_PORT + 20).contains(port));
        let last = offsets.iter().max().copied().unwrap_or(USUAL_PORT);
        let pairs = |base: u16| {
            let mut pairs: Vec<(u16, u16)> =
                (USUAL_PORT..=last).map(|port| (port, base + port - USUAL_PORT)).collect();
            let computed = |base| [port_of("1$PORT", base), port_of("PORT / 257", base)];
            let computed =
                computed(USUAL_PORT).into_iter().zip(computed(base)).zip(["1$PORT", "PORT / 257"]);
            pairs.extend(computed.filter(|(_, how)| commands.contains(how)).map(|(pair, _)| pair));
            pairs
        };
        // Erratum 1 has no effect on a multiple of 257: lesson 4 needs another port.
        let suits = |base: &u16| base % 257 != 0 && (10_000 + base) % 257 != 0;
        let mut bases = (USUAL_PORT..19_000).step_by(7).filter(suits);
        let base = bases.find(|&base| pairs(base).iter().all(|&(_, port)| is_free(port)));
        let base = base.expect("some ports are free");
        let swapped = |(shown, used): (u16, u16)| [(shown, used), (shown.swap_bytes(), used.swap_bytes())];
        let shown = pairs(base).into_iter().flat_map(swapped);
        Ports { base, shown: shown.map(|(shown, used)| (shown, used.to_string())).collect() }
    }
}
