//! What a lesson is played with: the programs, under strace or not, and what a run of them looks like on paper.
//!
//! On paper every run looks the same: the server's port is 8080, a client's port and a
//! process go by their names, the order is one of cause and effect.

use std::process::Command;

use super::programs::*;
use super::story::{Story, tell};
use super::strace::{self, Event, What};
pub use super::words::raw;
use super::{article, swimlanes};
use crate::say;

/// The calls that the article's code makes, in strace's names.
pub const CALLS: &str = "trace=socket,setsockopt,bind,listen,accept,connect,read,write,close,\
                         clone,clone3,wait4,rt_sigaction,clock_nanosleep,exit_group";

/// A program of a build; the log lines name this user.
pub fn launch(build: Build, name: &str) -> Launch {
    Launch::of(program(build, name)).user("student")
}

/// What strace is to see, with more of its options.
pub fn seeing(options: &[&str]) -> Trace {
    options.iter().fold(Trace::all().option("-e").option(CALLS), |trace, option| trace.option(option))
}

/// A server that listens, under strace with more options.
pub fn traced_server(build: Build, name: &str, options: &[&str]) -> Server {
    Server::launch(launch(build, name).traced(seeing(options)))
}

/// A client of the server at `port`, on its way.
pub fn waiting_client(build: Build, port: u16, options: &[&str]) -> Running {
    // Erratum 1: as printed, it finds the server when its bytes are given the wrong way round.
    let given = if build == Build::AsPrinted { port.swap_bytes() } else { port };
    let client = launch(build, "tcp_client").arg("127.0.0.1").arg(given.to_string());
    client.traced(seeing(options)).start()
}

/// A client of the server at `port`, connected.
pub fn client_of(build: Build, port: u16, options: &[&str]) -> Running {
    let mut client = waiting_client(build, port, options);
    client.stdout.wait_for("connect() success");
    client
}

/// A connected client of the mended build.
pub fn client(port: u16) -> Running {
    client_of(Build::Mended, port, &[])
}

/// A client's user types a line.
pub fn types(client: &mut Running, line: &str) {
    client.type_in(format!("{line}\n").as_bytes());
}

/// A client's user types a line and gets its echo.
pub fn says(client: &mut Running, line: &str) {
    types(client, line);
    client.stdout.wait_for(&format!("Server Echo{}", line.to_uppercase()));
}

/// A client's user types `quit`. What strace saw of the client.
pub fn quits(mut client: Running) -> Vec<Event> {
    types(&mut client, "quit");
    ends(&mut client)
}

/// Waits until the program has ended by itself. What strace saw.
pub fn ends(running: &mut Running) -> Vec<Event> {
    running.wait_for_all();
    without_our_end(running.events())
}

/// Ends a server once it waits for the next client. What strace saw.
pub fn stop(server: Server) -> Vec<Event> {
    eventually("the server waits for a client", || accepts(server.pid()));
    stop_now(server.running)
}

/// Ends a program. What strace saw.
pub fn stop_now(mut running: Running) -> Vec<Event> {
    running.signal(libc::SIGTERM);
    ends(&mut running)
}

/// One line if this user may not trace, or strace is not there.
pub fn may_trace() -> Result<(), String> {
    match Command::new("strace").args(["-o", "/dev/null", "true"]).output() {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => {
            let why = String::from_utf8_lossy(&ran.stderr).lines().next().unwrap_or_default().to_string();
            Err(say!(
                "no right to trace ({why}): set kernel.yama.ptrace_scope to 1 or less; a container needs --cap-add=SYS_PTRACE",
                "没有跟踪的权限（{why}）：把 kernel.yama.ptrace_scope 设为 1 或更小；容器要加 --cap-add=SYS_PTRACE"
            ))
        }
        Err(_) => Err(say!("strace is missing, install it", "没有 strace，请先安装")),
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
        // With RAW the process id stands behind the name.
        let is_it = |name: &str| name == process || raw() && name.starts_with(&format!("{process} "));
        let steps = steps.filter(|step| is_it(&self.0.processes[step.process].name));
        steps.filter(|step| log || !step.log).map(|step| step.words[0].replace(":port", ":8080")).collect()
    }
}

/// A trace as swim lanes.
pub fn drawn(events: &[Event]) -> String {
    swimlanes::draw(events, 100, false).replace(":port", ":8080")
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

/// `text` with names in place of numbers, but for a RAW run.
pub fn named(text: &str, names: &[(u64, &str)]) -> String {
    if raw() { text.to_string() } else { substituted(text, names) }
}

/// `text` with others in place of whole numbers.
pub fn substituted(text: &str, names: &[(u64, &str)]) -> String {
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
