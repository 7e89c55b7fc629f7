//! The one list of what a program owes its peer, and its score: `make grade`.
//!
//! A program is judged by what it does, as its peer and the kernel see it; never by what its log says.

mod clients;
mod servers;
mod sockets;
mod talk;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::kernel::{children, stat};
use super::language::chinese;
use super::run::{Launch, Running, Trace};
use crate::say;

/// The promises, in the order of a conversation.
const PROMISES: &str = include_str!("promises.txt");
/// How long one check may take, once its program is there.
const CHECK: Duration = Duration::from_secs(5);
/// So many checks run at a time: they mostly wait.
const SIDE_BY_SIDE: usize = 6;
/// More processes, or more pages, below one program are its end.
const PROCESSES: usize = 100;
const PAGES: u64 = 1 << 20;
/// So many lines of a trace prove enough.
const PROOF: usize = 40;
/// The calls that a proof shows.
const CALLS: &str = "socket,setsockopt,bind,listen,accept,accept4,connect,read,write,recvfrom,sendto,recvmsg,\
sendmsg,writev,close,shutdown,clone,?clone3,?fork,?vfork,wait4,waitid,rt_sigaction,exit_group";

/// Which of the article's programs one is to be like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Like {
    TcpServer,
    Fork,
    DoubleFork,
    Client,
}

impl Like {
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "tcp_server" => Some(Like::TcpServer),
            "tcp_server_fork" => Some(Like::Fork),
            "tcp_server_double_fork" => Some(Like::DoubleFork),
            "tcp_client" => Some(Like::Client),
            _ => None,
        }
    }

    /// What it owes, as the list has it.
    fn owes(self, who: &str) -> bool {
        match self {
            Like::TcpServer => ["all", "one"].contains(&who),
            Like::Fork => ["all", "fork"].contains(&who),
            Like::DoubleFork => ["all", "fork", "double"].contains(&who),
            Like::Client => who == "client",
        }
    }
}

/// Why a promise is not kept, or cannot be looked at.
enum No {
    Fail(String),
    Skip(String),
}

impl From<String> for No {
    fn from(seen: String) -> Self {
        No::Fail(seen)
    }
}

type Seen = Result<(), No>;
type Run = fn(&Subject) -> Seen;

/// Something that a program owes its peer.
struct Check {
    id: &'static str,
    lesson: &'static str,
    when: &'static str,
    promise: &'static str,
    applies: bool,
    run: Run,
}

/// All that is asked of servers, or of clients.
fn checks(like: Like) -> Vec<Check> {
    let check = |line: &'static str| {
        let (words, promise) = line.split_once(" | ")?;
        let words: Vec<&str> = words.split_whitespace().collect();
        let &[function, id, lesson, who, when] = &words[..] else { return None };
        if (like == Like::Client) != (who == "client") || who == "one" && !like.owes(who) {
            return None;
        }
        let (english, its_chinese) = promise.split_once(" | ")?;
        let promise = if chinese() { its_chinese } else { english };
        let known: &[(&str, Run)] = if like == Like::Client { &clients::CHECKS } else { &servers::CHECKS };
        let run = known.iter().find(|(name, _)| *name == function).expect("the list names functions").1;
        Some(Check { id, lesson, when, promise, applies: like.owes(who), run })
    };
    PROMISES.lines().filter(|line| !line.starts_with('#')).filter_map(check).collect()
}

/// The program that is graded.
struct Subject {
    program: PathBuf,
    like: Like,
    /// Its calls are wanted, too.
    traced: AtomicBool,
    proof: Mutex<String>,
    /// Those above its processes that run now.
    keepers: Mutex<Vec<u32>>,
}

impl Subject {
    fn launch(&self, words: &[String]) -> Launch {
        let launch = Launch::of(&self.program).args(words).limit('n', 4096).limit('f', 64 << 20);
        if self.traced.load(Relaxed) { launch.traced(Trace::of(CALLS)) } else { launch }
    }

    fn start(&self, launch: Launch) -> Started<'_> {
        let running = launch.start();
        self.keepers.lock().expect("no check panics").push(running.keeper());
        Started { running, subject: self, attached: false, until: Instant::now() + CHECK }
    }
}

/// A graded program that runs, within bounds.
struct Started<'a> {
    running: Running,
    subject: &'a Subject,
    attached: bool,
    /// The end of the check's time.
    until: Instant,
}

impl Started<'_> {
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

    /// It ends by itself, with words and a status other than 0.
    fn gives_up(&mut self) -> Result<(), String> {
        let listens = |it: &Self| {
            let below = it.below();
            sockets::listening().iter().any(|socket| !sockets::holders(&below, &socket.inode).is_empty())
        };
        while Instant::now() < self.until && !self.running.has_ended() && !listens(self) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let status = self.running.wait_within(Duration::ZERO);
        self.running.end();
        let said = self.running.stdout.all().len() + self.running.stderr.all().len();
        match status {
            Some(1..=128) if said > 0 => Ok(()),
            Some(1..=128) => Err(say!("it says nothing", "没有任何提示")),
            _ => Err(end(status)),
        }
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        self.subject
            .keepers
            .lock()
            .expect("no check panics")
            .retain(|&keeper| keeper != self.running.keeper());
        if self.attached || self.subject.traced.load(Relaxed) {
            *self.subject.proof.lock().expect("no check panics") = self.running.trace();
        }
    }
}

/// How a program has ended, in words.
fn end(status: Option<i32>) -> String {
    match status {
        None => say!("it goes on", "它继续运行"),
        Some(141) => say!("it was killed by SIGPIPE", "它被 SIGPIPE 终止"),
        Some(139) => say!("it was killed by SIGSEGV", "它被 SIGSEGV 终止"),
        Some(status @ 129..) => say!("it was killed by signal {}", "它被信号 {} 终止", status - 128),
        Some(status) => say!("it ended with status {status}", "它以状态 {status} 退出"),
    }
}

/// Sees to it that what is below each keeper stays within bounds, until it is told to end: the
/// kernel's own limits count a user's processes, and address space in place of memory.
fn bound(keepers: &Mutex<Vec<u32>>, over: &AtomicBool) {
    let pages = |pid: &u32| stat(*pid).and_then(|stat| stat.get(21)?.parse::<u64>().ok()).unwrap_or(0);
    let too_much = |below: &[u32]| below.len() > PROCESSES || below.iter().map(pages).sum::<u64>() > PAGES;
    let all =
        |below: &[u32], signal| below.iter().for_each(|&pid| unsafe { _ = libc::kill(pid as i32, signal) });
    while !over.load(Relaxed) {
        if too_much(&children(std::process::id())) {
            for &keeper in &*keepers.lock().expect("no check panics") {
                let below = children(keeper);
                if too_much(&below) {
                    all(&below, libc::SIGSTOP);
                    all(&children(keeper), libc::SIGKILL);
                }
            }
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
}

/// Tells the one who sees to it that this is over, also when a check panics.
struct Over<'a>(&'a AtomicBool, &'a Thread);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
        self.1.unpark();
    }
}

/// What was found of one promise.
pub struct Line {
    /// `OK`, `FAIL` or `-`.
    pub verdict: &'static str,
    pub id: &'static str,
    pub text: String,
    pub lesson: &'static str,
    /// The calls that prove a failure, as strace writes them.
    pub proof: String,
}

/// Grades a program. An error: it cannot be judged.
pub fn grade(program: PathBuf, like: Like, verbose: bool) -> Result<Vec<Line>, String> {
    use std::os::unix::fs::PermissionsExt;
    let (name, about) = (program.display().to_string(), std::fs::metadata(&program));
    match about {
        Err(error) => return Err(format!("{name}: {error}")),
        Ok(about) if !about.is_file() || about.permissions().mode() & 0o111 == 0 => {
            return Err(say!("{name}: this is no program that may be run", "{name}：不是可执行的程序"));
        }
        Ok(_) => {}
    }
    let (traced, proof, keepers) = (AtomicBool::new(false), Mutex::default(), Mutex::default());
    let subject = Subject { program, like, traced, proof, keepers };
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let bounds = scope.spawn(|| bound(&subject.keepers, &over));
        let probe = if like == Like::Client { clients::probe } else { servers::probe };
        let _over = Over(&over, bounds.thread());
        let judged = probe(&subject).map(|()| judge(&subject, verbose));
        judged.map_err(|why| say!("{name}: {why}", "{name}：{why}"))
    })
}

/// First those checks that others need, then all others side by side.
fn judge(subject: &Subject, verbose: bool) -> Vec<Line> {
    let checks = checks(subject.like);
    let lines: Vec<Mutex<Option<Line>>> = checks.iter().map(|_| Mutex::default()).collect();
    let (first, rest): (Vec<usize>, Vec<usize>) =
        (0..checks.len()).partition(|&index| checks[index].when == "first");
    let mut failed = Vec::new();
    for index in first {
        let line = looked_at(subject, &checks[index], &failed);
        failed.extend((line.verdict == "FAIL").then_some(line.id));
        *lines[index].lock().expect("no check panics") = Some(line);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(&index) = rest.get(next.fetch_add(1, Relaxed)) {
            let line = looked_at(subject, &checks[index], &failed);
            *lines[index].lock().expect("no check panics") = Some(line);
        }
    };
    std::thread::scope(|scope| (0..SIDE_BY_SIDE).for_each(|_| _ = scope.spawn(work)));
    let lines = lines.into_iter().filter_map(|line| line.into_inner().expect("no check panics"));
    let proven = |(mut line, check): (Line, &Check)| {
        if verbose && line.verdict == "FAIL" {
            line.proof = proof(subject, check);
        }
        line
    };
    lines.zip(&checks).map(proven).collect()
}

fn looked_at(subject: &Subject, check: &Check, failed: &[&str]) -> Line {
    let needs: &[&str] = match check.when {
        "alone" => &[],
        "next" => &["4", "2", "next"],
        _ => &["4", "2"],
    };
    let seen = match failed.iter().find(|id| needs.contains(id)) {
        _ if !check.applies => Err(No::Skip(say!("not this kind of server", "不适用于这类服务器"))),
        Some(id) => Err(No::Skip(say!("needs {id}", "以 {id} 为前提"))),
        None => (check.run)(subject),
    };
    let promise = check.promise;
    let (verdict, text) = match seen {
        Ok(()) => ("OK", promise.to_string()),
        Err(No::Fail(seen)) => ("FAIL", say!("{promise}: {seen}", "{promise}：{seen}")),
        Err(No::Skip(why)) => ("-", say!("{promise} ({why})", "{promise}（{why}）")),
    };
    Line { verdict, id: check.id, text, lesson: check.lesson, proof: String::new() }
}

/// The calls of a check that is run once more, under strace where it does not bring its own.
fn proof(subject: &Subject, check: &Check) -> String {
    let again = |traced| {
        subject.traced.store(traced, Relaxed);
        let _ = (check.run)(subject);
        subject.traced.store(false, Relaxed);
        std::mem::take(&mut *subject.proof.lock().expect("no check panics"))
    };
    subject.proof.lock().expect("no check panics").clear();
    let trace = Some(again(false)).filter(|trace| !trace.is_empty()).unwrap_or_else(|| again(true));
    // Without the times, and of long strings the start.
    let short = |line: &str| {
        let (pid, call) = line.split_once(' ').map(|(pid, rest)| (pid, rest.trim_start()))?;
        let call = call.split_once(' ').filter(|(at, _)| at.contains('.')).map_or(call, |(_, call)| call);
        Some(format!("{pid} {}", call.chars().take(100).collect::<String>()))
    };
    let lines: Vec<String> = trace.lines().filter_map(short).collect();
    lines[lines.len().saturating_sub(PROOF)..].join("\n")
}

/// How many promises are kept, of how many that apply.
pub fn score(lines: &[Line]) -> (usize, usize) {
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    (count("OK"), count("OK") + count("FAIL"))
}
