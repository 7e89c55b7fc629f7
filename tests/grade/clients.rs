//! What a client owes its user and its server: the grader is that server.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use super::talk::Peer;
use super::{CHECK, LOCALHOST, Seen, Started, Subject, call, end, must, refuses_words};
use crate::harness::net::ports::free_port;
use crate::say;

pub fn run(name: &str, subject: &Subject) -> Seen {
    call!(name(subject): refuses dials shows whole empty quit ends lost);
    panic!("there is no check {name}")
}

/// As a terminal's user ends a program's input.
const CTRL_D: char = '\x04';

/// The port that a client is told, and the one that it dials with the two bytes exchanged:
/// the grader is at both, so that erratum 1 alone is one point.
pub fn ports() -> [TcpListener; 2] {
    loop {
        let told = free_port();
        let listen = |port| {
            let listener = TcpListener::bind((LOCALHOST, port))?;
            listener.set_nonblocking(true).map(|()| listener)
        };
        if let (Ok(told), Ok(swapped)) = (listen(told), listen(told.swap_bytes())) {
            return [told, swapped];
        }
    }
}

fn told(ports: &[TcpListener; 2]) -> u16 {
    ports[0].local_addr().expect("it is bound").port()
}

fn next(ports: &[TcpListener; 2]) -> Option<Peer> {
    ports.iter().find_map(|port| port.accept().ok()).map(|(stream, _)| Peer::of(stream))
}

/// Starts the client, and waits until it has come.
pub fn dial<'a>(subject: &'a Subject, ports: &[TcpListener; 2]) -> Result<(Started<'a>, Peer), String> {
    let mut it = subject.start(subject.launch(&[LOCALHOST, &told(ports).to_string()]));
    let peer = it.until(|_| next(ports));
    let peer = peer.map_err(|how| say!("it never connects ({how})", "它从不连接（{how}）"))?;
    // Little room: what is written and not read back soon blocks both.
    peer.set_room(libc::SO_SNDBUF, 1 << 14);
    Ok((it, peer))
}

/// What came of a conversation.
struct Talk {
    /// None: it goes on.
    status: Option<i32>,
    shown: String,
    /// Whether it has said anything at all.
    said: bool,
}

impl Talk {
    fn ended_well(&self) -> Seen {
        must(self.status == Some(0), end(self.status))
    }

    fn shows(&self, text: &str) -> Seen {
        let (length, start) = (text.len(), &text[..text.len().min(12)]);
        let missing =
            say!("{start}… of {length} bytes is not shown whole", "没有完整显示 {length} 字节的 {start}…");
        must(self.shown.contains(text), missing)
    }
}

/// A conversation: what is typed, where Ctrl-D ends the input, which otherwise stays open; and its
/// server, which hands back a connection that it has not closed.
fn talk(subject: &Subject, typed: &str, serve: impl FnOnce(Peer) -> Option<Peer>) -> Result<Talk, String> {
    let (mut it, peer) = dial(subject, &ports())?;
    let mut input = it.running.stdin.take().expect("it is piped");
    let (words, ends) = (typed.replace(CTRL_D, ""), typed.ends_with(CTRL_D));
    let _typing = std::thread::spawn(move || {
        let _ = input.write_all(words.as_bytes());
        (!ends).then_some(input)
    });
    let open = serve(peer);
    let status = it.running.wait_timeout(if open.is_some() { CHECK / 5 } else { CHECK });
    it.running.end();
    let shown = it.running.stdout.all();
    let said = shown.len() + it.running.stderr.all().len() > 0;
    Ok(Talk { status, shown: shown.join("\n"), said })
}

/// Serves as the article's servers do.
fn upper(mut peer: Peer) -> Option<Peer> {
    while let Ok(came) = peer.next(1023) {
        if came.is_empty() || came.trim_ascii().eq_ignore_ascii_case(b"quit") {
            return None;
        }
        if peer.say(&came.to_ascii_uppercase()).is_err() {
            break;
        }
    }
    Some(peer)
}

fn refuses(subject: &Subject) -> Seen {
    let ports = ports();
    refuses_words(subject, told(&ports), || next(&ports).is_some())
}

fn dials(subject: &Subject) -> Seen {
    let ports = ports();
    let (_it, peer) = dial(subject, &ports)?;
    let (told, dialled) = (told(&ports), peer.port());
    must(dialled == told, say!("told {told}, it dials {dialled}", "给定 {told}，它却连接 {dialled}"))
}

fn shows(subject: &Subject) -> Seen {
    let talk = talk(subject, "abcdefghijklmnop0123\nzz\nquit\n", upper)?;
    talk.shows("ABCDEFGHIJKLMNOP0123")?;
    talk.shows("ZZ")?;
    let nuls = talk.shown.matches('\0').count();
    must(nuls == 0, say!("{nuls} NUL bytes behind it", "后面还有 {nuls} 个 NUL 字节"))?;
    let once = talk.shown.matches("DEFGHIJKL").count() == 1;
    must(once, say!("the rest of an older reply behind it", "后面带着旧应答的内容"))
}

fn whole(subject: &Subject) -> Seen {
    let in_pieces = |mut peer: Peer| {
        if peer.next(1023).is_ok_and(|came| !came.is_empty()) {
            let _ = peer.say(b"ONE HALF");
            std::thread::sleep(Duration::from_millis(100));
            let _ = peer.say(b" AND THE OTHER");
        }
        upper(peer)
    };
    let talked = talk(subject, "one half and the other\nagain\nquit\n", in_pieces)?;
    talked.shows("ONE HALF AND THE OTHER")?;
    talked.shows("AGAIN")?;
    let line: String = (0..625).map(|count| format!("l{count:07}")).collect();
    let talked = talk(subject, &format!("{line}\nshort\nquit\n"), upper)?;
    talked.shows(&line.to_ascii_uppercase())?;
    talked.shows("SHORT")?;
    let line = "x".repeat(6 << 20);
    let talked = talk(subject, &format!("{line}\nquit\n"), upper)?;
    must(talked.status.is_some(), say!("a line of 6 MB: it hangs", "6 MB 的一行：它卡住了"))?;
    talked.shows(&line.to_ascii_uppercase())
}

fn empty(subject: &Subject) -> Seen {
    talk(subject, "\nhello\nquit\n", upper)?.shows("HELLO")
}

fn quit(subject: &Subject) -> Seen {
    for word in ["quit", "QuIt"] {
        let mut came = Vec::new();
        let serve = |mut peer: Peer| {
            came = peer.next(1023).unwrap_or_default();
            None
        };
        talk(subject, &format!("{word}\n"), serve)?.ended_well()?;
        let seen = say!("it sends {} bytes, not these four", "它发送了 {} 字节，而不是这四个", came.len());
        must(came == word.as_bytes(), seen)?;
    }
    Ok(())
}

fn ends(subject: &Subject) -> Seen {
    for typed in ["hello\n\x04", "\x04"] {
        talk(subject, typed, upper)?.ended_well()?;
    }
    Ok(())
}

fn lost(subject: &Subject) -> Seen {
    let nobody = subject.launch(&[LOCALHOST, &free_port().to_string()]);
    subject.start(nobody).gives_up().map_err(|seen| say!("refused: {seen}", "被拒绝：{seen}"))?;
    for (what, resets) in [(say!("closed", "被关闭"), false), (say!("reset", "被重置"), true)] {
        let serve = |mut peer: Peer| {
            let _ = peer.next(1023);
            resets.then(|| peer.vanishes());
            None
        };
        let talk = talk(subject, "hello\n", serve)?;
        let how = if talk.said { end(talk.status) } else { say!("it says nothing", "没有任何提示") };
        let good = talk.said && matches!(talk.status, Some(1..=128));
        must(good, say!("{what}: {how}", "{what}：{how}"))?;
    }
    Ok(())
}
