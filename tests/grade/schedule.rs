//! Runs the checks of a program, several at a time, each after those that it needs.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Condvar, Mutex, Once};
use std::time::Duration;

use crate::grade::outcome::{Finding, Observed, Verdict};
use crate::grade::subject::{Subject, pages};
use crate::grade::table::{Check, Need, checks};
use crate::harness::process::procfs::descendants;
use crate::harness::process::supervisor::end_all_below;
use crate::harness::report::message;
use crate::harness::trace::parse;
use crate::say;

/// So many checks run at a time: they mostly wait.
const AT_A_TIME: usize = 6;
/// More processes, or more pages, below one program are its end.
const PROCESSES: usize = 100;
const PAGES: u64 = 1 << 20;
/// So many lines of a trace prove enough.
const PROOF: usize = 40;
/// A check that was interrupted, by a suspended machine or by Ctrl-Z, is made again at most so often.
const TIMES: usize = 5;
/// A check that could not be made is tried so often.
const TRIES: usize = 3;

/// What is known so far of a program's checks.
struct Progress<'a> {
    waiting: Vec<(usize, &'static Check)>,
    running: Vec<&'static str>,
    lost: Vec<Need>,
    found: BTreeMap<usize, Finding>,
    shown: usize,
    show: Box<dyn FnMut(&Finding) + Send + 'a>,
}

/// Makes the chosen checks. One that others need is taken as passed if it is not among them.
pub fn run(
    subject: &Subject,
    chosen: Vec<&'static Check>,
    lost: &[Need],
    verbose: bool,
    show: impl FnMut(&Finding) + Send,
) -> Vec<Finding> {
    let mut waiting: Vec<(usize, &Check)> = chosen.into_iter().enumerate().collect();
    // Those that others need come first.
    let needed =
        |name: &str| waiting.iter().any(|(_, check)| check.needs.iter().any(|need| need.check() == name));
    let order: Vec<bool> = waiting.iter().map(|(_, check)| !needed(check.name)).collect();
    waiting.sort_by_key(|(place, _)| (order[*place], *place));
    let show = Box::new(show);
    let progress =
        Progress { waiting, running: vec![], lost: lost.to_vec(), found: BTreeMap::new(), shown: 0, show };
    let (progress, changed) = (Mutex::new(progress), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((place, check, missing)) = next(&progress, &changed) {
                    let finding = made(subject, check, missing, verbose);
                    finished(&progress, place, check, finding);
                    changed.notify_all();
                }
            });
        }
    });
    progress.into_inner().expect("no check panics").found.into_values().collect()
}

/// A check whose needs are known, and one of those that do not hold.
fn next(progress: &Mutex<Progress>, changed: &Condvar) -> Option<(usize, &'static Check, Option<Need>)> {
    let mut state = progress.lock().expect("no check panics");
    loop {
        let known = |need: &Need| {
            let name = need.check();
            state.lost.contains(need)
                || !state.running.contains(&name)
                    && !state.waiting.iter().any(|(_, check)| check.name == name)
        };
        // What the first session has shown is known from the start.
        let at_start = |need: &Need| matches!(need, Need::Answer | Need::Port | Need::Connected);
        let ready = |check: &Check| check.needs.iter().all(|need| at_start(need) || known(need));
        let position = state.waiting.iter().position(|(_, check)| ready(check));
        match position {
            Some(position) => {
                let (place, check) = state.waiting.remove(position);
                state.running.push(check.name);
                // The last is the closest.
                let missing = check.needs.iter().rev().find(|need| state.lost.contains(need)).copied();
                return Some((place, check, missing));
            }
            None if state.waiting.is_empty() => return None,
            None => state = changed.wait(state).expect("no check panics"),
        }
    }
}

/// Shows it, if all before it are known.
fn finished(progress: &Mutex<Progress>, place: usize, check: &Check, finding: Finding) {
    let mut state = progress.lock().expect("no check panics");
    if finding.verdict == Verdict::Failed && !finding.usable {
        let all = [Need::First, Need::Leaving, Need::Next, Need::Descriptors];
        state.lost.extend(all.into_iter().filter(|need| need.check() == check.name));
    }
    state.running.retain(|name| *name != check.name);
    state.found.insert(place, finding);
    while let Some(finding) = state.found.get(&state.shown).cloned() {
        (state.show)(&finding);
        state.shown += 1;
    }
}

fn made(subject: &Subject, check: &Check, missing: Option<Need>, verbose: bool) -> Finding {
    let seen = match missing {
        _ if !check.who.includes(subject.like) => {
            Err(Observed::Skip(say!("not this kind of server", "不适用于这类服务器")))
        }
        Some(need) => {
            let name = need.check();
            let text = checks(subject.like).into_iter().find(|check| check.name == name);
            let text = text.map_or("", Check::requirement);
            Err(Observed::Skip(say!("needs check {name}: {text}", "以检查项 {name} 为前提：{text}")))
        }
        None => tried(|| undisturbed(|| caught(|| check.run(subject)))),
    };
    let (verdict, seen, lesson, usable) = match seen {
        Ok(()) => (Verdict::Passed, String::new(), None, true),
        Err(Observed::Fail { seen, lesson, usable }) => (Verdict::Failed, seen, lesson, usable),
        Err(Observed::Skip(why)) => (Verdict::Skipped, why, None, true),
    };
    let proof = if verbose && verdict == Verdict::Failed { proof(subject, check) } else { String::new() };
    let lesson = lesson.unwrap_or(check.lesson);
    Finding { verdict, name: check.name, requirement: check.requirement(), seen, lesson, usable, proof }
}

/// A check that could not be made is tried again: on a busy machine that may be chance, and the score must not depend on it.
fn tried(check: impl Fn() -> Result<(), Observed>) -> Result<(), Observed> {
    for _ in 1..TRIES {
        let seen = check();
        if !matches!(seen, Err(Observed::Skip(_))) {
            return seen;
        }
    }
    check()
}

/// A check that itself goes wrong is no reason to lose the others.
fn caught(check: impl Fn() -> Result<(), Observed>) -> Result<(), Observed> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let message = message(&*panic);
        Err(Observed::Skip(say!("the check itself failed: {message}", "检查本身出错：{message}")))
    })
}

/// What `check` returns once nothing has interrupted it: after a gap in time its waits mean nothing.
pub fn undisturbed<T>(check: impl Fn() -> T) -> T {
    for _ in 1..TIMES {
        let before = gaps();
        let seen = check();
        if gaps() == before {
            return seen;
        }
    }
    check()
}

/// How often this process has not run for a while, or the machine has not.
fn gaps() -> usize {
    const GAP: Duration = Duration::from_secs(3);
    static GAPS: AtomicUsize = AtomicUsize::new(0);
    static LAST: AtomicUsize = AtomicUsize::new(0);
    static CLOCK: Once = Once::new();
    fn look() {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // Unlike others, it goes on while the machine is suspended.
        unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
        let now = Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_millis() as usize;
        let last = LAST.swap(now, SeqCst);
        if last != 0 && now.saturating_sub(last) > GAP.as_millis() as usize {
            GAPS.fetch_add(1, SeqCst);
        }
    }
    CLOCK.call_once(|| {
        std::thread::spawn(|| {
            loop {
                look();
                std::thread::sleep(Duration::from_millis(50));
            }
        });
    });
    look();
    GAPS.load(SeqCst)
}

/// Runs `all`, and sees to it meanwhile that what is below each supervisor stays within bounds: the kernel's own limits
/// count a user's processes, and address space in place of memory.
pub fn bounded<T>(supervisors: &Mutex<Vec<u32>>, all: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        // It is dropped at the end, also when a check panics.
        let (_lasts, over) = channel::<()>();
        scope.spawn(move || {
            while over.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
                let running = descendants(std::process::id());
                let known = supervisors.lock().expect("no check panics").clone();
                for supervisor in known.into_iter().filter(|supervisor| running.contains(supervisor)) {
                    if descendants(supervisor).len() > PROCESSES || pages(supervisor) > PAGES {
                        end_all_below(supervisor);
                    }
                }
            }
        });
        all()
    })
}

/// The calls of a check that is made once more under strace.
fn proof(subject: &Subject, check: &Check) -> String {
    let again = Subject { traced: true, proof: Mutex::default(), ..*subject };
    let _ = caught(|| check.run(&again));
    let trace = again.proof.into_inner().expect("no check panics").1;
    let mut lines: Vec<(String, usize)> = Vec::new();
    for line in trace.lines() {
        // Without the times, and of long strings the start.
        let (pid, _, call) = parse::prefix(line);
        let line = format!("{pid} {call:.100}");
        match lines.last_mut() {
            Some((last, times)) if *last == line => *times += 1,
            _ => lines.push((line, 1)),
        }
    }
    let shown = |(line, times): &(String, usize)| match times {
        1 => line.clone(),
        times => say!("{line} ({times} times)", "{line}（{times} 次）"),
    };
    let last = &lines[lines.len().saturating_sub(PROOF)..];
    last.iter().map(shown).collect::<Vec<_>>().join("\n")
}
