//! What a client owes its user and its server: the grader is that server.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::super::kernel::free_port;
use super::servers::{LOCALHOST, must};
use super::talk::Peer;
use super::{CHECK, Run, Seen, Started, Subject, end};
use crate::say;

/// By the names that the list has for them.
pub const CHECKS: [(&str, Run); 8] = [
    ("refuses", refuses),
    ("dials", dials),
    ("shows", shows),
    ("whole", whole),
    ("empty", empty),
    ("quit", quit),
    ("ends", ends),
    ("lost", lost),
];

/// The port that a client is told, and the one that it dials with the two bytes exchanged:
/// the grader is at both, so that erratum 1 alone is one point.
struct Ports([TcpListener; 2]);

impl Ports {
    fn open() -> Self {
        loop {
            let port = free_port();
            let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            if port.swap_bytes() < 1024 || port.swap_bytes() == port {
                continue;
            }
            if let (Ok(told), Ok(swapped)) = (listen(port), listen(port.swap_bytes())) {
                for listener in [&told, &swapped] {
                    listener.set_nonblocking(true).expect("it is a socket");
                }
                return Ports([told, swapped]);
            }
        }
    }

    fn told(&self) -> u16 {
        self.0[0].local_addr().expect("it is bound").port()
    }

    fn next(&self) -> Option<TcpStream> {
        let (stream, _) = self.0.iter().find_map(|listener| listener.accept().ok())?;
        stream.set_nonblocking(false).expect("it is a socket");
        Some(stream)
    }
}

/// Starts the client, and waits until it has come.
fn dial<'a>(subject: &'a Subject, ports: &Ports) -> Result<(Started<'a>, Peer), String> {
    let mut it = subject.start(subject.launch(&[LOCALHOST.into(), ports.told().to_string()]));
    loop {
        let ended = it.running.has_ended() && it.below().is_empty();
        if let Some(stream) = ports.next() {
            it.until = Instant::now() + CHECK;
            // Little room: what is written and not read back soon blocks both.
            let (bytes, size) = (16_384, size_of::<libc::c_int>() as u32);
            let room: *const libc::c_int = &raw const bytes;
            unsafe {
                libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_SNDBUF, room.cast(), size)
            };
            let until = it.until;
            return Ok((it, Peer { stream, until }));
        }
        if ended || Instant::now() > it.until {
            let how = end(it.running.wait_within(Duration::ZERO));
            return Err(say!("it never connects ({how})", "它从不连接（{how}）"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Why it can't be judged, if it can't.
pub fn probe(subject: &Subject) -> Result<(), String> {
    dial(subject, &Ports::open()).map(|_| ())
}

struct Talk {
    /// None: it goes on.
    status: Option<i32>,
    shown: String,
    words: usize,
}

impl Talk {
    fn ended_well(&self) -> Result<(), String> {
        if self.status == Some(0) { Ok(()) } else { Err(end(self.status)) }
    }

    fn shows(&self, text: &str) -> Result<(), String> {
        let (length, start) = (text.len(), &text[..text.len().min(12)]);
        let missing = || {
            say!("{start}… of {length} bytes is not shown whole", "没有完整显示 {length} 字节的 {start}…")
        };
        if self.shown.contains(text) { Ok(()) } else { Err(missing()) }
    }
}

/// A conversation: what is typed, after which the input ends or stays open, and its server.
fn talk(
    subject: &Subject,
    typed: &[u8],
    ends: bool,
    serve: impl FnOnce(Peer) + Send + 'static,
) -> Result<Talk, String> {
    let (mut it, peer) = dial(subject, &Ports::open())?;
    std::thread::spawn(move || serve(peer));
    let (done, open) = channel();
    let (mut input, typed) = (it.running.stdin.take(), typed.to_vec());
    std::thread::spawn(move || {
        let _ = input.as_mut().map(|input| std::io::Write::write_all(input, &typed));
        if !ends {
            let _ = done.send(input);
        }
    });
    let status = it.running.wait_within(CHECK);
    it.running.end();
    drop(open);
    let shown = it.running.stdout.all();
    let words = it.running.stderr.all().len() + shown.len();
    Ok(Talk { status, shown: shown.join("\n"), words })
}

/// Serves as the article's servers do.
fn upper(mut peer: Peer) {
    while let Ok(came) = peer.next(1023) {
        if came.is_empty() || came.trim_ascii().eq_ignore_ascii_case(b"quit") {
            break;
        }
        if peer.say(&came.to_ascii_uppercase()).is_err() {
            break;
        }
    }
}

fn refuses(subject: &Subject) -> Seen {
    let ports = Ports::open();
    let told = ports.told();
    let (wrapped, glued) = ((u32::from(told) + 65_536).to_string(), format!("{told}x"));
    let bad_ports = [&wrapped, "abc", "0", &glued].map(|port| [LOCALHOST.to_string(), port.into()]);
    let bad_addresses = ["999.1.1.1", "1.2.3.x"].map(|ip| [ip.to_string(), told.to_string()]);
    for words in [&bad_ports[..], &bad_addresses[..]].concat() {
        let ended = subject.start(subject.launch(&words)).gives_up();
        let ended =
            if ports.next().is_some() { Err(say!("it connects", "它仍去连接")) } else { ended };
        let words = words.join(" ");
        ended.map_err(|seen| say!("{words:?}: {seen}", "{words:?}：{seen}"))?;
    }
    Ok(())
}

fn dials(subject: &Subject) -> Seen {
    let ports = Ports::open();
    let (_it, peer) = dial(subject, &ports)?;
    let (told, dialled) = (ports.told(), peer.stream.local_addr().map_or(0, |address| address.port()));
    let other = || say!("told {told}, it dials {dialled}", "给定 {told}，它却连接 {dialled}");
    must(dialled == told, other)
}

fn shows(subject: &Subject) -> Seen {
    let talk = talk(subject, b"abcdefghijklmnop0123\nzz\nquit\n", false, upper)?;
    talk.shows("ABCDEFGHIJKLMNOP0123")?;
    talk.shows("ZZ")?;
    let nuls = talk.shown.matches('\0').count();
    must(nuls == 0, || say!("{nuls} NUL bytes behind it", "后面还有 {nuls} 个 NUL 字节"))?;
    let once = talk.shown.matches("DEFGHIJKL").count() == 1;
    must(once, || say!("the rest of an older reply behind it", "后面带着旧应答的内容"))
}

fn whole(subject: &Subject) -> Seen {
    let in_pieces = |mut peer: Peer| {
        if peer.next(1023).is_ok_and(|came| !came.is_empty()) {
            let _ = peer.say(b"ONE HALF");
            std::thread::sleep(Duration::from_millis(100));
            let _ = peer.say(b" AND THE OTHER");
        }
        upper(peer);
    };
    let talked = talk(subject, b"one half and the other\nagain\nquit\n", false, in_pieces)?;
    talked.shows("ONE HALF AND THE OTHER")?;
    talked.shows("AGAIN")?;
    let line: String = (0..625).map(|count| format!("l{count:07}")).collect();
    let talked = talk(subject, format!("{line}\nshort\nquit\n").as_bytes(), false, upper)?;
    talked.shows(&line.to_ascii_uppercase())?;
    talked.shows("SHORT")?;
    let line = "x".repeat(4 << 20);
    let talked = talk(subject, format!("{line}\nquit\n").as_bytes(), false, upper)?;
    must(talked.status.is_some(), || say!("a line of 4 MB: it hangs", "4 MB 的一行：它卡住了"))?;
    Ok(talked.shows(&line.to_ascii_uppercase())?)
}

fn empty(subject: &Subject) -> Seen {
    let talk = talk(subject, b"\nhello\nquit\n", false, upper)?;
    Ok(talk.shows("HELLO")?)
}

fn quit(subject: &Subject) -> Seen {
    for word in ["quit", "QuIt"] {
        let (heard, hears) = channel();
        let serve = move |mut peer: Peer| {
            let _ = heard.send(peer.next(1023).unwrap_or_default());
        };
        talk(subject, format!("{word}\n").as_bytes(), false, serve)?.ended_well()?;
        let came = hears.recv().unwrap_or_default();
        if came != word.as_bytes() {
            let count = came.len();
            return Err(say!(
                "it sends {count} bytes, not these four",
                "它发送了 {count} 字节，而不是这四个"
            )
            .into());
        }
    }
    Ok(())
}

fn ends(subject: &Subject) -> Seen {
    for typed in ["hello\n", ""] {
        talk(subject, typed.as_bytes(), true, upper)?.ended_well()?;
    }
    Ok(())
}

fn lost(subject: &Subject) -> Seen {
    let nobody = subject.launch(&[LOCALHOST.into(), free_port().to_string()]);
    subject.start(nobody).gives_up().map_err(|seen| say!("refused: {seen}", "被拒绝：{seen}"))?;
    let closes = |mut peer: Peer| _ = peer.next(1023);
    let resets = |mut peer: Peer| {
        let _ = peer.next(1023);
        peer.vanishes();
    };
    let typed = b"hello\n";
    let (closed, reset) = (talk(subject, typed, false, closes)?, talk(subject, typed, false, resets)?);
    for (what, talk) in [(say!("closed", "被关闭"), closed), (say!("reset", "被重置"), reset)] {
        let how =
            if talk.words == 0 { say!("it says nothing", "没有任何提示") } else { end(talk.status) };
        let good = talk.words > 0 && matches!(talk.status, Some(1..=128));
        must(good, || say!("{what}: {how}", "{what}：{how}"))?;
    }
    Ok(())
}
