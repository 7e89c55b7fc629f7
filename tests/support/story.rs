//! What a trace tells: which call of one process brought about which of another, and an order to tell it in.
//!
//! The order is one of cause and effect, not of the clock, so that a conversation
//! held twice is told the same way twice. The clock decides one thing: what comes
//! from outside (a typed line, a peer that is not traced) comes after all that was over by then.

use std::collections::HashMap;

use super::strace::{Call, Event, What, calls, pids};
use super::words::{Names, forks, raw};

/// The calls that the programs make, as strace names them; others are not told.
pub const CALLS: &str = "socket,setsockopt,bind,listen,accept,connect,read,write,shutdown,close,\
                         fork,vfork,clone,clone3,wait4,rt_sigaction,clock_nanosleep,exit_group";

/// A process, named by what it does.
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

/// A trace as processes and their steps, each in the order of telling.
pub struct Story {
    pub processes: Vec<Process>,
    pub steps: Vec<Step>,
    /// The steps in the order of telling: an effect right after its cause where nothing else must come between.
    pub order: Vec<usize>,
}

/// A side of a connection: its number, and client or server.
type End = (usize, Role);

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
    let mut events = events.to_vec();
    if events.iter().all(|event| event.at.is_some()) {
        events.sort_by(|a, b| a.at.partial_cmp(&b.at).expect("times are numbers"));
    }
    let pids = pids(&events);
    let processes = processes(&events, &pids);
    let names = pids.iter().zip(&processes).map(|(&pid, process)| (pid, process.name.clone()));
    let names = Names::of(&events, names.collect());
    let open = vec![HashMap::new(); processes.len()];
    let mut teller = Teller { pids, processes, names, open, ..Teller::default() };
    for (index, event) in events.iter().enumerate() {
        let mut later = events[index + 1..].iter().filter(|later| later.pid == event.pid);
        let over = match event.at {
            Some(_) => later.clone().next().and_then(|next| next.at).unwrap_or(f64::INFINITY),
            None => event.ended as f64,
        };
        teller.hear(event, over, !later.any(|later| later.call().is_some()));
    }
    teller.connect_the_sides();
    let order = order(teller.processes.len(), &teller.steps);
    Story { processes: teller.processes, steps: teller.steps, order }
}

/// The processes in order of birth, each with its role, and a name that is its own.
fn processes(events: &[Event], pids: &[u32]) -> Vec<Process> {
    let mut processes: Vec<Process> = Vec::new();
    for &pid in pids {
        let bore = |call: &Call| forks(call) && call.returned() == Some(pid.into());
        let birth = events.iter().find(|event| event.call().is_some_and(bore));
        let parent =
            birth.and_then(|birth| pids[..processes.len()].iter().position(|&pid| pid == birth.pid));
        let role = match parent.map(|parent| processes[parent].role) {
            Some(Role::Child | Role::Grandchild) => Role::Grandchild,
            Some(_) => Role::Child,
            None if calls(events, pid).iter().any(|call| call.name == "connect") => Role::Client,
            None => Role::Server,
        };
        processes.push(Process { name: String::new(), role, parent });
    }
    for role in [Role::Client, Role::Server, Role::Child, Role::Grandchild] {
        let several = processes.iter().filter(|process| process.role == role).count() > 1;
        let alike = processes.iter_mut().filter(|process| process.role == role);
        for (process, number) in alike.zip(1..) {
            let name = format!("{role:?}").to_lowercase();
            process.name = if several { format!("{name} {number}") } else { name };
        }
    }
    for (process, pid) in processes.iter_mut().zip(pids).filter(|_| raw()) {
        process.name += &format!(" {pid}");
    }
    processes
}

#[derive(Default)]
struct Teller {
    pids: Vec<u32>,
    processes: Vec<Process>,
    names: Names,
    /// The descriptors of each process that are sockets; the end of a connection that one is.
    open: Vec<HashMap<i32, Option<End>>>,
    traffic: HashMap<End, Traffic>,
    /// The last `listen` that succeeded.
    listening: Option<usize>,
    /// The last step of a process that ended.
    exits: HashMap<u32, usize>,
    /// A wait, and for whom.
    waits: Vec<(usize, u32)>,
    steps: Vec<Step>,
}

impl Teller {
    fn hear(&mut self, event: &Event, over: f64, last: bool) {
        let process = self.pids.iter().position(|&pid| pid == event.pid).expect("it is known");
        match &event.what {
            What::Call(call) => self.hear_call(process, call, over, last),
            What::Signal(_) => {}
            What::End(end) => {
                // Whoever took the trace has ended it so.
                let by_hand = ["SIGTERM", "SIGINT", "SIGKILL"].iter().any(|name| end.contains(name));
                if by_hand || self.exits.contains_key(&event.pid) {
                    return;
                }
                let status = end.strip_prefix("exited with ");
                let text = status.map_or(end.clone(), |status| format!("exit({status})"));
                let step = self.step(process, vec![text], over);
                self.steps[step].failed = end.starts_with("killed");
                self.exit(process, step);
            }
        }
    }

    fn step(&mut self, process: usize, words: Vec<String>, over: f64) -> usize {
        // A program comes from outside, but for the first.
        let program = process > 0 && self.processes[process].parent.is_none();
        let outside = program && !self.steps.iter().any(|step| step.process == process);
        let birth = self.steps.iter().position(|step| step.made == Some(process));
        let after = birth.into_iter().collect();
        self.steps.push(Step { process, words, over, outside, after, ..Step::default() });
        self.steps.len() - 1
    }

    fn hear_call(&mut self, process: usize, call: &Call, over: f64, last: bool) {
        let (name, fd) = (call.name.as_str(), call.fd().unwrap_or(-1));
        let socket = self.open[process].get(&fd).copied();
        let end = socket.flatten();
        // strace saw it asleep when it was ended; in between, it was only made again.
        let asleep = call.result == "?" && name != "exit_group";
        // What the C library reads for itself is no socket and no standard stream.
        let not_ours =
            ["read", "write", "close"].contains(&name) && socket.is_none() && !(0..=2).contains(&fd);
        if asleep && !last || not_ours || !CALLS.split(',').any(|told| told == name) {
            return;
        }
        let step = self.step(process, self.names.words(call, asleep), over);
        self.steps[step].failed = call.errno.is_some() && !asleep;
        self.steps[step].log = name == "write" && (fd == 1 || fd == 2);
        if asleep {
            return;
        }
        let returned = call.returned();
        let done = returned.filter(|&number| number >= 0 && !call.injected);
        match (name, done) {
            ("socket", Some(fd)) => _ = self.open[process].insert(fd as i32, None),
            ("listen", Some(_)) => self.listening = Some(step),
            ("connect", Some(_)) => {
                self.opened(process, fd, Role::Client, step);
                self.steps[step].after.extend(self.listening);
            }
            ("accept", Some(new)) => {
                self.open[process].entry(fd).or_insert(None);
                self.opened(process, new as i32, Role::Server, step);
            }
            ("read", Some(came)) => match end.map(|end| self.traffic.entry(end).or_default()) {
                Some(traffic) if came == 0 => traffic.ends.push(step),
                Some(traffic) => traffic.read.push((step, sum(&traffic.read) + came as usize)),
                None => self.steps[step].outside = true,
            },
            ("read", None) if end.is_some() => self.steps[step].outside = true,
            ("write", Some(gone)) => {
                if let Some(traffic) = end.map(|end| self.traffic.entry(end).or_default()) {
                    traffic.written.push((step, sum(&traffic.written) + gone as usize));
                }
            }
            ("shutdown", Some(_)) => self.closed(end, step),
            ("close", Some(_)) => {
                self.open[process].remove(&fd);
                self.closed(end, step);
            }
            // A wait begins before the end that it waits for.
            ("wait4", Some(pid)) => self.waits.push((step, pid as u32)),
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

    fn opened(&mut self, process: usize, fd: i32, side: Role, step: usize) {
        let end = (self.traffic.keys().filter(|end| end.1 == side).count(), side);
        self.open[process].insert(fd, Some(end));
        self.traffic.entry(end).or_default().opened = Some(step);
    }

    fn closed(&mut self, end: Option<End>, step: usize) {
        if let Some(end) = end {
            self.traffic.entry(end).or_default().closed.push(step);
        }
    }

    fn exit(&mut self, process: usize, step: usize) {
        self.steps[step].ends = true;
        self.exits.insert(self.pids[process], step);
        for end in std::mem::take(&mut self.open[process]).into_values() {
            self.closed(end, step);
        }
    }

    /// A write causes the read of its last byte, a connect its accept, the last close the end of input, an exit the wait.
    fn connect_the_sides(&mut self) {
        for &(wait, pid) in &self.waits {
            self.steps[wait].cause = self.exits.get(&pid).copied();
        }
        let nothing = Traffic::default();
        for (&(connection, side), here) in &self.traffic {
            let other = if side == Role::Client { Role::Server } else { Role::Client };
            let there = self.traffic.get(&(connection, other)).unwrap_or(&nothing);
            let mut causes = Vec::new();
            if side == Role::Server {
                causes.extend(here.opened.map(|accept| (accept, there.opened)));
            }
            for &(read, bytes) in &here.read {
                let write = there.written.iter().find(|&&(_, written)| written >= bytes);
                causes.push((read, write.map(|&(write, _)| write)));
            }
            for &end in &here.ends {
                causes.push((end, there.closed.iter().copied().max()));
                self.steps[end].after.extend(&there.closed);
            }
            for (step, cause) in causes {
                self.steps[step].cause = cause;
                self.steps[step].outside = cause.is_none();
            }
        }
    }
}

/// The bytes that were written or read by now.
fn sum(traffic: &[(usize, usize)]) -> usize {
    traffic.last().map_or(0, |&(_, bytes)| bytes)
}

/// The order of telling. Of what is free to happen, this comes first: what the step just told
/// brings about; what comes from no outside, a sender whose receiver is late after the others;
/// what came from outside, by the clock. Of equals, the process born first.
fn order(processes: usize, steps: &[Step]) -> Vec<usize> {
    let of = |process| (0..steps.len()).filter(move |&step| steps[step].process == process).peekable();
    let mut left: Vec<_> = (0..processes).map(of).collect();
    let mut effects: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (index, step) in steps.iter().enumerate() {
        step.cause.into_iter().for_each(|cause| effects[cause].push(index));
    }
    let mut told = vec![false; steps.len()];
    let mut order: Vec<usize> = Vec::new();
    while order.len() < steps.len() {
        let heads: Vec<usize> = left.iter_mut().filter_map(|steps| steps.peek().copied()).collect();
        // `besides` is taken as told.
        let ready = |index: usize, besides: Option<usize>| {
            let mut before = steps[index].cause.iter().chain(&steps[index].after);
            before.all(|&other| told[other] || Some(other) == besides || other == index)
        };
        let rank = |step: usize| {
            let listens = |&effect: &usize| heads.contains(&effect) && ready(effect, Some(step));
            let early = !effects[step].is_empty() && !effects[step].iter().any(listens);
            let answers = steps[step].cause.is_some_and(|cause| order.last() == Some(&cause));
            let outside_at = if steps[step].outside { steps[step].over.max(0.0) } else { 0.0 };
            // A trace with a piece missing may leave nobody free; then the clock decides.
            let stuck = if ready(step, None) { 0.0 } else { steps[step].over };
            (stuck, !answers, outside_at, early, steps[step].process)
        };
        let first =
            heads.iter().copied().min_by(|&a, &b| rank(a).partial_cmp(&rank(b)).expect("times compare"));
        let step = first.expect("some step is left");
        told[step] = true;
        left[steps[step].process].next();
        order.push(step);
    }
    order
}
