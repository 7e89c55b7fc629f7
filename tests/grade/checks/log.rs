//! What a server prints about its clients.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;

use crate::grade::manner::Ending;
use crate::grade::outcome::{Outcome, require, skip_unless};
use crate::grade::server::GradedServer;
use crate::grade::subject::{LOCALHOST, Subject};
use crate::harness::net::ports::free_port;
use crate::harness::process::launch::Launch;
use crate::say;

/// Ends the server as its operator would, and then all of its processes.
fn end(server: &mut GradedServer) {
    server.started.settle();
    server.started.running.signal(libc::SIGTERM);
    server.started.settle();
    server.started.running.end();
}

pub fn raw_log(subject: &Subject) -> Outcome {
    let mut server = GradedServer::start(subject, free_port(), LOCALHOST, Launch::output_on_terminal)?;
    let lines = subject.manner.ending == Ending::Newline;
    let middle: &[u8] = if lines { b" " } else { b"\n" };
    let text = [&b"\x1b]0;QZ7\x07"[..], middle, b"QZ8 FORGED\rQZ9"].concat();
    let mut client = server.connect()?;
    client.send(&subject.manner.message(&text))?;
    if subject.manner.ending == Ending::Close {
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
    }
    let _ = client.read_until(|got| got.len() >= text.len());
    drop(client);
    end(&mut server);
    let screen = server.started.running.screen();
    screen.wait_until(|_| false);
    let screen = screen.text();
    let raw = ["\x1b]0;QZ7", "QZ7\x07", "\nQZ8", "\rQZ9"].iter().any(|raw| screen.contains(raw));
    require(!raw, say!("they get there unchanged", "它们原样写进了日志"))
}

/// A session with four clients.
fn session<'a>(
    subject: &'a Subject,
    how: impl FnOnce(Launch) -> Launch,
) -> Result<GradedServer<'a>, crate::grade::outcome::Observed> {
    let mut server = GradedServer::start(subject, free_port(), LOCALHOST, how)?;
    let before = server.processes().0;
    for _ in 0..4 {
        drop(server.client()?);
        server.shrinks_to(before);
    }
    end(&mut server);
    Ok(server)
}

/// How often each line is there, without its numbers.
fn counted(log: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in log.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let mut plain = String::new();
        for letter in line.chars() {
            match letter {
                '0'..='9' if plain.ends_with('#') => {}
                '0'..='9' => plain.push('#'),
                letter => plain.push(letter),
            }
        }
        *counted.entry(plain).or_insert(0) += 1;
    }
    counted
}

pub fn doubled_log(subject: &Subject) -> Outcome {
    let server = session(subject, Launch::output_on_terminal)?;
    let screen = server.started.running.screen();
    screen.wait_until(|_| false);
    let shown = counted(&screen.text());
    skip_unless(shown.values().sum::<usize>() < 1000, say!("it prints all the time", "它一直在输出"))?;
    let log = unsafe { libc::memfd_create(c"log".as_ptr(), libc::MFD_CLOEXEC) };
    assert_ne!(log, -1, "a descriptor is left");
    let log = unsafe { File::from_raw_fd(log) };
    let end = || log.try_clone().expect("a descriptor is left");
    session(subject, |launch| launch.stdout(end()).stderr(end()))?;
    let mut text = vec![0; log.metadata().map_or(0, |about| about.len() as usize)];
    log.read_exact_at(&mut text, 0).expect("it is ours");
    for (line, count) in counted(&String::from_utf8_lossy(&text)) {
        let terminal = shown.get(&line).copied().unwrap_or(0);
        let times = say!(
            "{count} times \"{line:.60}\", {terminal} on a terminal",
            "“{line:.60}” 有 {count} 次，终端上 {terminal} 次"
        );
        // What a server prints now and then may be there once more.
        require(count < terminal + 2, times)?;
    }
    Ok(())
}
