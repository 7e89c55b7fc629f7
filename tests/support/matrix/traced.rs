//! The programs under strace, with one fault or none.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Case, Subject};
use crate::support::programs::*;
use crate::support::strace::{self, Event};

/// A trace file of its own, removed with this value.
pub struct Trace(PathBuf);

impl Trace {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("faults.{}.{number}.trace", std::process::id());
        Trace(std::env::temp_dir().join(name))
    }

    pub fn text(&self) -> String {
        let bytes = std::fs::read(&self.0).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn events(&self) -> Vec<Event> {
        strace::read(&self.text())
    }

    pub fn injected(&self) -> usize {
        self.text().matches("(INJECTED)").count()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// `strace`, writing to `trace`, with a case's fault or none.
pub fn strace_to(trace: &Trace, case: Option<&Case>) -> Command {
    let mut strace = Command::new("strace");
    strace.arg("-o").arg(&trace.0).args(["-ttt", "-s", "64"]);
    if let Some(case) = case {
        strace.args(["-e", &format!("trace=accept,{}", case.call), "-e", &case.inject()]);
    }
    strace
}

/// A server that listens, and strace if it runs under it. The process's own
/// output is in neither's way.
pub struct Traced {
    pub server: Running,
    pub port: u16,
    strace: Option<Running>,
}

impl Traced {
    /// Starts the server, waits until it listens, then lets strace in.
    pub fn attached(subject: &Subject, trace: &Trace, case: Option<&Case>) -> Result<Self, String> {
        let port = free_port();
        let words = subject.words();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(port.to_string()).arg("127.0.0.1");
        // Where Yama rules, only a process that allows it is traced by a stranger.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0);
                Ok(())
            })
        };
        let mut server = Running::start(&mut command);
        listens(port, &mut server, PATIENCE)?;
        let mut strace = strace_to(trace, case);
        if case.is_none_or(|case| !case.parent_only) {
            strace.arg("-f");
        }
        let mut strace = Running::start(strace.arg("-p").arg(server.pid().to_string()));
        strace.stderr.wait_for(" attached");
        // It counts from the call that it has interrupted.
        eventually("strace sees the server wait", || trace.text().contains("accept("));
        Ok(Traced { server, port, strace: Some(strace) })
    }

    /// Lets strace start the server.
    pub fn launched(subject: &Subject, trace: &Trace, case: Option<&Case>) -> Self {
        let port = free_port();
        let mut strace = strace_to(trace, case);
        let server = Running::start(strace.args(subject.words()).arg(port.to_string()).arg("127.0.0.1"));
        Traced { server, port, strace: None }
    }

    /// The fault has passed: strace lets go of all processes.
    pub fn passes(&mut self) {
        if let Some(mut strace) = self.strace.take() {
            strace.signal(libc::SIGTERM);
            strace.wait();
        }
    }

    /// Ends all processes. Their standard output and standard error.
    pub fn ended(mut self) -> (String, String) {
        self.passes();
        unsafe { libc::kill(-(self.server.pid() as i32), libc::SIGKILL) };
        self.server.wait();
        (self.server.stdout.all().join("\n"), self.server.stderr.all().join("\n"))
    }
}

/// Waits until somebody listens on `port`, or tells how the program ended.
pub fn listens(port: u16, server: &mut Running, patience: Duration) -> Result<(), String> {
    let until = Instant::now() + patience;
    while !is_listening(port) {
        if let Some(status) = server.wait_within(Duration::from_millis(1)) {
            return Err(format!("ended with {status} before it listened"));
        }
        if Instant::now() > until {
            return Err("never listens".into());
        }
    }
    Ok(())
}

/// A client under strace whose input is two messages and `quit`, typed one after the other.
pub fn client(subject: &Subject, trace: &Trace, case: Option<&Case>, port: u16) -> Running {
    let mut strace = strace_to(trace, case);
    let mut client = Running::start(strace.args(subject.words()).arg("127.0.0.1").arg(port.to_string()));
    let mut stdin = client.stdin.take().expect("it is open");
    // A client that has ended reads nothing.
    let _ = stdin.write_all(b"one\ntwo\nquit\n");
    client
}
