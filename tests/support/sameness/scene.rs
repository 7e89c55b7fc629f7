//! Where a scenario is played: a program under strace, on a terminal, and its peer in the test's hands.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;

use super::conduct::{Process, conduct, for_ever, unquoted};
use super::scenarios::Part;
use crate::support::kernel::{accepts, children, eventually, free_port, nobody_has, state};
use crate::support::peer::{accept, connect, reset_seen, said};
use crate::support::run::{Launch, Running, Trace};

/// Whose conduct is watched.
#[derive(Clone, Copy)]
pub struct Cast<'a> {
    /// The directory of the four programs.
    pub directory: &'a Path,
    /// The errata are as printed.
    pub printed: bool,
    /// It is the port, not the article's C++.
    pub port: bool,
}

struct Stage<'a> {
    cast: Cast<'a>,
    part: &'a Part,
    /// The server's port.
    port: u16,
    trace: Trace,
    below: bool,
    user: bool,
    listener: Option<TcpListener>,
    running: Vec<(&'static str, Running)>,
    peers: HashMap<&'a str, TcpStream>,
    endless: bool,
}

/// What the processes of a cast do in a part.
pub fn play(part: &Part, cast: Cast) -> Vec<Process> {
    let mut stage = Stage {
        cast,
        part,
        port: port(),
        trace: Trace::all(),
        below: false,
        user: true,
        listener: None,
        running: Vec::new(),
        peers: HashMap::new(),
        endless: false,
    };
    for step in &part.scenario.steps {
        stage.step(step);
    }
    stage.conduct()
}

impl<'a> Stage<'a> {
    fn step(&mut self, step: &'a str) {
        let mended_port = self.cast.port && !self.cast.printed;
        let step = match step.split_once(": ") {
            Some(("port", _)) if !mended_port => return,
            Some(("article", _)) if mended_port => return,
            Some(("alive", _)) if self.cast.printed && self.part.program.ends_with("double_fork") => return,
            Some(("port" | "article" | "alive", step)) => step,
            _ => step,
        };
        let (words, text) = step.split_at(step.find('"').unwrap_or(step.len()));
        let (words, text) = (words.split_whitespace().collect::<Vec<&str>>(), unquoted(text));
        let number = words.last().and_then(|word| word.parse().ok()).unwrap_or(0);
        let program = self.part.program;
        let role = if program == "tcp_client" { "client" } else { "server" };
        match words[..] {
            ["fault", spec] => self.trace = Trace::all().inject(spec),
            ["fault-below", spec] => (self.trace, self.below) = (Trace::all().inject(spec), true),
            ["no-user"] => self.user = false,
            ["taken"] => self.listen(),
            ["start", ref words @ ..] => self.start(role, program, words),
            ["listen"] => {
                self.start(role, program, &["PORT", "127.0.0.1"]);
                self.hear(1, "listen() success");
            }
            ["again"] => self.start("server, again", program, &["PORT", "127.0.0.1"]),
            ["call"] => self.call(),
            ["called"] => {
                self.listen();
                self.call();
                self.peers.insert("server", accept(self.listener.as_ref().expect("it listens")));
            }
            ["hear", _] => self.hear(number, &String::from_utf8_lossy(&text)),
            ["server-says", _] => {
                self.running[0].1.screen().wait_for(&String::from_utf8_lossy(&text), number);
            }
            ["types", _] => {
                self.hear(number, "Please enter");
                self.last().type_in(&text);
            }
            ["ends-input", _] => {
                self.hear(number, "Please enter");
                self.last().end_input();
            }
            ["stop"] => {
                self.settles(0);
                let server = self.leading();
                server.signal(libc::SIGSTOP);
                eventually("the server stops", || matches!(state(server.pid()), Some('T' | 't')));
            }
            ["continue"] => self.leading().signal(libc::SIGCONT),
            ["ends", _] => {
                self.settles(number);
                let server = self.leading();
                if !server.has_ended() {
                    server.signal(libc::SIGTERM);
                }
                server.wait_for_all();
            }
            ["ends-itself"] => drop(self.last().wait_for_all()),
            ["cut-short"] => {
                self.endless = true;
                self.last().signal(libc::SIGKILL);
                self.last().wait_for_all();
            }
            [name, "connects"] => drop(self.peers.insert(name, connect(self.port))),
            [name, "leaves"] => drop(self.peers.remove(name)),
            [name, "resets"] => reset_seen(self.peers.remove(name).expect("it is connected")),
            [name, ref does @ ..] if self.peers.contains_key(name) => {
                does_it(self.peers.get_mut(name).expect("it is there"), does, &text);
            }
            _ => panic!("{}: no such step: {step}", self.part),
        }
    }

    /// Starts a program with these words.
    fn start(&mut self, role: &'static str, program: &str, words: &[&str]) {
        let port = u32::from(self.port);
        let words = words.iter().map(|word| match *word {
            "PORT" => port.to_string(),
            "PORT+65536" => (port + 65536).to_string(),
            word => word.to_string(),
        });
        let path = format!("./{program}");
        let launch = match self.below {
            // The shell uses up a first fork, and becomes the program.
            true => Launch::of("sh").args(["-c", "command eval '( : )'; exec \"$@\"", "sh", &path]),
            false => Launch::of(path),
        };
        let launch = launch.args(words).directory(self.cast.directory).bare().shown_on_terminal();
        let launch = if self.user { launch.user("me") } else { launch };
        self.running.push((role, launch.traced(self.trace.clone()).start()));
    }

    /// Starts the client. As printed it takes the port's bytes the other way round (erratum 1):
    /// then it is told the port that way.
    fn call(&mut self) {
        let port = if self.cast.printed { self.port.swap_bytes() } else { self.port };
        self.start("client", "tcp_client", &["127.0.0.1", &port.to_string()]);
    }

    /// Somebody who is not watched listens.
    fn listen(&mut self) {
        while self.listener.is_none() {
            self.listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).ok();
            if self.listener.is_none() {
                // Somebody was quicker.
                self.port = port();
            }
        }
    }

    /// Waits until the program last started has said `text` so often.
    fn hear(&mut self, times: usize, text: &str) {
        self.last().screen().wait_for(text, times);
    }

    fn last(&mut self) -> &mut Running {
        &mut self.running.last_mut().expect("it was started").1
    }

    /// The server last started, or the client where there is none.
    fn leading(&mut self) -> &mut Running {
        let server = self.running.iter().rposition(|(role, _)| role.starts_with("server")).unwrap_or(0);
        &mut self.running[server].1
    }

    /// Waits until the server is idle, with so many children that nobody has waited for, or gone.
    fn settles(&mut self, zombies: usize) {
        let server = self.leading();
        let pid = server.pid();
        eventually("the server waits", || {
            server.has_ended() || accepts(pid) && children(pid).len() == zombies
        });
    }

    /// What all of them did.
    fn conduct(&mut self) -> Vec<Process> {
        let port = u32::from(self.port);
        let swapped = u32::from(self.port.swap_bytes());
        let ports = [(port, "PORT"), (port + 65536, "PORT+65536"), (swapped, "PORT, the other byte first")];
        let mut processes = Vec::new();
        for (role, running) in &mut self.running {
            running.wait_for_all();
            processes.extend(conduct(&running.trace(), role, &ports));
        }
        if self.endless {
            for process in &mut processes {
                process.rows = for_ever(&process.rows);
            }
        }
        processes
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let whose = if self.cast.port { "the port" } else { "C++" };
            eprintln!("this was {}, {whose}", self.part);
        }
    }
}

/// What a peer does with its connection.
fn does_it(peer: &mut TcpStream, does: &[&str], text: &[u8]) {
    match does {
        ["says"] => assert_eq!(said(peer, text).len(), text.len()),
        ["sends"] => peer.write_all(text).expect("it takes them"),
        ["takes", length] => {
            let length = length.parse().expect("a length");
            peer.read_exact(&mut vec![0; length]).expect("they come");
        }
        // The other side may have closed already.
        ["closes-half"] => drop(peer.shutdown(Shutdown::Write)),
        // However it closes, whatever comes before.
        ["is-left"] => while let Ok(1..) = peer.read(&mut [0; 4096]) {},
        _ => panic!("nobody can do this: {does:?}"),
    }
}

/// A free port that is another free one with its bytes the other way round (erratum 1),
/// and neither so short that it might stand in a text by chance.
fn port() -> u16 {
    let fits = |port: &u16| {
        let other = port.swap_bytes();
        other != *port && other >= 10_000 && nobody_has(other)
    };
    std::iter::repeat_with(free_port).find(fits).expect("there is one")
}
