//! The steps of all processes of a trace, each with the one that caused it: what diagrams draw.

/// A process or a thread, named by what it does.
pub struct Lifeline {
    pub name: String,
    pub role: Role,
    /// Otherwise its steps are derived from those of its peer.
    pub traced: bool,
}

/// The first two are programs: a person starts them, no other process.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Role {
    Client,
    Server,
    Child,
    Grandchild,
}

/// One thing that a process did.
#[derive(Default)]
pub struct Step {
    pub process: usize,
    /// What it did, in words: at full length, then shorter, for where room is short.
    pub words: Vec<String>,
    /// The step of another process that is its cause.
    pub cause: Option<usize>,
    /// The process that it made.
    pub made: Option<usize>,
    pub failed: bool,
    /// It writes to the log or the terminal.
    pub log: bool,
    /// It is the last that its process did.
    pub ends: bool,
    /// It came from outside: nothing in the trace is its cause.
    pub outside: bool,
    /// Further steps that must be told before.
    pub after: Vec<usize>,
    /// When it had begun, and when it was surely over.
    pub began: f64,
    pub over: f64,
}

/// A trace as processes and their steps.
#[derive(Default)]
pub struct StepGraph {
    pub processes: Vec<Lifeline>,
    pub steps: Vec<Step>,
    /// The steps in the order in which they are drawn: an effect right after its cause where nothing else must come between.
    pub order: Vec<usize>,
}

impl StepGraph {
    /// Whether a process has no step that makes it: it is there from the beginning.
    pub fn is_first(&self, process: usize) -> bool {
        self.steps.iter().all(|step| step.made != Some(process))
    }
}

/// One end of a connection: the server's from `accept`, the client's from `connect` on.
#[derive(Clone, Debug)]
pub struct End {
    pub server: bool,
    pub port: Option<u16>,
    /// The step that made it.
    pub step: usize,
    /// What was written to it: how many bytes there were then, or [`ALL`] for a close, and the step.
    pub sent: Vec<(usize, usize)>,
    /// What was read from it, in the same form.
    pub received: Vec<(usize, usize)>,
}

pub const ALL: usize = usize::MAX;
