//! The one list of what a program owes its peer, and its score: `make grade`.
//!
//! A program is judged by what it does, as its peer and the kernel see it; never by what its log says.

mod clients;
pub mod command;
mod servers;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::harness::builds::MAKE_VARIABLES;
use crate::harness::i18n::chinese;
use crate::harness::net::procnet::{self, Socket};
use crate::harness::pool::parallel;
use crate::harness::process::launch::{Launch, Limit, Running, Trace};
use crate::harness::process::procfs::{descendants, stat, state};
use crate::harness::process::supervisor::end_all_below;
use crate::harness::trace::parse;
use crate::say;

/// The promises, in the order of a conversation.
const PROMISES: &str = include_str!("checks.txt");
/// How long a program may do nothing, and how long one wait for it may take in all.
const CHECK: Duration = Duration::from_secs(5);
const WHOLE_CHECK: Duration = Duration::from_secs(15);
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
const LOCALHOST: &str = "127.0.0.1";

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

fn must(good: bool, seen: String) -> Seen {
    if good { Ok(()) } else { Err(No::Fail(seen)) }
}

/// Returns what comes of the function of that name, where it is one of these.
macro_rules! call {
    ($name:ident($with:ident): $($function:ident)*) => {
        $(if $name == stringify!($function) { return $function($with); })*
    };
}
use call;

/// A line of the list: function, id, lesson, who owes it and when it is looked at; and its promise.
type Check = ([&'static str; 5], &'static str);

/// All that is asked of servers, or of clients.
fn checks(like: &str) -> Vec<Check> {
    let check = |line: &'static str| {
        let mut parts = line.split(" | ");
        let words: Vec<&str> = parts.next()?.split_whitespace().collect();
        let promise = parts.nth(usize::from(chinese()))?;
        Some((words.try_into().expect("a line begins with five words"), promise))
    };
    let is_client = like == "tcp_client";
    let asked = |&([.., who, _], _): &Check| {
        if who == "one" { owes(like, who) } else { (who == "client") == is_client }
    };
    PROMISES.lines().filter_map(check).filter(asked).collect()
}

fn owes(like: &str, who: &str) -> bool {
    like.contains(who) || who == "one" && like == "tcp_server"
}

/// The program that is graded.
struct Subject<'a> {
    program: &'a Path,
    like: &'a str,
    /// A failure is to be proven.
    verbose: bool,
    /// Its calls are wanted, too.
    traced: bool,
    proof: Mutex<String>,
    /// Those above its processes.
    keepers: &'a Mutex<Vec<u32>>,
}

impl Subject<'_> {
    fn is_client(&self) -> bool {
        self.like == "tcp_client"
    }

    fn launch(&self, words: &[&str]) -> Launch {
        // Where it finds its own files, and leaves them.
        let own = self.program.parent().unwrap_or(Path::new("/"));
        let launch = Launch::new(self.program)
            .args(words)
            .directory(own)
            .without_env(MAKE_VARIABLES)
            .limit(Limit::Descriptors, 4096)
            .limit(Limit::FileSize, 64 << 20);
        if self.traced { launch.traced(Trace::of(CALLS)) } else { launch }
    }

    fn start(&self, launch: Launch) -> Started<'_> {
        let running = launch.start();
        self.keepers.lock().expect("no check panics").push(running.supervisor());
        Started { running, subject: self }
    }

    fn run(&self, function: &str) -> Seen {
        if self.is_client() { clients::run(function, self) } else { servers::run(function, self) }
    }
}

/// A graded program that runs, within bounds.
struct Started<'a> {
    running: Running,
    subject: &'a Subject<'a>,
}

impl Started<'_> {
    /// Lets strace in at `pid`; where it may not, the check is left out.
    fn attach(&mut self, pid: u32, trace: &Trace) -> Seen {
        let refused = |_| No::Skip(say!("strace may not trace here", "此处不允许 strace 跟踪"));
        self.running.attach_strace(pid, trace).map_err(refused)
    }

    /// Waits until `find` finds something, on a busy machine longer. It never does: how the program has ended.
    fn until<T>(&mut self, mut find: impl FnMut(&mut Self) -> Option<T>) -> Result<T, String> {
        let began = Instant::now();
        let mut ran = began;
        loop {
            // Looked at first: what it did before its end counts.
            let (ended, below) = (self.running.has_ended(), self.running.descendants());
            if let Some(found) = find(self) {
                return Ok(found);
            }
            if below.iter().any(|&pid| state(pid) == Some('R')) {
                ran = Instant::now();
            }
            if ended && below.is_empty() || ran.elapsed() > CHECK || began.elapsed() > WHOLE_CHECK {
                return Err(end(self.running.wait_timeout(Duration::ZERO)));
            }
            // It looks at every process: seldom is enough.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The sockets at which it listens, each with a process that has it.
    fn listening(&self) -> Vec<(u32, Socket)> {
        let below = self.running.descendants();
        let holder = |socket: &Socket| below.iter().copied().find(|&pid| socket.is_held_by(pid));
        let listening = procnet::listening().into_iter();
        listening.filter_map(|socket| Some((holder(&socket)?, socket))).collect()
    }

    /// It ends by itself, with words and a status other than 0.
    fn gives_up(&mut self) -> Result<(), String> {
        let _ = self.until(|it| (it.running.has_ended() || !it.listening().is_empty()).then_some(()));
        let status = self.running.wait_timeout(Duration::ZERO);
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
        *self.subject.proof.lock().expect("no check panics") = self.running.trace();
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

/// It takes no words that are no port or no address: it gives up, and does not connect to the grader.
fn refuses_words(subject: &Subject, port: u16, connects: impl Fn() -> bool) -> Seen {
    let (wrapped, glued) = ((u32::from(port) + 65_536).to_string(), format!("{port}x"));
    let port = port.to_string();
    let ports = [&wrapped, "abc", "0", "-1", &glued, ""].map(|port| [port, LOCALHOST]);
    let addresses = ["999.1.1.1", "1.2.3.4.5", "1.2.3.x"].map(|ip| [&port, ip]);
    for mut words in ports.into_iter().chain(addresses) {
        if subject.is_client() {
            words.reverse();
        }
        let ended = subject.start(subject.launch(&words)).gives_up();
        let seen = if connects() { Err(say!("it connects", "它仍去连接")) } else { ended };
        let words = words.join(" ");
        seen.map_err(|seen| say!("{words:?}: {seen}", "{words:?}：{seen}"))?;
    }
    Ok(())
}

/// Sees to it that what is below each keeper stays within bounds, until the other end of `over` is gone:
/// the kernel's own limits count a user's processes, and address space in place of memory.
fn bound(keepers: &Mutex<Vec<u32>>, over: &Receiver<()>) {
    let pages = |pid: &u32| stat(*pid).and_then(|stat| stat.get(21)?.parse::<u64>().ok()).unwrap_or(0);
    let too_much = |below: &[u32]| below.len() > PROCESSES || below.iter().map(pages).sum::<u64>() > PAGES;
    while over.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
        let all = descendants(std::process::id());
        if too_much(&all) {
            let keepers = keepers.lock().expect("no check panics");
            let running = keepers.iter().copied().filter(|keeper| all.contains(keeper));
            running.filter(|&keeper| too_much(&descendants(keeper))).for_each(end_all_below);
        }
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

/// Grades a program that is to be like one of the article's. An error: it cannot be judged.
pub fn grade(program: &Path, like: &str, verbose: bool) -> Result<Vec<Line>, String> {
    let name = program.display();
    let about = std::fs::metadata(program).map_err(|error| format!("{name}: {error}"))?;
    if !about.is_file() || about.permissions().mode() & 0o111 == 0 {
        return Err(say!("{name}: this is no program that may be run", "{name}：不是可执行的程序"));
    }
    let keepers = &Mutex::default();
    let subject = Subject { program, like, verbose, traced: false, proof: Mutex::default(), keepers };
    std::thread::scope(|scope| {
        // It is dropped at the end, also when a check panics.
        let (_lasts, over) = channel();
        scope.spawn(move || bound(keepers, &over));
        let judged = if subject.is_client() {
            clients::dial(&subject, &clients::ports()).map(drop)
        } else {
            servers::plain(&subject).map(drop)
        };
        let judged = judged.map(|()| judge(&subject));
        judged.map_err(|why| say!("{name}: {why}", "{name}：{why}"))
    })
}

/// First those checks that others need, then all others side by side.
fn judge(subject: &Subject) -> Vec<Line> {
    let checks = checks(subject.like).into_iter().enumerate();
    let (first, rest): (Vec<_>, Vec<_>) = checks.partition(|(_, ([.., when], _))| *when == "first");
    let (mut lines, mut failed) = (BTreeMap::new(), Vec::new());
    for (place, check) in first {
        let line = looked_at(subject, check, &failed);
        failed.extend((line.verdict == "FAIL").then_some(line.id));
        lines.insert(place, line);
    }
    let look = |&(place, check): &(usize, Check)| (place, looked_at(subject, check, &failed));
    lines.extend(parallel(SIDE_BY_SIDE, &rest, look));
    lines.into_values().collect()
}

fn looked_at(subject: &Subject, (words, promise): Check, failed: &[&str]) -> Line {
    let [function, id, lesson, who, when] = words;
    let needs: &[&str] = match when {
        "alone" => &[],
        "next" => &["4", "2", "next"],
        _ => &["4", "2"],
    };
    let seen = match failed.iter().find(|id| needs.contains(id)) {
        _ if !owes(subject.like, who) => {
            Err(No::Skip(say!("not this kind of server", "不适用于这类服务器")))
        }
        Some(id) => Err(No::Skip(say!("needs {id}", "以 {id} 为前提"))),
        None => subject.run(function),
    };
    let (verdict, text) = match seen {
        Ok(()) => ("OK", promise.to_string()),
        Err(No::Fail(seen)) => ("FAIL", say!("{promise}: {seen}", "{promise}：{seen}")),
        Err(No::Skip(why)) => ("-", say!("{promise} ({why})", "{promise}（{why}）")),
    };
    let proof = if subject.verbose && verdict == "FAIL" { proof(subject, function) } else { String::new() };
    Line { verdict, id, text, lesson, proof }
}

/// The calls of a check that is run once more, under strace where it does not bring its own.
fn proof(subject: &Subject, function: &str) -> String {
    let again = |traced| {
        let again = Subject { traced, proof: Mutex::default(), ..*subject };
        let _ = again.run(function);
        again.proof.into_inner().expect("no check panics")
    };
    let trace = Some(again(false)).filter(|trace| !trace.is_empty()).unwrap_or_else(|| again(true));
    // Without the times, and of long strings the start.
    let short = |line| {
        let (pid, _, call) = parse::prefix(line);
        format!("{pid} {call:.100}")
    };
    let lines: Vec<String> = trace.lines().map(short).collect();
    lines[lines.len().saturating_sub(PROOF)..].join("\n")
}

/// How many promises are kept, of how many that apply.
pub fn score(lines: &[Line]) -> (usize, usize) {
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    (count("OK"), count("OK") + count("FAIL"))
}
