//! How a lesson shows what strace saw, the same in every run: ports and processes have names.

use std::sync::{Mutex, PoisonError};

use crate::harness::builds::Build;
use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::text;
use crate::harness::trace::causality::step_graph;
use crate::harness::trace::diagram;
use crate::harness::trace::parse::{Call, Event, What};
use crate::harness::trace::render::raw;

/// The trace blocks of a lesson. `None`: not measured, because something is missing here.
pub type Blocks = Vec<Option<String>>;

/// Names for the ports and processes of one run.
#[derive(Clone, Default)]
pub struct ViewNames {
    ports: Vec<(String, &'static str)>,
    processes: Vec<(String, &'static str)>,
}

/// The numbers that a `RAW=1` run has shown, each with its name in the text of the lesson.
static LEGEND: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());

impl ViewNames {
    /// The server's port is 8080 in every lesson.
    pub fn server(port: u16) -> Self {
        ViewNames::default().port(port, "8080")
    }

    pub fn port(mut self, port: u16, name: &'static str) -> Self {
        self.ports.push((port.to_string(), name));
        self
    }

    pub fn process(mut self, pid: u32, name: &'static str) -> Self {
        self.processes.push((pid.to_string(), name));
        self
    }

    /// `text` with names for its ports (`:8080`, `htons(8080)`) and processes (`pid=4711`). A number that
    /// only equals one of them, a length for example, stays.
    pub fn give(&self, text: &str) -> String {
        let (mut named, mut rest) = (String::new(), text);
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let (before, number) = rest.split_at(start);
            named += before;
            let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
            let (number, after) = number.split_at(end);
            let is_port = named.ends_with(':') || named.ends_with("htons(");
            let list = if is_port { &self.ports } else { &self.processes };
            let is_named = is_port || named.ends_with("pid=");
            let name = list.iter().find(|(known, _)| is_named && known == number);
            named += name.map_or(number, |(_, name)| name);
            rest = after;
        }
        named + rest
    }

    /// The same, but a `RAW=1` run keeps its numbers, and notes their names.
    pub fn show(&self, text: &str) -> String {
        if !raw() {
            return self.give(text);
        }
        self.note();
        text.to_string()
    }

    /// The name of a process; its number in a `RAW=1` run.
    pub fn of(&self, pid: u32) -> String {
        if raw() {
            self.note();
            return pid.to_string();
        }
        let number = pid.to_string();
        let name = self.processes.iter().find(|(known, _)| *known == number);
        name.map_or(number.clone(), |(_, name)| name.to_string())
    }

    fn note(&self) {
        let mut legend = LEGEND.lock().expect("no run panics with it");
        for (number, name) in self.ports.iter().chain(&self.processes) {
            if !legend.contains(&(*name, number.clone())) {
                legend.push((name, number.clone()));
            }
        }
    }
}

/// What the names of the lesson were in a `RAW=1` run: `8080 = 20133, CLIENT = 40932`.
pub fn legend() -> String {
    let legend = LEGEND.lock().expect("no run panics with it");
    legend.iter().map(|(name, number)| format!("{name} = {number}")).collect::<Vec<_>>().join(", ")
}

/// The calls of a program, without its children's and its log: `accept(3) = 4`.
pub fn calls(events: &[Event]) -> Vec<String> {
    own_steps(events, false)
}

/// The same with the log.
pub fn calls_and_log(events: &[Event]) -> Vec<String> {
    own_steps(events, true)
}

fn own_steps(events: &[Event], log: bool) -> Vec<String> {
    let graph = step_graph(events);
    let steps = graph.order.iter().map(|&step| &graph.steps[step]);
    let own = steps.filter(|step| step.process == 0 && (log || !step.log));
    let lines = own.map(|step| match step.words[0].split_once("\\0") {
        Some((text, _)) => format!("{text}\\0..."),
        None => step.words[0].replace(":port", ":8080"),
    });
    lines.collect()
}

/// Those of the calls that begin with one of these.
pub fn only(mut calls: Vec<String>, beginnings: &[&str]) -> Vec<String> {
    calls.retain(|call| beginnings.iter().any(|beginning| call.starts_with(beginning)));
    calls
}

/// The calls from the first that begins with this.
pub fn from(calls: Vec<String>, beginning: &str) -> Vec<String> {
    calls.into_iter().skip_while(|call| !call.starts_with(beginning)).collect()
}

/// The diagrams of this run, each as it is recorded and with its events, to draw it for a narrower terminal.
static DRAWN: Mutex<Vec<(String, Vec<Event>)>> = Mutex::new(Vec::new());

/// The width of a recorded diagram.
const RECORDED: usize = 100;

/// A trace as a sequence diagram.
pub fn drawn(events: &[Event]) -> String {
    remembered(drawn_at(events, RECORDED), events)
}

/// The same without what precedes the first connection.
pub fn drawn_from_connect(events: &[Event]) -> String {
    remembered(from_connect(&drawn_at(events, RECORDED)), events)
}

fn drawn_at(events: &[Event], width: usize) -> String {
    diagram::draw(events, width, false).replace(":port", ":8080")
}

fn from_connect(drawing: &str) -> String {
    let before = ["signal(", "socket(", "setsockopt(", "bind(", "listen("];
    let lines = drawing.lines().filter(|line| !before.iter().any(|name| line.contains(name)));
    lines.map(|line| line.to_string() + "\n").collect()
}

fn remembered(drawing: String, events: &[Event]) -> String {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    drawn.push((drawing.trim_end().to_string(), events.to_vec()));
    drawing
}

/// A block of this run at another width, if it is a diagram.
pub fn fitted(block: &str, width: usize) -> String {
    let drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let diagram = drawn.iter().find(|(recorded, _)| recorded == block).filter(|_| width < RECORDED);
    let Some((recorded, events)) = diagram else { return block.to_string() };
    let narrow = drawn_at(events, width);
    let narrow = if recorded.contains("listen(") { narrow } else { from_connect(&narrow) };
    narrow.trim_end().to_string()
}

/// A trace as strace prints it, with `...` for what no lesson explains.
pub fn as_strace<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<String> {
    events.into_iter().map(strace_line).collect()
}

/// One line of [`as_strace`].
pub fn strace_line(event: &Event) -> String {
    match &event.what {
        What::Signal(name) => format!("--- {name} {{si_signo={name}, ...}} ---"),
        What::End(end) => format!("+++ {end} +++"),
        What::Call(call) => {
            let interrupted = is_interrupted(call);
            let why = match &call.errno {
                Some(_) if interrupted => " ERESTARTSYS (To be restarted if SA_RESTART is set)".to_string(),
                Some(errno) => format!(" {errno}{}", meaning(errno)),
                None => String::new(),
            };
            format!("{}({}) = {}{why}", call.name, arguments(call).join(", "), call.result)
        }
    }
}

/// What strace writes after an error, as far as the lessons show it.
fn meaning(errno: &str) -> &'static str {
    match errno {
        "EACCES" => " (Permission denied)",
        "EADDRINUSE" => " (Address already in use)",
        "EADDRNOTAVAIL" => " (Cannot assign requested address)",
        "ECHILD" => " (No child processes)",
        "ECONNREFUSED" => " (Connection refused)",
        "EINTR" => " (Interrupted system call)",
        "ETIMEDOUT" => " (Connection timed out)",
        _ => "",
    }
}

/// A signal woke it.
fn is_interrupted(call: &Call) -> bool {
    call.result == "?" && call.errno.is_some()
}

fn arguments(call: &Call) -> Vec<String> {
    let short = match (call.name.as_str(), &call.args[..]) {
        ("clone", _) => "child_stack=NULL, flags=...|SIGCHLD, ...".to_string(),
        ("accept", [fd, address, ..]) if is_interrupted(call) && address != "NULL" => {
            format!("{fd}, ..., [16]")
        }
        ("rt_sigaction", [signal, action, ..]) => {
            format!("{signal}, {}, ...}}, ...", action.split(',').next().unwrap_or_default())
        }
        (_, args) => return args.to_vec(),
    };
    vec![short]
}

/// Rows whose cells tabs divide, as a table.
pub fn table(rows: &str) -> String {
    let rows: Vec<Vec<String>> =
        rows.lines().map(|row| row.split('\t').map(str::to_string).collect()).collect();
    text::table(&rows)
}

/// Two lists in two columns, each under its title.
pub fn beside(titles: [&str; 2], lists: [Vec<String>; 2]) -> String {
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |list: &Vec<String>, index| list.get(index).cloned().unwrap_or_default();
    let row = |index| lists.each_ref().map(|list| cell(list, index)).join("\t \t");
    let rows = [titles.join("\t \t")].into_iter().chain((0..length).map(row));
    table(&rows.collect::<Vec<_>>().join("\n"))
}

/// What both builds do, in two columns.
pub fn both(of: impl FnMut(Build) -> Vec<String>) -> String {
    beside(["as printed", "fixed"], [AsPrinted, Fixed].map(of))
}

/// `text` with other numbers in place of whole ones.
pub fn substituted(text: &str, numbers: &[(impl ToString, impl AsRef<str>)]) -> String {
    let pieces = text.as_bytes().chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit());
    let pieces = pieces.map(|piece| std::str::from_utf8(piece).expect("digits are whole characters"));
    let other = |piece| numbers.iter().find(|(number, _)| number.to_string() == piece);
    pieces.map(|piece| other(piece).map_or(piece, |(_, other)| other.as_ref())).collect()
}
