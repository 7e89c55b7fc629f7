//! Runs a scenario: a program under strace, on a terminal, and its peers, which are the test's sockets.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;

use crate::compare::scenario::{FILE, Scenario};
use crate::compare::step::{Action, Only, PeerAction};
use crate::harness::builds::{Build, program};
use crate::harness::net::ports::{free_port, is_unused};
use crate::harness::net::test_client::{accept, connect, echo, reset};
use crate::harness::process::launch::{Launch, Running, Trace};
use crate::harness::process::procfs::{descendants, state, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::harness::report::during;
use crate::harness::trace::normalise::{Process, conduct, endless};

/// The four programs of the port, or of the article.
pub struct Implementation {
    /// The directory of the four programs.
    pub directory: PathBuf,
    /// The errata are as printed.
    pub printed: bool,
    /// It is the port, not the article's C++.
    pub port: bool,
}

impl Implementation {
    pub fn port(printed: bool) -> Self {
        let build = if printed { Build::AsPrinted } else { Build::Fixed };
        Implementation { directory: program(build, ""), printed, port: true }
    }

    /// For messages.
    pub fn name(&self) -> &'static str {
        match (self.port, self.printed) {
            (true, true) => "the port as printed",
            (true, false) => "the port",
            (false, true) => "the C++ as printed",
            (false, false) => "the C++",
        }
    }

    fn takes(&self, only: Only, program: &str) -> bool {
        let fixed_port = self.port && !self.printed;
        match only {
            Only::Everyone => true,
            Only::Port => fixed_port,
            Only::Article => !fixed_port,
            Only::Alive => !(self.printed && program == "tcp_server_double_fork"),
        }
    }
}

/// A scenario while it runs: the programs, and their peers, which are the test's.
struct ScenarioRun<'a> {
    implementation: &'a Implementation,
    scenario: &'a Scenario,
    /// The server's port.
    port: u16,
    listener: Option<TcpListener>,
    /// Each with the name of its process in traces.
    programs: Vec<(&'static str, Running)>,
    peers: HashMap<&'static str, TcpStream>,
}

/// Runs a scenario, and returns what the processes did.
pub fn run(scenario: &Scenario, implementation: &Implementation) -> Vec<Process> {
    let (listener, programs, peers) = (None, Vec::new(), HashMap::new());
    let mut run = ScenarioRun { implementation, scenario, port: port(), listener, programs, peers };
    for step in &scenario.steps {
        if implementation.takes(step.only, scenario.program) {
            let name = implementation.name();
            let _during =
                during(format!("{scenario}, {name}, step `{}` of {FILE}:{}", step.text, step.line));
            run.step(&step.action);
        }
    }
    let _during = during(format!("{scenario}, {}, after the last step", implementation.name()));
    run.processes()
}

impl ScenarioRun<'_> {
    fn step(&mut self, action: &Action) {
        match action {
            // In effect from the start on.
            Action::Fault(_) | Action::FaultBelow(_) | Action::NoUser => {}
            Action::Start(args) => self.start(self.scenario.program, args),
            Action::Listen => {
                self.start(self.scenario.program, &["PORT", "127.0.0.1"]);
                self.last().screen().wait_for("listen() success", 1);
            }
            Action::Taken => self.listener = Some(self.listen()),
            Action::Call => self.call(),
            Action::Called => {
                let listener = self.listen();
                self.call();
                self.peers.insert("server", accept(&listener));
                self.listener = Some(listener);
            }
            Action::Hear(times, text) => self.last().screen().wait_for(text, *times),
            Action::ServerSays(times, text) => self.server().screen().wait_for(text, *times),
            Action::Types(prompt, bytes) => {
                self.last().screen().wait_for("Please enter", *prompt);
                self.last().type_in(bytes);
            }
            Action::EndsInput(prompt) => {
                self.last().screen().wait_for("Please enter", *prompt);
                self.last().end_input();
            }
            Action::Stop => {
                self.wait_until_idle(0);
                let server = self.server();
                server.signal(libc::SIGSTOP);
                wait_until("the server is stopped", || matches!(state(server.pid()), Some('T' | 't')));
            }
            Action::Continue => self.server().signal(libc::SIGCONT),
            Action::Ends(zombies) => {
                self.wait_until_idle(*zombies);
                let server = self.server();
                if !server.has_ended() {
                    server.signal(libc::SIGTERM);
                }
                server.wait_for_descendants();
            }
            Action::EndsItself => drop(self.last().wait_for_descendants()),
            Action::CutShort => self.last().signal(libc::SIGKILL),
            Action::Peer(name, action) => self.peer_step(name, action),
        }
    }

    fn peer_step(&mut self, name: &'static str, action: &PeerAction) {
        match action {
            PeerAction::Connects => drop(self.peers.insert(name, connect(self.port))),
            PeerAction::Leaves => drop(self.remove_peer(name)),
            PeerAction::Resets => reset(self.remove_peer(name)),
            PeerAction::Says(bytes) => drop(echo(self.peer(name), bytes)),
            PeerAction::Sends(bytes) => {
                let sent = self.peer(name).write_all(bytes);
                sent.unwrap_or_else(|error| panic!("{name} can't send {} bytes: {error}", bytes.len()));
            }
            PeerAction::Takes(count) => {
                let taken = self.peer(name).read_exact(&mut vec![0; *count]);
                taken.unwrap_or_else(|error| panic!("{name} gets no {count} bytes: {error}"));
            }
            // The program may have closed already.
            PeerAction::ClosesHalf => drop(self.peer(name).shutdown(Shutdown::Write)),
            // However it closes, whatever it sends before.
            PeerAction::IsLeft => drop(self.peer(name).read_to_end(&mut Vec::new())),
        }
    }

    fn peer(&mut self, name: &str) -> &mut TcpStream {
        self.peers.get_mut(name).unwrap_or_else(|| panic!("{name} is not connected"))
    }

    fn remove_peer(&mut self, name: &str) -> TcpStream {
        self.peers.remove(name).unwrap_or_else(|| panic!("{name} is not connected"))
    }

    fn listen(&self) -> TcpListener {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port));
        listener.unwrap_or_else(|error| panic!("port {}: {error}", self.port))
    }

    /// Starts a program with these arguments, and with the scenario's faults and user.
    fn start(&mut self, program: &str, args: &[&str]) {
        let port = u32::from(self.port);
        let args = args.iter().map(|arg| match *arg {
            "PORT" => port.to_string(),
            "PORT+65536" => (port + 65536).to_string(),
            arg => arg.to_string(),
        });
        let path = format!("./{program}");
        // `-y`: what a descriptor is of.
        let (mut trace, mut user, mut below) = (Trace::all().option("-y"), true, false);
        for step in &self.scenario.steps {
            match step.action {
                Action::Fault(spec) => trace = trace.inject(spec),
                Action::FaultBelow(spec) => (trace, below) = (trace.inject(spec), true),
                Action::NoUser => user = false,
                _ => {}
            }
        }
        let launch = match below {
            // The shell uses up a first fork, and becomes the program.
            true => Launch::new("sh").args(["-c", "command eval '( : )'; exec \"$@\"", "sh", &path]),
            false => Launch::new(path),
        };
        let directory = &self.implementation.directory;
        let launch = launch.args(args).directory(directory).clean_env().output_on_terminal();
        let launch = if user { launch.user("me") } else { launch };
        let process = match program {
            "tcp_client" => "client",
            _ if self.programs.is_empty() => "server",
            _ => "server, again",
        };
        self.programs.push((process, launch.traced(trace).start()));
    }

    /// Starts the client. As printed it gets the port with its bytes exchanged, and so finds it (erratum 1).
    fn call(&mut self) {
        let port = if self.implementation.printed { self.port.swap_bytes() } else { self.port };
        self.start("tcp_client", &["127.0.0.1", &port.to_string()]);
    }

    /// The program that was started last.
    fn last(&mut self) -> &mut Running {
        &mut self.programs.last_mut().expect("a program was started").1
    }

    /// The server that was started last.
    fn server(&mut self) -> &mut Running {
        let mut all = self.programs.iter_mut().rev();
        &mut all.find(|(process, _)| process.starts_with("server")).expect("a server was started").1
    }

    /// Waits until the server blocks in `accept` and has that many zombies, or has ended.
    fn wait_until_idle(&mut self, zombies: usize) {
        let server = self.server();
        let pid = server.pid();
        wait_until(&format!("the server blocks in accept, with {zombies} zombies"), || {
            server.has_ended() || waits_in_accept(pid) && descendants(pid).len() == zombies
        });
    }

    /// What all of them did.
    fn processes(&mut self) -> Vec<Process> {
        let (port, swapped) = (u32::from(self.port), u32::from(self.port.swap_bytes()));
        let ports = [(port, "PORT"), (port + 65536, "PORT+65536"), (swapped, "PORT, the other byte first")];
        let of_all = self.programs.iter_mut().flat_map(|(process, running)| {
            running.wait_for_descendants();
            conduct(&running.events(), process, &ports)
        });
        of_all.map(|Process { name, rows }| Process { name, rows: endless(rows) }).collect()
    }
}

/// A free port that is another free one with its bytes the other way round (erratum 1),
/// and neither so short that it might appear in a text by chance.
fn port() -> u16 {
    let fits = |port: &u16| {
        let other = port.swap_bytes();
        other >= 10_000 && is_unused(other)
    };
    std::iter::repeat_with(free_port).find(fits).expect("there are many such ports")
}
