//! What a lesson tells a student to type and to look for, read from its page.
//!
//! An `sh` block holds what is typed: `# terminal 2` goes there, `> hello` is a line for the program that
//! runs, `^C` and `^D` are keys, any other `#` is a remark, all else a command for the shell. The `seen`
//! block below it holds what then appears, in order; `...` stands for anything within a line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::lessons::Lesson;
use super::terminal::CTRL_D;

/// What stands under one `##` of a lesson. Its terminals begin and end with it.
pub struct Part {
    pub blocks: Vec<Block>,
}

/// An `sh` block and the `seen` block below it, if there is one.
#[derive(Default)]
pub struct Block {
    pub first: usize,
    pub typed: Vec<(usize, Typed)>,
    pub seen: Option<Vec<(usize, Seen)>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    Terminal(usize),
    Command(String),
    Line(String),
    Key(u8),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Terminal(usize),
    Text(String),
}

const CTRL_C: u8 = 3;

/// A number in a command that is a port.
pub const PORTS: Range<u16> = 7_000..20_000;

/// The Makefile's, where a command names none.
pub const USUAL_PORT: u16 = 8080;

/// The parts of a lesson in which something is typed.
pub fn parts(lesson: &Lesson) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut lines = lesson.text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((number, line)) = lines.next() {
        let body = lines.by_ref().take_while(|(_, line)| *line != "```");
        match line {
            "```sh" => {
                let typed = body.filter_map(|(number, line)| Some((number, typed(line)?))).collect();
                let part = parts.last_mut().expect("a heading comes first");
                part.blocks.push(Block { first: number, typed, seen: None });
            }
            "```seen" => {
                let seen = body.map(|(number, line)| (number, seen(line))).collect();
                let block = parts.last_mut().and_then(|part| part.blocks.last_mut());
                let block = block.filter(|block| block.seen.is_none());
                block.unwrap_or_else(|| panic!("{number}: seen, and nothing typed")).seen = Some(seen);
            }
            _ if line.starts_with("```") => drop(body.last()),
            _ if line.starts_with("## ") => {
                parts.push(Part { blocks: Vec::new() });
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.blocks.is_empty());
    parts
}

fn typed(line: &str) -> Option<Typed> {
    match line {
        "^C" => Some(Typed::Key(CTRL_C)),
        "^D" => Some(Typed::Key(CTRL_D)),
        ">" => Some(Typed::Line(String::new())),
        "" => None,
        _ if line.starts_with("> ") => Some(Typed::Line(line[2..].to_string())),
        _ if line.starts_with('#') => terminal(line).map(Typed::Terminal),
        _ => Some(Typed::Command(line.to_string())),
    }
}

fn seen(line: &str) -> Seen {
    terminal(line).map_or_else(|| Seen::Text(line.to_string()), Seen::Terminal)
}

/// The number in `# terminal 2`; a remark may stand behind it.
fn terminal(line: &str) -> Option<usize> {
    let number = line.strip_prefix("# terminal ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
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

impl Part {
    /// The ports that are typed, each with one to take instead: the same, unless somebody has it.
    pub fn ports(&self, mut is_free: impl FnMut(u16) -> bool) -> BTreeMap<u16, u16> {
        let commands = self.blocks.iter().flat_map(|block| &block.typed);
        let commands = commands.filter_map(|(_, typed)| match typed {
            Typed::Command(command) => Some(command.as_str()),
            _ => None,
        });
        let words = commands.flat_map(|command| command.split(|c: char| !c.is_ascii_digit()));
        let mut numbers: BTreeSet<u16> = words.filter_map(|word| word.parse().ok()).collect();
        numbers.insert(USUAL_PORT);
        let mut ports: BTreeMap<u16, u16> = BTreeMap::new();
        for port in numbers.into_iter().filter(|number| PORTS.contains(number)) {
            let taken = |other: &u16| ports.values().any(|given| given == other);
            // A port that reads the same in both byte orders stays one.
            let step = if port.swap_bytes() == port { 257 } else { 1 };
            let mut others = (0..100).map(|count| port + count * step);
            let given = others.find(|other| is_free(*other) && !taken(other)).expect("some port is free");
            ports.insert(port, given);
        }
        // Erratum 1 names a port with its bytes exchanged.
        let swapped: Vec<_> =
            ports.iter().map(|(port, given)| (port.swap_bytes(), given.swap_bytes())).collect();
        for (port, given) in swapped {
            ports.entry(port).or_insert(given);
        }
        ports
    }
}
