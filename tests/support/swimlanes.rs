//! Draws a trace as swim lanes: a column a process, time downward, an arrow from a call to the call it brings about.

use super::story::{Role, Story, tell};
use super::strace::Event;

pub struct Options {
    /// No line is longer than this many columns.
    pub width: usize,
    pub colour: bool,
    /// Show what is written to the log and to the terminal.
    pub log: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { width: 120, colour: false, log: false }
    }
}

/// The events of one trace, or of several that were taken at the same time, as a drawing.
pub fn draw(events: &[Event], options: &Options) -> String {
    let story = tell(events);
    let lines = lines(&story, options.log);
    let lanes = lanes(&story, &lines);
    let lefts = lefts(&needs(&story, &lines, &lanes), options.width);
    let page = Page { story: &story, lanes, lefts, options };
    page.draw(&lines)
}

/// A line of the drawing: a step, and beside it the step that it brings about.
struct Line {
    step: usize,
    effect: Option<usize>,
}

/// An effect stands beside its cause where it is told right after it.
fn lines(story: &Story, log: bool) -> Vec<Line> {
    let steps = &story.steps;
    let shown = story.order.iter().copied();
    let mut shown = shown.filter(|&step| log || !steps[step].log).peekable();
    let mut lines = Vec::new();
    while let Some(step) = shown.next() {
        let effect = shown.next_if(|&next| steps[next].cause == Some(step));
        lines.push(Line { step, effect });
    }
    lines
}

/// The lane of each process: clients left, then servers, then each child in
/// the first lane that is free when it is born.
fn lanes(story: &Story, lines: &[Line]) -> Vec<usize> {
    let mut lanes = vec![0; story.processes.len()];
    let mut taken = Vec::new();
    for role in [Role::Client, Role::Server] {
        for (index, process) in story.processes.iter().enumerate() {
            if process.role == role && process.parent.is_none() {
                lanes[index] = taken.len();
                taken.push(true);
            }
        }
    }
    for line in lines {
        let step = &story.steps[line.step];
        if let Some(child) = step.made {
            let right = lanes[step.process] + 1..taken.len();
            let free = right.clone().find(|&lane| !taken[lane]);
            lanes[child] = free.unwrap_or(taken.len());
            taken.resize(taken.len().max(lanes[child] + 1), true);
            taken[lanes[child]] = true;
        }
        if step.ends {
            taken[lanes[step.process]] = false;
        }
    }
    lanes
}

/// Columns from a lane's line to its words, and from the words to the next
/// lane, where an arrow ` ──▶` stands there and where none does.
const MARGIN: usize = 2;
const ARROW: usize = 4;
const GAP: usize = 1;

/// How wide each lane would like to be.
fn needs(story: &Story, lines: &[Line], lanes: &[usize]) -> Vec<usize> {
    let mut needs = vec![0; lanes.iter().max().map_or(0, |last| last + 1)];
    for line in lines {
        let own = lanes[story.steps[line.step].process];
        let other = line.effect.map(|effect| lanes[story.steps[effect].process]);
        let makes = story.steps[line.step].made.is_some();
        let mut need = |lane: usize, step: usize, arrow: bool| {
            let words = story.steps[step].words[0].chars().count();
            let behind = if arrow { ARROW } else { GAP + 1 };
            needs[lane] = needs[lane].max(MARGIN + words + behind);
        };
        need(own, line.step, makes || other.is_some_and(|other| other > own));
        if let (Some(effect), Some(other)) = (line.effect, other) {
            need(other, effect, own > other);
        }
        if let Some(child) = story.steps[line.step].made {
            let name = story.processes[child].name.chars().count();
            needs[lanes[child]] = needs[lanes[child]].max(MARGIN + name + ARROW);
        }
    }
    needs
}

/// Where each lane begins, and behind the last where it ends. The widest give way first.
fn lefts(needs: &[usize], width: usize) -> Vec<usize> {
    let mut widths = needs.to_vec();
    while widths.iter().sum::<usize>() > width {
        let widest = widths.iter_mut().max().expect("there is a lane");
        if *widest <= MARGIN + ARROW + 4 {
            break;
        }
        *widest -= 1;
    }
    let mut lefts = vec![0];
    for (lane, width) in widths.iter().enumerate() {
        lefts.push(lefts[lane] + width);
    }
    lefts
}

#[derive(Clone, Copy, PartialEq)]
struct Cell {
    c: char,
    ink: &'static str,
}

/// The colours, as terminals number them.
const BOLD: &str = "1";
const FAILED: &str = "1;31";

fn ink(role: Role) -> &'static str {
    match role {
        Role::Client => "36",
        Role::Server => "33",
        Role::Child => "35",
        Role::Grandchild => "32",
    }
}

/// One line on paper. What is put beyond its end is lost.
struct Row(Vec<Cell>);

impl Row {
    fn put(&mut self, left: usize, text: &str, ink: &'static str) {
        for (column, c) in text.chars().enumerate() {
            if let Some(cell) = self.0.get_mut(left + column) {
                *cell = Cell { c, ink };
            }
        }
    }

    /// Changes the character, not its colour.
    fn mark(&mut self, column: usize, c: char) {
        if let Some(cell) = self.0.get_mut(column) {
            cell.c = c;
        }
    }

    /// A stroke from one column up to another, through the lifelines between them.
    fn stroke(&mut self, from: usize, to: usize, stroke: char) {
        for cell in self.0.iter_mut().take(to).skip(from) {
            match cell.c {
                '│' => cell.c = '┼',
                _ => *cell = Cell { c: stroke, ink: BOLD },
            }
        }
    }

    fn print(&self, drawing: &mut String, colour: bool) {
        let end = self.0.iter().rposition(|cell| cell.c != ' ');
        let mut ink = "";
        for cell in &self.0[..end.map_or(0, |last| last + 1)] {
            if colour && cell.c != ' ' && cell.ink != ink {
                *drawing += &format!("\x1b[0;{}m", cell.ink);
                ink = cell.ink;
            }
            drawing.push(cell.c);
        }
        *drawing += if ink.is_empty() { "\n" } else { "\x1b[0m\n" };
    }
}

struct Page<'a> {
    story: &'a Story,
    /// The lane of each process, and where each lane begins.
    lanes: Vec<usize>,
    lefts: Vec<usize>,
    options: &'a Options,
}

impl Page<'_> {
    fn draw(&self, lines: &[Line]) -> String {
        let mut drawing = String::new();
        let mut alive = vec![false; self.story.processes.len()];
        let mut titles = self.lifelines(&[]);
        for (index, process) in self.story.processes.iter().enumerate() {
            if process.parent.is_none() {
                alive[index] = true;
                titles.put(self.left(index), &process.name, ink(process.role));
            }
        }
        titles.print(&mut drawing, self.options.colour);
        for (number, line) in lines.iter().enumerate() {
            // What comes from outside opens a paragraph.
            if self.story.steps[line.step].outside && number > 0 {
                self.lifelines(&alive).print(&mut drawing, self.options.colour);
            }
            self.line(line, &mut alive).print(&mut drawing, self.options.colour);
        }
        drawing
    }

    fn line(&self, line: &Line, alive: &mut [bool]) -> Row {
        let step = &self.story.steps[line.step];
        let mut row = self.lifelines(alive);
        let left = self.left(step.process);
        if let Some(effect) = line.effect {
            let to = self.left(self.story.steps[effect].process);
            let words = self.words(line.step, left < to);
            row.put(left + MARGIN, &words, self.ink(line.step));
            let answer = self.words(effect, left > to);
            row.put(to + MARGIN, &answer, self.ink(effect));
            if left < to {
                row.stroke(left + MARGIN + words.chars().count() + 1, to - 1, '─');
                row.put(to - 1, "▶", BOLD);
            } else {
                let end = to + MARGIN + answer.chars().count() + 1;
                row.stroke(end, left, '─');
                row.put(end, "◀", BOLD);
                row.mark(left, '┤');
            }
        } else {
            // A cause that was told before: the arrow comes from its lane.
            let from = step.cause.map(|cause| self.left(self.story.steps[cause].process));
            let to_the_right = step.made.is_some() || from.is_some_and(|from| from > left);
            let words = self.words(line.step, to_the_right);
            let end = left + MARGIN + words.chars().count() + 1;
            row.put(left + MARGIN, &words, self.ink(line.step));
            match from {
                Some(from) if from < left => {
                    row.stroke(from + 1, left - 1, '╌');
                    row.mark(from, '├');
                    row.put(left - 1, "▶", BOLD);
                }
                Some(from) => {
                    row.stroke(end, from, '╌');
                    row.put(end, "◀", BOLD);
                    row.mark(from, '┤');
                }
                None => {}
            }
            if let Some(child) = step.made {
                alive[child] = true;
                let process = &self.story.processes[child];
                let left = self.left(child);
                row.stroke(end, left - 1, '─');
                row.put(left - 1, "▶", BOLD);
                row.put(left, "┬ ", ink(process.role));
                row.put(left + MARGIN, &process.name, ink(process.role));
            }
        }
        for step in [Some(line.step), line.effect].into_iter().flatten() {
            let step = &self.story.steps[step];
            if step.ends {
                alive[step.process] = false;
                row.mark(self.left(step.process), '╵');
            }
        }
        row
    }

    fn left(&self, process: usize) -> usize {
        self.lefts[self.lanes[process]]
    }

    fn ink(&self, step: usize) -> &'static str {
        let step = &self.story.steps[step];
        if step.failed { FAILED } else { ink(self.story.processes[step.process].role) }
    }

    /// A row with the lines of the processes that live.
    fn lifelines(&self, alive: &[bool]) -> Row {
        let blank = Cell { c: ' ', ink: "" };
        let mut row = Row(vec![blank; self.options.width]);
        for (index, _) in alive.iter().enumerate().filter(|(_, alive)| **alive) {
            row.put(self.left(index), "│", ink(self.story.processes[index].role));
        }
        row
    }

    /// The longest words for a step that its lane has room for, beside an arrow or not.
    fn words(&self, step: usize, arrow: bool) -> String {
        let step = &self.story.steps[step];
        let lane = self.lanes[step.process];
        // An arrow may be one stroke shorter than it would like to be.
        let behind = if arrow { ARROW - 1 } else { GAP };
        let room = self.lefts[lane + 1] - self.lefts[lane] - MARGIN - behind;
        let fits = |words: &&String| words.chars().count() <= room;
        if let Some(words) = step.words.iter().find(fits) {
            return words.clone();
        }
        let shortest = step.words.last().expect("a step has words");
        let cut: String = shortest.chars().take(room - 1).collect();
        cut + "…"
    }
}
