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

/// A line of the drawing: a step, and beside it the step that it brings about, where it is told right after it.
type Line = (usize, Option<usize>);

fn lines(story: &Story) -> Vec<Line> {
    let steps = &story.steps;
    let mut shown = story.order.iter().copied().filter(|&step| !steps[step].log).peekable();
    let mut lines = Vec::new();
    while let Some(step) = shown.next() {
        lines.push((step, shown.next_if(|&next| steps[next].cause == Some(step))));
    }
    lines
}

/// The lane of each process: clients left, then servers, then each child in
/// the first lane that is free when it is born.
fn lanes(story: &Story, lines: &[Line]) -> Vec<usize> {
    let mut lanes = vec![0; story.processes.len()];
    let of = |role| (0..lanes.len()).filter(move |&process| story.processes[process].role == role);
    let programs: Vec<usize> = of(Role::Client).chain(of(Role::Server)).collect();
    let mut taken = vec![true; programs.len()];
    programs.into_iter().enumerate().for_each(|(lane, process)| lanes[process] = lane);
    for step in lines.iter().map(|&(step, _)| &story.steps[step]) {
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
    for &(step, effect) in lines {
        let (step, effect) = (&story.steps[step], effect.map(|effect| &story.steps[effect]));
        let (own, other) = (lanes[step.process], effect.map(|effect| lanes[effect.process]));
        need(own, &step.words[0], step.made.is_some() || other.is_some_and(|other| other > own));
        if let Some((effect, other)) = effect.zip(other) {
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

/// One line on paper: characters, each with its colour. What is put beyond its end is lost.
struct Row(Vec<(char, &'static str)>);

impl Row {
    fn put(&mut self, left: usize, text: &str, ink: &'static str) {
        // A wide letter takes a second cell, where nothing is printed.
        let wide = |c: char| columns(c.encode_utf8(&mut [0; 4])) == 2;
        let cells = text.chars().flat_map(|c| std::iter::once(c).chain(wide(c).then_some('\0')));
        self.0.iter_mut().skip(left).zip(cells).for_each(|(cell, c)| *cell = (c, ink));
    }

    /// Changes the character, not its colour.
    fn mark(&mut self, column: usize, c: char) {
        self.0.get_mut(column).into_iter().for_each(|cell| cell.0 = c);
    }

    /// Words beside a lane's line; where an arrow to or from them ends.
    fn say(&mut self, left: usize, words: &str, ink: &'static str) -> usize {
        self.put(left + MARGIN, words, ink);
        left + MARGIN + columns(words) + 1
    }

    /// An arrow from one column to another, through the lifelines between them.
    fn arrow(&mut self, from: usize, to: usize, stroke: char, head: char) {
        for cell in self.0.iter_mut().take(from.max(to)).skip(from.min(to)) {
            *cell = if cell.0 == '│' { ('┼', cell.1) } else { (stroke, BOLD) };
        }
        self.put(to, head.encode_utf8(&mut [0; 4]), BOLD);
    }

    fn print(&self, drawing: &mut String, colour: bool) {
        let end = self.0.iter().rposition(|cell| cell.0 != ' ').map_or(0, |last| last + 1);
        let mut ink = "";
        for &(c, its) in &self.0[..end] {
            if colour && c != ' ' && its != ink {
                *drawing += &format!("\x1b[0;{its}m");
                ink = its;
            }
            drawing.extend((c != '\0').then_some(c));
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
        for (number, &line) in lines.iter().enumerate() {
            // What comes from outside opens a paragraph.
            if self.story.steps[line.0].outside && number > 0 {
                self.lifelines(&alive).print(&mut drawing, self.colour);
            }
            self.line(line, &mut alive).print(&mut drawing, self.colour);
        }
        drawing
    }

    fn line(&self, (number, effect): Line, alive: &mut [bool]) -> Row {
        let step = &self.story.steps[number];
        let mut row = self.lifelines(alive);
        let left = self.left(step.process);
        // The other end of an arrow: an effect, or a cause that was told before, and comes from its lane.
        let other = effect.or(step.cause).map(|other| self.left(self.story.steps[other].process));
        let to_the_right = step.made.is_some() || other.is_some_and(|other| other > left);
        let end = row.say(left, &self.words(number, to_the_right), self.ink(number));
        match (effect, other) {
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
        for step in [Some(number), effect].into_iter().flatten() {
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
        let mut row = Row(vec![(' ', ""); self.width]);
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
        let mut words = step.words.last().expect("a step has words").clone();
        while columns(&words) >= room.max(1) {
            words.pop();
        }
        words + "…"
    }
}
