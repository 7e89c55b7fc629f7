//! What a trace tells: which call of one process brought about which of another, and an order to tell it in.
//!
//! The order is one of cause and effect, not of the clock, so that a conversation
//! held twice is told the same way twice. The clock decides one thing: what comes
//! from outside (a typed line, a peer that is not traced) comes after all that was over by then.

use std::collections::{HashMap, HashSet};

use crate::harness::trace::parse::{Call, Event, What, calls, pids};
use crate::harness::trace::render::{Names, forks, raw};

/// The calls that the programs make, as strace names them; others are not told.
pub const CALLS: &str = "socket,setsockopt,bind,listen,accept,connect,read,write,shutdown,close,\
                         fork,vfork,clone,clone3,wait4,rt_sigaction,clock_nanosleep,exit_group";

/// A process, named by what it does.
pub struct Process {
    pub name: String,
    pub role: Role,
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
    /// The step of another process that brought it about.
    pub cause: Option<usize>,
    /// The process that it made.
    pub made: Option<usize>,
    pub failed: bool,
    /// It is for whoever reads the log or the terminal.
    pub log: bool,
    /// It is the last that its process did.
    pub ends: bool,
    /// It came from outside: nothing in the trace brought it about.
    pub outside: bool,
    /// Further steps that must be told before.
    after: Vec<usize>,
    /// When it was surely over.
    over: f64,
}

/// A trace as processes and their steps.
#[derive(Default)]
pub struct Story {
    pub processes: Vec<Process>,
    pub steps: Vec<Step>,
    /// The steps in the order of telling: an effect right after its cause where nothing else must come between.
    pub order: Vec<usize>,
}

/// Understands the events of one trace, or of several that were taken at the same time.
pub fn tell(events: &[Event]) -> Story {
    let mut events = events.to_vec();
    if events.iter().all(|event| event.at.is_some()) {
        events.sort_by(|a, b| a.at.partial_cmp(&b.at).expect("times are numbers"));
    }
    let pids = pids(&events);
    let processes = processes(&events, &pids);
    let names = pids.iter().zip(&processes).map(|(&pid, process)| (pid, process.name.clone()));
    let names = Names::of(&events, names.collect());
    let open = vec![HashMap::new(); processes.len()];
    let story = Story { processes, ..Story::default() };
    let mut teller = Teller { story, pids, names, open, ..Teller::default() };
    for (index, event) in events.iter().enumerate() {
        let mut later = events[index + 1..].iter().filter(|later| later.pid == event.pid);
        let over = match event.at {
            Some(_) => later.clone().next().and_then(|next| next.at).unwrap_or(f64::INFINITY),
            None => event.ended as f64,
        };
        teller.hear(event, over, !later.any(|later| later.call().is_some()));
    }
    teller.connect_the_sides();
    Story { order: order(&teller.story.steps), ..teller.story }
}

/// The processes in order of birth, each with its role, and a name that is its own.
fn processes(events: &[Event], pids: &[u32]) -> Vec<Process> {
    let mut roles: Vec<Role> = Vec::new();
    for &pid in pids {
        let bore = |call: &Call| forks(call) && call.returned() == Some(pid.into());
        let birth = events.iter().find(|event| event.call().is_some_and(bore));
        let parent = birth.and_then(|birth| pids.iter().zip(&roles).find(|(pid, _)| **pid == birth.pid));
        roles.push(match parent {
            Some((_, Role::Child | Role::Grandchild)) => Role::Grandchild,
            Some(_) => Role::Child,
            None if calls(events, pid).iter().any(|call| call.name == "connect") => Role::Client,
            None => Role::Server,
        });
    }
    let named = |(index, &role): (usize, &Role)| {
        let alike = |roles: &[Role]| roles.iter().filter(|&&other| other == role).count();
        let mut name = format!("{role:?}").to_lowercase();
        if alike(&roles) > 1 {
            name += &format!(" {}", alike(&roles[..=index]));
        }
        if raw() {
            name += &format!(" {}", pids[index]);
        }
        Process { name, role }
    };
    roles.iter().enumerate().map(named).collect()
}

/// A side of a connection: its number, and whether it is the server's.
type End = (usize, bool);

/// What had been sent by, or had come to, an end when a step was done: nothing, so many bytes, or [`ALL`].
type Passed = (End, usize, usize);

const ALL: usize = usize::MAX;

/// So much more. An end may have been closed before, by another process.
fn pass(passed: &mut Vec<Passed>, end: End, bytes: usize, step: usize) {
    let before = passed.iter().rfind(|(its, sum, _)| *its == end && *sum != ALL).map_or(0, |last| last.1);
    passed.push((end, before.saturating_add(bytes), step));
}

#[derive(Default)]
struct Teller {
    story: Story,
    pids: Vec<u32>,
    names: Names,
    /// The descriptors of each process that are sockets; the end of a connection that one is.
    open: Vec<HashMap<i32, Option<End>>>,
    ends: Vec<End>,
    /// From `connect` to the last process that closes it or ends.
    sent: Vec<Passed>,
    /// From `accept` to the read that tells that the other side has closed.
    came: Vec<Passed>,
    /// The last `listen` that succeeded.
    listening: Option<usize>,
    /// A wait, and for whom.
    waits: Vec<(usize, usize)>,
}

impl Teller {
    fn process(&self, pid: usize) -> Option<usize> {
        self.pids.iter().position(|&known| known as usize == pid)
    }

    /// `last`: its process makes no call after it.
    fn hear(&mut self, event: &Event, over: f64, last: bool) {
        let process = self.process(event.pid as usize).expect("it is known");
        // Whoever took the trace has ended it so.
        let by_hand = |end: &str| ["SIGTERM", "SIGINT", "SIGKILL"].iter().any(|name| end.contains(name));
        // strace saw it asleep when it was ended; in between, it was only made again.
        let asleep = |call: &Call| call.result == "?" && call.name != "exit_group";
        let mut step = Step { process, over, ..Step::default() };
        match &event.what {
            What::Call(call) if self.is_told(process, call) && (last || !asleep(call)) => {
                step.words = self.names.words(call, asleep(call));
                step.failed = call.errno.is_some() && !asleep(call);
                step.log = call.name == "write" && matches!(call.fd(), Some(1 | 2));
            }
            What::End(end) if !by_hand(end) && self.end_of(process).is_none() => {
                let status = end.strip_prefix("exited with ");
                step.words = vec![status.map_or(end.clone(), |status| format!("exit({status})"))];
                step.failed = status.is_none();
            }
            _ => return,
        }
        let steps = &mut self.story.steps;
        // A program comes from outside, but for the first.
        let program = process > 0 && self.story.processes[process].role < Role::Child;
        step.outside = program && !steps.iter().any(|other| other.process == process);
        step.after.extend(steps.iter().position(|other| other.made == Some(process)));
        steps.push(step);
        let number = steps.len() - 1;
        match &event.what {
            What::Call(call) if asleep(call) => {}
            What::Call(call) => self.understand(process, call, number),
            _ => self.exit(process, number),
        }
    }

    /// What the C library reads for itself is no socket and no standard stream.
    fn is_told(&self, process: usize, call: &Call) -> bool {
        let fd = call.fd().unwrap_or(-1);
        let ours = (0..=2).contains(&fd) || self.open[process].contains_key(&fd);
        (ours || !["read", "write", "close"].contains(&&*call.name))
            && CALLS.split(',').any(|told| told == call.name)
    }

    fn understand(&mut self, process: usize, call: &Call, number: usize) {
        let (name, fd) = (call.name.as_str(), call.fd().unwrap_or(-1));
        let end = self.open[process].get(&fd).copied().flatten();
        let done = call.returned().filter(|&result| result >= 0 && !call.injected);
        let step = &mut self.story.steps[number];
        match (name, end, done.map(|result| result as usize)) {
            ("socket", _, Some(fd)) => _ = self.open[process].insert(fd as i32, None),
            ("listen", _, Some(_)) => self.listening = Some(number),
            ("connect" | "accept", _, Some(new)) => {
                let server = name == "accept";
                let end = (self.ends.iter().filter(|end| end.1 == server).count(), server);
                self.ends.push(end);
                self.open[process].entry(fd).or_insert(None);
                self.open[process].insert(if server { new as i32 } else { fd }, Some(end));
                if server {
                    pass(&mut self.came, end, 0, number);
                } else {
                    step.after.extend(self.listening);
                    pass(&mut self.sent, end, 0, number);
                }
            }
            ("read", None, Some(_)) | ("read", Some(_), None) => step.outside = true,
            ("read", Some(end), Some(0)) => pass(&mut self.came, end, ALL, number),
            ("read", Some(end), Some(bytes)) => pass(&mut self.came, end, bytes, number),
            ("write", Some(end), Some(bytes)) => pass(&mut self.sent, end, bytes, number),
            ("shutdown", Some(end), Some(_)) => pass(&mut self.sent, end, ALL, number),
            ("close", end, Some(_)) => {
                self.open[process].remove(&fd);
                end.into_iter().for_each(|end| pass(&mut self.sent, end, ALL, number));
            }
            ("wait4", _, Some(pid)) => self.waits.extend(self.process(pid).map(|child| (number, child))),
            ("exit_group", ..) => self.exit(process, number),
            (_, _, Some(pid)) if forks(call) => {
                let child = self.process(pid);
                self.story.steps[number].made = child;
                child.into_iter().for_each(|child| self.open[child] = self.open[process].clone());
            }
            _ => {}
        }
    }

    fn exit(&mut self, process: usize, step: usize) {
        self.story.steps[step].ends = true;
        for end in std::mem::take(&mut self.open[process]).into_values().flatten() {
            pass(&mut self.sent, end, ALL, step);
        }
    }

    fn end_of(&self, process: usize) -> Option<usize> {
        self.story.steps.iter().position(|step| step.ends && step.process == process)
    }

    /// A write causes the read of its last byte, a connect its accept, the last close the end of input, an exit the wait.
    fn connect_the_sides(&mut self) {
        // A wait begins before the end that it waits for.
        for &(wait, child) in &self.waits {
            self.story.steps[wait].cause = self.end_of(child);
        }
        for &((connection, server), came, step) in &self.came {
            let step = &mut self.story.steps[step];
            let all = came == ALL;
            let enough = |&&(end, sent, _): &&Passed| {
                end == (connection, !server) && sent >= came && (sent == ALL) == all
            };
            let mut causes = self.sent.iter().filter(enough).map(|&(_, _, cause)| cause);
            step.after.extend(causes.clone().filter(|_| all));
            step.cause = if all { causes.next_back() } else { causes.next() };
            step.outside = step.cause.is_none();
        }
    }
}

/// The order of telling. Of what is free to happen, this comes first: what the step just told
/// brings about; what comes from no outside, a sender whose receiver is late after the others;
/// what came from outside, by the clock. Of equals, the process born first.
fn order(steps: &[Step]) -> Vec<usize> {
    let causes: HashSet<usize> = steps.iter().filter_map(|step| step.cause).collect();
    let mut told = vec![false; steps.len()];
    let mut order: Vec<usize> = Vec::new();
    while order.len() < steps.len() {
        // The next step of each process.
        let mut processes = HashSet::new();
        let next = |&step: &usize| !told[step] && processes.insert(steps[step].process);
        let heads: Vec<usize> = (0..steps.len()).filter(next).collect();
        // `besides` is taken as told.
        let ready = |step: &Step, besides: Option<usize>| {
            step.cause.iter().chain(&step.after).all(|&other| told[other] || Some(other) == besides)
        };
        let rank = |number: usize| {
            let step = &steps[number];
            let listens = |head: &Step| head.cause == Some(number) && ready(head, Some(number));
            let early = causes.contains(&number) && !heads.iter().any(|&head| listens(&steps[head]));
            let answers = step.cause.is_some() && step.cause == order.last().copied();
            let outside_at = if step.outside { step.over } else { 0.0 };
            // A trace with a piece missing may leave nobody free; then the clock decides.
            let stuck = if ready(step, None) { 0.0 } else { step.over };
            (stuck, !answers, outside_at, early, step.process)
        };
        let first =
            heads.iter().copied().min_by(|&a, &b| rank(a).partial_cmp(&rank(b)).expect("times compare"));
        let step = first.expect("some step is left");
        told[step] = true;
        order.push(step);
    }
    order
}
