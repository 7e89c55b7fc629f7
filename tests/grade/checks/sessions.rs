//! What becomes of a server, and of its other clients, while clients come and go.

use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use crate::grade::intercept::{AskedCall, Intercept, Ruling};
use crate::grade::manner::Ending;
use crate::grade::outcome::{Observed, Outcome, require};
use crate::grade::peer::Peer;
use crate::grade::server::GradedServer;
use crate::grade::subject::Subject;
use crate::harness::net::socket::{CLOSE_WAIT, held};
use crate::harness::process::procfs::{ACCEPT, descriptors, read_memory};
use crate::say;

/// What accept() was told about the length of its address: 0 in a program that set no length.
fn wrong_length(call: &AskedCall) -> Option<i32> {
    let (address, length) = (call.args[1], call.args[2]);
    if address == 0 || length == 0 {
        return None;
    }
    let mut bytes = [0; 4];
    read_memory(call.thread, length, &mut bytes)?;
    // An IPv4 address takes 16 bytes, the largest of all 128.
    Some(i32::from_ne_bytes(bytes)).filter(|length| !(16..=4096).contains(length))
}

pub fn first(subject: &Subject) -> Outcome {
    let wrong = Arc::new(Mutex::new(None));
    let look = |intercept: &Intercept| {
        let wrong = wrong.clone();
        intercept.set(move |call| {
            let mut wrong = wrong.lock().expect("no rule panics");
            *wrong = wrong.or(wrong_length(call));
            Ruling::Pass
        });
    };
    let (mut server, _intercept) = GradedServer::with_calls(subject, &ACCEPT, look)?;
    let client = server.client();
    server.started.settle();
    if let Some(length) = *wrong.lock().expect("no rule panics") {
        let seen = say!(
            "accept() gets {length} as the size of its address: it is not initialised",
            "accept() 得到的地址长度是 {length}：没有初始化"
        );
        return Err(Observed::Fail { seen, lesson: Some(3), usable: client.is_ok() });
    }
    // While the client is there: what its leaving does is another check.
    let ended = server.ended();
    drop(client);
    match ended {
        Some(end) => Err(Observed::fail(end)),
        None => Ok(()),
    }
}

/// Beside the first, or after it if it serves one at a time; from a privileged port where the system allows that.
pub fn next(server: &mut GradedServer) -> Outcome {
    let mut client = server.client()?;
    let mut second = Peer::connect_from_low_port(server.port, server.started.supervisor())?;
    server.ask(&mut second)?;
    if !server.subject().forks() {
        drop(client);
        return Ok(server.answer(&mut second)?);
    }
    server
        .answer(&mut second)
        .map_err(|seen| say!("beside the first: {seen}", "第一个客户端还在时：{seen}"))?;
    Ok(server.still_serves(&mut client)?)
}

pub fn quit(server: &mut GradedServer) -> Outcome {
    let manner = server.manner();
    if manner.ending == Ending::Close {
        return Err(Observed::Skip(say!("it answers at the end of input", "它在输入结束后才回答")));
    }
    let before = server.processes().0;
    for text in ["quit", "QUIT", "qUiT"] {
        let mut client = server.client()?;
        // What only begins with it is a message.
        client.send(&manner.message(b"QUIT 1"))?;
        let answer = client.read_until(|got| got.len() >= 6);
        require(!answer.is_empty(), say!("\"QUIT 1\" ends it, too", "“QUIT 1” 也使它结束"))?;
        server.started.settle();
        quits(server, &mut client, text)?;
        drop(client);
        server.shrinks_to(before);
    }
    if server.subject().forks() {
        let mut other = server.client()?;
        quits(server, &mut server.client()?, "quit")?;
        server
            .still_serves(&mut other)
            .map_err(|seen| say!("another client: {seen}", "另一个客户端：{seen}"))?;
        drop(other);
        server.shrinks_to(before);
    }
    server.serves_next()
}

fn quits(server: &GradedServer, client: &mut Peer, text: &str) -> Outcome {
    client.send(&server.manner().message(text.as_bytes()))?;
    require(client.is_ended(), say!("{text:?} does not end the connection", "{text:?} 没有结束该连接"))
}

pub fn leaves(server: &mut GradedServer) -> Outcome {
    let client = server.client()?;
    // While it runs: of a server that has ended nobody can tell.
    let handles_sigchld = server.handles_sigchld();
    client.stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
    server.started.settle();
    drop(client);
    server.started.settle();
    let next = server.serves_next().and_then(|()| server.serves_next());
    match (next, handles_sigchld) {
        (Err(Observed::Fail { seen, .. }), true) => Err(Observed::of_lesson(seen, 27)),
        (next, _) => next,
    }
}

pub fn descriptors_are_closed(server: &mut GradedServer) -> Outcome {
    let before = server.processes().0;
    drop(server.client()?);
    server.shrinks_to(before);
    if server.subject().forks() {
        let clients = [server.client()?, server.client()?, server.client()?, server.client()?];
        server.started.settle();
        let served = clients.each_ref().map(|client| server.serving(client));
        let elsewhere = served.iter().any(|(_, holders)| holders.iter().any(|&pid| pid != server.pid));
        let inodes = served.map(|(inode, _)| inode);
        let held = held(server.pid);
        let kept: Vec<String> = held
            .into_iter()
            .filter(|(_, inode)| inodes.contains(inode))
            .map(|(number, _)| number)
            .collect();
        if elsewhere && !kept.is_empty() {
            let kept = kept.join(" ");
            return Err(say!("{kept} after 4 clients", "4 个客户端之后仍持有 {kept}").into());
        }
        drop(clients);
        server.shrinks_to(before);
    }
    server.started.settle();
    let open = descriptors(server.pid);
    for _ in 0..8 {
        drop(server.client()?);
    }
    let more = || descriptors(server.pid).saturating_sub(open);
    let mut patience = server.started.patience();
    while more() >= 4 && !patience.is_over() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    require(more() < 4, say!("{} more after 8 clients", "8 个客户端之后多出 {} 个", more()))
}

/// Once while the server waits for it, once before the server writes to it.
pub fn vanishes(subject: &Subject) -> Outcome {
    let calls = [libc::SYS_write, libc::SYS_writev, libc::SYS_sendto, libc::SYS_sendmsg];
    let (mut server, intercept) = GradedServer::with_calls(subject, &calls, Intercept::pass)?;
    let seen = vanished(&server, &intercept);
    seen.map_err(|seen| server.explain(seen))
}

fn vanished(server: &GradedServer, intercept: &Intercept) -> Outcome {
    server.client()?.vanish();
    server.serves_next()?;
    let mut client = server.client()?;
    let socket = format!("socket:[{}]", server.serving(&client).0);
    // Its write is slow, so that the client is gone by then.
    intercept.set(move |call| {
        let link = std::fs::read_link(format!("/proc/{}/fd/{}", call.thread, call.args[0] as i32));
        if link.is_ok_and(|link| link.as_os_str() == &*socket) { Ruling::Hold } else { Ruling::Pass }
    });
    let message = server.manner().message(&[b'A'; 3000]);
    let _ = client.send(&message);
    if intercept.works() {
        let mut patience = server.started.patience();
        while intercept.decided() == 0 && !patience.is_over() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    // An end before the reset: then the first write is already one to a closed pipe.
    let _ = client.stream.shutdown(Shutdown::Write);
    let other_side = client.other_side();
    let mut patience = server.started.patience();
    while other_side().is_none_or(|socket| socket.state != CLOSE_WAIT) && !patience.is_over() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    client.vanish();
    // A program that is started beside this has the client's socket, too, for a moment.
    let mut patience = server.started.patience();
    while other_side().is_some() && !patience.is_over() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    intercept.pass();
    server.started.settle();
    server.serves_next()
}
