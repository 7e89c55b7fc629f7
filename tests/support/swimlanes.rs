//! Draws a trace as swim lanes: a column a process, time downward, an arrow from a call to the call it brings about.

use super::language::columns;
use super::story::{Role, Story, tell};
use super::strace::Event;

/// The events of one trace, or of several that were taken at the same time, as a drawing: no line is longer than
/// `width` columns.
pub fn draw(events: &[Event], width: usize, colour: bool) -> String {
    let story = tell(events);
    let lines = lines(&story);
    let lanes = lanes(&story, &lines);
    let lefts = lefts(&needs(&story, &lines, &lanes), width);
    Page { story: &story, lanes, lefts, width, colour }.draw(&lines)
}

/// A line of the drawing: a step, and beside it the step that it brings about.
struct Line {
    step: usize,
    effect: Option<usize>,
}

/// An effect stands beside its cause where it is told right after it.
fn lines(story: &Story) -> Vec<Line> {
    let steps = &story.steps;
    let mut shown = story.order.iter().copied().filter(|&step| !steps[step].log).peekable();
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
            let free = (lanes[step.process] + 1..taken.len()).find(|&lane| !taken[lane]);
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
    let mut need = |lane: usize, words: &str, arrow: bool| {
        let behind = if arrow { ARROW } else { GAP + 1 };
        needs[lane] = needs[lane].max(MARGIN + columns(words) + behind);
    };
    for line in lines {
        let step = &story.steps[line.step];
        let own = lanes[step.process];
        let effect = line.effect.map(|effect| (lanes[story.steps[effect].process], &story.steps[effect]));
        need(own, &step.words[0], step.made.is_some() || effect.is_some_and(|(other, _)| other > own));
        if let Some((other, effect)) = effect {
            need(other, &effect.words[0], own > other);
        }
        if let Some(child) = step.made {
            need(lanes[child], &story.processes[child].name, true);
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
    (0..=widths.len()).map(|lane| widths[..lane].iter().sum()).collect()
}

#[derive(Clone, Copy)]
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
        let mut column = left;
        for c in text.chars() {
            // A wide letter takes a second cell, where nothing is printed.
            for c in std::iter::once(c).chain((columns(c.encode_utf8(&mut [0; 4])) == 2).then_some('\0')) {
                if let Some(cell) = self.0.get_mut(column) {
                    *cell = Cell { c, ink };
                }
                column += 1;
            }
        }
    }

    /// Changes the character, not its colour.
    fn mark(&mut self, column: usize, c: char) {
        if let Some(cell) = self.0.get_mut(column) {
            cell.c = c;
        }
    }

    /// Words beside a lane's line; where an arrow to or from them ends.
    fn say(&mut self, left: usize, words: &str, ink: &'static str) -> usize {
        self.put(left + MARGIN, words, ink);
        left + MARGIN + columns(words) + 1
    }

    /// An arrow from one column to another, through the lifelines between them.
    fn arrow(&mut self, from: usize, to: usize, stroke: char, head: char) {
        for cell in self.0.iter_mut().take(from.max(to)).skip(from.min(to)) {
            match cell.c {
                '│' => cell.c = '┼',
                _ => *cell = Cell { c: stroke, ink: BOLD },
            }
        }
        self.put(to, head.encode_utf8(&mut [0; 4]), BOLD);
    }

    fn print(&self, drawing: &mut String, colour: bool) {
        let end = self.0.iter().rposition(|cell| cell.c != ' ');
        let mut ink = "";
        for cell in &self.0[..end.map_or(0, |last| last + 1)] {
            if colour && cell.c != ' ' && cell.ink != ink {
                *drawing += &format!("\x1b[0;{}m", cell.ink);
                ink = cell.ink;
            }
            drawing.extend((cell.c != '\0').then_some(cell.c));
        }
        *drawing += if ink.is_empty() { "\n" } else { "\x1b[0m\n" };
    }
}

struct Page<'a> {
    story: &'a Story,
    /// The lane of each process, and where each lane begins.
    lanes: Vec<usize>,
    lefts: Vec<usize>,
    width: usize,
    colour: bool,
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
        titles.print(&mut drawing, self.colour);
        for (number, line) in lines.iter().enumerate() {
            // What comes from outside opens a paragraph.
            if self.story.steps[line.step].outside && number > 0 {
                self.lifelines(&alive).print(&mut drawing, self.colour);
            }
            self.line(line, &mut alive).print(&mut drawing, self.colour);
        }
        drawing
    }

    fn line(&self, line: &Line, alive: &mut [bool]) -> Row {
        let step = &self.story.steps[line.step];
        let mut row = self.lifelines(alive);
        let left = self.left(step.process);
        // The other end of an arrow: an effect, or a cause that was told before, and comes from its lane.
        let cause = step.cause.filter(|_| line.effect.is_none());
        let other = line.effect.or(cause).map(|other| self.left(self.story.steps[other].process));
        let to_the_right = step.made.is_some() || other.is_some_and(|other| other > left);
        let end = row.say(left, &self.words(line.step, to_the_right), self.ink(line.step));
        match (line.effect, other) {
            (Some(effect), Some(to)) => {
                let answered = row.say(to, &self.words(effect, left > to), self.ink(effect));
                if left < to {
                    row.arrow(end, to - 1, '─', '▶');
                } else {
                    row.arrow(left, answered, '─', '◀');
                    row.mark(left, '┤');
                }
            }
            (None, Some(from)) if from < left => {
                row.arrow(from + 1, left - 1, '╌', '▶');
                row.mark(from, '├');
            }
            (None, Some(from)) => {
                row.arrow(from, end, '╌', '◀');
                row.mark(from, '┤');
            }
            _ => {}
        }
        if let Some(child) = step.made {
            alive[child] = true;
            let (process, left) = (&self.story.processes[child], self.left(child));
            row.arrow(end, left - 1, '─', '▶');
            row.put(left, "┬ ", ink(process.role));
            row.say(left, &process.name, ink(process.role));
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
        let mut row = Row(vec![blank; self.width]);
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
        if let Some(words) = step.words.iter().find(|words| columns(words) <= room) {
            return words.clone();
        }
        let shortest = step.words.last().expect("a step has words");
        let ends = shortest.char_indices().map(|(end, _)| end);
        let end = ends.take_while(|&end| columns(&shortest[..end]) < room).last();
        format!("{}…", &shortest[..end.unwrap_or(0)])
    }
}
