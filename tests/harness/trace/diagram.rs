//! Draws a trace as swim lanes: a column a process, time downward, an arrow from a call to the call it brings about.

use std::collections::HashSet;

use crate::harness::text::display_width;
use crate::harness::trace::causality::step_graph;
use crate::harness::trace::graph::{Role, Step, StepGraph};
use crate::harness::trace::parse::Event;

/// The events of one trace, or of several taken at the same time, as a drawing at most `width` columns wide.
pub fn draw(events: &[Event], width: usize, colour: bool) -> String {
    let graph = step_graph(events);
    let lines = lines(&graph);
    let lanes = lanes(&graph, &lines);
    let mut page = Page { graph, lanes, lefts: Vec::new(), width };
    page.lefts = page.lefts(&lines);
    page.rows(&lines).iter().map(|row| row.printed(colour)).collect()
}

/// A line of the drawing: a step, and beside it the step that it brings about, where it is told right after it.
pub type DiagramLine = (usize, Option<usize>);

/// The lines of every form of the drawing, in order.
pub fn lines(graph: &StepGraph) -> Vec<DiagramLine> {
    let steps = &graph.steps;
    let mut shown = graph.order.iter().copied().filter(|&step| !steps[step].log).peekable();
    let mut lines = Vec::new();
    while let Some(step) = shown.next() {
        lines.push((step, shown.next_if(|&next| steps[next].cause == Some(step))));
    }
    lines
}

/// The lane of each process: clients left, then servers, then each child in
/// the first lane that is free when it is born.
pub fn lanes(graph: &StepGraph, lines: &[DiagramLine]) -> Vec<usize> {
    let mut programs: Vec<usize> =
        (0..graph.processes.len()).filter(|&process| graph.is_first(process)).collect();
    programs.sort_by(|&one, &other| {
        graph.processes[one].role.partial_cmp(&graph.processes[other].role).expect("roles compare")
    });
    let mut lanes = vec![0; graph.processes.len()];
    programs.iter().enumerate().for_each(|(lane, &process)| lanes[process] = lane);
    let mut taken: HashSet<usize> = (0..programs.len()).collect();
    for step in lines.iter().map(|&(step, _)| &graph.steps[step]) {
        if let Some(child) = step.made {
            let free = (lanes[step.process] + 1..).find(|&lane| taken.insert(lane));
            lanes[child] = free.expect("there is always another");
        }
        if step.ends {
            taken.remove(&lanes[step.process]);
        }
    }
    lanes
}

/// The sign where a text is cut; `…` is a call that has not returned.
pub const CUT: char = '»';

/// Columns from a lane's line to its words, and from these to the next lane, with an arrow ` ──▶` and without.
const MARGIN: usize = 2;
const ARROW: usize = 4;
const GAP: usize = 1;

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
struct DiagramRow(Vec<(char, &'static str)>);

impl DiagramRow {
    fn put(&mut self, left: usize, text: &str, ink: &'static str) {
        // A wide letter takes a second cell, where nothing is printed.
        let wide = |c: char| display_width(c.encode_utf8(&mut [0; 4])) == 2;
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
        left + MARGIN + display_width(words) + 1
    }

    /// An arrow from one column to another, through the lifelines between them.
    fn arrow(&mut self, from: usize, to: usize, stroke: char, head: char) {
        for cell in self.0.iter_mut().take(from.max(to)).skip(from.min(to)) {
            *cell = if ['│', '┊'].contains(&cell.0) { ('┼', cell.1) } else { (stroke, BOLD) };
        }
        self.put(to, head.encode_utf8(&mut [0; 4]), BOLD);
    }

    fn printed(&self, colour: bool) -> String {
        let end = self.0.iter().rposition(|cell| cell.0 != ' ').map_or(0, |last| last + 1);
        let (mut line, mut ink) = (String::new(), "");
        for &(c, its) in &self.0[..end] {
            if colour && c != ' ' && its != ink {
                line += &format!("\x1b[0;{its}m");
                ink = its;
            }
            line.extend((c != '\0').then_some(c));
        }
        line + if ink.is_empty() { "\n" } else { "\x1b[0m\n" }
    }
}

struct Page {
    graph: StepGraph,
    /// The lane of each process, and where each lane begins.
    lanes: Vec<usize>,
    lefts: Vec<usize>,
    width: usize,
}

impl Page {
    fn step(&self, number: usize) -> &Step {
        &self.graph.steps[number]
    }

    fn lane(&self, step: usize) -> usize {
        self.lanes[self.step(step).process]
    }

    fn left(&self, process: usize) -> usize {
        self.lefts[self.lanes[process]]
    }

    /// The one or two steps of a line, and whether an arrow stands right of their words.
    fn said(&self, (step, effect): DiagramLine) -> impl Iterator<Item = (usize, bool)> {
        let other = effect.or(self.step(step).cause);
        let right = |other| self.lane(other) > self.lane(step);
        let own = self.step(step).made.is_some() || other.is_some_and(right);
        let effects = effect.map(|effect| (effect, self.lane(step) > self.lane(effect)));
        std::iter::once((step, own)).chain(effects)
    }

    /// Where each lane begins, and behind the last where it ends. The widest give way first.
    fn lefts(&self, lines: &[DiagramLine]) -> Vec<usize> {
        let mut widths = vec![0; self.lanes.iter().max().map_or(0, |last| last + 1)];
        let mut need = |lane: usize, words: &str, behind: usize| {
            widths[lane] = widths[lane].max(MARGIN + display_width(words) + behind);
        };
        for (step, arrow) in lines.iter().flat_map(|&line| self.said(line)) {
            need(self.lane(step), &self.step(step).words[0], if arrow { ARROW } else { GAP + 1 });
        }
        let processes = self.graph.processes.iter().zip(&self.lanes);
        for (process, &lane) in processes.filter(|(process, _)| process.role >= Role::Child) {
            need(lane, &process.name, ARROW);
        }
        for (process, &lane) in
            self.graph.processes.iter().zip(&self.lanes).filter(|(process, _)| !process.traced)
        {
            need(lane, &process.name, GAP);
        }
        while widths.iter().sum::<usize>() > self.width {
            let widest = widths.iter_mut().max().filter(|widest| **widest > MARGIN + ARROW + 4);
            let Some(widest) = widest else { break };
            *widest -= 1;
        }
        (0..=widths.len()).map(|lane| widths[..lane].iter().sum()).collect()
    }

    fn rows(&self, lines: &[DiagramLine]) -> Vec<DiagramRow> {
        let processes = &self.graph.processes;
        let mut alive: Vec<bool> =
            (0..processes.len()).map(|process| self.graph.is_first(process)).collect();
        let mut titles = self.lifelines(&[]);
        for (index, process) in processes.iter().enumerate().filter(|(index, _)| alive[*index]) {
            titles.put(self.left(index), &process.name, ink(process.role));
        }
        let mut rows = vec![titles];
        for (number, &line) in lines.iter().enumerate() {
            // What comes from outside opens a paragraph.
            if self.step(line.0).outside && number > 0 {
                rows.push(self.lifelines(&alive));
            }
            rows.push(self.row(line, &mut alive));
        }
        rows
    }

    fn row(&self, (number, effect): DiagramLine, alive: &mut [bool]) -> DiagramRow {
        let step = self.step(number);
        step.made.into_iter().for_each(|child| alive[child] = true);
        let mut row = self.lifelines(alive);
        let mut ends = Vec::new();
        for (step, arrow) in self.said((number, effect)) {
            let Step { process, failed, .. } = *self.step(step);
            let ink = if failed { FAILED } else { ink(self.graph.processes[process].role) };
            ends.push(row.say(self.left(process), &self.words(step, arrow), ink));
        }
        // An effect, or a cause that was told before.
        let arrow = effect.map(|effect| (number, effect, '─'));
        if let Some((from, to, stroke)) = arrow.or(step.cause.map(|cause| (cause, number, '╌'))) {
            let (from, to) = (self.lefts[self.lane(from)], self.lefts[self.lane(to)]);
            if from >= to {
                row.arrow(from, ends[ends.len() - 1], stroke, '◀');
                row.mark(from, '┤');
            } else if effect.is_some() {
                row.arrow(ends[0], to - 1, stroke, '▶');
            } else {
                row.arrow(from + 1, to - 1, stroke, '▶');
                row.mark(from, '├');
            }
        }
        if let Some(child) = step.made {
            let (process, left) = (&self.graph.processes[child], self.left(child));
            row.arrow(ends[0], left - 1, '─', '▶');
            row.mark(left, '┬');
            row.say(left, &process.name, ink(process.role));
        }
        for step in [Some(number), effect].into_iter().flatten().map(|step| self.step(step)) {
            if step.ends {
                alive[step.process] = false;
                row.mark(self.left(step.process), '╵');
            }
        }
        row
    }

    /// A row with the lines of the processes that live.
    fn lifelines(&self, alive: &[bool]) -> DiagramRow {
        let mut row = DiagramRow(vec![(' ', ""); self.width]);
        for (index, _) in alive.iter().enumerate().filter(|(_, alive)| **alive) {
            let process = &self.graph.processes[index];
            row.put(self.left(index), if process.traced { "│" } else { "┊" }, ink(process.role));
        }
        row
    }

    /// The longest words for a step that its lane has room for, beside an arrow or not.
    fn words(&self, step: usize, arrow: bool) -> String {
        let lane = self.lane(step);
        // An arrow may be one stroke shorter than it would like to be.
        let behind = if arrow { ARROW - 1 } else { GAP };
        let room = self.lefts[lane + 1] - self.lefts[lane] - MARGIN - behind;
        let words = &self.step(step).words;
        words.iter().find(|words| display_width(words) <= room).cloned().unwrap_or_else(|| {
            let words = words.last().expect("a step has words");
            // That a call has not returned stays visible.
            let (words, waits) = words.strip_suffix(" …").map_or((&**words, ""), |words| (words, " …"));
            let room = room.saturating_sub(display_width(waits)).max(1);
            let mut cut = words.to_string();
            while display_width(&cut) >= room {
                cut.pop();
            }
            format!("{cut}{CUT}{waits}")
        })
    }
}
