//! Runs a scenario: a program under strace, on a terminal, and its peer in the test's hands.

use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use super::scenario::{Action, FILE, PeerAction, Scenario, ScenarioStep, When};
use crate::article::build::{Built, Version, built};
use crate::harness::builds::{Build, program};
use crate::harness::lockstep::play::{ProgramSet, play};
use crate::harness::net::ports::free_long_port;
use crate::harness::net::test_client::{self, accept, connect, reset};
use crate::harness::process::launch::{Launch, Running, Trace};
use crate::harness::process::procfs::{descendants, state, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::harness::report::{caught, during};
use crate::harness::trace::normalise::{Process, normalise, without_repetition};

/// Programs that scenarios are run with.
pub struct Implementation {
    /// The directory of the four programs.
    pub directory: PathBuf,
    /// The errata that are fixed in them.
    pub fixed: BTreeSet<u32>,
    /// For messages: `the port, as printed`.
    pub name: &'static str,
}

/// Programs that could not be built, and why.
pub type Missing = Vec<(&'static str, String)>;

impl Implementation {
    pub fn port(version: Version) -> Self {
        let (build, name) = match version {
            Version::AsPrinted => (Build::AsPrinted, "the port, as printed"),
            Version::Fixed => (Build::Fixed, "the port, fixed"),
        };
        Implementation { directory: program(build, ""), fixed: version.errata(), name }
    }

    /// The article's C++ with these fixes, and why some of its programs are not there.
    pub fn cpp(
        article: &Path,
        fixed: BTreeSet<u32>,
        name: &'static str,
    ) -> Result<(Self, Missing), String> {
        let Built { directory, without, .. } = built(article, &fixed)?;
        Ok((Implementation { directory, fixed, name }, without))
    }

    /// For sessions in lockstep.
    fn program_set(&self) -> ProgramSet {
        ProgramSet { directory: self.directory.clone(), printed: !self.fixed.contains(&1) }
    }

    /// Whether this erratum is not in one of the programs: 4 is in version two alone.
    fn is_fixed(&self, program: &str, erratum: u32) -> bool {
        self.fixed.contains(&erratum) || erratum == 4 && program != "tcp_server_double_fork"
    }
}

struct ScenarioRun<'a> {
    subject: &'a Implementation,
    scenario: &'a Scenario,
    /// The server's port.
    port: u16,
    listener: Option<TcpListener>,
    running: Vec<(&'static str, Running)>,
    peers: HashMap<String, TcpStream>,
    /// The step that is being done.
    at: Option<&'a ScenarioStep>,
}

/// What the processes of a subject do in a scenario. Panics if a step cannot be done.
pub fn run(scenario: &Scenario, subject: &Implementation) -> Vec<Process> {
    let _during = during(format!("{scenario}, {}", subject.name));
    if let Some(session) = scenario.lockstep() {
        let session = session.unwrap_or_else(|why| panic!("{why}"));
        return play(&session, &subject.program_set(), free_long_port());
    }
    let mut scenario_run = ScenarioRun::new(scenario, subject);
    scenario_run.steps();
    scenario_run.processes()
}

/// The same of a subject that may not get through: what its processes do up to the step that cannot be done, that step,
/// and why.
pub fn run_as_far_as_possible(
    scenario: &Scenario,
    subject: &Implementation,
) -> (Vec<Process>, Option<String>) {
    if scenario.settings.lockstep {
        return (run(scenario, subject), None);
    }
    let mut scenario_run = ScenarioRun::new(scenario, subject);
    let Err(why) = caught(|| scenario_run.steps()) else { return (scenario_run.processes(), None) };
    scenario_run.peers.clear();
    for (_, running) in &scenario_run.running {
        running.signal(libc::SIGTERM);
    }
    let step =
        scenario_run.at.map_or(why.clone(), |step| format!("{FILE}:{}: {}: {why}", step.line, step.text));
    (scenario_run.processes(), Some(step))
}

impl<'a> ScenarioRun<'a> {
    fn new(scenario: &'a Scenario, subject: &'a Implementation) -> Self {
        let (running, peers) = (Vec::new(), HashMap::new());
        ScenarioRun { subject, scenario, port: free_long_port(), listener: None, running, peers, at: None }
    }

    fn steps(&mut self) {
        for step in &self.scenario.steps {
            if self.applies(step) {
                let _during = during(format!("step `{}` of {FILE}:{}", step.text, step.line));
                self.at = Some(step);
                self.step(&step.action);
            }
        }
    }

    fn applies(&self, step: &ScenarioStep) -> bool {
        match step.when {
            When::Always => true,
            When::With(erratum) => self.subject.is_fixed(self.scenario.program, erratum),
            When::Without(erratum) => !self.subject.is_fixed(self.scenario.program, erratum),
        }
    }

    fn step(&mut self, action: &Action) {
        match action {
            Action::Start { arguments } => self.start(self.scenario.program, arguments),
            Action::Listen => {
                self.start(self.scenario.program, &["PORT", "127.0.0.1"]);
                self.last().screen().wait_for("listen() success", 1);
            }
            Action::Call => self.call(),
            Action::Taken => self.listener = Some(self.listen()),
            Action::Called => {
                let listener = self.listen();
                self.call();
                self.peers.insert("server".to_string(), accept(&listener));
                self.listener = Some(listener);
            }
            Action::Hear { text, times } => self.last().screen().wait_for(text, *times),
            Action::ServerSays { text, times } => self.server().screen().wait_for(text, *times),
            Action::Types { prompt, bytes } => {
                self.last().screen().wait_for("Please enter", prompt.unwrap_or(0));
                self.last().type_in(bytes);
            }
            Action::EndsInput { prompt } => {
                self.last().screen().wait_for("Please enter", prompt.unwrap_or(0));
                self.last().end_input();
            }
            Action::Stop => {
                self.wait_for_idle(Some(0));
                let server = self.server();
                server.signal(libc::SIGSTOP);
                wait_until("the server stops", || matches!(state(server.pid()), Some('T' | 't')));
            }
            Action::Continue => self.server().signal(libc::SIGCONT),
            Action::Ends { zombies } => {
                self.wait_for_idle(*zombies);
                let server = self.server();
                if !server.has_ended() {
                    server.signal(libc::SIGTERM);
                }
                server.wait_for_descendants();
            }
            Action::EndsItself => _ = self.last().wait_for_descendants(),
            Action::CutShort => self.last().signal(libc::SIGKILL),
            Action::Peer { name, does } => self.peer_step(name, does),
        }
    }

    fn peer_step(&mut self, name: &str, action: &PeerAction) {
        let mut peer = match action {
            PeerAction::Connects => connect(self.port),
            _ => self.peers.remove(name).unwrap_or_else(|| panic!("{name} is not connected")),
        };
        match action {
            PeerAction::Connects => {}
            PeerAction::Says(bytes) => assert_eq!(test_client::echo(&mut peer, bytes).len(), bytes.len()),
            PeerAction::Sends(bytes) => {
                peer.write_all(bytes).unwrap_or_else(|why| panic!("the program takes not all bytes: {why}"))
            }
            PeerAction::Takes(count) => {
                let read = peer.read_exact(&mut vec![0; *count]);
                read.unwrap_or_else(|why| panic!("the program does not send {count} bytes: {why}"));
            }
            // The other side may have closed already.
            PeerAction::ClosesHalf => drop(peer.shutdown(Shutdown::Write)),
            PeerAction::Reads => panic!("only in lockstep"),
            // However it closes, whatever comes before.
            PeerAction::IsLeft => drop(peer.read_to_end(&mut Vec::new())),
            PeerAction::Resets => return reset(peer),
            PeerAction::Leaves => return,
        }
        self.peers.insert(name.to_string(), peer);
    }

    fn listen(&self) -> TcpListener {
        TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).expect("the port is free")
    }

    /// Starts a program with these arguments, and what the scenario says of faults and of the user.
    fn start(&mut self, program: &str, arguments: &[impl AsRef<str>]) {
        let port = u32::from(self.port);
        let arguments = arguments.iter().map(|argument| match argument.as_ref() {
            "PORT" => port.to_string(),
            "PORT+65536" => (port + 65536).to_string(),
            argument => argument.to_string(),
        });
        let settings = &self.scenario.settings;
        let path = format!("./{program}");
        let launch = match settings.below {
            // The shell uses up a first fork, and becomes the program.
            true => Launch::new("sh").args(["-c", "command eval '( : )'; exec \"$@\"", "sh", &path]),
            false => Launch::new(path),
        };
        let launch = launch.args(arguments).directory(&self.subject.directory).clean_env();
        let launch = launch.env("ASAN_OPTIONS", "detect_leaks=0").output_on_terminal();
        let launch = if settings.without_user { launch } else { launch.user("me") };
        // With `-y` strace says what a descriptor is of.
        let mut trace = Trace::all().option("-y");
        for fault in &settings.faults {
            trace = trace.inject(fault);
        }
        let role = match program {
            "tcp_client" => "client",
            _ if self.running.is_empty() => "server",
            _ => "server, again",
        };
        self.running.push((role, launch.traced(trace).start()));
    }

    /// Starts the client. As printed it is given the port with its bytes exchanged (erratum 1), and finds it.
    fn call(&mut self) {
        let port = match self.subject.is_fixed("tcp_client", 1) {
            true => self.port,
            false => self.port.swap_bytes(),
        };
        self.start("tcp_client", &["127.0.0.1", &port.to_string()]);
    }

    fn last(&mut self) -> &mut Running {
        &mut self.running.last_mut().expect("a program was started").1
    }

    /// The server last started.
    fn server(&mut self) -> &mut Running {
        let mut all = self.running.iter_mut().rev();
        &mut all.find(|(role, _)| role.starts_with("server")).expect("a server was started").1
    }

    /// Waits until the server waits in `accept` with so many zombies, or has ended.
    fn wait_for_idle(&mut self, zombies: Option<usize>) {
        let server = self.server();
        let pid = server.pid();
        wait_until("the server waits for a client", || {
            server.has_ended()
                || waits_in_accept(pid) && zombies.is_none_or(|zombies| descendants(pid).len() == zombies)
        });
    }

    /// What all of them did.
    fn processes(&mut self) -> Vec<Process> {
        let (port, swapped) = (u32::from(self.port), u32::from(self.port.swap_bytes()));
        let ports = [(port, "PORT"), (port + 65536, "PORT+65536"), (swapped, "PORT, the other byte first")];
        let mut all = Vec::new();
        for (role, running) in &mut self.running {
            running.wait_for_descendants();
            for Process { name, rows } in normalise(&running.events(), role, &ports) {
                all.push(Process { name, rows: without_repetition(rows) });
            }
        }
        all
    }
}
