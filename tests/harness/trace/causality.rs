//! What a trace tells: which call of one process is the cause of which of another, and an order to tell them in.
//!
//! The order is one of cause and effect, not of the clock, so that a session run twice is told
//! the same way twice. The clock decides one thing: what comes from outside (a typed line,
//! a peer that is not traced) comes after all that was over by then.

use std::collections::{HashMap, HashSet};

use crate::harness::trace::calls::{Kind, kind, simplified, waited_for};
use crate::harness::trace::graph::{ALL, End, Lifeline, Role, Step, StepGraph};
use crate::harness::trace::parse::{Call, Event, What, calls, pids};
use crate::harness::trace::peers::add_peers;
use crate::harness::trace::render::{Names, port, raw};

/// The calls that the article's programs make, as strace names them.
pub const CALLS: &str = "socket,setsockopt,bind,listen,accept,connect,read,write,shutdown,close,\
                         fork,vfork,clone,clone3,wait4,rt_sigaction,clock_nanosleep,exit_group";

/// Understands the events of one trace, or of several that were taken at the same time.
pub fn step_graph(events: &[Event]) -> StepGraph {
    let mut events: Vec<Event> = events.iter().map(simplified).collect();
    if events.iter().all(|event| event.at.is_some()) {
        events.sort_by(|a, b| a.at.partial_cmp(&b.at).expect("times are numbers"));
    }
    let mut analysis = Analysis::of(&events, HashSet::new());
    let bystanders = analysis.bystanders();
    if !bystanders.is_empty() {
        events.retain(|event| !bystanders.contains(&event.pid));
        analysis = Analysis::of(&events, bystanders);
    }
    analysis.graph.order = order(&analysis.graph);
    analysis.graph
}

/// How a process came to be.
#[derive(Clone, Copy, Default)]
pub struct Birth {
    parent: Option<usize>,
    /// It shares its parent's descriptors, and ends with them.
    thread: bool,
    /// It has become another program, which is nobody's child in the drawing.
    program: bool,
}

fn births(events: &[Event], pids: &[u32]) -> Vec<Birth> {
    let index = |pid: u32| pids.iter().position(|&known| known == pid);
    let has =
        |pid: u32, kinds: &[Kind]| calls(events, pid).iter().any(|call| kinds.contains(&kind(&call.name)));
    let servers: Vec<u32> = pids.iter().copied().filter(|&pid| has(pid, &[Kind::Listen])).collect();
    let mut births = Vec::new();
    for &pid in pids {
        let made = |call: &Call| kind(&call.name) == Kind::Fork && call.returned() == Some(pid.into());
        let birth = events.iter().find(|event| event.call().is_some_and(made));
        let own = calls(events, pid);
        let becomes = own.iter().position(|call| call.name == "execve" && call.result == "0");
        let program = becomes.is_some() && has(pid, &[Kind::Listen, Kind::Connect, Kind::Accept]);
        let thread =
            birth.and_then(Event::call).is_some_and(|call| call.args.concat().contains("CLONE_THREAD"));
        // Where forks are not traced, who serves a connection that it did not open is a child of a server.
        let serves = own
            .first()
            .is_some_and(|call| [Kind::Read, Kind::Write, Kind::Close].contains(&kind(&call.name)));
        let inherits = birth.is_none()
            && serves
            && !has(pid, &[Kind::Socket, Kind::Connect, Kind::Accept, Kind::Listen]);
        let server = servers.iter().copied().find(|&server| server < pid && inherits);
        let parent = birth.map(|birth| birth.pid).or(server).and_then(index);
        births.push(Birth { parent, thread, program });
    }
    births
}

/// The processes in order of birth, each with its role, and a name that is its own.
fn processes(events: &[Event], pids: &[u32], births: &[Birth]) -> Vec<Lifeline> {
    let mut roles: Vec<Role> = Vec::new();
    for (&pid, birth) in pids.iter().zip(births) {
        let connects =
            |call: &&Call| kind(&call.name) == Kind::Connect && port(&call.args.concat()).is_some();
        let listens = |call: &&Call| [Kind::Listen, Kind::Accept].contains(&kind(&call.name));
        let own = calls(events, pid);
        roles.push(match birth.parent.filter(|_| !birth.program).map(|parent| roles[parent]) {
            Some(Role::Child | Role::Grandchild) => Role::Grandchild,
            Some(_) => Role::Child,
            None if own.iter().any(connects) && !own.iter().any(listens) => Role::Client,
            None => Role::Server,
        });
    }
    let kinds = roles.iter().zip(births).map(|(role, birth)| match birth.thread {
        true => "thread".to_string(),
        false => format!("{role:?}").to_lowercase(),
    });
    let kinds: Vec<String> = kinds.collect();
    let named = |index: usize| {
        let alike = |kinds: &[String]| {
            kinds.iter().filter(|&other| *other == kinds[index.min(kinds.len() - 1)]).count()
        };
        let mut name = kinds[index].clone();
        if kinds.iter().filter(|other| **other == name).count() > 1 {
            name += &format!(" {}", alike(&kinds[..=index]));
        }
        if raw() {
            name += &format!(" {}", pids[index]);
        }
        Lifeline { name, role: roles[index], traced: true }
    };
    (0..roles.len()).map(named).collect()
}

/// A descriptor of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Descriptor {
    /// A socket that has no connection, and the port that it is bound to.
    Socket(Option<u16>),
    /// One end of a connection.
    End(usize),
    /// Waits for sockets, when one was added.
    Epoll(bool),
    Other,
}

/// So many bytes more. An end may have been closed before, by another process.
fn add(transfers: &mut Vec<(usize, usize)>, bytes: usize, step: usize) {
    let before = transfers.iter().rfind(|(sum, _)| *sum != ALL).map_or(0, |last| last.0);
    transfers.push((before.saturating_add(bytes), step));
}

#[derive(Default)]
struct Analysis {
    graph: StepGraph,
    pids: Vec<u32>,
    births: Vec<Birth>,
    /// The processes that are left out, and those that do something with sockets.
    bystanders: HashSet<u32>,
    acts: HashSet<usize>,
    names: Names,
    /// The descriptors that are known, and which of these tables each process has: threads share one.
    tables: Vec<HashMap<i32, Descriptor>>,
    table: Vec<usize>,
    ends: Vec<End>,
    /// The `listen` that succeeded last.
    listening: Option<usize>,
    /// The signals' dispositions that were set.
    handlers: HashMap<(usize, String), String>,
    /// A wait for a child, and for which one.
    waits: Vec<(usize, usize)>,
}

impl Analysis {
    fn of(events: &[Event], bystanders: HashSet<u32>) -> Self {
        let pids = pids(events);
        let births = births(events, &pids);
        let processes = processes(events, &pids, &births);
        let names = pids.iter().zip(&processes).map(|(&pid, process)| (pid, process.name.clone()));
        let names = Names::of(events, names.collect());
        let tables = vec![HashMap::new(); processes.len()];
        let table = (0..processes.len()).collect();
        let graph = StepGraph { processes, ..StepGraph::default() };
        let mut analysis =
            Analysis { graph, pids, births, bystanders, names, tables, table, ..Analysis::default() };
        for (index, event) in events.iter().enumerate() {
            let mut later = events[index + 1..].iter().filter(|later| later.pid == event.pid);
            let over = match event.at {
                Some(_) => later.clone().next().and_then(|next| next.at).unwrap_or(f64::INFINITY),
                None => event.ended as f64,
            };
            let began = event.at.unwrap_or(index as f64);
            let execs = |later: &Event| {
                later.call().is_some_and(|call| call.name == "execve" && call.result == "0")
            };
            if later.clone().any(execs) && event.call().is_some_and(|call| is_of_shell(&call.name)) {
                let process = analysis.process(event.pid as usize).expect("it is known");
                analysis.note(process, event.call().expect("it is a call"));
                continue;
            }
            analysis.add(event, began, over, !later.any(|later| later.call().is_some()));
        }
        analysis.connect_the_sides();
        analysis
    }

    /// The processes that have nothing to do with sockets: a runtime's threads, and what has started the programs.
    fn bystanders(&self) -> HashSet<u32> {
        let mut kept = self.acts.clone();
        // A child of one that acts belongs to it, and so does the parent of one that acts.
        for (process, birth) in self.births.iter().enumerate() {
            let of_one = birth.parent.is_some_and(|parent| kept.contains(&parent));
            if of_one && !birth.thread && !birth.program {
                kept.insert(process);
            }
        }
        for (process, birth) in self.births.iter().enumerate().rev() {
            if let Some(parent) = birth.parent.filter(|_| kept.contains(&process) && !birth.program) {
                kept.insert(parent);
            }
        }
        if kept.is_empty() {
            return HashSet::new();
        }
        let pids = self.pids.iter().enumerate().filter(|(process, _)| !kept.contains(process));
        pids.map(|(_, &pid)| pid).collect()
    }

    fn process(&self, pid: usize) -> Option<usize> {
        self.pids.iter().position(|&known| known as usize == pid)
    }

    fn descriptors(&mut self, process: usize) -> &mut HashMap<i32, Descriptor> {
        &mut self.tables[self.table[process]]
    }

    fn descriptor(&self, process: usize, fd: i32) -> Option<Descriptor> {
        self.tables[self.table[process]].get(&fd).copied()
    }

    /// `last`: its process makes no call after it.
    fn add(&mut self, event: &Event, began: f64, over: f64, last: bool) {
        let process = self.process(event.pid as usize).expect("it is known");
        if !self.graph.steps.iter().any(|step| step.process == process) {
            self.inherit(process);
        }
        // The person who took the trace ended the program this way.
        let by_hand = |end: &str| ["SIGTERM", "SIGINT", "SIGKILL"].iter().any(|name| end.contains(name));
        // strace saw it wait when it was ended; in between, it was only made again.
        let waits = |call: &Call| call.result == "?" && kind(&call.name) != Kind::Exit;
        let mut step = Step { process, began, over, ..Step::default() };
        match &event.what {
            What::Call(call) if self.is_drawn(process, call) && (last || !waits(call)) => {
                step.words = self.names.words(call, waits(call));
                step.failed =
                    call.errno.as_deref().is_some_and(|errno| errno != "EINPROGRESS") && !waits(call);
                step.log = kind(&call.name) == Kind::Write && matches!(call.fd(), Some(1 | 2));
            }
            What::Call(call) => return self.note(process, call),
            What::End(end) if !by_hand(end) && self.end_of(process).is_none() => {
                let status = end.strip_prefix("exited with ");
                step.words = vec![status.map_or(end.clone(), |status| format!("exit({status})"))];
                step.failed = status.is_none();
            }
            _ => return,
        }
        let steps = &mut self.graph.steps;
        // A program comes from outside, but for the first.
        let program = process > 0 && self.graph.processes[process].role < Role::Child;
        step.outside = program && !steps.iter().any(|other| other.process == process);
        step.after.extend(steps.iter().position(|other| other.made == Some(process)));
        steps.push(step);
        let number = steps.len() - 1;
        match &event.what {
            What::Call(call) if waits(call) => {}
            What::Call(call) => self.understand(process, call, number),
            _ => self.exit(process, number),
        }
    }

    /// What a process has from its parent whose fork is not in the trace.
    fn inherit(&mut self, process: usize) {
        let parent = self.births[process].parent.filter(|_| self.descriptors(process).is_empty());
        if let Some(parent) = parent.filter(|_| !self.births[process].program) {
            let descriptors = self.descriptors(parent).clone();
            *self.descriptors(process) = descriptors;
        }
    }

    /// Sockets, standard streams and processes are drawn; not what the C library or a runtime does for itself.
    fn is_drawn(&mut self, process: usize, call: &Call) -> bool {
        let fd = call.fd().unwrap_or(-1);
        let known = self.descriptor(process, fd);
        let is_socket = matches!(known, Some(Descriptor::Socket(_) | Descriptor::End(_)));
        let arg = |index: usize| call.args.get(index).map_or("", String::as_str);
        let kind = kind(&call.name);
        // A call that does not wait is made again when there is something.
        if call.errno.as_deref() == Some("EAGAIN")
            && call.details.contains("temporarily")
            && kind != Kind::Fork
        {
            return false;
        }
        match kind {
            Kind::Socket => is_tcp(arg(0), arg(1)),
            Kind::Bind | Kind::Connect => is_socket || known.is_none() && port(arg(1)).is_some(),
            Kind::Listen | Kind::Accept => is_socket || known.is_none(),
            Kind::Option | Kind::Shutdown => is_socket,
            Kind::Read | Kind::Write if is_socket => true,
            Kind::Read | Kind::Write => {
                known.is_none() && ((0..=2).contains(&fd) || is_of_connection(call))
            }
            Kind::Close => is_socket || (0..=2).contains(&fd) && known.is_none(),
            Kind::Wait => self.is_wait_for_sockets(process, call),
            Kind::Signal => {
                let signal = (process, arg(0).to_string());
                let before = self.handlers.get(&signal).map_or("SIG_DFL", String::as_str);
                let handler = arg(1)
                    .split_once("handler=")
                    .map(|(_, rest)| rest.split([',', '}']).next().unwrap_or(""));
                // A runtime puts back what was.
                let changes = handler.is_some_and(|handler| handler != before && handler != "SIG_DFL");
                self.handlers.extend(handler.map(|handler| (signal, handler.to_string())));
                changes && ["SIGPIPE", "SIGCHLD"].contains(&arg(0))
            }
            Kind::Fork | Kind::WaitForChild => {
                let child = call.returned().and_then(|pid| u32::try_from(pid).ok());
                child.is_none_or(|child| child > 0 && !self.bystanders.contains(&child))
            }
            Kind::Sleep | Kind::Exit => true,
            Kind::Copy | Kind::Other => false,
        }
    }

    /// Among what it waits for is a socket, and one is ready, where that is known.
    fn is_wait_for_sockets(&self, process: usize, call: &Call) -> bool {
        let (wanted, ready) = waited_for(call);
        let is = |fd: &i32, kinds: fn(&Descriptor) -> bool| {
            self.descriptor(process, *fd).is_some_and(|known| kinds(&known))
        };
        let socket = |known: &Descriptor| !matches!(known, Descriptor::Other | Descriptor::Epoll(false));
        let other = |known: &Descriptor| matches!(known, Descriptor::Other);
        wanted.iter().any(|fd| is(fd, socket))
            && call.returned().is_none_or(|count| count > 0)
            && (ready.is_empty()
                || ready.iter().any(|fd| is(fd, socket))
                || !ready.iter().any(|fd| is(fd, other)))
    }

    /// A call that is not drawn may make a descriptor.
    fn note(&mut self, process: usize, call: &Call) {
        let fd = call.fd().unwrap_or(-1);
        let Some(new) = call.returned().filter(|new| *new >= 0) else { return };
        let new = new as i32;
        match &*call.name {
            "dup" | "dup2" | "dup3" => {
                let copy = self.descriptor(process, fd);
                let copy = copy.unwrap_or(if (0..=2).contains(&fd) { return } else { Descriptor::Other });
                self.descriptors(process).insert(new, copy);
            }
            "fcntl" | "fcntl64"
                if call.args.get(1).is_some_and(|command| command.starts_with("F_DUPFD")) =>
            {
                let copy = self.descriptor(process, fd).unwrap_or(Descriptor::Other);
                self.descriptors(process).insert(new, copy);
            }
            "epoll_create" | "epoll_create1" => {
                self.descriptors(process).insert(new, Descriptor::Epoll(false));
            }
            "epoll_ctl" if call.args.get(1).is_some_and(|operation| operation == "EPOLL_CTL_ADD") => {
                let added = call.args.get(2).and_then(|fd| self.descriptor(process, fd.parse().ok()?));
                if matches!(added, Some(Descriptor::Socket(_) | Descriptor::End(_))) {
                    self.descriptors(process).insert(fd, Descriptor::Epoll(true));
                }
            }
            "open" | "openat" | "socket" | "eventfd2" | "timerfd_create" | "signalfd4" | "memfd_create"
            | "accept4" | "accept" | "inotify_init1" | "io_uring_setup" => {
                _ = self.descriptors(process).insert(new, Descriptor::Other)
            }
            "pipe" | "pipe2" | "socketpair" => {
                let both = call.args.iter().find(|arg| arg.starts_with('[')).cloned().unwrap_or_default();
                for fd in both.split(|c: char| !c.is_ascii_digit()).filter_map(|fd| fd.parse().ok()) {
                    self.descriptors(process).insert(fd, Descriptor::Other);
                }
            }
            "close" => _ = self.descriptors(process).remove(&fd),
            _ => {}
        }
    }

    fn understand(&mut self, process: usize, call: &Call, number: usize) {
        let fd = call.fd().unwrap_or(-1);
        let end = match self.descriptor(process, fd) {
            Some(Descriptor::End(end)) => Some(end),
            // The trace began when it was connected.
            None if is_of_connection(call) => {
                self.ends.push(End {
                    server: true,
                    port: None,
                    step: number,
                    sent: Vec::new(),
                    received: Vec::new(),
                });
                let end = self.ends.len() - 1;
                self.descriptors(process).insert(fd, Descriptor::End(end));
                Some(end)
            }
            _ => None,
        };
        let address = call.args.get(1).and_then(|address| port(address));
        let done =
            call.returned().filter(|&result| result >= 0 && !call.injected).map(|result| result as usize);
        let in_progress = call.errno.as_deref() == Some("EINPROGRESS");
        let step = &mut self.graph.steps[number];
        let is_socket = matches!(self.tables[self.table[process]].get(&fd), Some(Descriptor::Socket(_)));
        if is_socket || end.is_some() || [Kind::Socket, Kind::Accept].contains(&kind(&call.name)) {
            self.acts.insert(process);
        }
        match (kind(&call.name), end, done) {
            (Kind::Socket, _, Some(fd)) => {
                _ = self.descriptors(process).insert(fd as i32, Descriptor::Socket(None))
            }
            (Kind::Bind, _, Some(_)) => {
                _ = self.descriptors(process).insert(fd, Descriptor::Socket(address))
            }
            (Kind::Listen, _, Some(_)) => {
                self.listening = Some(number);
                self.descriptors(process).entry(fd).or_insert(Descriptor::Socket(None));
            }
            (Kind::Accept, _, Some(new)) => {
                let listener = *self.descriptors(process).entry(fd).or_insert(Descriptor::Socket(None));
                let port = if let Descriptor::Socket(port) = listener { port } else { None };
                let end = self.end(true, port, number);
                self.descriptors(process).insert(new as i32, Descriptor::End(end));
            }
            (Kind::Connect, None, done) if done.is_some() || in_progress => {
                step.after.extend(self.listening);
                let end = self.end(false, address, number);
                self.descriptors(process).insert(fd, Descriptor::End(end));
            }
            (Kind::Read, Some(end), Some(bytes)) => {
                let bytes = if bytes == 0 { ALL } else { bytes };
                add(&mut self.ends[end].received, bytes, number);
            }
            (Kind::Read, None, Some(_)) | (Kind::Read, Some(_), None) => step.outside = true,
            (Kind::Write, Some(end), Some(bytes)) => add(&mut self.ends[end].sent, bytes, number),
            (Kind::Shutdown, Some(end), Some(_)) => add(&mut self.ends[end].sent, ALL, number),
            (Kind::Close, end, Some(_)) => {
                self.descriptors(process).remove(&fd);
                end.into_iter().for_each(|end| add(&mut self.ends[end].sent, ALL, number));
            }
            (Kind::WaitForChild, _, Some(pid)) => {
                self.waits.extend(self.process(pid).map(|child| (number, child)));
            }
            (Kind::Exit, ..) => self.exit(process, number),
            (Kind::Fork, _, Some(pid)) => {
                let child = self.process(pid);
                let program = child.is_some_and(|child| self.births[child].program);
                self.graph.steps[number].made = child.filter(|_| !program);
                if let Some(child) = child {
                    if call.args.concat().contains("CLONE_FILES") {
                        self.table[child] = self.table[process];
                    } else {
                        let descriptors = self.descriptors(process).clone();
                        *self.descriptors(child) = descriptors;
                    }
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, server: bool, port: Option<u16>, step: usize) -> usize {
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        add(if server { &mut received } else { &mut sent }, 0, step);
        self.ends.push(End { server, port, step, sent, received });
        self.ends.len() - 1
    }

    fn exit(&mut self, process: usize, step: usize) {
        self.graph.steps[step].ends = true;
        if self.births[process].thread {
            return;
        }
        for descriptor in std::mem::take(self.descriptors(process)).into_values() {
            if let Descriptor::End(end) = descriptor {
                add(&mut self.ends[end].sent, ALL, step);
            }
        }
    }

    fn end_of(&self, process: usize) -> Option<usize> {
        self.graph.steps.iter().position(|step| step.ends && step.process == process)
    }

    /// A write is the cause of the read of its last byte, a connect of its accept, the last close of the end of input, an
    /// exit of the wait.
    fn connect_the_sides(&mut self) {
        // A wait begins before the end that it waits for.
        for &(wait, child) in &self.waits {
            self.graph.steps[wait].cause = self.end_of(child);
        }
        let peers = self.peers();
        for (end, peer) in self.ends.iter().zip(&peers) {
            for &(received, step) in &end.received {
                let step = &mut self.graph.steps[step];
                let all = received == ALL;
                let sent = peer.map_or(&[][..], |peer| &self.ends[peer].sent);
                let enough = |(sent, _): &&(usize, usize)| *sent >= received && (*sent == ALL) == all;
                let mut causes = sent.iter().filter(enough).map(|&(_, cause)| cause);
                step.after.extend(causes.clone().filter(|_| all));
                step.cause = if all { causes.next_back() } else { causes.next() };
                step.outside = step.cause.is_none();
            }
        }
        let mut alone = Vec::new();
        for (number, end) in self.ends.iter().enumerate().filter(|(number, _)| peers[*number].is_none()) {
            let mut end = end.clone();
            // As long as one process has it, it is not closed.
            let is_it = |known: &Descriptor| *known == Descriptor::End(number);
            if self.tables.iter().any(|table| table.values().any(is_it)) {
                end.sent.retain(|(bytes, _)| *bytes != ALL);
            }
            alone.push(end);
        }
        add_peers(&mut self.graph, &alone);
    }

    /// The peer of each: what is accepted first was connected first, to the same port, and not later.
    fn peers(&self) -> Vec<Option<usize>> {
        let mut peers = vec![None; self.ends.len()];
        for (number, end) in self.ends.iter().enumerate().filter(|(_, end)| end.server) {
            let over = self.graph.steps[end.step].over;
            let fits = |&(other, peer): &(usize, &End)| {
                let same = peer.port.is_none() || end.port.is_none() || peer.port == end.port;
                !peer.server && peers[other].is_none() && same && self.graph.steps[peer.step].began <= over
            };
            let peer = self.ends.iter().enumerate().find(fits).map(|(other, _)| other);
            if let Some(peer) = peer {
                (peers[number], peers[peer]) = (Some(peer), Some(number));
            }
        }
        peers
    }
}

/// What a shell does to streams and signals before it becomes the program.
fn is_of_shell(name: &str) -> bool {
    [Kind::Close, Kind::Read, Kind::Write, Kind::Signal, Kind::Sleep].contains(&kind(name))
}

/// `recv` and its like read from nothing but sockets; one with an address has no connection.
fn is_of_connection(call: &Call) -> bool {
    let has_address = call.args.get(4).is_some_and(|address| address != "NULL");
    match &*call.name {
        "send" | "recv" | "recvmsg" | "sendmsg" => true,
        "sendto" | "recvfrom" => !has_address,
        _ => false,
    }
}

fn is_tcp(family: &str, kind: &str) -> bool {
    let number = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let stream = kind.contains("SOCK_STREAM") || number(kind).is_some_and(|kind| kind & 15 == 1);
    stream && ["AF_INET", "AF_INET6", "PF_INET", "PF_INET6", "0x2", "0xa"].contains(&family)
}

/// The order of telling. Of what is free to happen, this comes first: what the step just told
/// brings about; what comes from no outside, a sender whose receiver is late after the others;
/// what came from outside, by the clock. Of equals, the process born first.
fn order(graph: &StepGraph) -> Vec<usize> {
    let steps = &graph.steps;
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
            // What a peer that is not traced receives is known only from what was sent.
            let derived =
                !graph.processes[step.process].traced && step.cause.is_some_and(|cause| told[cause]);
            let answers = derived || step.cause.is_some() && step.cause == order.last().copied();
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
