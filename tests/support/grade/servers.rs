//! What a server owes its clients, in the order of a conversation.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::super::kernel::{free_port, stat, state, within};
use super::super::run::{Launch, Trace};
use super::super::strace::Call;
use super::Like::{self, DoubleFork, Fork};
use super::talk::Peer;
use super::{CHECK, Check, No, Seen, Started, Subject, check, sockets};
use crate::say;

const FORKING: &[Like] = &[Fork, DoubleFork];
pub const LOCALHOST: &str = "127.0.0.1";
/// What is over at once takes no longer, even on a busy machine.
const SOON: Duration = Duration::from_secs(2);

pub fn checks(like: Like) -> Vec<Check> {
    vec![
        check("13", 21, say!("refuses a port or an address that is none", "拒绝无效的端口或地址"), refuses)
            .alone(),
        check("bind", 1, say!("binds the address it was given, and no other", "只绑定给定的地址"), binds)
            .alone(),
        check("use", 1, say!("says so and ends if its port is in use", "端口已被占用时报错并退出"), in_use)
            .alone(),
        check(
            "upper",
            2,
            say!("sends ASCII letters back in upper case", "把 ASCII 字母转为大写发回"),
            upper,
        )
        .alone(),
        check(
            "9",
            14,
            say!("sends all other bytes back as they are, NULs too", "其他字节原样发回，包括 NUL"),
            bytes,
        )
        .alone(),
        check(
            "parts",
            14,
            say!("a message in two pieces, two in one", "一条消息分两次到达，两条消息一次到达"),
            parts,
        )
        .alone(),
        check("long", 14, say!("long streams, both ways at a time", "双向同时传输长数据流"), long).alone(),
        check(
            "slow",
            20,
            say!("a slow reader gets all of a long stream", "读得慢的客户端也能收到全部数据"),
            slow,
        )
        .alone(),
        check(
            "9",
            20,
            say!("goes on after a short write where it stopped", "write 只写出一部分时从断点续写"),
            short,
        )
        .alone(),
        check(
            "15",
            21,
            say!("no control byte of a client's gets into its log", "客户端的控制字符不会进入日志"),
            raw_log,
        )
        .alone(),
        check("4", 11, say!("lives on when it has its first client", "接到第一个客户端后仍在运行"), first)
            .first(),
        check(
            "next",
            if like == Like::TcpServer { 5 } else { 7 },
            say!("the second client is served", "第二个客户端得到服务"),
            next,
        ),
        check("proc", 7, say!("each client has a process of its own", "每个客户端有自己的进程"), own)
            .of(FORKING)
            .alone(),
        check(
            "lsock",
            7,
            say!("that process has closed the listening socket", "该进程已关闭监听套接字"),
            listener,
        )
        .of(FORKING)
        .alone(),
        check(
            "orphan",
            10,
            say!("that process is not the server's child", "该进程不是服务器的子进程"),
            orphan,
        )
        .of(&[DoubleFork])
        .alone(),
        check(
            "quit",
            5,
            say!("quit in any case ends that connection alone", "quit 不分大小写，只结束该连接"),
            quit,
        ),
        check("2", 12, say!("goes on when a client leaves", "客户端离开后继续服务"), leaves).first(),
        check("fd", 8, say!("keeps no client's socket", "不遗留客户端的套接字"), descriptors),
        check("zombie", 9, say!("leaves no zombie", "不留下僵尸进程"), zombies).of(FORKING),
        check("10", 13, say!("goes on when a client vanishes", "客户端突然消失后继续服务"), vanishes),
        check("11", 18, say!("a refused fork costs one client", "fork 失败只影响一个客户端"), refused_fork)
            .of(FORKING),
        check("11", 11, say!("a failed waitpid costs nothing", "waitpid 失败不影响服务"), failed_wait)
            .of(&[DoubleFork]),
        check(
            "12",
            18,
            say!("waits between accepts that fail", "accept 连续失败时不会空转"),
            failed_accept,
        ),
        check(
            "14",
            16,
            say!("nothing of its log twice when that is a file", "日志写入文件时没有重复内容"),
            doubled_log,
        )
        .of(FORKING),
        check("17", 17, say!("restarts at once on its port", "能在原端口立即重启"), restarts).alone(),
    ]
}

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
        let mut found = None;
        let until = Instant::now() + CHECK;
        while found.is_none() && Instant::now() < until {
            if let Some(socket) =
                sockets::all().into_iter().find(|socket| socket.listens && socket.port == port)
            {
                let holder = sockets::holders(&it.below(), &socket.inode).first().copied();
                found = holder.map(|pid| (pid, socket.inode));
            } else if it.running.has_ended() && it.below().is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let Some((pid, inode)) = found else {
            return Err(never_listens(&mut it, port));
        };
        it.until = Instant::now() + CHECK;
        Ok(Server { it, port, pid, inode })
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

    /// The socket that it has for this client, and the processes that hold it.
    fn serving(&self, peer: &Peer) -> (String, Vec<u32>) {
        let port = peer.port();
        let ours = |socket: &sockets::Socket| socket.port == self.port && socket.peer == port;
        let inode = sockets::all().into_iter().find(ours).map_or("none".into(), |socket| socket.inode);
        let holders = sockets::holders(&self.it.below(), &inode);
        (inode, holders)
    }

    /// The process, other than the one that listens, that serves this client alone.
    fn process_of(&self, peer: &Peer) -> Option<u32> {
        let mut found = None;
        within(SOON.min(self.it.left()), || {
            found = self.serving(peer).1.into_iter().find(|&pid| pid != self.pid);
            found.is_some()
        });
        found
    }

    /// Waits until the connection has ended, or the client's process has let go of it: whether
    /// another one keeps it is a question of its own.
    fn lets_go(&self, peer: &mut Peer, before: &[u32]) -> Seen {
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            let (_, now) = self.serving(peer);
            let gone = before.len() > 1 && now == [self.pid];
            if gone || peer.ended(Instant::now() + Duration::from_millis(50)) {
                return Ok(());
            }
        }
        Err(say!("it keeps the connection", "它不关闭连接").into())
    }

    /// How it has ended, if it has.
    fn death(&mut self) -> Option<String> {
        if !matches!(state(self.pid), None | Some('Z' | 'X')) {
            return None;
        }
        let ended = self.it.running.wait_within(Duration::from_millis(100));
        Some(match ended {
            Some(status @ 129..) => {
                let signal = name_of(status - 128);
                say!("the server was killed by {signal}", "服务器被 {signal} 终止")
            }
            Some(status) => say!("the server ended with status {status}", "服务器以状态 {status} 退出"),
            None => say!("the server has ended", "服务器已退出"),
        })
    }
}

pub fn name_of(signal: i32) -> String {
    let known = [
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGXFSZ, "SIGXFSZ"),
    ];
    let name = known.iter().find(|(number, _)| *number == signal);
    name.map_or_else(|| say!("signal {signal}", "信号 {signal}"), |(_, name)| name.to_string())
}

fn never_listens(it: &mut Started, port: u16) -> String {
    let below = it.below();
    let elsewhere = sockets::all()
        .into_iter()
        .find(|socket| socket.listens && !sockets::holders(&below, &socket.inode).is_empty());
    if let Some(socket) = elsewhere {
        let other = socket.port;
        return say!(
            "it listens on port {other}, not on {port} (make lesson N=4)",
            "它监听端口 {other}，而不是 {port}（make lesson N=4）"
        );
    }
    match it.running.wait_within(Duration::ZERO) {
        Some(status) => {
            say!("it ended with status {status} and never listened", "它以状态 {status} 退出，从未监听")
        }
        None => say!("it never listens on the port it was given", "它从未监听给定的端口"),
    }
}

/// Runs `look` with a server. That the server has ended explains more than what a client has seen of it.
fn with(subject: &Subject, look: impl FnOnce(&mut Server) -> Seen) -> Seen {
    let mut server = Server::start(subject, free_port(), LOCALHOST, |launch| launch)?;
    match look(&mut server) {
        Err(No::Fail(seen)) => Err(No::Fail(server.death().unwrap_or(seen))),
        seen => seen,
    }
}

/// Why it can't be judged, if it can't.
pub fn probe(subject: &Subject) -> Result<(), String> {
    Server::start(subject, free_port(), LOCALHOST, |launch| launch).map(|_| ())
}

/// Ends by itself, with words and a status other than 0.
pub fn ends_with_words(it: &mut Started) -> Result<(), String> {
    let patience = it.left().min(Duration::from_secs(3));
    match it.running.wait_within(patience) {
        None => Err(say!("it goes on", "它继续运行")),
        Some(0) => Err(say!("its status is 0", "退出状态为 0")),
        Some(status @ 129..) => {
            let signal = name_of(status - 128);
            Err(say!("it was killed by {signal}", "它被 {signal} 终止"))
        }
        Some(_) => {
            it.running.end();
            let words = it.running.stdout.all().len() + it.running.stderr.all().len();
            if words > 0 { Ok(()) } else { Err(say!("it says nothing", "没有任何提示")) }
        }
    }
}

fn refuses(subject: &Subject) -> Seen {
    let port = free_port();
    let words = [
        (u32::from(port) + 65_536).to_string(),
        "abc".into(),
        "0".into(),
        "-1".into(),
        format!("{port}x"),
        String::new(),
    ];
    let ports = words.map(|word| [word, LOCALHOST.to_string()]);
    let addresses = ["999.1.1.1", "1.2.3.4.5", "1.2.3.x"].map(|ip| [port.to_string(), ip.to_string()]);
    for words in [&ports[..], &addresses[..]].concat() {
        let mut it = subject.start(subject.launch(&words));
        let [port, ip] = &words;
        ends_with_words(&mut it).map_err(|seen| say!("{port:?} {ip}: {seen}", "{port:?} {ip}：{seen}"))?;
    }
    Ok(())
}

fn binds(subject: &Subject) -> Seen {
    for ip in [LOCALHOST, "127.0.0.2"] {
        let server = Server::start(subject, free_port(), ip, |launch| launch)?;
        let mut listens =
            sockets::all().into_iter().filter(|socket| socket.listens && socket.port == server.port);
        if let Some(other) = listens.find(|socket| socket.address != ip) {
            let other = other.address;
            return Err(say!("it listens at {other}, not at {ip}", "它监听 {other}，而不是 {ip}").into());
        }
    }
    Ok(())
}

fn in_use(subject: &Subject) -> Seen {
    let port = free_port();
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    let mut it = subject.start(subject.launch(&[port.to_string(), LOCALHOST.into()]));
    Ok(ends_with_words(&mut it)?)
}

fn restarts(subject: &Subject) -> Seen {
    let mut server = Server::start(subject, free_port(), LOCALHOST, |launch| launch)?;
    // Its end closes first: its side is the one that keeps the TIME_WAIT.
    let mut client = server.client()?;
    server.it.running.end();
    client.ended(server.it.until);
    drop(client);
    let again = Server::start(subject, server.port, LOCALHOST, |launch| launch);
    again.and_then(|again| again.client().map(|_| ())).map_err(No::Fail)
}

fn first(subject: &Subject) -> Seen {
    with(subject, |server| {
        let _client = server.client()?;
        match within(Duration::from_millis(300), || matches!(state(server.pid), None | Some('Z' | 'X'))) {
            true => Err(say!("it has ended", "它已退出").into()),
            false => Ok(()),
        }
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
        client.say(b"QUI")?;
        client.hears(b"QUI")?;
        client.talks(b"T")?;
        client.say(b"FIRST")?;
        client.say(b"SECOND")?;
        Ok(client.hears(b"FIRSTSECOND")?)
    })
}

/// A stream in which each place can be told from the others.
fn stream(length: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|line: u32| format!("{line:07}\n").into_bytes());
    lines.take(length).collect()
}

fn long(subject: &Subject) -> Seen {
    with(subject, |server| both_ways(server.peer()?, stream(1 << 20), Duration::ZERO))
}

fn both_ways(mut client: Peer, all: Vec<u8>, pause: Duration) -> Seen {
    let mut sender = client.also();
    let sent = all.clone();
    let sending = std::thread::spawn(move || sender.say(&sent));
    std::thread::sleep(pause);
    client.hears(&all)?;
    sending.join().expect("it does not panic")?;
    Ok(client.talks(b"OVER")?)
}

fn slow(subject: &Subject) -> Seen {
    with(subject, |server| {
        let client = server.peer()?;
        let room = |bytes: i32| unsafe {
            let size = size_of_val(&bytes) as u32;
            let socket = client.stream.as_raw_fd();
            libc::setsockopt(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, (&raw const bytes).cast(), size)
        };
        room(2048);
        both_ways(client, stream(1 << 20), Duration::from_millis(500))
    })
}

/// Whichever call it reads, writes, makes a process or waits with; those that a machine lacks have a `?`.
const WRITES: &str = "write,writev,sendto,sendmsg";
const FORKS: &str = "clone,?clone3,?fork,?vfork";
const WAITS: &str = "wait4,waitid";
const ACCEPTS: &str = "accept,accept4";

impl Server<'_> {
    /// The results that strace has put in the place of calls.
    fn injected(&self) -> usize {
        let injected = |call: &&Call| call.injected;
        self.it.running.events().iter().filter_map(|event| event.call()).filter(injected).count()
    }

    /// Lives on, and serves another client.
    fn serves(&self) -> Seen {
        let seen = self.client().map(|_| ());
        seen.map_err(|seen| No::Fail(say!("another client: {seen}", "另一个客户端：{seen}")))
    }
}

fn short(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.client()?;
        let (inode, holders) = server.serving(&client);
        let pid = holders.iter().copied().find(|&pid| pid != server.pid).unwrap_or(server.pid);
        // One byte is said to be written, and is not: all others must follow.
        let fault = format!("{WRITES}:retval=1:when=1");
        let trace = Trace::of(WRITES).option("-P").option(&format!("socket:[{inode}]")).inject(&fault);
        server.it.attach(pid, &trace)?;
        let all = stream(400);
        client.say(&all)?;
        let heard = client.hears(&all[1..]);
        if server.injected() == 0 {
            return Err(No::Skip(say!("none of its writes could be cut", "无法截短它的写操作")));
        }
        heard?;
        server.it.running.let_go();
        Ok(client.talks(b"OVER")?)
    })
}

fn quit(subject: &Subject) -> Seen {
    with(subject, |server| {
        let one_at_a_time = !FORKING.contains(&subject.like);
        let mut other = if one_at_a_time { None } else { Some(server.client()?) };
        for word in ["quit", "QUIT", "qUiT"] {
            let mut client = server.client()?;
            client.talks(b"QUIT 1")?;
            let before = server.serving(&client).1;
            client.say(word.as_bytes())?;
            server.lets_go(&mut client, &before)?;
        }
        if let Some(other) = &mut other {
            other.talks(b"STILL HERE")?;
        }
        server.serves()
    })
}

fn leaves(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.client()?;
        let before = server.serving(&client).1;
        client.say(b"LAST WORDS")?;
        client.stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
        client.hears(b"LAST WORDS")?;
        server.lets_go(&mut client, &before)?;
        drop(client);
        drop(server.client()?);
        server.serves()
    })
}

fn vanishes(subject: &Subject) -> Seen {
    with(subject, |server| {
        // Once while the server reads, once before it writes.
        server.client()?.vanishes();
        server.serves()?;
        let mut client = server.client()?;
        let pids = server.it.below();
        let all = |signal| {
            pids.iter().for_each(|&pid| unsafe {
                libc::kill(pid as i32, signal);
            })
        };
        all(libc::SIGSTOP);
        within(SOON, || pids.iter().all(|&pid| matches!(state(pid), None | Some('T' | 't' | 'Z'))));
        client.stream.set_nonblocking(true).expect("it is a socket");
        while client.stream.write(&[b'A'; 5000]).is_ok() {}
        client.vanishes();
        all(libc::SIGCONT);
        server.serves()
    })
}

fn next(subject: &Subject) -> Seen {
    with(subject, |server| {
        let mut client = server.client()?;
        let mut second = server.peer()?;
        if FORKING.contains(&subject.like) {
            let waits = |seen| say!("while the first is there: {seen}", "第一个客户端还在时：{seen}");
            second.talks(b"ME TOO").map_err(waits)?;
            client.talks(b"ME STILL")?;
        } else {
            second.say(b"ME TOO")?;
            drop(client);
            second.hears(b"ME TOO")?;
        }
        Ok(())
    })
}

fn no_process() -> No {
    No::Skip(say!("no client has a process of its own", "客户端没有自己的进程"))
}

fn own(subject: &Subject) -> Seen {
    with(subject, |server| {
        let client = server.client()?;
        let none = || say!("the server itself serves it", "由服务器进程自己服务");
        server.process_of(&client).map(|_| ()).ok_or_else(|| none().into())
    })
}

fn listener(subject: &Subject) -> Seen {
    with(subject, |server| {
        let client = server.client()?;
        let pid = server.process_of(&client).ok_or_else(no_process)?;
        let inode = [server.inode.clone()];
        if within(Duration::from_millis(500), || sockets::descriptors(pid, &inode).is_empty()) {
            return Ok(());
        }
        Err(say!("it still has it open", "它仍持有该套接字").into())
    })
}

fn orphan(subject: &Subject) -> Seen {
    with(subject, |server| {
        let client = server.client()?;
        let pid = server.process_of(&client).ok_or_else(no_process)?;
        let parent = || stat(pid).and_then(|stat| stat.get(1)?.parse().ok());
        if within(Duration::from_millis(500), || parent() != Some(server.pid)) {
            return Ok(());
        }
        Err(say!("the server is its parent", "服务器是它的父进程").into())
    })
}

fn descriptors(subject: &Subject) -> Seen {
    with(subject, |server| {
        let open = |pid| std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        let forking = FORKING.contains(&subject.like);
        let come = |server: &Server, together: bool| -> Result<Vec<Peer>, No> {
            let mut there = Vec::new();
            for _ in 0..4 {
                there.push(server.client()?);
                if !together {
                    there.clear();
                }
            }
            Ok(there)
        };
        let numbers = |fds: &std::collections::BTreeSet<u32>| {
            fds.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
        };
        drop(server.client()?);
        if forking {
            let there = come(server, true)?;
            let own = there.first().and_then(|client| server.process_of(client));
            let inodes: Vec<String> = there.iter().map(|client| server.serving(client).0).collect();
            let kept = || sockets::descriptors(server.pid, &inodes);
            if own.is_some() && !within(Duration::from_secs(1), || kept().is_empty()) {
                let kept = numbers(&kept());
                let seen = say!("it has {kept} after 4 clients", "4 个客户端之后它持有 {kept}");
                return Err(seen.into());
            }
        }
        // Those who have left before are forgotten, too, once the last of these is.
        let before = open(server.pid);
        for _ in 0..2 {
            come(server, false)?;
        }
        if within(Duration::from_secs(1), || open(server.pid) < before + 4) {
            return Ok(());
        }
        let (more, after) = (open(server.pid) - before, 8);
        Err(say!(
            "{more} descriptors more after {after} clients",
            "{after} 个客户端之后多出 {more} 个描述符"
        )
        .into())
    })
}

fn zombies(subject: &Subject) -> Seen {
    with(subject, |server| {
        let zombies =
            |server: &Server| server.it.below().into_iter().filter(|&pid| state(pid) == Some('Z')).count();
        for _ in 0..3 {
            drop(server.client()?);
        }
        // Some reap with the next client.
        if !within(Duration::from_secs(1), || zombies(server) == 0) {
            let _next = server.client()?;
            if !within(Duration::from_millis(500), || zombies(server) == 0) {
                let count = zombies(server);
                return Err(say!("{count} after 3 clients", "3 个客户端之后有 {count} 个").into());
            }
        }
        Ok(())
    })
}

fn refused_fork(subject: &Subject) -> Seen {
    with(subject, |server| {
        drop(server.client()?);
        server.it.attach(server.pid, &Trace::of(FORKS).inject(&format!("{FORKS}:error=EAGAIN")))?;
        let mut client = server.peer()?;
        let _ = client.say(b"HELLO 1!");
        let closed = client.ended(Instant::now() + SOON);
        if server.injected() == 0 {
            return Err(No::Skip(say!("it starts nothing for a client", "它不为客户端创建进程")));
        }
        server.it.running.let_go();
        server.serves()?;
        if closed {
            Ok(())
        } else {
            Err(say!("that client is left waiting", "该客户端一直在等待").into())
        }
    })
}

fn failed_wait(subject: &Subject) -> Seen {
    with(subject, |server| {
        drop(server.client()?);
        server
            .it
            .attach(server.pid, &Trace::of(WAITS).first_alone().inject(&format!("{WAITS}:error=ECHILD")))?;
        drop(server.client()?);
        let _ = within(Duration::from_millis(200), || server.injected() > 0);
        let waited = server.injected() > 0;
        server.it.running.let_go();
        server.serves()?;
        if waited {
            Ok(())
        } else {
            Err(No::Skip(say!("it waits for nobody", "它不等待任何子进程")))
        }
    })
}

fn failed_accept(subject: &Subject) -> Seen {
    with(subject, |server| {
        drop(server.client()?);
        server.it.attach(server.pid, &Trace::of(ACCEPTS).inject(&format!("{ACCEPTS}:error=EMFILE")))?;
        let mut client = server.peer()?;
        std::thread::sleep(Duration::from_millis(200));
        let before = server.injected();
        std::thread::sleep(Duration::from_millis(500));
        let tries = (server.injected() - before) * 2;
        server.it.running.let_go();
        if before == 0 {
            return Err(No::Skip(say!("it calls no accept", "它不调用 accept")));
        }
        client.talks(b"HELLO 1!")?;
        server.serves()?;
        match tries {
            0..200 => Ok(()),
            _ => Err(say!("{tries} tries a second", "每秒重试 {tries} 次").into()),
        }
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
            client.ended(Instant::now() + Duration::from_millis(200));
            drop(client);
            within(Duration::from_millis(500), || server.it.below().len() <= before);
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
    let length = std::fs::read(&file).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count();
    let _ = std::fs::remove_file(&file);
    in_a_file?;
    match shown {
        1000.. => Err(No::Skip(say!("it says something all the time", "它一直在输出"))),
        _ if length > shown => {
            let seen = say!(
                "{length} lines there, {shown} on a terminal",
                "文件中 {length} 行，终端上 {shown} 行"
            );
            Err(seen.into())
        }
        _ => Ok(()),
    }
}

fn raw_log(subject: &Subject) -> Seen {
    let server = Server::start(subject, free_port(), LOCALHOST, Launch::shown_on_terminal)?;
    let mut client = server.peer()?;
    client.talks(b"\x1b]0;QZ7\x07\nQZ8 FORGED\rQZ9")?;
    drop(client);
    let screen = server.it.running.screen();
    let raw = |text: &str| {
        let forged = text.lines().any(|line| line.starts_with("QZ8"));
        forged || text.contains("\x1b]0;QZ7") || text.contains("QZ7\x07") || text.contains("\rQZ9")
    };
    if within(Duration::from_millis(300), || raw(&screen.text())) {
        let sees = screen.text().contains("\x1b]0;QZ7");
        return Err(if sees {
            say!("an escape sequence gets there", "转义序列进入了日志")
        } else {
            say!("a line break or a bell gets there", "换行或响铃进入了日志")
        }
        .into());
    }
    Ok(())
}
