//! What a lesson is played with: the programs under strace, and what a run of them looks like on paper.
//!
//! On paper every run looks the same: the server's port is 8080, a client's port and a
//! process go by their names, the order is one of cause and effect.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::{Build, Server, program, root};
use crate::harness::net::ports::free_port;
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::waits_in_accept;
use crate::harness::process::wait::{wait_for_some, wait_until};
use crate::harness::session::{self, trace_of_calls};
use crate::harness::trace::causality::tell;
use crate::harness::trace::diagram;
use crate::harness::trace::parse::{Event, What};
use crate::harness::trace::render::raw;

/// A program of a build under strace with more of its options; the log lines name this user.
pub fn traced(build: Build, name: &str, options: &[&str]) -> Launch {
    Launch::new(program(build, name)).user("student").traced(trace_of_calls(options))
}

/// A server that listens, under strace with more options.
pub fn traced_server(build: Build, name: &str, options: &[&str]) -> Server {
    Server::launch(traced(build, name, options))
}

/// A server of the mended build that listens.
pub fn serve(name: &str) -> Server {
    traced_server(Fixed, name, &[])
}

/// A client of the server at `port`, on its way.
pub fn waiting_client(build: Build, port: u16, options: &[&str]) -> Running {
    // Erratum 1: as printed, it finds the server when its bytes are given the wrong way round.
    let given = if build == AsPrinted { port.swap_bytes() } else { port };
    traced(build, "tcp_client", options).arg("127.0.0.1").arg(given.to_string()).start()
}

/// A client of the server at `port`, connected.
pub fn client_of(build: Build, port: u16, options: &[&str]) -> Running {
    let mut client = waiting_client(build, port, options);
    client.stdout.wait_for("connect() success");
    client
}

/// A connected client of the mended build.
pub fn client(port: u16) -> Running {
    client_of(Fixed, port, &[])
}

/// A client that has said hello.
pub fn greeter(port: u16) -> Running {
    let mut client = client(port);
    says(&mut client, "hello");
    client
}

/// A client says hello and quits.
pub fn visit(port: u16) {
    quits(greeter(port));
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
    ends(client)
}

/// Waits until the program has ended by itself. What strace saw.
pub fn ends(mut running: Running) -> Vec<Event> {
    running.wait_for_descendants();
    running.events()
}

/// Waits until the server waits for the next client, or has ended, and ends it. What strace saw.
pub fn stop(mut server: Server) -> Vec<Event> {
    wait_until("the server waits for a client", || {
        waits_in_accept(server.pid()) || server.running.has_ended()
    });
    stop_now(server.running)
}

/// Ends a program. What strace saw.
pub fn stop_now(running: Running) -> Vec<Event> {
    running.signal(libc::SIGTERM);
    ends(running)
}

/// What a server and one client did, which said hello and quit.
pub fn conversation(server: &str) -> Vec<Event> {
    let programs = program(Fixed, server);
    session::run(programs.parent().expect("they have a directory"), server, 1, free_port())
}

/// Runs a shell's script in a directory; `$ROOT` is the project's.
pub fn sh(directory: &Path, script: &str) -> Output {
    let shell = Command::new("sh").args(["-c", script]).current_dir(directory).env("ROOT", root()).output();
    shell.expect("there is a shell")
}

/// An address of this machine that no other test has.
pub fn own_address() -> String {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.4.{high}.{low}")
}

/// The article's own calls in a program, without its children's and its log: `accept(3) = 4`.
pub fn calls(events: &[Event]) -> Vec<String> {
    told(events, false)
}

/// The same with the log.
pub fn calls_and_log(events: &[Event]) -> Vec<String> {
    told(events, true)
}

fn told(events: &[Event], log: bool) -> Vec<String> {
    let story = tell(events);
    let steps = story.order.iter().map(|&step| &story.steps[step]);
    let own = steps.filter(|step| step.process == 0 && (log || !step.log));
    let lines = own.map(|step| match step.words[0].split_once("\\0") {
        Some((text, _)) => format!("{text}\\0..."),
        None => step.words[0].replace(":port", ":8080"),
    });
    lines.collect()
}

/// Those of the calls that begin so.
pub fn only(mut calls: Vec<String>, beginnings: &[&str]) -> Vec<String> {
    calls.retain(|call| beginnings.iter().any(|beginning| call.starts_with(beginning)));
    calls
}

/// The calls from the first on that begins so.
pub fn from(calls: Vec<String>, beginning: &str) -> Vec<String> {
    calls.into_iter().skip_while(|call| !call.starts_with(beginning)).collect()
}

/// The call that a process sleeps in, as strace leaves it: half a line.
pub fn asleep(running: &Running) -> String {
    wait_for_some("it sleeps in a call", || {
        let trace = running.trace();
        let (_, line) = trace.rsplit_once('\n')?;
        Some(line[line[..line.find('(')?].rfind(' ')?..].trim().to_string())
    })
}

/// The diagrams of this run, each as it is recorded and with its events, to draw it for a narrower terminal.
static DRAWN: Mutex<Vec<(String, Vec<Event>)>> = Mutex::new(Vec::new());

/// The width of a recorded diagram.
const RECORDED: usize = 100;

/// A trace as a sequence diagram.
pub fn drawn(events: &[Event]) -> String {
    remembered(drawn_at(events, RECORDED), events)
}

/// The same without what comes before the first connection.
pub fn drawn_from_connect(events: &[Event]) -> String {
    remembered(from_connect(&drawn_at(events, RECORDED)), events)
}

fn drawn_at(events: &[Event], width: usize) -> String {
    diagram::draw(events, width, false).replace(":port", ":8080")
}

fn from_connect(drawing: &str) -> String {
    let before = ["signal(", "socket(", "setsockopt(", "bind(", "listen("];
    let lines = drawing.lines().filter(|line| !before.iter().any(|name| line.contains(name)));
    lines.map(|line| line.to_string() + "\n").collect()
}

fn remembered(drawing: String, events: &[Event]) -> String {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    drawn.push((drawing.trim_end().to_string(), events.to_vec()));
    drawing
}

/// A block of this run at another width, if it is a diagram.
pub fn fitted(block: &str, width: usize) -> String {
    let drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let diagram = drawn.iter().find(|(recorded, _)| recorded == block).filter(|_| width < RECORDED);
    let Some((recorded, events)) = diagram else { return block.to_string() };
    let narrow = drawn_at(events, width);
    let narrow = if recorded.contains("listen(") { narrow } else { from_connect(&narrow) };
    narrow.trim_end().to_string()
}

/// A trace as strace prints it, with `...` for what no lesson speaks of.
pub fn as_strace<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<String> {
    let line = |event: &Event| match &event.what {
        What::Signal(name) => format!("--- {name} {{si_signo={name}, ...}} ---"),
        What::End(end) => format!("+++ {end} +++"),
        What::Call(call) => {
            let asleep = call.result == "?" && call.errno.is_some();
            let why = if asleep { " ERESTARTSYS (To be restarted if SA_RESTART is set)" } else { "" };
            let args = match (call.name.as_str(), &call.args[..]) {
                ("clone", _) => "child_stack=NULL, flags=...|SIGCHLD, ...".to_string(),
                ("accept", [fd, ..]) if asleep => format!("{fd}, ..., [16]"),
                ("rt_sigaction", [signal, action, ..]) => {
                    format!("{signal}, {}, ...}}, ...", action.split(',').next().unwrap_or_default())
                }
                (_, args) => args.join(", "),
            };
            format!("{}({args}) = {}{why}", call.name, call.result)
        }
    };
    events.into_iter().map(line).collect()
}

/// `text` with names in place of numbers, but for a RAW run.
pub fn named(text: &str, names: &[(impl ToString, impl AsRef<str>)]) -> String {
    if raw() { text.to_string() } else { substituted(text, names) }
}

/// `text` with others in place of whole numbers.
pub fn substituted(text: &str, names: &[(impl ToString, impl AsRef<str>)]) -> String {
    let pieces = text.as_bytes().chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit());
    let pieces = pieces.map(|piece| std::str::from_utf8(piece).expect("a digit is no part of a letter"));
    let name = |piece| names.iter().find(|(number, _)| number.to_string() == piece);
    pieces.map(|piece| name(piece).map_or(piece, |(_, name)| name.as_ref())).collect()
}

/// Runs a command of the system, and returns its lines as words. Says what to install if it is missing.
pub fn asked(name: &str, args: &[&str]) -> Vec<Vec<String>> {
    let output = Command::new(name).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is missing, install it ({error})"));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.split_whitespace().map(str::to_string).collect()).collect()
}

/// The first columns of [`ss`].
pub const SOCKETS: &str = "State\tRecv-Q\tSend-Q\tLocal\tPeer\n";

/// The sockets that `ss` lists for these words of its own, rows for a [`table`], once they are as they
/// should be: who listens comes first, the others in the order of their names.
pub fn ss(words: &str, names: &[(impl ToString, &str)], ready: impl Fn(&str) -> bool) -> String {
    let words: Vec<&str> = ["-Htan"].into_iter().chain(words.split(' ')).collect();
    wait_for_some("the sockets are as they should be", || {
        let mut rows = asked("ss", &words);
        let key = |row: &Vec<String>| substituted(&[&row[0][..], &row[3], &row[4]].join(" "), names);
        rows.sort_by_cached_key(|row| (row[0] != "LISTEN", key(row)));
        let rows: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
        Some(named(&rows, names)).filter(|rows| ready(rows))
    })
}

/// The own address of the only such socket of a program; `-t` is a connection, `-tl` listens.
pub fn address(running: &Running, socket: &str) -> Option<String> {
    let process = format!("pid={},", running.pid());
    let mut rows = asked("ss", &["-Hnp", socket]).into_iter();
    rows.find(|row| row.concat().contains(&process)).map(|row| row[3].clone())
}

/// The port of a connected client.
pub fn own_port(client: &Running) -> u16 {
    wait_for_some("it is connected", || address(client, "-t")?.rsplit(':').next()?.parse().ok())
}

/// The children of a process, as `ps` lists these columns, once they are in these states: `Z  [tcp_server]`.
pub fn children_in(states: &str, parent: u32, columns: &str) -> Vec<String> {
    wait_for_some("the clients' servers have ended", || {
        let rows = asked("ps", &["--ppid", &parent.to_string(), "-o", columns]);
        let seen: String = rows.iter().map(|row| &row[0][..1]).collect();
        let line = |row: &Vec<String>| format!("{}  {}", &row[0][..1], row[1..].join(" "));
        (seen == states).then(|| rows.iter().map(line).collect())
    })
}

/// Rows of words that tabs divide as a table, each column as wide as its widest word.
pub fn table(text: &str) -> String {
    let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split('\t').collect()).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|word| word.chars().count()).max()
    };
    let widths: Vec<usize> = (0..).map_while(width).collect();
    let line = |row: &Vec<&str>| {
        let words = row.iter().zip(&widths).map(|(word, &width)| format!("{word:width$}  "));
        words.collect::<String>().trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Two lists beside each other, each under its title.
pub fn beside(titles: [&str; 2], lists: [Vec<String>; 2]) -> String {
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    let word = |list: &Vec<String>, index| list.get(index).cloned().unwrap_or_default();
    let row = |index| lists.each_ref().map(|list| word(list, index)).join("\t \t");
    table(&[titles.join("\t \t")].into_iter().chain((0..length).map(row)).collect::<Vec<_>>().join("\n"))
}

/// What both builds do, beside each other.
pub fn both(of: impl FnMut(Build) -> Vec<String>) -> String {
    beside(["as printed", "mended"], [AsPrinted, Fixed].map(of))
}
