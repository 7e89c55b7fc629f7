//! Where a scenario is played: a program under strace, on a terminal, and its peer in the test's hands.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;

use crate::compare::scenario::Part;
use crate::harness::builds::{Build, program};
use crate::harness::net::ports::{free_port, is_unused};
use crate::harness::net::test_client::{self, accept, connect, reset};
use crate::harness::process::launch::{Launch, Running, Trace};
use crate::harness::process::procfs::{descendants, state, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::harness::trace::normalise::{Process, conduct, endless, unquoted};

/// Whose conduct is watched.
pub struct Cast {
    /// The directory of the four programs.
    pub directory: PathBuf,
    /// The errata are as printed.
    pub printed: bool,
    /// It is the port, not the article's C++.
    pub port: bool,
}

impl Cast {
    pub fn port(printed: bool) -> Self {
        let build = if printed { Build::AsPrinted } else { Build::Fixed };
        Cast { directory: program(build, ""), printed, port: true }
    }
}

struct Stage<'a> {
    cast: &'a Cast,
    part: &'a Part,
    /// The server's port.
    port: u16,
    listener: Option<TcpListener>,
    running: Vec<(&'static str, Running)>,
    peers: HashMap<&'a str, TcpStream>,
}

/// What the processes of a cast do in a part.
pub fn play(part: &Part, cast: &Cast) -> Vec<Process> {
    let peers = HashMap::new();
    let mut stage = Stage { cast, part, port: port(), listener: None, running: Vec::new(), peers };
    for step in &part.steps {
        stage.step(step);
    }
    stage.conduct()
}

impl<'a> Stage<'a> {
    fn step(&mut self, step: &'a str) {
        let mended_port = self.cast.port && !self.cast.printed;
        let program = self.part.program;
        let step = match step.split_once(": ") {
            Some(("port", _)) if !mended_port => return,
            Some(("article", _)) if mended_port => return,
            Some(("alive", _)) if self.cast.printed && program.ends_with("double_fork") => return,
            Some(("port" | "article" | "alive", step)) => step,
            _ => step,
        };
        let (words, text) = step.split_at(step.find('"').unwrap_or(step.len()));
        let (words, bytes) = (words.split_whitespace().collect::<Vec<&str>>(), unquoted(text));
        let text = String::from_utf8_lossy(&bytes);
        let number = words.last().and_then(|word| word.parse().ok()).unwrap_or(0);
        if let ["types" | "ends-input", _] = words[..] {
            self.last().screen().wait_for("Please enter", number);
        }
        match words[..] {
            ["fault" | "fault-below", _] | ["no-user"] => {} // from the start on
            ["start", ref words @ ..] => self.start(program, words),
            ["listen"] => {
                self.start(program, &["PORT", "127.0.0.1"]);
                self.last().screen().wait_for("listen() success", 1);
            }
            ["call"] => self.call(),
            ["taken" | "called"] => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).expect("it is free");
                if words[0] == "called" {
                    self.call();
                    self.peers.insert("server", accept(&listener));
                }
                self.listener = Some(listener);
            }
            ["hear", _] => self.last().screen().wait_for(&text, number),
            ["server-says", _] => self.server().screen().wait_for(&text, number),
            ["types", _] => self.last().type_in(&bytes),
            ["ends-input", _] => self.last().end_input(),
            ["stop"] => {
                self.settles(0);
                let server = self.server();
                server.signal(libc::SIGSTOP);
                wait_until("the server stops", || matches!(state(server.pid()), Some('T' | 't')));
            }
            ["continue"] => self.server().signal(libc::SIGCONT),
            ["ends", _] => {
                self.settles(number);
                let server = self.server();
                if !server.has_ended() {
                    server.signal(libc::SIGTERM);
                }
                server.wait_for_descendants();
            }
            ["ends-itself"] => drop(self.last().wait_for_descendants()),
            ["cut-short"] => self.last().signal(libc::SIGKILL),
            [name, "connects"] => drop(self.peers.insert(name, connect(self.port))),
            [name, "leaves"] => drop(self.peers.remove(name)),
            [name, "resets"] => reset(self.peers.remove(name).expect("it is connected")),
            [name, "says"] => assert_eq!(test_client::echo(self.peer(name), &bytes).len(), bytes.len()),
            [name, "sends"] => self.peer(name).write_all(&bytes).expect("it takes them"),
            [name, "takes", _] => self.peer(name).read_exact(&mut vec![0; number]).expect("they come"),
            // The other side may have closed already.
            [name, "closes-half"] => drop(self.peer(name).shutdown(Shutdown::Write)),
            // However it closes, whatever comes before.
            [name, "is-left"] => drop(self.peer(name).read_to_end(&mut Vec::new())),
            _ => panic!("no such step: {step}"),
        }
    }

    fn peer(&mut self, name: &str) -> &mut TcpStream {
        self.peers.get_mut(name).expect("it is connected")
    }

    /// Starts a program with these words, and what the part says of a fault and of the user.
    fn start(&mut self, program: &str, words: &[&str]) {
        let port = u32::from(self.port);
        let words = words.iter().map(|word| match *word {
            "PORT" => port.to_string(),
            "PORT+65536" => (port + 65536).to_string(),
            word => word.to_string(),
        });
        let steps = || self.part.steps.iter().filter_map(|step| step.split_once(' '));
        let path = format!("./{program}");
        let launch = match steps().any(|(step, _)| step == "fault-below") {
            // The shell uses up a first fork, and becomes the program.
            true => Launch::new("sh").args(["-c", "command eval '( : )'; exec \"$@\"", "sh", &path]),
            false => Launch::new(path),
        };
        let launch = launch.args(words).directory(&self.cast.directory).clean_env().output_on_terminal();
        let launch = if self.part.steps.contains(&"no-user") { launch } else { launch.user("me") };
        // What a descriptor is of, `-y` says.
        let trace = Trace::all().option("-y");
        let faults = steps().filter(|(step, _)| step.starts_with("fault"));
        let trace = faults.fold(trace, |trace, (_, fault)| trace.inject(fault));
        let role = match program {
            "tcp_client" => "client",
            _ if self.running.is_empty() => "server",
            _ => "server, again",
        };
        self.running.push((role, launch.traced(trace).start()));
    }

    /// Starts the client. As printed it is told the port's bytes the other way round (erratum 1), and finds it.
    fn call(&mut self) {
        let port = if self.cast.printed { self.port.swap_bytes() } else { self.port };
        self.start("tcp_client", &["127.0.0.1", &port.to_string()]);
    }

    fn last(&mut self) -> &mut Running {
        &mut self.running.last_mut().expect("it was started").1
    }

    /// The server last started.
    fn server(&mut self) -> &mut Running {
        let mut all = self.running.iter_mut().rev();
        &mut all.find(|(role, _)| role.starts_with("server")).expect("it was started").1
    }

    /// Waits until the server is idle, with so many children that nobody has waited for, or gone.
    fn settles(&mut self, zombies: usize) {
        let server = self.server();
        let pid = server.pid();
        wait_until("the server waits", || {
            server.has_ended() || waits_in_accept(pid) && descendants(pid).len() == zombies
        });
    }

    /// What all of them did.
    fn conduct(&mut self) -> Vec<Process> {
        let (port, swapped) = (u32::from(self.port), u32::from(self.port.swap_bytes()));
        let ports = [(port, "PORT"), (port + 65536, "PORT+65536"), (swapped, "PORT, the other byte first")];
        let of_all = self.running.iter_mut().flat_map(|(role, running)| {
            running.wait_for_descendants();
            conduct(&running.events(), role, &ports)
        });
        of_all.map(|Process { name, rows }| Process { name, rows: endless(rows) }).collect()
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

/// A free port that is another free one with its bytes the other way round (erratum 1),
/// and neither so short that it might stand in a text by chance.
fn port() -> u16 {
    let fits = |port: &u16| {
        let other = port.swap_bytes();
        other >= 10_000 && is_unused(other)
    };
    std::iter::repeat_with(free_port).find(fits).expect("there is one")
}
