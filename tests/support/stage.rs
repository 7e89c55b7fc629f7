//! What a lesson is played with: the programs, under strace or not, and what a run of them looks like on paper.
//!
//! On paper every run looks the same: the server's port is 8080, a client's port and a
//! process go by their names, the order is one of cause and effect.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::programs::{Build, Running, children, eventually, free_port, program, root};
use super::story::{Story, tell};
use super::strace::{self, Event, What};
use super::{article, swimlanes};

/// The calls that the article's code makes, in strace's names.
pub const CALLS: &str = "trace=socket,setsockopt,bind,listen,accept,connect,read,write,close,\
                         clone,clone3,wait4,rt_sigaction,clock_nanosleep,exit_group";

/// The user who the log lines name.
const USER: &str = "student";

/// A program that a lesson has started. It ends with this value.
pub struct Player {
    pub running: Running,
    pub port: u16,
    /// Where strace writes to.
    pub trace: Option<PathBuf>,
}

/// A command that is a program of a build.
pub fn command(build: Build, name: &str) -> Command {
    let mut command = Command::new(program(build, name));
    command.env("USER", USER);
    command
}

/// The same under strace, which writes the calls that the article makes to a file.
pub fn traced(command: &Command, options: &[&str]) -> (Command, PathBuf) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let directory = root().join("target/lessons");
    fs::create_dir_all(&directory).expect("target can be written to");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let trace = directory.join(format!("{}-{number}.strace", std::process::id()));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-ttt", "-e", CALLS]).args(options).arg("-o").arg(&trace);
    strace.arg(command.get_program()).args(command.get_args()).env("USER", USER);
    (strace, trace)
}

/// Leaves a program `limit` descriptors, 0 to 2 among them, and none from its parent but these.
pub fn limit_descriptors(command: &mut Command, limit: u64) {
    let limits = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    let set = move || {
        let first_own = 3;
        let close_later = libc::CLOSE_RANGE_CLOEXEC as i32;
        if unsafe { libc::close_range(first_own, u32::MAX, close_later) } == -1
            || unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limits) } == -1
        {
            return Err(std::io::Error::last_os_error());
        }
        Ok(())
    };
    unsafe { command.pre_exec(set) };
}

/// A server that listens.
pub fn server(build: Build, name: &str) -> Player {
    started(command(build, name), None)
}

/// A server that listens, under strace with more options.
pub fn traced_server(build: Build, name: &str, options: &[&str]) -> Player {
    let (command, trace) = traced(&command(build, name), options);
    started(command, Some(trace))
}

fn started(command: Command, trace: Option<PathBuf>) -> Player {
    let mut player = started_at(command, trace, "127.0.0.1", free_port());
    player.running.stdout.wait_for("listen() success");
    player
}

/// A server that may not listen yet, or never.
pub fn started_at(mut command: Command, trace: Option<PathBuf>, ip: &str, port: u16) -> Player {
    let running = Running::start(command.arg(port.to_string()).arg(ip));
    Player { running, port, trace }
}

/// A client of the server at `port`, connected.
pub fn client(port: u16) -> Player {
    let mut client = waiting_client(port);
    client.running.stdout.wait_for("connect() success");
    client
}

/// A client that may not be connected yet.
pub fn waiting_client(port: u16) -> Player {
    let mut command = command(Build::Mended, "tcp_client");
    let running = Running::start(command.arg("127.0.0.1").arg(port.to_string()));
    Player { running, port, trace: None }
}

/// A client under strace, connected.
pub fn traced_client(build: Build, port: u16, options: &[&str]) -> Player {
    let (mut command, trace) = traced(&command(build, "tcp_client"), options);
    // Erratum 1: as printed, it finds the server when its bytes are given the wrong way round.
    let given = if build == Build::AsPrinted { port.swap_bytes() } else { port };
    let mut running = Running::start(command.arg("127.0.0.1").arg(given.to_string()));
    running.stdout.wait_for("connect() success");
    Player { running, port, trace: Some(trace) }
}

impl Player {
    /// The process id of the program itself, strace or not.
    pub fn pid(&self) -> u32 {
        match self.trace {
            Some(_) => *children(self.running.pid()).first().expect("strace runs it"),
            None => self.running.pid(),
        }
    }

    /// A client's user types a line and gets its echo.
    pub fn says(&mut self, line: &str) {
        self.types(line);
        self.running.stdout.wait_for(&format!("Server Echo{}", line.to_uppercase()));
    }

    /// A client's user types a line.
    pub fn types(&mut self, line: &str) {
        self.running.type_in(format!("{line}\n").as_bytes());
    }

    /// A client's user types `quit`. What strace saw of the client.
    pub fn quits(mut self) -> Vec<Event> {
        self.types("quit");
        self.ends()
    }

    /// A client's user types the end of input, Ctrl-D on a terminal.
    pub fn hangs_up(mut self) {
        self.running.end_input();
        self.running.wait();
    }

    /// Waits until the program has ended by itself. What strace saw.
    pub fn ends(&mut self) -> Vec<Event> {
        self.running.wait();
        let Some(trace) = &self.trace else {
            return Vec::new();
        };
        let text = fs::read_to_string(trace).expect("strace has written it");
        let _ = fs::remove_file(trace);
        without_our_end(strace::read(&text))
    }

    /// Ends a server once it waits for the next client. What strace saw.
    pub fn stop(self) -> Vec<Event> {
        // The call that a process is in comes first; not every kernel tells.
        let accepts = |call: String| call.starts_with(&format!("{} ", libc::SYS_accept));
        let syscall = format!("/proc/{}/syscall", self.pid());
        eventually("the server waits for a client", || fs::read_to_string(&syscall).map_or(true, accepts));
        self.stop_now()
    }

    /// Ends a program. What strace saw.
    pub fn stop_now(mut self) -> Vec<Event> {
        unsafe { libc::kill(self.pid() as i32, libc::SIGTERM) };
        self.ends()
    }

    /// Lines that strace has written so far.
    pub fn traced_lines(&self) -> usize {
        let trace = self.trace.as_ref().expect("it is under strace");
        fs::read_to_string(trace).map_or(0, |text| text.lines().count())
    }
}

/// What a lesson does to end a server is no part of what is seen.
pub fn without_our_end(mut events: Vec<Event>) -> Vec<Event> {
    let ours = |what: &What| match what {
        What::Signal(name) => name == "SIGTERM",
        What::End(end) => end == "killed by SIGTERM",
        What::Call(_) => false,
    };
    events.retain(|event| !ours(&event.what));
    events
}

/// What the article's own code does.
pub struct Told(Story);

/// Tells what a trace saw.
pub fn told(events: &[Event]) -> Told {
    Told(tell(events))
}

impl Told {
    /// The calls of one process, log lines left out: `accept(3) = 4`.
    pub fn calls(&self, process: &str) -> Vec<String> {
        self.lines(process, false)
    }

    /// The same with the log lines.
    pub fn calls_and_log(&self, process: &str) -> Vec<String> {
        self.lines(process, true)
    }

    fn lines(&self, process: &str, log: bool) -> Vec<String> {
        let steps = self.0.order.iter().map(|&step| &self.0.steps[step]);
        let steps = steps.filter(|step| self.0.processes[step.process].name == process);
        steps.filter(|step| log || !step.log).map(|step| step.words[0].replace(":port", ":8080")).collect()
    }
}

/// A trace as swim lanes.
pub fn drawn(events: &[Event]) -> String {
    let options = swimlanes::Options { width: 100, ..swimlanes::Options::default() };
    swimlanes::draw(events, &options).replace(":port", ":8080")
}

/// The same without what comes before the first connection.
pub fn drawn_from_connect(events: &[Event]) -> String {
    let before = ["signal(", "socket(", "setsockopt(", "bind(", "listen("];
    let drawing = drawn(events);
    let lines = drawing.lines().filter(|line| !before.iter().any(|name| line.contains(name)));
    lines.map(|line| line.to_string() + "\n").collect()
}

/// The calls of a trace as strace prints them. `names` says what stands for a number: a port, a process.
pub fn as_strace(events: &[Event], names: &[(u64, &str)]) -> Vec<String> {
    let calls = events.iter().filter_map(Event::call);
    let line = |call: &strace::Call| {
        let mut args = call.args.join(", ");
        if call.name == "rt_sigaction" {
            let action = call.args[1].split(',').next().unwrap_or("");
            args = format!("{}, {action}, ...}}, ...", call.args[0]);
        }
        let errno = call.errno.as_ref().map_or(String::new(), |errno| format!(" {errno}"));
        let injected = if call.injected { " (INJECTED)" } else { "" };
        match call.result.as_str() {
            "?" => format!("{}({}, ", call.name, call.args[0]),
            result => format!("{}({args}) = {result}{errno}{injected}", call.name),
        }
    };
    calls.map(|call| named(&line(call), names)).collect()
}

/// `text` with names in place of numbers.
pub fn named(text: &str, names: &[(u64, &str)]) -> String {
    let digit = |c: char| c.is_ascii_digit();
    let mut named = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(digit) {
        let end = start + rest[start..].find(|c| !digit(c)).unwrap_or(rest.len() - start);
        let number = &rest[start..end];
        let name = names.iter().find(|(known, _)| known.to_string() == number);
        named.push_str(&rest[..start]);
        named.push_str(name.map_or(number, |(_, name)| name));
        rest = &rest[end..];
    }
    named + rest
}

/// Runs a command of the system, and returns its lines as words. Says what to install if it is missing.
pub fn asked(name: &str, args: &[&str]) -> Vec<Vec<String>> {
    let output = Command::new(name).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is missing, install it ({error})"));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.split_whitespace().map(str::to_string).collect()).collect()
}

/// The sockets of the server at `port` and of its clients, as `ss` lists them: state, bytes or
/// clients that wait, bytes not taken or backlog, own address, other's address.
pub fn ss(port: u16) -> Vec<Vec<String>> {
    asked("ss", &["-Htan", &format!("( sport = :{port} or dport = :{port} )")])
}

/// The port behind an address's colon, 0 where a `*` stands.
pub fn port_of(address: &str) -> u16 {
    address.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0)
}

/// The port that a connected client of the server at `port` has, the only one so far that is not in `known`.
pub fn client_port(port: u16, known: &[u16]) -> u16 {
    let mut found = None;
    eventually("a connection is listed", || {
        let mut ports = ss(port).into_iter().filter(|row| row[0] == "ESTAB").map(|row| port_of(&row[3]));
        found = ports.find(|other| *other != port && !known.contains(other));
        found.is_some()
    });
    found.expect("it was found")
}

/// Rows as a table, with names in place of numbers.
pub fn named_table(rows: &[Vec<String>], names: &[(u64, &str)]) -> String {
    let row = |row: &Vec<String>| row.iter().map(|word| named(word, names)).collect();
    table(&rows.iter().map(row).collect::<Vec<_>>())
}

/// Rows as a table, each column as wide as its widest word.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|word| word.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let words = row.iter().zip(&widths).map(|(word, &width)| format!("{word:width$}  "));
        words.collect::<String>().trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Words as a row of a [`table`].
pub fn row(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Two lists beside each other, each under its title.
pub fn beside(left: (&str, &[String]), right: (&str, &[String])) -> String {
    let mut rows = vec![row(&[left.0, " ", right.0])];
    for index in 0..left.1.len().max(right.1.len()) {
        let line = |list: &[String]| list.get(index).cloned().unwrap_or_default();
        rows.push(vec![line(left.1), " ".to_string(), line(right.1)]);
    }
    table(&rows)
}

/// The block of a lesson that needs the article's C++: `None` where no copy of the article is given.
pub fn of_the_article(measured: impl FnOnce(&std::path::Path) -> String) -> Option<String> {
    article::article().map(|article| measured(&article))
}
