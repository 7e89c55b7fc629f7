//! A server under test that listens, and its clients.

use std::convert::identity;

use crate::grade::intercept::Intercept;
use crate::grade::manner::{Ending, HELLO, Manner, Reply, contains};
use crate::grade::outcome::{Observed, Outcome};
use crate::grade::peer::Peer;
use crate::grade::subject::{LOCALHOST, Started, Subject, end};
use crate::harness::net::ports::free_port;
use crate::harness::net::socket::Socket;
use crate::harness::process::launch::Launch;
use crate::harness::process::procfs::{stat, state};
use crate::say;

pub struct GradedServer<'a> {
    pub started: Started<'a>,
    /// The port on which it was to listen, and the one on which it does.
    pub told: u16,
    pub port: u16,
    /// The process that listens, and its socket.
    pub pid: u32,
    pub listener: Socket,
}

impl<'a> GradedServer<'a> {
    /// On a free port of the loopback interface.
    pub fn new(subject: &'a Subject) -> Result<Self, Observed> {
        let first = GradedServer::start(subject, free_port(), LOCALHOST, identity);
        // Another program may have taken the port meanwhile.
        Ok(first.or_else(|_| GradedServer::start(subject, free_port(), LOCALHOST, identity))?)
    }

    /// The same, with some of its calls to be decided on; `prepare` sets a rule for those from its start on.
    pub fn with_calls(
        subject: &'a Subject,
        calls: &[libc::c_long],
        prepare: impl Fn(&Intercept),
    ) -> Result<(Self, Intercept), Observed> {
        let start = || {
            let (intercept, install) = Intercept::new(calls);
            prepare(&intercept);
            let server =
                GradedServer::start(subject, free_port(), LOCALHOST, |launch| launch.before_exec(install));
            server.map(|server| (server, intercept))
        };
        Ok(start().or_else(|_| start())?)
    }

    pub fn start(
        subject: &'a Subject,
        told: u16,
        ip: &str,
        how: impl FnOnce(Launch) -> Launch,
    ) -> Result<Self, String> {
        let mut started = subject.start(how(subject.launch(&[&*told.to_string(), ip])))?;
        let found = started.until(|it| Some(it.listening()).filter(|found| !found.is_empty()));
        let mut found = match found {
            Ok(found) => found,
            Err(how) => return Err(never_listens(started, &how)),
        };
        if !found.iter().any(|(_, socket)| socket.port == told) {
            started.settle();
            found = started.listening();
        }
        let at = found.iter().position(|(_, socket)| socket.port == told).unwrap_or(0);
        if found.is_empty() {
            let how = end(started.running.wait_timeout(std::time::Duration::ZERO));
            return Err(never_listens(started, &how));
        }
        let (pid, listener) = found.swap_remove(at);
        Ok(GradedServer { started, told, port: listener.port, pid, listener })
    }

    pub fn subject(&self) -> &'a Subject<'a> {
        self.started.subject
    }

    pub fn manner(&self) -> Manner {
        self.subject().manner
    }

    pub fn connect(&self) -> Result<Peer, String> {
        Peer::connect(self.port, self.started.supervisor())
    }

    /// A client that has got a sign of life.
    pub fn client(&self) -> Result<Peer, String> {
        let mut peer = self.connect()?;
        self.ask(&mut peer)?;
        self.answer(&mut peer)?;
        Ok(peer)
    }

    /// Sends what a server answers.
    pub fn ask(&self, peer: &mut Peer) -> Result<(), String> {
        peer.send(&self.manner().message(HELLO))
    }

    /// Waits for any sign that the server has served `peer`, which has asked. Whether it is the right answer is asked
    /// elsewhere.
    pub fn answer(&self, peer: &mut Peer) -> Result<(), String> {
        let manner = self.manner();
        let length = manner.message(HELLO).len();
        let answered = match (manner.ending, manner.reply) {
            (Ending::Close | Ending::Never, _) => {
                let mut patience = self.started.patience();
                while !self.is_accepted(peer) && !patience.is_over() {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                self.is_accepted(peer)
            }
            (_, Reply::Echo) => !peer.read_until(|got| got.len() >= length).is_empty(),
            (_, answer) => {
                let enough = |got: &[u8]| contains(got, HELLO) || answer == Reply::Other && !got.is_empty();
                let first = peer.read_until(enough);
                self.started.settle();
                // What it adds may come late, and must not be taken for the next answer.
                peer.drain();
                !first.is_empty()
            }
        };
        if answered { Ok(()) } else { Err(say!("a client gets no answer", "客户端得不到应答")) }
    }

    /// The client is served still.
    pub fn still_serves(&self, peer: &mut Peer) -> Result<(), String> {
        self.ask(peer)?;
        self.answer(peer)
    }

    /// A new client is served.
    pub fn serves_next(&self) -> Outcome {
        match self.client() {
            Ok(client) => drop(client),
            Err(seen) => {
                return Err(Observed::fail(say!("the next client: {seen}", "下一个客户端：{seen}")));
            }
        }
        // A SIGCHLD that arrives while the kernel asks about a fork() would make it fail with EINTR, as no real fork() does:
        // the end of this client's process must not meet the start of the next one's.
        self.started.settle();
        Ok(())
    }

    /// Whether a process has the socket of this client.
    pub fn is_accepted(&self, peer: &Peer) -> bool {
        !self.serving(peer).1.is_empty()
    }

    /// The inode of the socket that it has for this client, and the processes that hold it.
    pub fn serving(&self, peer: &Peer) -> (String, Vec<u32>) {
        let socket = peer.other_side()();
        let mut holders = self.started.running.descendants();
        holders.retain(|&pid| socket.as_ref().is_some_and(|socket| socket.is_held_by(pid)));
        (socket.map_or("none".into(), |socket| socket.inode), holders)
    }

    /// The process, other than the one that listens, that serves this client.
    pub fn process_of(&self, peer: &Peer) -> Option<u32> {
        // A parent may have the socket for a moment, too.
        self.started.settle();
        self.serving(peer).1.into_iter().rfind(|&pid| pid != self.pid)
    }

    /// Its processes that have not ended, and those that have and are not reaped.
    pub fn processes(&self) -> (usize, usize) {
        let states: Vec<char> = self.started.running.descendants().into_iter().filter_map(state).collect();
        let zombies = states.iter().filter(|&&state| state == 'Z').count();
        (states.len() - zombies, zombies)
    }

    /// Waits until no more processes live than `before`. False: some stay.
    pub fn shrinks_to(&self, before: usize) -> bool {
        let mut patience = self.started.patience();
        while self.processes().0 > before && !patience.is_over() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.processes().0 <= before
    }

    pub fn is_gone(&self) -> bool {
        matches!(state(self.pid), None | Some('Z' | 'X'))
    }

    /// Whether a function of its own is called when a child ends.
    pub fn handles_sigchld(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        caught & 1 << (libc::SIGCHLD - 1) != 0
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<String> {
        if !self.is_gone() {
            return None;
        }
        let status = self.started.running.wait_timeout(std::time::Duration::from_millis(200));
        Some(end(status.or(Some(0))))
    }

    /// What was seen, and how the server has ended, if it has: that explains more than what a client has seen of it.
    pub fn explain(&mut self, seen: Observed) -> Observed {
        self.started.settle();
        match self.ended() {
            Some(end) => seen.map(|seen| say!("{seen}; {end}", "{seen}；{end}")),
            None => seen,
        }
    }
}

pub fn parent(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// With what the program has printed last.
fn never_listens(mut started: Started, how: &str) -> String {
    started.running.end();
    let output = started.output();
    let last: Vec<&str> = output.iter().rev().take(3).rev().map(|line| line.trim_end()).collect();
    if last.is_empty() {
        return say!("it never listens ({how}) and prints nothing", "它从未监听（{how}），也没有任何输出");
    }
    let last = last.join(" | ");
    say!(
        "it never listens ({how}); its last output: {last:.400}",
        "它从未监听（{how}），最后的输出：{last:.400}"
    )
}
