//! What a client owes its user and its server.

use crate::grade::client::{
    CTRL_D, Console, Input, Session, connected, missing, ports, session, told, upper, upper_seeing,
};
use crate::grade::outcome::{Observed, Outcome, require};
use crate::grade::peer::Peer;
use crate::grade::subject::{LOCALHOST, Subject, end};
use crate::harness::net::ports::free_port;
use crate::say;

pub fn connects(subject: &Subject) -> Outcome {
    let ports = ports();
    let (_started, peer) = connected(subject, &ports, Input::Terminal)?;
    let told = told(&ports);
    let port = peer.stream.local_addr().map_or(0, |address| address.port());
    require(port == told, say!("told {told}, it connects to {port}", "给定 {told}，它却连接 {port}"))
}

pub fn shows(subject: &Subject) -> Outcome {
    let lines = ["abcdefghijklmnop0123", "zz", "quit"];
    let session = session(subject, Input::Terminal, &lines, upper)?;
    session.shows("ABCDEFGHIJKLMNOP0123")?;
    session.shows("ZZ")?;
    let nuls = session.shown.matches('\0').count();
    require(nuls == 0, say!("{nuls} NUL bytes follow it", "后面还有 {nuls} 个 NUL 字节"))?;
    let once = session.shown.matches("DEFGHIJKL").count() == 1;
    require(once, say!("the rest of an older reply follows it", "后面带着旧应答的内容"))
}

/// Only the letters of `text`, in their order: a client may add its own between two chunks.
fn only(shown: &str, text: &str) -> String {
    shown.chars().filter(|&letter| text.contains(letter)).collect()
}

pub fn whole(subject: &Subject) -> Outcome {
    // All of a reply must be there before the next message is typed.
    let mut seen = String::new();
    let in_chunks = |mut peer: Peer, console: &Console| {
        console.answer(&mut peer, |peer, _| {
            let _ = peer.send(b"ONE HALF");
            peer.settle();
            let _ = peer.send(b" AND THE OTHER");
        });
        upper_seeing(peer, console, |message, console| {
            if message.starts_with(b"again") {
                seen = console.shown();
            }
        })
    };
    let after = session(subject, Input::Terminal, &["one half and the other", "again", "quit"], in_chunks)?;
    let place = |text| seen.find(text);
    let both = place("ONE HALF").zip(place(" AND THE OTHER")).is_some_and(|(one, other)| one < other);
    require(both, missing("ONE HALF AND THE OTHER"))?;
    after.shows("AGAIN")?;
    // More than one buffer, and less than a terminal takes as a line.
    let line: String = (0..375).map(|count| format!("l{count:07}")).collect();
    let mut seen = String::new();
    let serve = |peer: Peer, console: &Console| {
        upper_seeing(peer, console, |message, console| {
            if message.starts_with(b"short") {
                seen = console.shown();
            }
        })
    };
    let after = session(subject, Input::Terminal, &[&line, "short", "quit"], serve)?;
    let line = line.to_ascii_uppercase();
    let all = only(&seen, "L0123456789").contains(&line);
    require(all, say!("a reply of 3000 bytes is not shown whole", "3000 字节的应答没有完整显示"))?;
    after.shows("SHORT")?;
    let line = "x".repeat(6 << 20);
    let Some(after) = piped(subject, &[&line, "quit"])? else { return Ok(()) };
    require(after.status.is_some(), say!("a line of 6 MB: it hangs", "6 MB 的一行：它卡住了"))?;
    let all = only(&after.shown, "X").len() >= line.len();
    require(all, say!("a reply of 6 MB is not shown whole", "6 MB 的应答没有完整显示"))
}

/// A session with its input from a pipe, for a client that does not need a terminal for that.
fn piped(subject: &Subject, lines: &[&str]) -> Result<Option<Session>, Observed> {
    let mut asked = false;
    let serve = |peer: Peer, console: &Console| {
        // Little room: what is written and not read back soon blocks both.
        peer.set_buffer(libc::SO_SNDBUF, 1 << 14);
        upper_seeing(peer, console, |message, _| asked |= !message.is_empty())
    };
    match session(subject, Input::Pipe, lines, serve) {
        Ok(session) if asked || session.status == Some(0) => Ok(Some(session)),
        // It ends or hangs before it sends anything: it needs a terminal.
        _ => connected(subject, &ports(), Input::Terminal).map(|_| None),
    }
}

pub fn empty(subject: &Subject) -> Outcome {
    session(subject, Input::Terminal, &["", "hello", "quit"], upper)?.shows("HELLO")
}

pub fn quit(subject: &Subject) -> Outcome {
    for text in ["quit", "QuIt"] {
        let mut came = Vec::new();
        let serve = |mut peer: Peer, _: &Console| {
            came = peer.read(1023).unwrap_or_default();
            None
        };
        session(subject, Input::Terminal, &[text], serve)?.ended_well()?;
        let seen = say!("it sends {} bytes, not these four", "它发送了 {} 字节，而不是这四个", came.len());
        require(came == text.as_bytes(), seen)?;
    }
    Ok(())
}

pub fn ends(subject: &Subject) -> Outcome {
    for lines in [&["hello", CTRL_D][..], &[CTRL_D]] {
        session(subject, Input::Terminal, lines, upper)?.ended_well()?;
    }
    match piped(subject, &["hello", CTRL_D])? {
        Some(session) => session.ended_well(),
        None => Ok(()),
    }
}

pub fn lost(subject: &Subject) -> Outcome {
    let mut alone = subject.start(subject.launch(&[LOCALHOST, &free_port().to_string()]))?;
    alone.gives_up(|_| None).map_err(|seen| say!("refused: {seen}", "被拒绝：{seen}"))?;
    for (what, resets) in [(say!("closed", "被关闭"), false), (say!("reset", "被重置"), true)] {
        let mut before = 0;
        let serve = |mut peer: Peer, console: &Console| {
            let _ = peer.read(1023);
            before = console.shown().len();
            if resets {
                peer.vanish();
            }
            None
        };
        let session = session(subject, Input::Terminal, &["hello"], serve)?;
        let said = session.shown.len() > before;
        let how =
            if said { end(session.status) } else { say!("it prints no message", "没有任何提示") };
        let good = said && matches!(session.status, Some(1..=128));
        require(good, say!("{what}: {how}", "{what}：{how}"))?;
    }
    Ok(())
}
