//! What a server does when the system refuses it something.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::grade::intercept::{Intercept, Ruling};
use crate::grade::outcome::{Observed, Outcome, require, skip_unless};
use crate::grade::server::GradedServer;
use crate::grade::subject::Subject;
use crate::harness::process::procfs::{ACCEPT, activity};
use crate::say;

#[cfg(target_arch = "x86_64")]
const FORKS: &[libc::c_long] = &[libc::SYS_clone, libc::SYS_clone3, libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const FORKS: &[libc::c_long] = &[libc::SYS_clone, libc::SYS_clone3];

fn works(intercept: &Intercept) -> Outcome {
    skip_unless(intercept.works(), say!("this system lets no call be refused", "本系统不支持拒绝调用"))
}

pub fn refused_fork(subject: &Subject) -> Outcome {
    let (mut server, intercept) = GradedServer::with_calls(subject, FORKS, Intercept::pass)?;
    let seen = without_fork(&server, &intercept);
    seen.map_err(|seen| server.explain(seen))
}

fn without_fork(server: &GradedServer, intercept: &Intercept) -> Outcome {
    works(intercept)?;
    drop(server.client()?);
    server.started.settle();
    // That of the server, then that of its child.
    let ways = if server.subject().like == "tcp_server_double_fork" { 2 } else { 1 };
    for inner in [false, true].into_iter().take(ways) {
        let listener = server.pid;
        intercept.set(move |call| match (process(call.thread) == listener) != inner {
            true => Ruling::Fail(libc::EAGAIN),
            false => Ruling::Pass,
        });
        let mut client = server.connect()?;
        let _ = server.ask(&mut client);
        let closed = client.is_ended();
        let refused = intercept.decided() > 0;
        if inner && !refused {
            break;
        }
        skip_unless(refused, say!("it starts nothing for a client", "它不为客户端创建进程"))?;
        intercept.pass();
        if closed {
            server.serves_next()?;
            continue;
        }
        // It may serve this client itself: then the next one waits.
        server.serves_next()?;
        return Err(say!("that client is left waiting", "该客户端一直在等待").into());
    }
    Ok(())
}

/// The process of a thread.
fn process(thread: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    process.and_then(|process| process.trim().parse().ok()).unwrap_or(thread)
}

pub fn failed_wait(subject: &Subject) -> Outcome {
    let calls = [libc::SYS_wait4, libc::SYS_waitid];
    let (mut server, intercept) = GradedServer::with_calls(subject, &calls, Intercept::pass)?;
    let seen = without_wait(&server, &intercept);
    seen.map_err(|seen| server.explain(seen))
}

fn without_wait(server: &GradedServer, intercept: &Intercept) -> Outcome {
    works(intercept)?;
    drop(server.client()?);
    server.started.settle();
    intercept.set(|_| Ruling::Fail(libc::ECHILD));
    drop(server.client()?);
    server.started.settle();
    let waited = intercept.decided() > 0;
    intercept.pass();
    server.serves_next()?;
    skip_unless(waited, say!("it waits for nobody", "它不等待任何子进程"))
}

pub fn failed_accept(subject: &Subject) -> Outcome {
    let (mut server, intercept) = GradedServer::with_calls(subject, FORKS, Intercept::pass)?;
    let seen = out_of_descriptors(&server, &intercept);
    seen.map_err(|seen| server.explain(seen))?;
    let calls = ACCEPT;
    let (mut server, intercept) = GradedServer::with_calls(subject, &calls, Intercept::pass)?;
    let seen = passing_errors(&server, &intercept);
    seen.map_err(|seen| server.explain(seen))
}

/// Each may come from a client that has left or a signal, and says nothing about the next client.
fn passing_errors(server: &GradedServer, intercept: &Intercept) -> Outcome {
    if !intercept.works() {
        return Ok(());
    }
    drop(server.client()?);
    server.started.settle();
    for (name, errno) in
        [("ECONNABORTED", libc::ECONNABORTED), ("EPROTO", libc::EPROTO), ("EINTR", libc::EINTR)]
    {
        let mut once = true;
        intercept.set(move |_| match std::mem::take(&mut once) {
            true => Ruling::Fail(errno),
            false => Ruling::Pass,
        });
        // It comes by the call in which the server waits already, or after the one that fails.
        let seen = server.serves_next().and_then(|()| server.serves_next());
        seen.map_err(|seen| seen.map(|seen| say!("after {name}: {seen}", "{name} 之后：{seen}")))?;
    }
    Ok(())
}

/// No descriptor is left for the next client, until one is again.
fn out_of_descriptors(server: &GradedServer, intercept: &Intercept) -> Outcome {
    // One at a time is all that some servers serve.
    let mut leaving = Some(server.client()?);
    if !server.subject().forks() {
        leaving = None;
    }
    server.started.settle();
    let Some(limited) = Limited::set(server) else {
        return Err(Observed::Skip(say!(
            "its limit of descriptors cannot be set",
            "无法设置它的描述符上限"
        )));
    };
    let mut fillers = Vec::new();
    for _ in 0..limited.spare.min(1100) {
        fillers.push(server.connect()?);
        std::thread::sleep(Duration::from_millis(1));
    }
    // It may have got a descriptor for the next client before.
    let first = server.connect()?;
    server.started.settle();
    drop(first);
    let waiting = server.connect()?;
    server.started.settle();
    drop(leaving);
    let spins = spins(server, intercept);
    let accepted = server.is_accepted(&waiting);
    drop(limited);
    if !accepted {
        require(
            !spins.processes,
            say!("it starts processes for clients that it has not got", "它为并未接到的客户端创建进程"),
        )?;
        require(!spins.cpu, say!("it tries again without a pause", "它不停顿地重试"))?;
    }
    drop(waiting);
    server.started.settle();
    server.serves_next()?;
    skip_unless(!accepted, say!("its accept() cannot be made to fail", "无法使它的 accept() 失败"))
}

struct Spins {
    cpu: bool,
    processes: bool,
}

/// Whether it is busy although it has nothing to do: by its CPU time and by its processes, not by a rate.
fn spins(server: &GradedServer, intercept: &Intercept) -> Spins {
    let supervisor = server.started.supervisor();
    let starts = Arc::new(AtomicUsize::new(0));
    let count = starts.clone();
    intercept.set(move |_| {
        count.fetch_add(1, SeqCst);
        Ruling::Pass
    });
    let (mut running, mut samples, began) = (0, 0, activity(supervisor).ticks);
    // A second of samples; where the machine is busy, samples are late, and not fewer.
    while samples < 100 {
        std::thread::sleep(Duration::from_millis(10));
        running += usize::from(activity(supervisor).running);
        samples += 1;
    }
    let ticks = activity(supervisor).ticks.saturating_sub(began);
    let starts = starts.load(SeqCst);
    Spins { cpu: running > 60 || ticks > 60, processes: starts > 2 }
}

/// The processes that listen have no descriptor left, as long as this is there.
struct Limited {
    old: Vec<(u32, libc::rlimit)>,
    /// So many clients take the descriptors that could not be denied.
    spare: libc::rlim_t,
}

impl Limited {
    fn set(server: &GradedServer) -> Option<Self> {
        let mut limited = Limited { old: Vec::new(), spare: 0 };
        for pid in server.started.running.descendants() {
            if !server.listener.is_held_by(pid) {
                continue;
            }
            let numbers = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
            let numbers: Vec<libc::rlim_t> =
                numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
            let free = (0..).find(|number| !numbers.contains(number))?;
            // poll() refuses more entries than descriptors.
            let most = free.max(polled(pid));
            limited.spare = limited.spare.max(most - free);
            let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            let none = std::ptr::null();
            unsafe {
                if libc::prlimit(pid as i32, libc::RLIMIT_NOFILE, none, &raw mut old) == -1 {
                    return None;
                }
                let new = libc::rlimit { rlim_cur: most, ..old };
                if libc::prlimit(pid as i32, libc::RLIMIT_NOFILE, &raw const new, std::ptr::null_mut())
                    == -1
                {
                    return None;
                }
            }
            limited.old.push((pid, old));
        }
        (!limited.old.is_empty()).then_some(limited)
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        for (pid, old) in &self.old {
            unsafe { libc::prlimit(*pid as i32, libc::RLIMIT_NOFILE, old, std::ptr::null_mut()) };
        }
    }
}

/// How many entries the process has poll() look at, if it waits there.
fn polled(pid: u32) -> libc::rlim_t {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let mut words = call.split_whitespace();
    let number: libc::c_long = words.next().and_then(|number| number.parse().ok()).unwrap_or(-1);
    #[cfg(target_arch = "x86_64")]
    let poll = [libc::SYS_poll, libc::SYS_ppoll].contains(&number);
    #[cfg(not(target_arch = "x86_64"))]
    let poll = number == libc::SYS_ppoll;
    let entries = words
        .nth(1)
        .and_then(|entries| libc::rlim_t::from_str_radix(entries.trim_start_matches("0x"), 16).ok());
    entries.filter(|_| poll).unwrap_or(0)
}
