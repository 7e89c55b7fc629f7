//! What a server owes its clients.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::super::kernel::{free_port, stat, state, within};
use super::super::run::{Launch, Trace};
use super::Like::TcpServer;
use super::talk::Peer;
use super::{CHECK, No, Run, Seen, Started, Subject, end, sockets};
use crate::say;

/// By the names that the list has for them.
pub const CHECKS: [(&str, Run); 25] = [
    ("refuses", refuses),
    ("binds", binds),
    ("in_use", in_use),
    ("upper", upper),
    ("bytes", bytes),
    ("parts", parts),
    ("long", long),
    ("slow", slow),
    ("short", short),
    ("raw_log", raw_log),
    ("first", first),
    ("next", next),
    ("own", own),
    ("listener", listener),
    ("orphan", orphan),
    ("quit", quit),
    ("leaves", leaves),
    ("descriptors", descriptors),
    ("zombies", zombies),
    ("vanishes", vanishes),
    ("refused_fork", refused_fork),
    ("failed_wait", failed_wait),
    ("failed_accept", failed_accept),
    ("doubled_log", doubled_log),
    ("restarts", restarts),
];
pub const LOCALHOST: &str = "127.0.0.1";
/// What a server does at once takes no longer, even on a busy machine.
const SOON: Duration = Duration::from_secs(2);
const A_MOMENT: Duration = Duration::from_millis(400);

/// The calls, whichever of them a language's library makes; a `?` before those that a machine may lack.
const WRITES: &str = "write,writev,sendto,sendmsg";
const FORKS: &str = "clone,?clone3,?fork,?vfork";
const WAITS: &str = "wait4,waitid";
const ACCEPTS: &str = "accept,accept4";

/// A server that listens.
struct Server<'a> {
    it: Started<'a>,
    port: u16,
    /// The process that holds the listening socket, and that socket.
    pid: u32,
    inode: String,
}

impl<'a> Server<'a> {
    fn start(
        subject: &'a Subject,
        port: u16,
        ip: &str,
        how: impl FnOnce(Launch) -> Launch,
    ) -> Result<Self, String> {
        let mut it = subject.start(how(subject.launch(&[port.to_string(), ip.into()])));
        while Instant::now() < it.until && !(it.running.has_ended() && it.below().is_empty()) {
            let there = sockets::of(port).into_iter().find(|socket| socket.listens);
            let holders =
                there.iter().flat_map(|socket| sockets::holders(&it.below(), &socket.inode)).next();
            if let (Some(socket), Some(pid)) = (there, holders) {
                it.until = Instant::now() + CHECK;
                return Ok(Server { it, port, pid, inode: socket.inode });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let below = it.below();
        let its_own = |socket: &sockets::Socket| !sockets::holders(&below, &socket.inode).is_empty();
        if let Some(socket) = sockets::listening().into_iter().find(its_own) {
            let (other, lesson) = (socket.port, "make lesson N=4");
            return Err(say!(
                "told {port}, it listens on {other} ({lesson})",
                "给定 {port}，它却监听 {other}（{lesson}）"
            ));
        }
        let how = end(it.running.wait_within(Duration::ZERO));
        Err(say!("it never listens on its port ({how})", "它从未监听给定的端口（{how}）"))
    }

    fn peer(&self) -> Result<Peer, String> {
        Peer::to(self.port, self.it.until)
    }

    /// A client that has said something, and heard it.
    fn client(&self) -> Result<Peer, String> {
        let mut peer = self.peer()?;
        peer.talks(b"HELLO 1!")?;
        Ok(peer)
    }

    /// One client after another is served.
    fn serves(&self) -> Seen {
        let seen = self.client().map(|_| ());
        seen.map_err(|seen| No::Fail(say!("the next client: {seen}", "下一个客户端：{seen}")))
    }

    /// The socket that it has for this client, and the processes that hold it.
    fn serving(&self, peer: &Peer) -> (String, Vec<u32>) {
        let port = peer.stream.local_addr().map_or(0, |address| address.port());
        let its = |socket: &sockets::Socket| socket.port == self.port && socket.peer == port;
        let inode = sockets::of(port).into_iter().find(its).map_or("none".into(), |socket| socket.inode);
        let holders = sockets::holders(&self.it.below(), &inode);
        (inode, holders)
    }

    /// The process, other than the one that listens, that serves this client.
    fn process_of(&self, peer: &Peer) -> Option<u32> {
        let mut found = None;
        within(A_MOMENT, || {
            std::thread::sleep(Duration::from_millis(5));
            // The last: a grandchild's parent may have it for a moment, too.
            found = self.serving(peer).1.into_iter().rfind(|&pid| pid != self.pid);
            found.is_some()
        });
        found
    }

    /// The connection ends, or the client's process lets go of it: whether another one
    /// keeps it is a question of its own.
    fn lets_go(&self, peer: &mut Peer, own: Option<u32>) -> Seen {
        let gone = |peer: &mut Peer| {
            let kept = own.is_some() && self.serving(peer).1 == [self.pid];
            kept || peer.ended(Duration::from_millis(50))
        };
        must(within(SOON, || gone(peer)), || say!("it keeps the connection", "它不关闭连接"))
    }

    /// With a fault in the place of these calls of the process.
    fn inject(&mut self, pid: u32, trace: Trace, calls: &str, fault: &str) -> Seen {
        self.it.attach(pid, &trace.inject(&format!("{calls}:{fault}")))
    }

    /// How often that came to pass.
    fn injected(&self) -> usize {
        self.it
            .running
            .events()
            .iter()
            .filter(|event| event.call().is_some_and(|call| call.injected))
            .count()
    }

    fn is_gone(&self) -> bool {
        matches!(state(self.pid), None | Some('Z' | 'X'))
    }
}

pub fn must(good: bool, seen: impl FnOnce() -> String) -> Seen {
    if good { Ok(()) } else { Err(No::Fail(seen())) }
}

fn skip(seen: bool, why: impl FnOnce() -> String) -> Seen {
    if seen { Ok(()) } else { Err(No::Skip(why())) }
}

fn plain(subject: &Subject) -> Result<Server<'_>, String> {
    let began = Instant::now();
    let start = || Server::start(subject, free_port(), LOCALHOST, |launch| launch);
    // Somebody may have taken the port at that very moment.
    start().or_else(|why| if began.elapsed() < A_MOMENT { start() } else { Err(why) })
}

/// Runs `look` with a server. That the server has ended explains more than what a client has seen of it.
fn with(subject: &Subject, look: impl FnOnce(&mut Server) -> Seen) -> Seen {
    let mut server = plain(subject)?;
    match look(&mut server) {
        Err(No::Fail(_)) if within(Duration::from_millis(50), || server.is_gone()) => {
            Err(end(Some(server.it.running.wait_within(Duration::from_millis(100)).unwrap_or(0))).into())
        }
        seen => seen,
    }
}

/// Why it can't be judged, if it can't.
pub fn probe(subject: &Subject) -> Result<(), String> {
    plain(subject).map(|_| ())
}

fn refuses(subject: &Subject) -> Seen {
    let port = free_port();
    let (wrapped, glued) = ((u32::from(port) + 65_536).to_string(), format!("{port}x"));
    let ports = [&wrapped, "abc", "0", "-1", &glued, ""].map(|word| [word.to_string(), LOCALHOST.into()]);
    let addresses = ["999.1.1.1", "1.2.3.4.5", "1.2.3.x"].map(|ip| [port.to_string(), ip.into()]);
    for words in [&ports[..], &addresses[..]].concat() {
        let ended = subject.start(subject.launch(&words)).gives_up();
        let words = words.join(" ");
        ended.map_err(|seen| say!("{words:?}: {seen}", "{words:?}：{seen}"))?;
    }
    Ok(())
}

fn binds(subject: &Subject) -> Seen {
    for ip in [LOCALHOST, "127.0.0.2"] {
        let server = Server::start(subject, free_port(), ip, |launch| launch)?;
        let mut listens = sockets::of(server.port).into_iter().filter(|socket| socket.listens);
        let other = listens.find(|socket| socket.address != ip).map(|socket| socket.address);
        let other_than = |other| say!("told {ip}, it listens at {other}", "给定 {ip}，它却监听 {other}");
        other.map_or(Ok(()), |other| Err(other_than(other)))?;
    }
    Ok(())
}

fn in_use(subject: &Subject) -> Seen {
    let port = free_port();
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    Ok(subject.start(subject.launch(&[port.to_string(), LOCALHOST.into()])).gives_up()?)
}

fn restarts(subject: &Subject) -> Seen {
    let mut server = plain(subject)?;
    // Its end closes first, so the TIME_WAIT is on its side.
    let mut client = server.client()?;
    server.it.running.end();
    client.ended(SOON);
    drop(client);
    let again = Server::start(subject, server.port, LOCALHOST, |launch| launch)?;
    again.serves()
}

fn first(subject: &Subject) -> Seen {
    with(subject, |server| {
        let _client = server.client()?;
        must(!within(A_MOMENT, || server.is_gone()), || say!("it ends", "它退出了"))
    })
}

fn upper(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.peer()?;
        for words in ["hello, World 1!", "abcdefghijklmnopqrstuvwxyz", "z"] {
            client.say(words.as_bytes())?;
            client.hears(words.to_ascii_uppercase().as_bytes())?;
        }
        Ok(())
    })
}

fn bytes(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.peer()?;
        let all: Vec<u8> = (0..=255).filter(|byte: &u8| !byte.is_ascii_lowercase()).collect();
        client.talks("É ß 你好\r\n".as_bytes())?;
        client.talks(&all)?;
        for byte in [0, 10, 13, 26, 127, 128, 255] {
            client.talks(&[byte])?;
        }
        Ok(client.talks(b"\0AB\0\0")?)
    })
}

fn parts(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.peer()?;
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
    })
}

/// A stream in which each place can be told from the others.
fn stream(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'0' + (((at / 8) >> (at % 8 * 3)) & 7) as u8).collect()
}

/// Sends a long stream, and starts to read when `ready` says so of how much was sent.
fn both_ways(mut client: Peer, length: usize, ready: impl FnOnce(&AtomicUsize)) -> Seen {
    let (all, sent) = (stream(length), Arc::new(AtomicUsize::new(0)));
    let mut sender = Peer::of(client.stream.try_clone().expect("a descriptor is left"), client.until);
    let (bytes, count) = (all.clone(), sent.clone());
    std::thread::spawn(move || {
        for chunk in bytes.chunks(1 << 15) {
            sender.say(chunk)?;
            count.fetch_add(chunk.len(), Relaxed);
        }
        Ok::<(), String>(())
    });
    ready(&sent);
    client.hears(&all)?;
    Ok(client.talks(b"OVER")?)
}

fn long(subject: &Subject) -> Seen {
    with(subject, |server| both_ways(server.peer()?, 1 << 20, |_| ()))
}

fn slow(subject: &Subject) -> Seen {
    with(subject, |server| {
        let client = server.peer()?;
        let (bytes, size) = (1 << 16, size_of::<libc::c_int>() as u32);
        let (socket, room): (i32, *const libc::c_int) = (client.stream.as_raw_fd(), &raw const bytes);
        unsafe { libc::setsockopt(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, room.cast(), size) };
        // More than all buffers hold.
        let (_, pids) = server.serving(&client);
        both_ways(client, 6 << 20, |sent| {
            let (mut before, mut still) = (usize::MAX, 0);
            // Nothing more is taken, and it is not because the machine is busy.
            while still < 4 {
                std::thread::sleep(A_MOMENT);
                let stuck = before == sent.load(Relaxed) && pids.iter().all(|&pid| state(pid) != Some('R'));
                still = if stuck { still + 1 } else { 0 };
                before = sent.load(Relaxed);
            }
        })
    })
}

fn short(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.client()?;
        let (inode, holders) = server.serving(&client);
        let pid = holders.iter().copied().find(|&pid| pid != server.pid).unwrap_or(server.pid);
        // One byte is said to be written, and is not: all others must follow.
        let trace = Trace::of(WRITES).option("-P").option(&format!("socket:[{inode}]"));
        server.inject(pid, trace, WRITES, "retval=1:when=1")?;
        let all = stream(400);
        client.say(&all)?;
        let heard = client.hears(&all[1..]);
        skip(server.injected() > 0, || say!("none of its writes can be cut", "无法截短它的写操作"))?;
        heard?;
        server.it.running.let_go();
        Ok(client.talks(b"OVER")?)
    })
}

fn raw_log(subject: &Subject) -> Seen {
    let server = Server::start(subject, free_port(), LOCALHOST, Launch::shown_on_terminal)?;
    let mut client = server.peer()?;
    client.talks(b"\x1b]0;QZ7\x07\nQZ8 FORGED\rQZ9")?;
    drop(client);
    let raw = |text: &str| {
        let forged = text.lines().any(|line| line.starts_with("QZ8"));
        forged || ["\x1b]0;QZ7", "QZ7\x07", "\rQZ9"].iter().any(|bytes| text.contains(bytes))
    };
    let clean = !within(A_MOMENT, || raw(&server.it.running.screen().text()));
    must(clean, || say!("they get there as they are", "它们原样写进了日志"))
}

fn next(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.client()?;
        let mut second = server.peer()?;
        second.say(b"ME TOO")?;
        if subject.like == TcpServer {
            drop(client);
            return Ok(second.hears(b"ME TOO")?);
        }
        second.hears(b"ME TOO")?;
        Ok(client.talks(b"ME STILL")?)
    })
}

fn own(subject: &Subject) -> Seen {
    with(subject, |server| {
        let client = server.client()?;
        must(server.process_of(&client).is_some(), || {
            say!("the server itself serves it", "由服务器进程自己服务")
        })
    })
}

/// What must come to hold of the process that serves a client.
fn of_its_process(subject: &Subject, seen: fn() -> String, holds: impl Fn(&Server, u32) -> bool) -> Seen {
    with(subject, |server| {
        let client = server.client()?;
        let none = || No::Skip(say!("no client has a process of its own", "客户端没有自己的进程"));
        let pid = server.process_of(&client).ok_or_else(none)?;
        must(within(A_MOMENT, || holds(server, pid)), seen)
    })
}

fn listener(subject: &Subject) -> Seen {
    let closed =
        |server: &Server, pid| sockets::descriptors(pid, std::slice::from_ref(&server.inode)).is_empty();
    of_its_process(subject, || say!("it has it open", "它仍持有该套接字"), closed)
}

fn orphan(subject: &Subject) -> Seen {
    let orphan = |server: &Server, pid| {
        stat(pid).and_then(|stat| stat.get(1)?.parse().ok()).is_none_or(|parent: u32| parent != server.pid)
    };
    of_its_process(subject, || say!("the server is its parent", "服务器是它的父进程"), orphan)
}

fn quit(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut other = if subject.like == TcpServer { None } else { Some(server.client()?) };
        for word in ["quit", "QUIT", "qUiT"] {
            let mut client = server.client()?;
            client.talks(b"QUIT 1")?;
            let own = if other.is_some() { server.process_of(&client) } else { None };
            client.say(word.as_bytes())?;
            server.lets_go(&mut client, own)?;
        }
        other.as_mut().map_or(Ok(()), |other| other.talks(b"STILL HERE"))?;
        server.serves()
    })
}

fn leaves(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.client()?;
        let own = if subject.like == TcpServer { None } else { server.process_of(&client) };
        client.stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
        server.lets_go(&mut client, own)?;
        drop(client);
        server.serves()?;
        server.serves()
    })
}

fn descriptors(subject: &Subject) -> Seen {
    with(subject, |server| {
        drop(server.client()?);
        if subject.like != TcpServer {
            let there = [server.client()?, server.client()?, server.client()?, server.client()?];
            let inodes = there.each_ref().map(|client| server.serving(client).0);
            let kept = || sockets::descriptors(server.pid, &inodes);
            if server.process_of(&there[0]).is_some() && !within(SOON, || kept().is_empty()) {
                let kept = kept().iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
                return Err(say!("{kept} after 4 clients", "4 个客户端之后仍持有 {kept}").into());
            }
        }
        let open = || std::fs::read_dir(format!("/proc/{}/fd", server.pid)).map_or(0, Iterator::count);
        let before = open();
        for _ in 0..8 {
            drop(server.client()?);
        }
        let more = || open().saturating_sub(before);
        let few = within(SOON, || more() < 4);
        must(few, || say!("{} more after 8 clients", "8 个客户端之后多出 {} 个", more()))
    })
}

fn zombies(subject: &Subject) -> Seen {
    with(subject, |server| {
        let count = |zombies| {
            let states = server.it.below().into_iter().filter_map(state);
            states.filter(|&state| (state == 'Z') == zombies).count()
        };
        let (live, zombies) = (|| count(false), || count(true));
        let before = live();
        for _ in 0..3 {
            drop(server.client()?);
        }
        within(SOON, || live() <= before);
        if within(Duration::from_secs(1), || zombies() == 0) {
            return Ok(());
        }
        // Some reap at the next client.
        let _next = server.client()?;
        let none = within(A_MOMENT, || zombies() == 0);
        must(none, || say!("{} after 3 clients", "3 个客户端之后有 {} 个", zombies()))
    })
}

fn vanishes(subject: &Subject) -> Seen {
    with(subject, |server| {
        // Once while the server reads, once before it writes.
        server.client()?.vanishes();
        server.serves()?;
        let mut client = server.client()?;
        let pids = server.it.below();
        let all = |signal| pids.iter().for_each(|&pid| unsafe { _ = libc::kill(pid as i32, signal) });
        all(libc::SIGSTOP);
        within(SOON, || pids.iter().all(|&pid| matches!(state(pid), None | Some('T' | 't' | 'Z'))));
        let _ = client.stream.write(&[b'A'; 5000]);
        // An end before the reset: then the first write is already one to a closed pipe.
        let _ = client.stream.shutdown(Shutdown::Write);
        let (port, here) = (server.port, client.stream.local_addr().map_or(0, |address| address.port()));
        let its = |socket: &sockets::Socket| socket.port == port;
        within(SOON, || sockets::of(here).iter().any(|socket| its(socket) && socket.left_alone));
        client.vanishes();
        // A program that is started beside this has the client's socket, too, for a moment.
        within(SOON, || !sockets::of(here).iter().any(its));
        all(libc::SIGCONT);
        server.serves()
    })
}

fn refused_fork(subject: &Subject) -> Seen {
    with(subject, |server| {
        drop(server.client()?);
        server.inject(server.pid, Trace::of(FORKS), FORKS, "error=EAGAIN")?;
        let mut client = server.peer()?;
        let _ = client.say(b"HELLO 1!");
        let closed = client.ended(SOON);
        skip(server.injected() > 0, || say!("it starts nothing for a client", "它不为客户端创建进程"))?;
        server.it.running.let_go();
        server.serves()?;
        must(closed, || say!("that client is left waiting", "该客户端一直在等待"))
    })
}

fn failed_wait(subject: &Subject) -> Seen {
    with(subject, |server| {
        drop(server.client()?);
        server.inject(server.pid, Trace::of(WAITS).first_alone(), WAITS, "error=ECHILD")?;
        drop(server.client()?);
        let waited = within(A_MOMENT, || server.injected() > 0);
        server.it.running.let_go();
        server.serves()?;
        skip(waited, || say!("it waits for nobody", "它不等待任何子进程"))
    })
}

fn failed_accept(subject: &Subject) -> Seen {
    with(subject, |server| {
        drop(server.client()?);
        server.inject(server.pid, Trace::of(ACCEPTS), ACCEPTS, "error=EMFILE")?;
        // A client that comes before strace has woken the server would be accepted.
        within(A_MOMENT, || server.injected() > 0 || server.is_gone());
        let mut client = server.peer()?;
        let tried = within(SOON, || server.injected() > 0 || server.is_gone());
        let (before, time) = (server.injected(), Duration::from_millis(500));
        std::thread::sleep(time);
        let tries = (server.injected() - before) * 2;
        server.it.running.let_go();
        skip(tried, || say!("it calls no accept", "它不调用 accept"))?;
        client.talks(b"HELLO 1!")?;
        drop(client);
        server.serves()?;
        must(tries < 200, || say!("{tries} tries a second", "每秒重试 {tries} 次"))
    })
}

fn doubled_log(subject: &Subject) -> Seen {
    let file = std::env::temp_dir().join(format!("log.{}.{}", std::process::id(), free_port()));
    let conversation = |how: &dyn Fn(Launch) -> Launch| -> Result<Server, No> {
        let mut server = Server::start(subject, free_port(), LOCALHOST, how)?;
        let before = server.it.below().len();
        for _ in 0..3 {
            let mut client = server.client()?;
            client.say(b"quit")?;
            client.ended(Duration::from_millis(200));
            drop(client);
            within(A_MOMENT, || server.it.below().len() <= before);
        }
        server.it.running.end();
        Ok(server)
    };
    let server = conversation(&Launch::shown_on_terminal)?;
    let screen = server.it.running.screen();
    screen.wait_until(|_| false);
    let shown = screen.text().lines().count();
    let in_a_file = conversation(&|launch| {
        let log = std::fs::File::create(&file).expect("the log has room");
        launch.stdout(log.try_clone().expect("a descriptor is left")).stderr(log)
    });
    let lines = std::fs::read(&file).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count();
    let _ = std::fs::remove_file(&file);
    in_a_file?;
    skip(shown < 1000, || say!("it says something all the time", "它一直在输出"))?;
    must(lines <= shown, || {
        say!("{lines} lines, {shown} on a terminal", "{lines} 行，终端上只有 {shown} 行")
    })
}
