//! What comes back to a client.

use std::io::Write;
use std::net::Shutdown;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use crate::grade::intercept::{self, Intercept};
use crate::grade::manner::{Ending, Reply, contains};
use crate::grade::outcome::{Outcome, require, skip_unless};
use crate::grade::peer::{Peer, timed_out};
use crate::grade::server::GradedServer;
use crate::grade::subject::{LOCALHOST, Subject};
use crate::harness::net::ports::free_port;
use crate::harness::process::launch::Launch;
use crate::harness::process::procfs::activity;
use crate::say;

pub fn upper(server: &mut GradedServer) -> Outcome {
    let manner = server.manner();
    let mut client = server.connect()?;
    for text in ["hello, World 1!", "abcdefghijklmnopqrstuvwxyz", "z"] {
        let sent = manner.message(text.as_bytes());
        let wanted = sent.to_ascii_uppercase();
        client.send(&sent)?;
        match (manner.ending, manner.reply) {
            (Ending::Nothing | Ending::Newline, Reply::Echo) => client.expect(&wanted)?,
            (Ending::Close, _) => {
                let _ = client.stream.shutdown(Shutdown::Write);
                let got = client.read_until(|got| contains(got, text.to_ascii_uppercase().as_bytes()));
                let right = contains(&got, text.to_ascii_uppercase().as_bytes());
                return require(
                    right,
                    say!("{text:?} does not come back in upper case", "{text:?} 没有以大写发回"),
                );
            }
            _ => {
                let got = client.read_until(|got| contains(got, text.to_ascii_uppercase().as_bytes()));
                let right = contains(&got, text.to_ascii_uppercase().as_bytes());
                require(
                    right,
                    say!("{text:?} does not come back in upper case", "{text:?} 没有以大写发回"),
                )?;
            }
        }
    }
    Ok(())
}

pub fn bytes(server: &mut GradedServer) -> Outcome {
    server.manner().needs_echo()?;
    let mut client = server.connect()?;
    let all: Vec<u8> = (0..=255).filter(|byte: &u8| !byte.is_ascii_lowercase()).collect();
    client.echo("É ß 你好\r\n".as_bytes())?;
    client.echo(&all)?;
    [0, 10, 13, 26, 127, 128, 255].iter().try_for_each(|&byte| client.echo(&[byte]))?;
    Ok(client.echo(b"\0AB\0\0")?)
}

pub fn parts(server: &mut GradedServer) -> Outcome {
    server.manner().needs_echo()?;
    let mut client = server.connect()?;
    client.send(b"ONE HALF")?;
    server.started.settle();
    client.send(b" AND THE OTHER")?;
    client.expect(b"ONE HALF AND THE OTHER")?;
    client.send(b"FIRST")?;
    client.send(b"SECOND")?;
    client.expect(b"FIRSTSECOND")?;
    client.echo(b"QUI")?;
    client.echo(b"T")?;
    client.send(b"LAST MESSAGE")?;
    client.stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
    Ok(client.expect(b"LAST MESSAGE")?)
}

/// More than all buffers hold.
const LONGEST: usize = 6 << 20;

/// A stream in which each place can be told from the others.
fn stream(length: usize) -> &'static [u8] {
    static STREAM: OnceLock<Vec<u8>> = OnceLock::new();
    let place = |at| b'0' + (((at / 8) >> (at % 8 * 3)) & 7) as u8;
    &STREAM.get_or_init(|| (0..LONGEST).map(place).collect())[..length]
}

/// Sends what is left of a long stream, and reads all of it at the same time.
fn both_ways(mut client: Peer, all: &'static [u8], sent: usize) -> Outcome {
    let rest = &all[sent..];
    let mut sender = client.stream.try_clone().expect("a descriptor is left");
    // It ends with the connection.
    std::thread::spawn(move || {
        let mut sent = 0;
        while sent < rest.len() {
            match sender.write(&rest[sent..]) {
                Ok(count) => sent += count,
                Err(error) if timed_out(&error) => {}
                Err(_) => return,
            }
        }
    });
    let seen = client.expect(all);
    if seen.is_err() {
        let _ = client.stream.shutdown(Shutdown::Both);
    }
    seen?;
    Ok(client.echo(b"OVER")?)
}

pub fn long(server: &mut GradedServer) -> Outcome {
    server.manner().needs_echo()?;
    both_ways(server.connect()?, stream(1 << 20), 0)
}

pub fn slow(subject: &Subject) -> Outcome {
    subject.manner.needs_echo()?;
    // It must not wait for the reader of its log.
    let quiet = |launch: Launch| launch.stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = GradedServer::start(subject, free_port(), LOCALHOST, quiet)?;
    let seen = slowly(&server);
    seen.map_err(|seen| server.explain(seen))
}

fn slowly(server: &GradedServer) -> Outcome {
    let mut client = server.connect()?;
    client.set_buffer(libc::SO_RCVBUF, 1 << 16);
    let all = stream(LONGEST);
    let (mut sent, mut still) = (0, 0);
    // Until nothing more is taken, and the server does nothing about it.
    while still < 8 {
        let taken = if sent < all.len() { client.stream.write(&all[sent..]) } else { Ok(0) };
        match taken {
            Ok(count @ 1..) => (sent, still) = (sent + count, 0),
            Err(error) if !timed_out(&error) => {
                return Err(say!("it takes no more bytes: {error}", "它不再接收数据：{error}").into());
            }
            _ => {
                std::thread::sleep(Duration::from_millis(20));
                still = if activity(server.started.supervisor()).running { 0 } else { still + 1 };
            }
        }
    }
    both_ways(client, all, sent)
}

/// One byte is said to be written, and is not: all others must follow.
pub fn short(subject: &Subject) -> Outcome {
    subject.manner.needs_echo()?;
    let calls = [libc::SYS_write, libc::SYS_writev, libc::SYS_sendto, libc::SYS_sendmsg];
    let (mut server, intercept) = GradedServer::with_calls(subject, &calls, Intercept::pass)?;
    let seen = short_write(&server, &intercept);
    seen.map_err(|seen| server.explain(seen))
}

fn short_write(server: &GradedServer, intercept: &Intercept) -> Outcome {
    skip_unless(intercept.works(), say!("this system lets no call be cut short", "本系统不支持截短调用"))?;
    let mut client = server.client()?;
    let socket = format!("socket:[{}]", server.serving(&client).0);
    let mut cut = false;
    intercept.set(move |call| {
        let link = std::fs::read_link(format!("/proc/{}/fd/{}", call.thread, call.args[0] as i32));
        if cut || link.is_ok_and(|link| link.as_os_str() != &*socket) {
            return intercept::Ruling::Pass;
        }
        cut = true;
        intercept::Ruling::Return(1)
    });
    let all = stream(400);
    client.send(all)?;
    let heard = client.expect(&all[1..]);
    skip_unless(
        intercept.decided() > 0,
        say!("it uses no write that can be cut", "它没有可以截短的写操作"),
    )?;
    heard?;
    intercept.pass();
    Ok(client.echo(b"OVER")?)
}
