//! The sequence diagram as SVG: the lines of `diagram.rs` in the same order, as text that can be selected.

use crate::harness::text::display_width;
use crate::harness::trace::causality::step_graph;
use crate::harness::trace::diagram::{DiagramLine, lanes, lines};
use crate::harness::trace::graph::{Lifeline, Role, StepGraph};
use crate::harness::trace::parse::Event;

/// The rules for the classes of a diagram. The page has the same variables in its own colours.
const STYLE: &str = include_str!("diagram.css");

/// Pixels: a character of the font, a line, from a lifeline to its text, and an arrow's shortest length.
const CHARACTER: usize = 8;
const LINE: usize = 21;
const MARGIN: usize = 9;
const ARROW: usize = 40;

/// A file of its own.
pub fn standalone(events: &[Event]) -> String {
    inline(events).replacen('>', &format!(">\n<style>\n{STYLE}</style>"), 1)
}

/// A part of a page, which has the rules for its classes.
pub fn inline(events: &[Event]) -> String {
    let graph = step_graph(events);
    let lines = lines(&graph);
    let lanes = lanes(&graph, &lines);
    let mut drawing = Drawing { lefts: Vec::new(), begun: Vec::new(), lanes, graph, svg: String::new() };
    drawing.lefts = drawing.lefts(&lines);
    drawing.draw(&lines)
}

struct Drawing {
    graph: StepGraph,
    lanes: Vec<usize>,
    /// Where each lane begins, and where the last one ends.
    lefts: Vec<usize>,
    /// Where the lifeline of each process begins.
    begun: Vec<usize>,
    svg: String,
}

impl Drawing {
    fn lefts(&self, lines: &[DiagramLine]) -> Vec<usize> {
        let mut widths = vec![0; self.lanes.iter().max().map_or(0, |last| last + 1)];
        for (process, &lane) in self.graph.processes.iter().zip(&self.lanes) {
            widths[lane] = widths[lane].max(display_width(&process.name) * CHARACTER + ARROW);
        }
        for step in lines.iter().flat_map(|&(step, effect)| [Some(step), effect]).flatten() {
            let lane = self.lanes[self.graph.steps[step].process];
            let text = display_width(&self.graph.steps[step].words[0]) * CHARACTER;
            widths[lane] = widths[lane].max(MARGIN + text + ARROW);
        }
        (0..=widths.len()).map(|lane| 1 + widths[..lane].iter().sum::<usize>()).collect()
    }

    fn left(&self, process: usize) -> usize {
        self.lefts[self.lanes[process]]
    }

    fn draw(mut self, lines: &[DiagramLine]) -> String {
        self.begun = vec![0; self.graph.processes.len()];
        let mut y = LINE;
        for process in 0..self.graph.processes.len() {
            if self.graph.is_first(process) {
                self.begin(process, y);
            }
        }
        for (number, &line) in lines.iter().enumerate() {
            // A line that comes from outside opens a paragraph.
            y += if self.graph.steps[line.0].outside && number > 0 { LINE * 3 / 2 } else { LINE };
            self.line(line, y);
        }
        for process in 0..self.graph.processes.len() {
            let ends = self.graph.steps.iter().any(|step| step.ends && step.process == process);
            if !ends && self.begun[process] > 0 {
                self.lifeline(process, y + LINE / 2);
            }
        }
        let (width, height) = (self.lefts[self.lefts.len() - 1], y + LINE);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lanes\" width=\"{width}\" height=\"{height}\" \
            viewBox=\"0 0 {width} {height}\">{}\n</svg>\n",
            self.svg
        )
    }

    /// A process's name at the top of its lifeline.
    fn begin(&mut self, process: usize, y: usize) {
        self.begun[process] = y + LINE / 4;
        let name = self.graph.processes[process].name.clone();
        self.text(process, y, &name, "k");
    }

    fn lifeline(&mut self, process: usize, end: usize) {
        let (x, begun) = (self.left(process), self.begun[process]);
        let Lifeline { role, traced, .. } = self.graph.processes[process];
        let class = class(role).to_string() + if traced { "" } else { " late" };
        self.svg += &format!("\n<path class=\"{class}\" d=\"M{x} {begun}V{end}\"/>");
    }

    fn line(&mut self, (number, effect): DiagramLine, y: usize) {
        let end = self.step(number, y);
        let effect_end = effect.map(|effect| self.step(effect, y));
        let step = &self.graph.steps[number];
        let (made, cause) = (step.made, step.cause);
        if let Some(child) = made {
            self.arrow(end, self.left(child) - 1, y, "");
            self.begin(child, y);
        }
        // To the effect in this line, or from a cause of an earlier one.
        let arrow = match (effect, cause) {
            (Some(effect), _) => Some((number, effect, end, effect_end.unwrap_or(end), "")),
            (None, Some(cause)) => Some((cause, number, self.left(self.process(cause)), end, "late")),
            (None, None) => None,
        };
        if let Some((from, to, from_end, to_end, class)) = arrow {
            let (from, to) = (self.left(self.process(from)), self.left(self.process(to)));
            match from < to {
                true => self.arrow(from_end, to - 1, y, class),
                false => self.arrow(from, to_end, y, class),
            }
        }
        for step in [Some(number), effect].into_iter().flatten() {
            if self.graph.steps[step].ends {
                self.lifeline(self.process(step), y);
            }
        }
    }

    fn process(&self, step: usize) -> usize {
        self.graph.steps[step].process
    }

    /// The text of a step; where an arrow from or to it begins.
    fn step(&mut self, number: usize, y: usize) -> usize {
        let step = &self.graph.steps[number];
        let (process, words, failed) = (step.process, step.words[0].clone(), step.failed);
        self.text(process, y, &words, if failed { "failed" } else { "" })
    }

    fn text(&mut self, process: usize, y: usize, text: &str, class: &str) -> usize {
        let x = self.left(process) + if class == "k" { 0 } else { MARGIN };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.svg += &format!("\n<text{class} x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
        x + display_width(text) * CHARACTER + CHARACTER / 2
    }

    /// An arrow at half the height of the text of a line.
    fn arrow(&mut self, from: usize, to: usize, y: usize, class: &str) {
        let y = y - 4;
        let (back, class) = (if from < to { -7 } else { 7 }, if class.is_empty() { "a" } else { class });
        self.svg +=
            &format!("\n<path class=\"{class}\" d=\"M{from} {y}H{to}m{back} -4l{} 4l{back} 4\"/>", -back);
    }
}

fn class(role: Role) -> &'static str {
    match role {
        Role::Client => "c",
        Role::Server => "s",
        Role::Child => "h",
        Role::Grandchild => "g",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
