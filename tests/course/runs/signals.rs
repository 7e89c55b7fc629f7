//! Lesson 27: `tests/lessons/handlers.c`, a server with a SIGCHLD handler, step by step.

use std::net::TcpStream;
use std::path::PathBuf;

use crate::course::sessions::{blocked_in, sh};
use crate::course::sockets::children_in;
use crate::course::views::{Blocks, beside, only, strace_line};
use crate::harness::builds::Server;
use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::connect;
use crate::harness::process::launch::{Launch, Trace};
use crate::harness::process::procfs::{descendants, state, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::harness::tempdir::TempDir;
use crate::harness::trace::parse::{Event, What};

/// The calls that are shown.
const CALLS: &str = "accept,?accept4,wait4,rt_sigreturn,?sigreturn,write,exit_group";

/// 27: EINTR, one wait per signal, a lost errno.
pub fn handlers() -> Blocks {
    let directory = TempDir::empty();
    let program = |step: usize| -> PathBuf {
        let built =
            sh(&directory, &format!(r#"cc -DSTEP={step} -o step{step} "$ROOT"/tests/lessons/handlers.c"#));
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        directory.join(format!("step{step}"))
    };
    let server = |step, trace: Option<Trace>| {
        let launch = Launch::new(program(step));
        Server::launch(if let Some(trace) = trace { launch.traced(trace) } else { launch })
    };

    // A child exits while the server blocks in accept.
    let exits = |step| {
        let mut server = server(step, Some(Trace::of(CALLS).without_children()));
        let client = accepted(&server, 1);
        drop(client);
        if step == 1 {
            server.running.wait_for_descendants();
            return lines(&server.running.events());
        }
        wait_until("the child is reaped", || descendants(server.pid()).is_empty());
        wait_until("the server blocks in accept", || waits_in_accept(server.pid()));
        lines(&server.running.events()) + "\n" + &blocked_in(&server.running)
    };
    let interrupted = exits(1);
    let restarted = exits(2);

    // Three children exit while the server is stopped: one signal is pending.
    let left = |(step, states): (usize, &str)| {
        let server = server(step, None);
        let clients = accepted(&server, 3);
        server.running.signal(libc::SIGSTOP);
        wait_until("the server is stopped", || state(server.pid()) == Some('T'));
        drop(clients);
        let exited = || descendants(server.pid()).iter().all(|&pid| state(pid) == Some('Z'));
        wait_until("three children have exited", exited);
        server.running.signal(libc::SIGCONT);
        let mut left = children_in(states, server.pid(), "stat=,args=");
        if left.is_empty() {
            left.push("(no children)".to_string());
        }
        // The name depends on the step.
        left.iter().map(|line| line.replace(&format!("step{step}"), "handlers")).collect()
    };
    let zombies = beside(["one wait per signal", "a loop of waitpid"], [(2, "ZZ"), (3, "")].map(left));

    // accept fails, and a child exits before the message.
    let message = |step| {
        let fails = Trace::of(CALLS).without_children().inject("accept:error=EMFILE:when=1");
        let mut server = Launch::new(program(step)).arg(free_port().to_string()).traced(fails).start();
        server.wait_for_descendants();
        server.stderr.all()
    };
    let messages = beside(["errno not saved", "errno saved"], [message(3), message(4)]);
    vec![Some(interrupted), Some(restarted), Some(zombies), Some(messages)]
}

/// Clients of the server, each with a child that serves it, and the server back in accept.
fn accepted(server: &Server, count: usize) -> Vec<TcpStream> {
    let clients = (0..count).map(|_| connect(server.port)).collect();
    wait_until("each client has a child", || descendants(server.pid()).len() == count);
    wait_until("the server blocks in accept", || waits_in_accept(server.pid()));
    clients
}

/// Calls as strace prints them, with CHILD for the child's pid and without what no lesson explains.
fn lines(events: &[Event]) -> String {
    let mut lines = Vec::new();
    for event in events {
        let mut event = event.clone();
        if let What::Call(call) = &mut event.what {
            // The name on 32-bit x86.
            if call.name == "sigreturn" {
                call.name = "rt_sigreturn".to_string();
            }
            // What rt_sigreturn returns without an error is the processor's affair.
            if call.name == "rt_sigreturn" && call.errno.is_none() {
                continue;
            }
            if call.name == "wait4" && call.returned().is_some_and(|pid| pid > 0) {
                call.result = "CHILD".to_string();
            }
        }
        lines.push(strace_line(&event));
    }
    let shown =
        ["accept(", "--- SIGCHLD", "wait4(", "rt_sigreturn(", "write(2", "exit_group(", "+++ exited"];
    only(lines, &shown).join("\n")
}
