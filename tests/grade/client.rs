//! A client under test: the grader types, and is its server.

use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::grade::outcome::{Observed, Outcome, require};
use crate::grade::patience::settle;
use crate::grade::peer::Peer;
use crate::grade::subject::{LOCALHOST, Started, Subject, end};
use crate::harness::net::ports::free_port;
use crate::harness::process::launch::Launch;
use crate::harness::process::output::Stream;
use crate::say;

/// Ends a program's input, as a terminal's user does.
pub const CTRL_D: &str = "\x04";

/// Where a client's input comes from. It prints to a terminal in any case: most programs print at once only there.
#[derive(Clone, Copy, PartialEq)]
pub enum Input {
    Terminal,
    Pipe,
}

/// The port that a client is told, and the one that it connects to if it exchanges the two bytes:
/// the grader listens on both, so that erratum 1 costs one check.
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

pub fn told(ports: &[TcpListener; 2]) -> u16 {
    ports[0].local_addr().expect("it is bound").port()
}

/// Starts the client, and waits until it has connected.
pub fn connected<'a>(
    subject: &'a Subject,
    ports: &[TcpListener; 2],
    input: Input,
) -> Result<(Started<'a>, Peer), Observed> {
    let launch = subject.launch(&[LOCALHOST, &told(ports).to_string()]);
    let launch = match input {
        Input::Terminal => launch.terminal(80).without_echo(),
        Input::Pipe => Launch::output_on_terminal(launch),
    };
    let mut started = subject.start(launch)?;
    let supervisor = started.supervisor();
    let next = |_: &mut Started| ports.iter().find_map(|port| port.accept().ok()).map(|(stream, _)| stream);
    match started.until(next) {
        Ok(stream) => Ok((started, Peer::new(stream, supervisor))),
        Err(how) => {
            started.running.end();
            started.running.screen().wait_until(|_| false);
            let screen = started.running.screen().text();
            let last: Vec<&str> = screen.lines().rev().take(3).map(str::trim).collect();
            let last: Vec<&str> = last.into_iter().rev().filter(|line| !line.is_empty()).collect();
            let last = if last.is_empty() { String::new() } else { format!(": {:.400}", last.join(" | ")) };
            Err(Observed::fail(say!("it never connects ({how}){last}", "它从不连接（{how}）{last}")))
        }
    }
}

/// How a session has ended.
pub struct Session {
    /// None: it goes on.
    pub status: Option<i32>,
    pub shown: String,
}

impl Session {
    pub fn ended_well(&self) -> Outcome {
        require(self.status == Some(0), end(self.status))
    }

    pub fn shows(&self, text: &str) -> Outcome {
        require(self.shown.contains(text), missing(text))
    }
}

pub fn missing(text: &str) -> String {
    say!("{text:?} is not shown", "没有显示 {text:?}")
}

/// What the server of a session sees of the client's terminal, and what the user at its keyboard knows of the server.
pub struct Console<'a> {
    screen: &'a Stream,
    /// How many messages were answered. It is locked while one is.
    answered: Arc<Mutex<usize>>,
}

impl Console<'_> {
    pub fn shown(&self) -> String {
        self.screen.text()
    }

    /// Answers the next message, before anything more is typed. None if none comes.
    pub fn answer<T>(&self, peer: &mut Peer, answer: impl FnOnce(&mut Peer, Vec<u8>) -> T) -> Option<T> {
        if !peer.wait_readable() {
            return None;
        }
        let mut answered = self.answered.lock().expect("no answer panics");
        *answered += 1;
        let message = peer.read(1023).ok()?;
        Some(answer(peer, message))
    }
}

/// A session: what is typed, a line at a time where it is a terminal, and its server, which hands back a connection that
/// it has not closed.
pub fn session(
    subject: &Subject,
    input: Input,
    lines: &[&str],
    serve: impl FnOnce(Peer, &Console) -> Option<Peer>,
) -> Result<Session, Observed> {
    let (mut started, peer) = connected(subject, &ports(), input)?;
    let answered = Arc::default();
    let user = User {
        keyboard: started.running.stdin.take().expect("it is open"),
        supervisor: started.supervisor(),
        input,
        answered: Arc::clone(&answered),
        socket: peer.stream.try_clone().expect("a descriptor is left"),
    };
    let lines: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
    let typing = std::thread::spawn(move || user.types(&lines));
    let open = serve(peer, &Console { screen: started.running.screen(), answered });
    // Where the connection is still open, all patience was used to wait for the next message.
    let [quiet, limit] = if open.is_some() { [1, 2] } else { [2, 6] };
    let patience = started.patience().bounds(Duration::from_secs(quiet), Duration::from_secs(limit));
    let patience = patience.for_an_answer();
    let _ = started.until_with(patience, |it| it.running.has_ended().then_some(()));
    let status = started.running.wait_timeout(Duration::ZERO);
    started.running.end();
    let _ = typing.join();
    started.running.screen().wait_until(|_| false);
    let shown = started.running.screen().text();
    Ok(Session { status, shown })
}

struct User {
    keyboard: File,
    supervisor: u32,
    input: Input,
    answered: Arc<Mutex<usize>>,
    /// The server's end, to see whether something was sent and not yet read.
    socket: TcpStream,
}

impl User {
    /// Types, and returns the keyboard, which must stay open as long as the program runs, unless the input ends.
    fn types(self, lines: &[String]) -> Option<File> {
        for line in lines {
            if self.input == Input::Pipe && line == CTRL_D {
                return None;
            }
            let end = if line == CTRL_D { "" } else { "\n" };
            let bytes = format!("{line}{end}");
            let _turn = match self.input {
                Input::Terminal => Some(self.turn()),
                Input::Pipe => None,
            };
            if (&self.keyboard).write_all(bytes.as_bytes()).is_err() {
                break;
            }
        }
        Some(self.keyboard)
    }

    /// Waits until the client waits for a line, with all that it has sent answered.
    fn turn(&self) -> MutexGuard<'_, usize> {
        for _ in 0..20 {
            let before = *self.answered.lock().expect("no answer panics");
            settle(self.supervisor);
            let answered = self.answered.lock().expect("no answer panics");
            let mut waiting = 0;
            unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::FIONREAD, &raw mut waiting) };
            if *answered == before && waiting == 0 {
                return answered;
            }
        }
        self.answered.lock().expect("no answer panics")
    }
}

/// Serves as the article's servers do.
pub fn upper(peer: Peer, console: &Console) -> Option<Peer> {
    upper_seeing(peer, console, |_, _| {})
}

/// The same, with a look at each message and at what the client shows by then.
pub fn upper_seeing(
    mut peer: Peer,
    console: &Console,
    mut see: impl FnMut(&[u8], &Console),
) -> Option<Peer> {
    loop {
        let open = console.answer(&mut peer, |peer, message| {
            see(&message, console);
            let ends = message.is_empty() || message.trim_ascii().eq_ignore_ascii_case(b"quit");
            !ends && peer.send(&message.to_ascii_uppercase()).is_ok()
        });
        match open {
            Some(true) => {}
            Some(false) => return None,
            None => return Some(peer),
        }
    }
}
