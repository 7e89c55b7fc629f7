//! What a program does with its arguments and its port, before it has a client.

use std::convert::identity;
use std::net::TcpListener;

use crate::grade::outcome::{Observed, Outcome, require};
use crate::grade::server::GradedServer;
use crate::grade::subject::{LOCALHOST, Started, Subject};
use crate::harness::net::ports::free_port;
use crate::harness::net::procnet;
use crate::harness::net::socket::{SYN_SENT, TIME_WAIT, held};
use crate::harness::pool::parallel;
use crate::say;

/// Invalid arguments, each in a session of its own.
pub fn refuses(subject: &Subject) -> Outcome {
    let port = |at: usize| match at {
        0 => |port: u16| (u32::from(port) + 65_536).to_string(),
        4 => |port: u16| format!("{port}x"),
        _ => |port: u16| port.to_string(),
    };
    let ports = [None, Some("abc"), Some("0"), Some("-1"), None, Some("")].map(|text| (text, LOCALHOST));
    let addresses = ["999.1.1.1", "1.2.3.4.5", "1.2.3.x"].map(|ip| (None, ip));
    let cases: Vec<(usize, (Option<&str>, &str))> =
        ports.into_iter().chain(addresses).enumerate().collect();
    let seen = parallel(cases.len(), &cases, |&(at, (text, ip))| {
        // In the other byte order, as a client with erratum 1 takes it, it is another port.
        let own = free_port();
        let listener = TcpListener::bind((LOCALHOST, own)).expect("the port is free");
        let used = if subject.is_client() { own } else { free_port() };
        let mut args = [text.map_or_else(|| port(at)(used), str::to_string), ip.to_string()];
        if subject.is_client() {
            args.reverse();
        }
        listener.set_nonblocking(true).expect("it is a socket");
        let tried = |started: &Started| tried(started, &listener);
        let seen = subject.start(subject.launch(&args)).and_then(|mut it| it.gives_up(tried));
        let args = args.join(" ");
        seen.map_err(|seen| say!("{args:?}: {seen}", "{args:?}：{seen}"))
    });
    Ok(seen.into_iter().collect::<Result<(), String>>()?)
}

/// What a program does instead of refusing an argument.
fn tried(started: &Started, listener: &TcpListener) -> Option<String> {
    if started.subject.is_client() {
        let connecting = |pid: u32| {
            let held = held(pid);
            let syn_sent = procnet::in_state(SYN_SENT);
            syn_sent.iter().any(|socket| held.iter().any(|(_, inode)| *inode == socket.inode))
        };
        let connects =
            listener.accept().is_ok() || started.running.descendants().into_iter().any(connecting);
        return connects.then(|| say!("it connects all the same", "它仍去连接"));
    }
    let listening = started.listening();
    listening.first().map(|(_, socket)| {
        let (address, port) = (&socket.address, socket.port);
        say!("it listens on {address}:{port}", "它监听了 {address}:{port}")
    })
}

pub fn binds(subject: &Subject) -> Outcome {
    for ip in [LOCALHOST, "127.0.0.2"] {
        let server = GradedServer::start(subject, free_port(), ip, identity)?;
        let (told, port) = (server.told, server.port);
        if port == told.swap_bytes() {
            let seen = say!(
                "told {told}, it listens on {port}: the bytes are exchanged",
                "给定 {told}，它却监听 {port}：字节序反了"
            );
            return Err(Observed::of_lesson(seen, 4));
        }
        let other = say!(
            "told {told}, it listens on {port}, which the system chose: bind() got port 0, or failed",
            "给定 {told}，它却监听系统选的 {port}：bind() 得到的端口是 0，或者失败了"
        );
        require(port == told, other)?;
        for (_, socket) in server.started.listening() {
            let address = &socket.address;
            let other = say!("told {ip}, it listens at {address}", "给定 {ip}，它却监听 {address}");
            require(address == ip || socket.port != told, other)?;
        }
    }
    Ok(())
}

pub fn in_use(subject: &Subject) -> Outcome {
    let taken = TcpListener::bind((LOCALHOST, 0)).expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let mut started = subject.start(subject.launch(&[&*port.to_string(), LOCALHOST]))?;
    Ok(started.gives_up(|it| tried(it, &taken))?)
}

/// Once its end has closed a connection first, so that the TIME_WAIT is on its side.
pub fn restarts(subject: &Subject) -> Outcome {
    let mut server = GradedServer::new(subject)?;
    let waits =
        |port: u16| procnet::of(port).iter().any(|socket| socket.state == TIME_WAIT && socket.port == port);
    let mut patience = server.started.patience();
    let mut client = server.client()?;
    server.started.running.end();
    client.is_ended();
    drop(client);
    while !waits(server.port) {
        if patience.is_over() {
            return Err(Observed::Skip(say!("it leaves no TIME_WAIT", "它没有留下 TIME_WAIT")));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let again = GradedServer::start(subject, server.port, LOCALHOST, identity)?;
    let (told, port) = (again.told, again.port);
    require(
        port == told,
        say!("it listens on {port} instead: its bind() has failed", "它改为监听 {port}：bind() 失败了"),
    )?;
    again.serves_next()
}
