//! The processes of a server that has one for each client.

use std::time::Duration;

use crate::grade::intercept::{Intercept, Ruling};
use crate::grade::outcome::{Observed, Outcome, require};
use crate::grade::peer::Peer;
use crate::grade::server::{GradedServer, parent};
use crate::grade::subject::Subject;
use crate::harness::process::procfs::state;
use crate::harness::process::wait::wait_at_most;
use crate::say;

/// It has one while it is there, and the one that was started for it ends with it.
pub fn own(server: &mut GradedServer) -> Outcome {
    // A pool of processes may start after the server listens.
    server.started.settle();
    let before = server.started.running.descendants();
    let client = server.client()?;
    let Some(pid) = server.process_of(&client) else {
        return Err(say!("the server itself serves it", "由服务器进程自己服务").into());
    };
    drop(client);
    if before.contains(&pid) {
        return Ok(());
    }
    let lives = || !matches!(state(pid), None | Some('Z' | 'X'));
    let mut patience = server.started.patience().bounds(Duration::from_secs(2), Duration::from_secs(6));
    while lives() && !patience.is_over() {
        std::thread::sleep(Duration::from_millis(5));
    }
    require(!lives(), say!("it remains after the client has left", "客户端离开后它仍然存在"))
}

/// A client, and the process that serves it.
fn served(server: &GradedServer) -> Result<(Peer, u32), Observed> {
    let client = server.client()?;
    match server.process_of(&client) {
        Some(pid) => Ok((client, pid)),
        None => Err(Observed::Skip(say!("no client has its own process", "客户端没有自己的进程"))),
    }
}

pub fn listener(server: &mut GradedServer) -> Outcome {
    let (_client, pid) = served(server)?;
    require(!server.listener.is_held_by(pid), say!("it has it open", "它仍持有该套接字"))
}

pub fn orphan(server: &mut GradedServer) -> Outcome {
    let (_client, pid) = served(server)?;
    require(parent(pid) != Some(server.pid), say!("the server is its parent", "服务器是它的父进程"))
}

/// Several clients leave at the same moment, while another stays.
pub fn zombies(subject: &Subject) -> Outcome {
    let calls = [libc::SYS_wait4, libc::SYS_waitid];
    let (mut server, intercept) = GradedServer::with_calls(subject, &calls, Intercept::pass)?;
    let seen = reaped(&server, &intercept);
    seen.map_err(|seen| server.explain(seen))
}

fn reaped(server: &GradedServer, intercept: &Intercept) -> Outcome {
    // Where calls cannot be held, chance decides, which gets three turns.
    let (turns, count) = if intercept.works() { (1, 4) } else { (3, 8) };
    let staying = server.client()?;
    server.started.settle();
    let before = server.processes().0;
    for _ in 0..turns {
        let mut clients = Vec::new();
        for _ in 0..count {
            let few =
                |_| Observed::Skip(say!("it serves too few clients at a time", "它同时服务的客户端太少"));
            clients.push(server.client().map_err(few)?);
        }
        server.started.settle();
        // The first wait() is slow: all other children have ended by then, and their signals have become one.
        intercept.set(|_| Ruling::Hold);
        drop(clients.pop());
        server.shrinks_to(before + clients.len());
        // Another signal, before the kernel has asked about that call, would interrupt it.
        if server.handles_sigchld() {
            wait_at_most(Duration::from_secs(2), || intercept.decided() > 0);
        }
        drop(clients);
        server.shrinks_to(before);
        intercept.pass();
        server.started.settle();
        // Some reap at the next client.
        let stuck = say!(
            "while one client stays, the end of others stops the server",
            "一个客户端还在时，其他客户端的结束使服务器停住"
        );
        // It stays meanwhile: its own end would be one more.
        let next = server.client();
        require(next.is_ok(), stuck)?;
        let calm = server.started.settle();
        require(calm, say!("it waits for children without a pause", "它不停地空转等待子进程"))?;
        let zombies = server.processes().1;
        let seen = say!(
            "{zombies} after {count} clients left together",
            "{count} 个客户端同时离开后有 {zombies} 个"
        );
        require(zombies == 0, seen)?;
        drop(next);
        server.shrinks_to(before);
    }
    drop(staying);
    server.serves_next()
}
