//! What a trace tells: which call of one process brought about which of another, and an order to tell it in.
//!
//! The order is one of cause and effect, not of the clock, so that a conversation
//! held twice is told the same way twice. The clock decides one thing: what comes
//! from outside (a typed line, a peer that is not traced) comes after all that was over by then.

use std::collections::HashMap;

use super::strace::{Call, Event, What};
use super::words::{Names, forks, raw};

/// The calls that the programs make, as strace names them; others are not told.
pub const CALLS: [&str; 18] = [
    "socket",
    "setsockopt",
    "bind",
    "listen",
    "accept",
    "connect",
    "read",
    "write",
    "shutdown",
    "close",
    "fork",
    "vfork",
    "clone",
    "clone3",
    "wait4",
    "rt_sigaction",
    "clock_nanosleep",
    "exit_group",
];

/// A process, named by what it does.
#[derive(Clone, Debug)]
pub struct Process {
    pub name: String,
    pub role: Role,
    /// Its parent's place in [`Story::processes`].
    pub parent: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Client,
    Server,
    Child,
    Grandchild,
}

/// One thing that a process did.
#[derive(Clone, Debug)]
pub struct Step {
    pub process: usize,
    /// What it did, in words: at full length, then shorter, for where room is short.
    pub words: Vec<String>,
    /// The step of another process that brought it about.
    pub cause: Option<usize>,
    /// The process that it made.
    pub made: Option<usize>,
    pub failed: bool,
    /// It is for whoever reads the log or the terminal.
    pub log: bool,
    /// It is a line that was typed.
    pub typed: bool,
    /// It is the last that its process did.
    pub ends: bool,
    /// It came from outside: nothing in the trace brought it about.
    pub outside: bool,
    /// Further steps that must be told before.
    after: Vec<usize>,
    /// When it was surely over.
    over: f64,
}

/// A trace as processes and their steps, each in the order of telling.
pub struct Story {
    pub processes: Vec<Process>,
    pub steps: Vec<Step>,
    /// The steps in the order of telling: an effect right after its cause where nothing else must come between.
    pub order: Vec<usize>,
}

/// What a descriptor stands for.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Socket,
    /// One side of a connection.
    Of(usize, Side),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Client,
    Server,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// What passed on a side of a connection.
#[derive(Default)]
struct Traffic {
    /// Steps, with the number of bytes that were written or read by then.
    written: Vec<(usize, usize)>,
    read: Vec<(usize, usize)>,
    /// Reads of nothing: the other side has closed.
    ends: Vec<usize>,
    /// `close`, `shutdown` or the end of a process that held it.
    closed: Vec<usize>,
    /// `connect` or `accept`.
    opened: Option<usize>,
}

/// Understands the events of one trace, or of several that were taken at the same time.
pub fn tell(events: &[Event]) -> Story {
    let mut events: Vec<&Event> = events.iter().collect();
    if events.iter().all(|event| event.at.is_some()) {
        events.sort_by(|a, b| a.at.partial_cmp(&b.at).expect("times are numbers"));
    }
    let (pids, processes) = processes(&events);
    let names = pids.iter().zip(&processes);
    let names = names.map(|(&pid, process)| (pid, process.name.clone()));
    let mut teller = Teller {
        names: Names::of(&events, names.collect()),
        over: over(&events),
        open: vec![HashMap::new(); processes.len()],
        exited: vec![false; processes.len()],
        traffic: HashMap::new(),
        connected: 0,
        accepted: 0,
        listening: None,
        exits: HashMap::new(),
        waits: Vec::new(),
        steps: Vec::new(),
        pids,
        processes,
    };
    for (index, event) in events.iter().enumerate() {
        let last =
            !events[index + 1..].iter().any(|later| later.pid == event.pid && later.call().is_some());
        teller.hear(index, event, last);
    }
    teller.connect_the_sides();
    teller.start_the_programs();
    let order = order(&teller.processes, &teller.steps);
    Story { processes: teller.processes, steps: teller.steps, order }
}

/// The processes in order of birth, each with its role, and a name that is its own.
fn processes(events: &[&Event]) -> (Vec<u32>, Vec<Process>) {
    let mut pids: Vec<u32> = Vec::new();
    let mut parents: HashMap<u32, usize> = HashMap::new();
    for event in events {
        if !pids.contains(&event.pid) {
            pids.push(event.pid);
        }
        if let Some(child) = event.call().filter(|call| forks(call)).and_then(Call::returned) {
            let parent = pids.iter().position(|&pid| pid == event.pid);
            parents.insert(child as u32, parent.expect("it has called"));
        }
    }
    let connects = |pid| {
        let named = |event: &&&Event| event.call().is_some_and(|call| call.name == "connect");
        events.iter().filter(named).any(|event| event.pid == pid)
    };
    let mut processes: Vec<Process> = Vec::new();
    for &pid in &pids {
        let parent = parents.get(&pid).copied();
        let role = match parent.map(|parent| processes[parent].role) {
            Some(Role::Child | Role::Grandchild) => Role::Grandchild,
            Some(_) => Role::Child,
            None if connects(pid) => Role::Client,
            None => Role::Server,
        };
        processes.push(Process { name: String::new(), role, parent });
    }
    for role in [Role::Client, Role::Server, Role::Child, Role::Grandchild] {
        let mut alike: Vec<&mut Process> = processes.iter_mut().filter(|p| p.role == role).collect();
        let several = alike.len() > 1;
        for (index, process) in alike.iter_mut().enumerate() {
            process.name = format!("{role:?}").to_lowercase();
            if several {
                process.name += &format!(" {}", index + 1);
            }
        }
    }
    for (process, pid) in processes.iter_mut().zip(&pids).filter(|_| raw()) {
        process.name += &format!(" {pid}");
    }
    (pids, processes)
}

/// When each event was surely over: the next of the same process began.
fn over(events: &[&Event]) -> Vec<f64> {
    let mut next: HashMap<u32, f64> = HashMap::new();
    let mut over = vec![f64::INFINITY; events.len()];
    for (index, event) in events.iter().enumerate().rev() {
        over[index] = match event.at {
            Some(at) => next.insert(event.pid, at).unwrap_or(f64::INFINITY),
            None => event.ended as f64,
        };
    }
    over
}

struct Teller {
    pids: Vec<u32>,
    processes: Vec<Process>,
    names: Names,
    over: Vec<f64>,
    /// The descriptors of each process that are sockets.
    open: Vec<HashMap<i32, End>>,
    exited: Vec<bool>,
    traffic: HashMap<(usize, Side), Traffic>,
    connected: usize,
    accepted: usize,
    /// The last `listen` that succeeded.
    listening: Option<usize>,
    /// The last step of a process that ended.
    exits: HashMap<u32, usize>,
    waits: Vec<(usize, u32)>,
    steps: Vec<Step>,
}

impl Teller {
    fn hear(&mut self, index: usize, event: &Event, last: bool) {
        let process = self.pids.iter().position(|&pid| pid == event.pid).expect("it is known");
        let over = self.over[index];
        match &event.what {
            What::Call(call) => self.hear_call(process, call, over, last),
            What::Signal(_) => {}
            What::End(end) => {
                // Whoever took the trace has ended it so.
                let by_hand = ["SIGTERM", "SIGINT", "SIGKILL"].iter().any(|name| end.contains(name));
                if self.exited[process] || by_hand {
                    return;
                }
                let text = match end.strip_prefix("exited with ") {
                    Some(status) => format!("exit({status})"),
                    None => end.clone(),
                };
                let step = self.step(process, vec![text], over);
                self.steps[step].failed = end.starts_with("killed");
                self.exit(process, step);
            }
        }
    }

    fn hear_call(&mut self, process: usize, call: &Call, over: f64, last: bool) {
        let fd = call.fd().unwrap_or(-1);
        let end = self.open[process].get(&fd).copied();
        // strace saw it asleep when it was ended; in between, it was only made again.
        let asleep = call.result == "?" && call.name != "exit_group";
        if asleep && !last {
            return;
        }
        if !CALLS.contains(&call.name.as_str()) {
            return;
        }
        // What the C library reads for itself is no socket and no standard stream.
        let moves_bytes = ["read", "write", "close"].contains(&call.name.as_str());
        if moves_bytes && end.is_none() && !(0..=2).contains(&fd) {
            return;
        }
        let step = self.step(process, self.names.words(call, asleep), over);
        self.steps[step].failed = call.errno.is_some() && !asleep;
        self.steps[step].typed = call.name == "read" && fd == 0;
        self.steps[step].log = call.name == "write" && (fd == 1 || fd == 2);
        if asleep {
            return;
        }
        let returned = call.returned();
        let done = returned.filter(|&number| number >= 0 && !call.injected);
        match (call.name.as_str(), done) {
            ("socket", Some(fd)) => {
                self.open[process].insert(fd as i32, End::Socket);
            }
            ("listen", Some(_)) => self.listening = Some(step),
            ("connect", Some(_)) => {
                self.opened(process, fd, (self.connected, Side::Client), step);
                self.connected += 1;
                self.steps[step].after.extend(self.listening);
            }
            ("accept", Some(new)) => {
                self.open[process].entry(fd).or_insert(End::Socket);
                self.opened(process, new as i32, (self.accepted, Side::Server), step);
                self.accepted += 1;
            }
            ("read", Some(came)) => match end {
                Some(End::Of(connection, side)) => {
                    let traffic = self.traffic.entry((connection, side)).or_default();
                    if came == 0 {
                        traffic.ends.push(step);
                    } else {
                        let before = traffic.read.last().map_or(0, |&(_, bytes)| bytes);
                        traffic.read.push((step, before + came as usize));
                    }
                }
                _ => self.steps[step].outside = true,
            },
            ("read", None) if matches!(end, Some(End::Of(..))) => self.steps[step].outside = true,
            ("write", Some(gone)) => {
                if let Some(End::Of(connection, side)) = end {
                    let traffic = self.traffic.entry((connection, side)).or_default();
                    let before = traffic.written.last().map_or(0, |&(_, bytes)| bytes);
                    traffic.written.push((step, before + gone as usize));
                }
            }
            ("shutdown", Some(_)) => self.closed(end, step),
            ("close", Some(_)) => {
                self.open[process].remove(&fd);
                self.closed(end, step);
            }
            ("wait4", Some(pid)) => {
                // A wait begins before the end that it waits for.
                self.waits.push((step, pid as u32));
            }
            ("exit_group", _) => self.exit(process, step),
            _ if forks(call) => {
                let child = self.pids.iter().position(|&pid| Some(i64::from(pid)) == returned);
                self.steps[step].made = child;
                if let Some(child) = child {
                    self.open[child] = self.open[process].clone();
                }
            }
            _ => {}
        }
    }

    fn step(&mut self, process: usize, words: Vec<String>, over: f64) -> usize {
        self.steps.push(Step {
            process,
            words,
            cause: None,
            made: None,
            failed: false,
            log: false,
            typed: false,
            ends: false,
            outside: false,
            after: Vec::new(),
            over,
        });
        self.steps.len() - 1
    }

    fn opened(&mut self, process: usize, fd: i32, side: (usize, Side), step: usize) {
        self.open[process].insert(fd, End::Of(side.0, side.1));
        self.traffic.entry(side).or_default().opened = Some(step);
    }

    fn closed(&mut self, end: Option<End>, step: usize) {
        if let Some(End::Of(connection, side)) = end {
            self.traffic.entry((connection, side)).or_default().closed.push(step);
        }
    }

    fn exit(&mut self, process: usize, step: usize) {
        self.exited[process] = true;
        self.steps[step].ends = true;
        self.exits.insert(self.pids[process], step);
        for end in std::mem::take(&mut self.open[process]).into_values() {
            self.closed(Some(end), step);
        }
    }

    /// A program comes from outside, but for the first.
    fn start_the_programs(&mut self) {
        for process in 1..self.processes.len() {
            let first = self.steps.iter_mut().find(|step| step.process == process);
            if let Some(first) = first.filter(|_| self.processes[process].parent.is_none()) {
                first.outside = true;
            }
        }
    }

    /// A write causes the read of its last byte, a connect its accept, the last close the end of input, an exit the wait.
    fn connect_the_sides(&mut self) {
        for &(wait, pid) in &self.waits {
            self.steps[wait].cause = self.exits.get(&pid).copied();
        }
        let nothing = Traffic::default();
        for (&(connection, side), here) in &self.traffic {
            let there = self.traffic.get(&(connection, side.other())).unwrap_or(&nothing);
            if let Some(accept) = here.opened.filter(|_| side == Side::Server) {
                self.steps[accept].cause = there.opened;
                self.steps[accept].outside = there.opened.is_none();
            }
            for &(read, bytes) in &here.read {
                let write = there.written.iter().find(|&&(_, written)| written >= bytes);
                self.steps[read].cause = write.map(|&(write, _)| write);
                self.steps[read].outside = write.is_none();
            }
            for &end in &here.ends {
                self.steps[end].cause = there.closed.iter().copied().max();
                self.steps[end].outside = there.closed.is_empty();
                self.steps[end].after.extend(&there.closed);
            }
        }
    }
}

/// The order of telling. Of what is free to happen, this comes first: what the step just told
/// brings about; what comes from no outside, a sender whose receiver is late after the others;
/// what came from outside, by the clock. Of equals, the process born first.
fn order(processes: &[Process], steps: &[Step]) -> Vec<usize> {
    let mut of: Vec<Vec<usize>> = vec![Vec::new(); processes.len()];
    for (index, step) in steps.iter().enumerate() {
        of[step.process].push(index);
    }
    let mut born: Vec<Option<usize>> = vec![None; processes.len()];
    let mut effects: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        if let Some(child) = step.made {
            born[child] = Some(index);
        }
        if let Some(cause) = step.cause {
            effects.entry(cause).or_default().push(index);
        }
    }
    let mut told = vec![false; steps.len()];
    let mut next = vec![0; processes.len()];
    let mut order: Vec<usize> = Vec::new();
    while order.len() < steps.len() {
        let heads: Vec<usize> =
            (0..processes.len()).filter_map(|process| of[process].get(next[process]).copied()).collect();
        // `besides` is taken as told.
        let ready = |step: usize, besides: Option<usize>| {
            let done = |other: &usize| told[*other] || Some(*other) == besides || *other == step;
            let step = &steps[step];
            step.cause.iter().all(done)
                && step.after.iter().all(done)
                && born[step.process].iter().all(done)
        };
        let rank = |&step: &usize| {
            let listens = |effect: &usize| heads.contains(effect) && ready(*effect, Some(step));
            let early = effects.get(&step).is_some_and(|effects| !effects.iter().any(listens));
            let answers = order.last().is_some() && steps[step].cause == order.last().copied();
            let outside_at = if steps[step].outside { steps[step].over } else { 0.0 };
            (!answers, outside_at.max(0.0), early, steps[step].process)
        };
        let first = heads
            .iter()
            .copied()
            .filter(|&step| ready(step, None))
            .min_by(|a, b| rank(a).partial_cmp(&rank(b)).expect("ranks compare"));
        // A trace with a piece missing may leave nobody free; then the clock decides.
        let step = first
            .or_else(|| {
                heads
                    .iter()
                    .copied()
                    .min_by(|&a, &b| steps[a].over.partial_cmp(&steps[b].over).expect("times compare"))
            })
            .expect("some step is left");
        told[step] = true;
        next[steps[step].process] += 1;
        order.push(step);
    }
    order
}
