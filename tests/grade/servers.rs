//! What a server owes its clients.

use std::convert::identity;
use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::talk::Peer;
use super::{LOCALHOST, No, Seen, Started, Subject, WHOLE_CHECK, call, end, must, refuses_words};
use crate::harness::net::ports::free_port;
use crate::harness::net::procnet::{self, Socket};
use crate::harness::process::launch::{Launch, Trace};
use crate::harness::process::procfs::{stat, state};
use crate::harness::process::wait::wait_at_most;
use crate::say;

/// What a server does at once takes no longer, even on a busy machine.
const SOON: Duration = Duration::from_secs(2);
const A_MOMENT: Duration = Duration::from_millis(400);

/// The calls of which a language's library may make any to write.
const WRITES: &str = "write,writev,sendto,sendmsg";

/// A server that listens.
pub struct Server<'a> {
    it: Started<'a>,
    port: u16,
    /// The process that listens, and its socket.
    pid: u32,
    listener: Socket,
}

impl<'a> Server<'a> {
    fn start(
        subject: &'a Subject,
        port: u16,
        ip: &str,
        how: impl FnOnce(Launch) -> Launch,
    ) -> Result<Self, String> {
        let mut it = subject.start(how(subject.launch(&[&port.to_string(), ip])));
        let mut listening = Vec::new();
        let found = it.until(|it| {
            listening = it.listening();
            listening.iter().position(|(_, socket)| socket.port == port)
        });
        match (found, listening.first()) {
            (Ok(at), _) => {
                let (pid, listener) = listening.swap_remove(at);
                Ok(Server { it, port, pid, listener })
            }
            (_, Some((_, Socket { port: other, .. }))) => Err(say!(
                "told {port}, it listens on {other} (make lesson N=4)",
                "给定 {port}，它却监听 {other}（make lesson N=4）"
            )),
            (Err(how), None) => {
                Err(say!("it never listens on its port ({how})", "它从未监听给定的端口（{how}）"))
            }
        }
    }

    /// A client that has said something, and heard it.
    fn client(&self) -> Result<Peer, String> {
        let mut peer = Peer::to(self.port)?;
        peer.talks(b"HELLO 1!")?;
        Ok(peer)
    }

    /// One client after another is served.
    fn serves(&self) -> Seen {
        let seen = self.client().map(|_| ());
        Ok(seen.map_err(|seen| say!("the next client: {seen}", "下一个客户端：{seen}"))?)
    }

    /// Whether it is to have processes of its own for its clients.
    fn forks(&self) -> bool {
        self.it.subject.like.contains("fork")
    }

    /// The socket that it has for this client, and the processes that hold it.
    fn serving(&self, peer: &Peer) -> (String, Vec<u32>) {
        let its = |socket: &Socket| socket.port == self.port;
        let socket = procnet::of(peer.port()).into_iter().find(its);
        let mut holders = self.it.running.descendants();
        holders.retain(|&pid| socket.as_ref().is_some_and(|socket| socket.is_held_by(pid)));
        (socket.map_or("none".into(), |socket| socket.inode), holders)
    }

    /// The process, other than the one that listens, that serves this client.
    fn process_of(&self, peer: &Peer) -> Option<u32> {
        let mut found = None;
        wait_at_most(A_MOMENT, || {
            std::thread::sleep(Duration::from_millis(5));
            // The last: a grandchild's parent may have it for a moment, too.
            found = self.serving(peer).1.into_iter().rfind(|&pid| pid != self.pid);
            found.is_some() || !self.forks()
        });
        found.filter(|_| self.forks())
    }

    /// The connection ends, or the client's process lets go of it; whether another keeps it is asked elsewhere.
    fn lets_go(&self, peer: &mut Peer, own: Option<u32>) -> Seen {
        let gone = wait_at_most(SOON, || {
            let kept = own.is_some() && self.serving(peer).1 == [self.pid];
            kept || peer.ended(Duration::from_millis(50))
        });
        must(gone, say!("it keeps the connection", "它不关闭连接"))
    }

    /// Once it has served a client, these calls fail, whichever of them a language's library makes;
    /// a `?` stands before those that a machine may lack.
    fn inject(&mut self, calls: &str, errno: &str) -> Seen {
        drop(self.client()?);
        self.it.attach(self.pid, &Trace::of(calls).inject(&format!("{calls}:error={errno}")))
    }

    /// How often that came to pass.
    fn injected(&self) -> usize {
        self.it.running.trace().matches("(INJECTED)").count()
    }

    fn is_gone(&self) -> bool {
        matches!(state(self.pid), None | Some('Z' | 'X'))
    }
}

fn skip(seen: bool, why: String) -> Seen {
    if seen { Ok(()) } else { Err(No::Skip(why)) }
}

pub fn plain<'a>(subject: &'a Subject) -> Result<Server<'a>, String> {
    let began = Instant::now();
    let start = || Server::start(subject, free_port(), LOCALHOST, identity);
    // Somebody may have taken the port at that very moment.
    start().or_else(|why| if began.elapsed() < A_MOMENT { start() } else { Err(why) })
}

pub fn run(name: &str, subject: &Subject) -> Seen {
    call!(name(subject): refuses binds in_use raw_log doubled_log restarts);
    let mut server = plain(subject)?;
    let seen = look(name, &mut server);
    let failed = matches!(seen, Err(No::Fail(_)));
    if failed && wait_at_most(Duration::from_millis(50), || server.is_gone()) {
        // That explains more than what a client has seen of it.
        let status = server.it.running.wait_timeout(Duration::from_millis(100));
        return Err(end(status.or(Some(0))).into());
    }
    seen
}

/// A check of a server that listens.
fn look(name: &str, server: &mut Server) -> Seen {
    call!(name(server): upper bytes parts long slow short first next own listener orphan quit leaves
        descriptors zombies vanishes refused_fork failed_wait failed_accept);
    panic!("there is no check {name}")
}

fn refuses(subject: &Subject) -> Seen {
    refuses_words(subject, free_port(), || false)
}

fn binds(subject: &Subject) -> Seen {
    for ip in [LOCALHOST, "127.0.0.2"] {
        let server = Server::start(subject, free_port(), ip, identity)?;
        for (_, Socket { address, port, .. }) in server.it.listening() {
            let other = say!("told {ip}, it listens at {address}", "给定 {ip}，它却监听 {address}");
            must(address == ip || port != server.port, other)?;
        }
    }
    Ok(())
}

fn in_use(subject: &Subject) -> Seen {
    let port = free_port();
    let _taken = TcpListener::bind((LOCALHOST, port)).expect("the port is free");
    Ok(subject.start(subject.launch(&[&port.to_string(), LOCALHOST])).gives_up()?)
}

fn restarts(subject: &Subject) -> Seen {
    let mut server = plain(subject)?;
    // Its end closes first, so the TIME_WAIT is on its side.
    let mut client = server.client()?;
    server.it.running.end();
    client.ended(SOON);
    drop(client);
    Server::start(subject, server.port, LOCALHOST, identity)?.serves()
}

fn first(server: &mut Server) -> Seen {
    let _client = server.client()?;
    must(!wait_at_most(A_MOMENT, || server.is_gone()), say!("it ends", "它退出了"))
}

fn upper(server: &mut Server) -> Seen {
    let mut client = Peer::to(server.port)?;
    for words in ["hello, World 1!", "abcdefghijklmnopqrstuvwxyz", "z"] {
        client.say(words.as_bytes())?;
        client.hears(words.to_ascii_uppercase().as_bytes())?;
    }
    Ok(())
}

fn bytes(server: &mut Server) -> Seen {
    let mut client = Peer::to(server.port)?;
    let all: Vec<u8> = (0..=255).filter(|byte: &u8| !byte.is_ascii_lowercase()).collect();
    client.talks("É ß 你好\r\n".as_bytes())?;
    client.talks(&all)?;
    [0, 10, 13, 26, 127, 128, 255].iter().try_for_each(|&byte| client.talks(&[byte]))?;
    Ok(client.talks(b"\0AB\0\0")?)
}

fn parts(server: &mut Server) -> Seen {
    let mut client = Peer::to(server.port)?;
    client.say(b"ONE HALF")?;
    std::thread::sleep(Duration::from_millis(50));
    client.say(b" AND THE OTHER")?;
    client.hears(b"ONE HALF AND THE OTHER")?;
    client.say(b"FIRST")?;
    client.say(b"SECOND")?;
    client.hears(b"FIRSTSECOND")?;
    client.talks(b"QUI")?;
    client.talks(b"T")?;
    client.say(b"LAST WORDS")?;
    client.stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
    Ok(client.hears(b"LAST WORDS")?)
}

/// A stream in which each place can be told from the others.
fn stream(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'0' + (((at / 8) >> (at % 8 * 3)) & 7) as u8).collect()
}

/// Sends what is left of a long stream, and reads all of it at the same time.
fn both_ways(mut client: Peer, all: Vec<u8>, sent: usize) -> Seen {
    let (mut sender, left) =
        (client.stream.try_clone().expect("a descriptor is left"), all[sent..].to_vec());
    sender.set_write_timeout(Some(WHOLE_CHECK)).expect("a timeout is set");
    std::thread::spawn(move || sender.write_all(&left));
    client.hears(&all)?;
    Ok(client.talks(b"OVER")?)
}

fn long(server: &mut Server) -> Seen {
    both_ways(Peer::to(server.port)?, stream(1 << 20), 0)
}

fn slow(server: &mut Server) -> Seen {
    let mut client = Peer::to(server.port)?;
    client.set_room(libc::SO_RCVBUF, 1 << 16);
    client.stream.set_write_timeout(Some(Duration::from_millis(1))).expect("a timeout is set");
    let (_, pids) = server.serving(&client);
    // More than all buffers hold.
    let (all, began) = (stream(6 << 20), Instant::now());
    let (mut sent, mut still) = (0, 0);
    // Until nothing more is taken, and it is not because the machine is busy.
    while still < 4 && began.elapsed() < WHOLE_CHECK / 2 {
        if let Ok(taken @ 1..) = client.stream.write(&all[sent..]) {
            (sent, still) = (sent + taken, 0);
            continue;
        }
        std::thread::sleep(A_MOMENT);
        still = if pids.iter().any(|&pid| state(pid) == Some('R')) { 0 } else { still + 1 };
    }
    both_ways(client, all, sent)
}

fn short(server: &mut Server) -> Seen {
    let mut client = server.client()?;
    let (inode, holders) = server.serving(&client);
    let pid = holders.iter().copied().find(|&pid| pid != server.pid).unwrap_or(server.pid);
    // One byte is said to be written, and is not: all others must follow.
    let trace = Trace::of(WRITES).option("-P").option(&format!("socket:[{inode}]"));
    server.it.attach(pid, &trace.inject(&format!("{WRITES}:retval=1:when=1")))?;
    let all = stream(400);
    client.say(&all)?;
    let heard = client.hears(&all[1..]);
    skip(server.injected() > 0, say!("none of its writes can be cut", "无法截短它的写操作"))?;
    heard?;
    server.it.running.detach_strace();
    Ok(client.talks(b"OVER")?)
}

fn raw_log(subject: &Subject) -> Seen {
    let server = Server::start(subject, free_port(), LOCALHOST, Launch::output_on_terminal)?;
    let mut client = Peer::to(server.port)?;
    client.talks(b"\x1b]0;QZ7\x07\nQZ8 FORGED\rQZ9")?;
    drop(client);
    let raw = |text: &str| ["\x1b]0;QZ7", "QZ7\x07", "\nQZ8", "\rQZ9"].iter().any(|raw| text.contains(raw));
    let clean = !wait_at_most(A_MOMENT, || raw(&server.it.running.screen().text()));
    must(clean, say!("they get there as they are", "它们原样写进了日志"))
}

fn next(server: &mut Server) -> Seen {
    let mut client = server.client()?;
    let mut second = Peer::to(server.port)?;
    second.say(b"ME TOO")?;
    if !server.forks() {
        drop(client);
        return Ok(second.hears(b"ME TOO")?);
    }
    second.hears(b"ME TOO")?;
    Ok(client.talks(b"ME STILL")?)
}

fn own(server: &mut Server) -> Seen {
    let client = server.client()?;
    let own = server.process_of(&client);
    must(own.is_some(), say!("the server itself serves it", "由服务器进程自己服务"))
}

/// A client, and the process that serves it.
fn served(server: &Server) -> Result<(Peer, u32), No> {
    let client = server.client()?;
    match server.process_of(&client) {
        Some(pid) => Ok((client, pid)),
        None => Err(No::Skip(say!("no client has a process of its own", "客户端没有自己的进程"))),
    }
}

fn listener(server: &mut Server) -> Seen {
    let (_client, pid) = served(server)?;
    let closed = wait_at_most(A_MOMENT, || !server.listener.is_held_by(pid));
    must(closed, say!("it has it open", "它仍持有该套接字"))
}

fn orphan(server: &mut Server) -> Seen {
    let (_client, pid) = served(server)?;
    let parent = || stat(pid)?.get(1)?.parse().ok();
    let orphan = wait_at_most(A_MOMENT, || parent() != Some(server.pid));
    must(orphan, say!("the server is its parent", "服务器是它的父进程"))
}

fn quit(server: &mut Server) -> Seen {
    let mut other = if server.forks() { Some(server.client()?) } else { None };
    for word in ["quit", "QUIT", "qUiT"] {
        let mut client = server.client()?;
        client.talks(b"QUIT 1")?;
        let own = server.process_of(&client);
        client.say(word.as_bytes())?;
        server.lets_go(&mut client, own)?;
    }
    other.as_mut().map_or(Ok(()), |other| other.talks(b"STILL HERE"))?;
    server.serves()
}

fn leaves(server: &mut Server) -> Seen {
    let mut client = server.client()?;
    let own = server.process_of(&client);
    client.stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
    server.lets_go(&mut client, own)?;
    drop(client);
    server.serves()?;
    server.serves()
}

fn descriptors(server: &mut Server) -> Seen {
    drop(server.client()?);
    if server.forks() {
        let there = [server.client()?, server.client()?, server.client()?, server.client()?];
        let inodes = there.each_ref().map(|client| server.serving(client).0);
        let kept = || procnet::held(server.pid).into_iter().filter(|(_, inode)| inodes.contains(inode));
        if server.process_of(&there[0]).is_some() && !wait_at_most(SOON, || kept().next().is_none()) {
            let kept = kept().map(|(descriptor, _)| descriptor).collect::<Vec<_>>().join(" ");
            return Err(say!("{kept} after 4 clients", "4 个客户端之后仍持有 {kept}").into());
        }
    }
    let open = || std::fs::read_dir(format!("/proc/{}/fd", server.pid)).map_or(0, Iterator::count);
    let before = open();
    for _ in 0..8 {
        drop(server.client()?);
    }
    let more = || open().saturating_sub(before);
    let few = wait_at_most(SOON, || more() < 4);
    must(few, say!("{} more after 8 clients", "8 个客户端之后多出 {} 个", more()))
}

fn zombies(server: &mut Server) -> Seen {
    let states = || server.it.running.descendants().into_iter().filter_map(state).collect::<String>();
    let (live, zombies) = (|| states().replace('Z', "").len(), || states().matches('Z').count());
    let before = live();
    for _ in 0..3 {
        drop(server.client()?);
    }
    wait_at_most(SOON, || live() <= before);
    if wait_at_most(Duration::from_secs(1), || zombies() == 0) {
        return Ok(());
    }
    // Some reap at the next client.
    let _next = server.client()?;
    let none = wait_at_most(A_MOMENT, || zombies() == 0);
    must(none, say!("{} after 3 clients", "3 个客户端之后有 {} 个", zombies()))
}

fn vanishes(server: &mut Server) -> Seen {
    // Once while the server reads, once before it writes.
    server.client()?.vanishes();
    server.serves()?;
    let mut client = server.client()?;
    let pids = server.it.running.descendants();
    let all = |signal| pids.iter().for_each(|&pid| unsafe { _ = libc::kill(pid as i32, signal) });
    all(libc::SIGSTOP);
    wait_at_most(SOON, || pids.iter().all(|&pid| matches!(state(pid), None | Some('T' | 't' | 'Z'))));
    let _ = client.stream.write(&[b'A'; 5000]);
    // An end before the reset: then the first write is already one to a closed pipe.
    let _ = client.stream.shutdown(Shutdown::Write);
    let (port, here) = (server.port, client.port());
    let its = |socket: &Socket| socket.port == port;
    wait_at_most(SOON, || procnet::of(here).iter().any(|socket| its(socket) && socket.state == "08"));
    client.vanishes();
    // A program that is started beside this has the client's socket, too, for a moment.
    wait_at_most(SOON, || !procnet::of(here).iter().any(its));
    all(libc::SIGCONT);
    server.serves()
}

fn refused_fork(server: &mut Server) -> Seen {
    server.inject("clone,?clone3,?fork,?vfork", "EAGAIN")?;
    let mut client = Peer::to(server.port)?;
    let _ = client.say(b"HELLO 1!");
    let closed = client.ended(SOON);
    skip(server.injected() > 0, say!("it starts nothing for a client", "它不为客户端创建进程"))?;
    server.it.running.detach_strace();
    server.serves()?;
    must(closed, say!("that client is left waiting", "该客户端一直在等待"))
}

fn failed_wait(server: &mut Server) -> Seen {
    server.inject("wait4,waitid", "ECHILD")?;
    drop(server.client()?);
    let waited = wait_at_most(A_MOMENT, || server.injected() > 0);
    server.it.running.detach_strace();
    server.serves()?;
    skip(waited, say!("it waits for nobody", "它不等待任何子进程"))
}

fn failed_accept(server: &mut Server) -> Seen {
    server.inject("accept,accept4", "EMFILE")?;
    // A client that comes before strace has woken the server would be accepted.
    wait_at_most(A_MOMENT, || server.injected() > 0 || server.is_gone());
    let mut client = Peer::to(server.port)?;
    let tried = wait_at_most(SOON, || server.injected() > 0 || server.is_gone());
    let before = server.injected();
    std::thread::sleep(Duration::from_millis(500));
    let tries = (server.injected() - before) * 2;
    server.it.running.detach_strace();
    skip(tried, say!("it calls no accept", "它不调用 accept"))?;
    client.talks(b"HELLO 1!")?;
    drop(client);
    server.serves()?;
    must(tries < 200, say!("{tries} tries a second", "每秒重试 {tries} 次"))
}

fn doubled_log(subject: &Subject) -> Seen {
    let conversation = |how: &dyn Fn(Launch) -> Launch| -> Result<Server, No> {
        let mut server = Server::start(subject, free_port(), LOCALHOST, how)?;
        let before = server.it.running.descendants().len();
        for _ in 0..3 {
            let mut client = server.client()?;
            client.say(b"quit")?;
            client.ended(Duration::from_millis(200));
            drop(client);
            wait_at_most(A_MOMENT, || server.it.running.descendants().len() <= before);
        }
        server.it.running.end();
        Ok(server)
    };
    let server = conversation(&Launch::output_on_terminal)?;
    let screen = server.it.running.screen();
    screen.wait_until(|_| false);
    let shown = screen.text().lines().count();
    let path = std::env::temp_dir().join(format!("log.{}.{}", std::process::id(), free_port()));
    let log = std::fs::File::create(&path).expect("the log has room");
    let _ = std::fs::remove_file(path);
    let end = || log.try_clone().expect("a descriptor is left");
    conversation(&|launch| launch.stdout(end()).stderr(end()))?;
    let text = std::fs::read(format!("/proc/self/fd/{}", log.as_raw_fd())).unwrap_or_default();
    let lines = text.iter().filter(|&&byte| byte == b'\n').count();
    skip(shown < 1000, say!("it says something all the time", "它一直在输出"))?;
    must(lines <= shown, say!("{lines} lines, {shown} on a terminal", "{lines} 行，终端上只有 {shown} 行"))
}
