//! The program that is graded, running: within bounds, in its own directory, with patience that depends on what it does.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use crate::grade::manner::Manner;
use crate::grade::patience::{Patience, settle};
use crate::grade::startable;
use crate::harness::builds::MAKE_VARIABLES;
use crate::harness::net::procnet;
use crate::harness::net::socket::{Socket, held};
use crate::harness::process::launch::{Launch, Limit, Running, Trace};
use crate::harness::process::procfs::{descendants, stat};
use crate::say;

pub const LOCALHOST: &str = "127.0.0.1";
/// The calls that a proof shows.
const CALLS: &str = "socket,setsockopt,bind,listen,accept,accept4,connect,read,write,recvfrom,sendto,recvmsg,\
sendmsg,writev,close,shutdown,clone,?clone3,?fork,?vfork,wait4,waitid,rt_sigaction,exit_group";

pub struct Subject<'a> {
    pub program: &'a Path,
    pub like: &'a str,
    /// Its calls are wanted, too.
    pub traced: bool,
    /// The calls of the program that was started last.
    pub proof: Mutex<(usize, String)>,
    /// How it answers, as its first session has shown.
    pub manner: Manner,
    /// Whether it listens on the port that it is given.
    pub binds: bool,
    /// The supervisors of its processes.
    pub supervisors: &'a Mutex<Vec<u32>>,
}

impl<'a> Subject<'a> {
    pub fn new(program: &'a Path, like: &'a str, supervisors: &'a Mutex<Vec<u32>>) -> Self {
        let (proof, manner) = (Mutex::default(), Manner::default());
        Subject { program, like, traced: false, proof, manner, binds: true, supervisors }
    }

    pub fn is_client(&self) -> bool {
        self.like == "tcp_client"
    }

    /// Whether it is to have processes of its own for its clients.
    pub fn forks(&self) -> bool {
        self.like.contains("fork")
    }

    pub fn launch<S: AsRef<OsStr>>(&self, args: &[S]) -> Launch {
        let launch = Launch::new(self.program)
            .args(args)
            // Where it finds its own files, and leaves them.
            .directory(self.program.parent().unwrap_or(Path::new("/")))
            .without_env(MAKE_VARIABLES)
            .without_shell()
            .limit(Limit::Descriptors, startable::descriptors())
            .limit(Limit::FileSize, 64 << 20);
        if self.traced { launch.traced(Trace::of(CALLS)) } else { launch }
    }

    pub fn start(&self, launch: Launch) -> Result<Started<'_>, String> {
        let running = launch.try_start().map_err(|error| startable::explained(self.program, &error))?;
        let mut supervisors = self.supervisors.lock().expect("no check panics");
        supervisors.push(running.supervisor());
        Ok(Started { running, subject: self, number: supervisors.len() })
    }
}

pub struct Started<'a> {
    pub running: Running,
    pub subject: &'a Subject<'a>,
    /// How many were started before.
    number: usize,
}

impl Started<'_> {
    /// The process above all of its processes.
    pub fn supervisor(&self) -> u32 {
        self.running.supervisor()
    }

    pub fn patience(&self) -> Patience {
        Patience::new(self.supervisor())
    }

    /// Waits until `find` finds something, as long as the program still does something. It never does: how the program
    /// has ended.
    pub fn until<T>(&mut self, find: impl FnMut(&mut Self) -> Option<T>) -> Result<T, String> {
        let patience = self.patience();
        self.until_with(patience, find)
    }

    pub fn until_with<T>(
        &mut self,
        mut patience: Patience,
        mut find: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<T, String> {
        loop {
            // Looked at first: what it did before its end counts.
            let gone = self.running.has_ended() && self.running.descendants().is_empty();
            if let Some(found) = find(self) {
                return Ok(found);
            }
            if gone || patience.is_over() {
                return Err(end(self.running.wait_timeout(Duration::ZERO)));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The sockets at which it listens, each with a process that has it.
    pub fn listening(&self) -> Vec<(u32, Socket)> {
        let mut found = Vec::new();
        let mut listening = procnet::listening();
        for pid in self.running.descendants() {
            let held = held(pid);
            let is_held = |socket: &Socket| held.iter().any(|(_, inode)| *inode == socket.inode);
            let (its, others): (Vec<Socket>, Vec<Socket>) = listening.into_iter().partition(is_held);
            found.extend(its.into_iter().map(|socket| (pid, socket)));
            listening = others;
        }
        found
    }

    /// Whether it ends without help, with a message and a status other than 0; it may ask a name server first.
    /// Another end, in words, is that `tried` found what it did instead.
    pub fn gives_up(&mut self, tried: impl Fn(&Self) -> Option<String>) -> Result<(), String> {
        let long = Duration::from_secs(40);
        let patience = self.patience().bounds(long, long);
        let instead = self.until_with(patience, |it| match it.running.has_ended() {
            true => Some(None),
            false => tried(it).map(Some),
        });
        if let Ok(Some(instead)) = instead {
            return Err(instead);
        }
        let status = self.running.wait_timeout(Duration::ZERO);
        self.running.end();
        match status {
            Some(1..=128) if !self.output().is_empty() => Ok(()),
            Some(1..=128) => Err(say!("it prints no message", "没有任何提示")),
            _ => Err(end(status)),
        }
    }

    /// What it has printed, on both streams, once it has ended.
    pub fn output(&mut self) -> Vec<String> {
        let mut output = self.running.stdout.all();
        output.extend(self.running.stderr.all());
        output
    }

    /// Waits until it does nothing more for the moment. False: it does not stop.
    pub fn settle(&self) -> bool {
        settle(self.supervisor())
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        let mut proof = self.subject.proof.lock().expect("no check panics");
        if self.subject.traced && self.number > proof.0 {
            *proof = (self.number, self.running.trace());
        }
    }
}

/// How a program has ended, in words.
pub fn end(status: Option<i32>) -> String {
    match status {
        None => say!("it keeps running", "它继续运行"),
        Some(134) => say!("it was killed by SIGABRT", "它被 SIGABRT 终止"),
        Some(139) => say!("it was killed by SIGSEGV", "它被 SIGSEGV 终止"),
        Some(141) => say!("it was killed by SIGPIPE", "它被 SIGPIPE 终止"),
        Some(status @ 129..) => say!("it was killed by signal {}", "它被信号 {} 终止", status - 128),
        Some(status) => say!("it ended with status {status}", "它以状态 {status} 退出"),
    }
}

/// The memory pages of what runs below a supervisor.
pub fn pages(supervisor: u32) -> u64 {
    let pages = |pid: u32| stat(pid).and_then(|stat| stat.get(21)?.parse::<u64>().ok()).unwrap_or(0);
    descendants(supervisor).into_iter().map(pages).sum()
}
