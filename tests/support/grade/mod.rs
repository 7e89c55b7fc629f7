//! The one list of what a program owes its peer, and its score: `make grade`.
//!
//! A program is judged by what it does, as its peer and the kernel see it; never by what its log says.

pub mod clients;
pub mod servers;
mod sockets;
mod talk;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::kernel::{children, stat};
use super::run::{Launch, Limits, Running, Trace};
use crate::say;

/// How long one check may take.
const CHECK: Duration = Duration::from_secs(5);
/// So many checks run at a time: they mostly wait.
const SIDE_BY_SIDE: usize = 6;
/// More processes, or more pages, below one program are its end.
const PROCESSES: usize = 100;
const PAGES: u64 = 1 << 20;
/// So much of a trace proves enough.
const PROOF: usize = 40;

/// Which of the article's servers a program is to be like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Like {
    TcpServer,
    Fork,
    DoubleFork,
    Client,
}

impl Like {
    pub fn of(name: &str) -> Option<Self> {
        let names = ["tcp_server", "tcp_server_fork", "tcp_server_double_fork", "tcp_client"];
        let kinds = [Like::TcpServer, Like::Fork, Like::DoubleFork, Like::Client];
        names.iter().position(|&known| known == name).map(|index| kinds[index])
    }
}

/// Why a promise is not kept, or cannot be looked at.
pub enum No {
    Fail(String),
    Skip(String),
}

impl From<String> for No {
    fn from(seen: String) -> Self {
        No::Fail(seen)
    }
}

type Seen = Result<(), No>;

/// Something that a program owes its peer.
pub struct Check {
    /// The erratum's number, or a short name.
    id: &'static str,
    promise: String,
    lesson: u32,
    run: fn(&Subject) -> Seen,
    /// Only programs of these kinds owe it; empty: all do.
    kinds: &'static [Like],
    /// It needs nothing of the checks that come first.
    alone: bool,
    /// If it fails, the others cannot be looked at.
    first: bool,
}

fn check(id: &'static str, lesson: u32, promise: String, run: fn(&Subject) -> Seen) -> Check {
    Check { id, promise, lesson, run, kinds: &[], alone: false, first: false }
}

impl Check {
    fn of(mut self, kinds: &'static [Like]) -> Self {
        self.kinds = kinds;
        self
    }

    fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    fn first(mut self) -> Self {
        self.first = true;
        self
    }
}

/// The program that is graded.
pub struct Subject {
    program: PathBuf,
    like: Like,
    /// Its calls are wanted, too.
    traced: AtomicBool,
    proof: Mutex<String>,
}

impl Subject {
    fn launch(&self, words: &[String]) -> Launch {
        let launch = Launch::of(&self.program).args(words);
        let launch =
            launch.limits(Limits { descriptors: Some(4096), file: Some(64 << 20), ..Limits::default() });
        if self.traced.load(Relaxed) { launch.traced(Trace::of(CALLS)) } else { launch }
    }

    fn start(&self, launch: Launch) -> Started<'_> {
        let running = launch.start();
        let over = Arc::new(AtomicBool::new(false));
        bound(running.keeper(), over.clone());
        Started { running, over, subject: self, attached: false, until: Instant::now() + CHECK }
    }
}

/// The calls that a proof shows.
const CALLS: &str = "socket,setsockopt,bind,listen,accept,accept4,connect,read,write,recvfrom,sendto,recvmsg,\
sendmsg,writev,close,shutdown,clone,?clone3,?fork,?vfork,wait4,waitid,rt_sigaction,exit_group";

/// A graded program that runs, within bounds.
struct Started<'a> {
    running: Running,
    over: Arc<AtomicBool>,
    subject: &'a Subject,
    attached: bool,
    /// The end of the check's time.
    until: Instant,
}

impl Started<'_> {
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    /// Lets strace in at `pid`; where it may not, the check is left out.
    fn attach(&mut self, pid: u32, trace: &Trace) -> Seen {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|directory| directory.join("strace").is_file()) {
            return Err(No::Skip(say!("strace is missing", "缺少 strace")));
        }
        let refused = |_| No::Skip(say!("strace may not trace here", "此处不允许 strace 跟踪"));
        self.running.attach_to(pid, trace).map_err(refused)?;
        self.attached = true;
        Ok(())
    }

    /// Those below it, without a strace.
    fn below(&self) -> Vec<u32> {
        let name = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        self.running.below().into_iter().filter(|pid| name(pid) != "strace\n").collect()
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if self.attached || self.subject.traced.load(Relaxed) {
            *self.subject.proof.lock().expect("no check panics") = self.running.trace();
        }
    }
}

/// Sees to it that what is below `keeper` stays within bounds: the kernel's own limits
/// count a user's processes, and address space in place of memory.
fn bound(keeper: u32, over: Arc<AtomicBool>) {
    let pages = |pid: &u32| stat(*pid).and_then(|stat| stat.get(21)?.parse::<u64>().ok()).unwrap_or(0);
    std::thread::spawn(move || {
        while !over.load(Relaxed) {
            let below = children(keeper);
            if below.len() > PROCESSES || below.iter().map(pages).sum::<u64>() > PAGES {
                for signal in [libc::SIGSTOP, libc::SIGKILL] {
                    children(keeper).iter().for_each(|&pid| unsafe {
                        libc::kill(pid as i32, signal);
                    });
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}

/// What was found of one promise.
pub struct Line {
    /// `OK`, `FAIL` or `-`.
    pub verdict: &'static str,
    pub id: &'static str,
    pub text: String,
    pub lesson: u32,
    /// The calls that prove a failure, as strace writes them.
    pub proof: String,
}

/// Grades a program. An error: it cannot be judged.
pub fn grade(program: PathBuf, like: Like, verbose: bool) -> Result<Vec<Line>, String> {
    use std::os::unix::fs::PermissionsExt;
    let name = program.display();
    let Ok(about) = std::fs::metadata(&program) else {
        return Err(say!("{name}: there is no such file", "{name}：没有这个文件"));
    };
    if !about.is_file() || about.permissions().mode() & 0o111 == 0 {
        return Err(say!("{name}: this is no program that may be run", "{name}：不是可执行的程序"));
    }
    let traced = AtomicBool::new(false);
    let subject = Subject { program, like, traced, proof: Mutex::default() };
    let checks = match like {
        Like::Client => clients::checks(),
        _ => servers::checks(like),
    };
    match like {
        Like::Client => clients::probe(&subject)?,
        _ => servers::probe(&subject)?,
    }

    let lines: Vec<Mutex<Option<Line>>> = checks.iter().map(|_| Mutex::default()).collect();
    let failed = Mutex::new(None);
    let look = |index: usize| {
        let line = looked_at(&subject, &checks[index], *failed.lock().expect("no check panics"));
        if checks[index].first && line.verdict == "FAIL" {
            failed.lock().expect("no check panics").get_or_insert(checks[index].id);
        }
        *lines[index].lock().expect("no check panics") = Some(line);
    };
    let (first, rest): (Vec<usize>, Vec<usize>) = (0..checks.len()).partition(|&index| checks[index].first);
    first.into_iter().for_each(look);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(&index) = rest.get(next.fetch_add(1, Relaxed)) {
                    look(index);
                }
            });
        }
    });
    let mut lines: Vec<Line> =
        lines.into_iter().filter_map(|line| line.into_inner().expect("no check panics")).collect();
    if verbose {
        for (line, check) in lines.iter_mut().zip(&checks).filter(|(line, _)| line.verdict == "FAIL") {
            line.proof = proof(&subject, check);
        }
    }
    Ok(lines)
}

fn looked_at(subject: &Subject, check: &Check, failed: Option<&str>) -> Line {
    let seen = match failed {
        _ if !check.kinds.is_empty() && !check.kinds.contains(&subject.like) => {
            Err(No::Skip(say!("not of this kind of server", "不适用于这类服务器")))
        }
        Some(id) if !check.alone => Err(No::Skip(say!("needs what {id} promises", "以 {id} 为前提"))),
        _ => (check.run)(subject),
    };
    let promise = &check.promise;
    let (verdict, text) = match seen {
        Ok(()) => ("OK", promise.clone()),
        Err(No::Fail(seen)) => ("FAIL", say!("{promise}: {seen}", "{promise}：{seen}")),
        Err(No::Skip(why)) => ("-", say!("{promise} ({why})", "{promise}（{why}）")),
    };
    Line { verdict, id: check.id, text, lesson: check.lesson, proof: String::new() }
}

/// The calls of a check that is run once more, under strace where it does not bring its own.
fn proof(subject: &Subject, check: &Check) -> String {
    let mut proof = String::new();
    for traced in [false, true] {
        subject.traced.store(traced, Relaxed);
        subject.proof.lock().expect("no check panics").clear();
        let _ = (check.run)(subject);
        proof = std::mem::take(&mut *subject.proof.lock().expect("no check panics"));
        if !proof.is_empty() {
            break;
        }
    }
    subject.traced.store(false, Relaxed);
    let lines: Vec<&str> = proof.lines().collect();
    lines[lines.len().saturating_sub(PROOF)..].join("\n")
}

/// How many promises are kept, of how many that apply.
pub fn score(lines: &[Line]) -> (usize, usize) {
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    (count("OK"), count("OK") + count("FAIL"))
}
