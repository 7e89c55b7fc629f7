//! What a lesson tells a student to type is typed, in real shells on real terminals, and what it says is seen is seen.
//!
//! Afterwards the terminals and the machine are as before: the next command works, nothing runs, no file is left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::article::article;
use crate::course::lessons::Lesson;
use crate::course::shell::Terminal;
use crate::course::tests::{lesson, names};
use crate::course::transcript::{self, Ports, TypedBlock, TypedLine, matches, port_of};
use crate::course::views::substituted;
use crate::harness::builds::{Build, SERVERS, Server, program, root};
use crate::harness::net::ports::{is_listening, ports_of_sockets};
use crate::harness::net::test_client::echo;
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::wait_at_most;
use crate::harness::report::Failure;
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;

/// How long nothing may happen in any terminal before nothing more is expected: no output, no process, no system call.
const QUIET: Duration = Duration::from_secs(5);
/// The longest wait for one line, while something does happen: a build, or grading, on a busy machine.
const LONGEST: Duration = Duration::from_secs(150);
/// How long a program that never comes to rest may go on before the next line is typed.
const RESTLESS: Duration = Duration::from_secs(3);
/// These commands show the present state: typed too early, they are typed again.
const LOOKS: [&str; 7] = ["ss ", "ps ", "ls ", "cat ", "grep ", "wc ", "tail "];
/// Lines of a terminal that a report shows.
const SHOWN: usize = 12;

/// What needs a tool or a right that may be missing, and the command that shows whether it is.
const NEEDS: [(&str, &str); 7] = [
    ("strace -p", "sleep 0.2 & strace -p $! -o /dev/null"),
    ("unshare -rn", "unshare -rn setpriv --bounding-set=-net_bind_service ip link set lo up"),
    ("unshare --user", "unshare --user --map-root-user --pid --fork --mount-proc true"),
    ("tcpdump ", "timeout -s INT 1 tcpdump -i lo -c 1 2>&1 | grep -q 'listening on'"),
    ("perl ", "perl -v"),
    ("cc ", "cc --version"),
    ("pgrep ", "pgrep -V"),
];

each_lesson!(can_be_typed);

fn can_be_typed(test: &str) {
    let lesson = lesson(test);
    program(Build::AsPrinted, "tcp_server");
    let _others = servers_of_others();
    let began = Instant::now();
    if let Err(failure) = type_lesson(&lesson, QUIET) {
        failure.report(&lesson).fail();
    }
    println!("lesson {}: {:.1} s", lesson.number, began.elapsed().as_secs_f64());
}

#[test]
fn each_lesson_is_typed_by_a_test() {
    CASES.assert_are("tests/lessons", names());
}

/// Why a lesson can't be typed as it is written.
#[derive(Debug)]
struct Unseen {
    line: usize,
    what: String,
    /// The line that comes closest, and the screens.
    shown: String,
}

impl Unseen {
    fn report(&self, lesson: &Lesson) -> Failure {
        Failure::new(&self.what).place(lesson.place(), self.line).note(&self.shown)
    }
}

/// A part of a lesson while it is typed.
struct Student {
    quiet: Duration,
    /// The ports that are used in place of those of the page.
    ports: Ports,
    terminals: BTreeMap<usize, Terminal>,
}

/// Types a whole lesson, and waits at most `quiet` while nothing happens.
fn type_lesson(lesson: &Lesson, quiet: Duration) -> Result<(), Unseen> {
    let parts = transcript::parts(lesson);
    let files = Files::named_in(parts.iter().flatten());
    parts.iter().try_for_each(|blocks| type_part(lesson, blocks, quiet))?;
    let line = parts.iter().flatten().last().map_or(0, |block| block.first);
    let left = files.added();
    let what = format!("files are left: {}", left.join(" "));
    if left.is_empty() { Ok(()) } else { Err(Unseen { line, what, shown: String::new() }) }
}

/// Types what is under one heading; its terminals begin and end with it.
fn type_part(lesson: &Lesson, blocks: &[TypedBlock], quiet: Duration) -> Result<(), Unseen> {
    let Some(last) = blocks.last() else { return Ok(()) };
    // A test that runs at the same time sees what is held, and takes other ports.
    let mut held = Vec::new();
    let mut hold =
        |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).map(|socket| held.push(socket)).is_ok();
    let used = ports_of_sockets();
    let ports = Ports::free(blocks, |port| !used.contains(&port) && hold(port));
    let mut student = Student { quiet, ports, terminals: BTreeMap::new() };
    for block in blocks {
        // shown.rs runs this command.
        if block.commands().trim_end() == format!("make lesson N={}", lesson.number) {
            continue;
        }
        // What follows in this part depends on it.
        if let Some(why) = lacking(block) {
            skip(&format!("{}:{}: {why}", lesson.place(), block.first));
            return Ok(());
        }
        student.block(block)?;
    }
    student.leave(last.first)
}

impl Student {
    fn block(&mut self, block: &TypedBlock) -> Result<(), Unseen> {
        self.terminals.values_mut().for_each(Terminal::look_from_here);
        let mut last = (0, String::new());
        for line in &block.typed {
            if let Some(keys) = line.keys() {
                self.press(line, &keys, false)?;
                continue;
            }
            let Some(command) = self.as_here(&line.text) else { return Ok(()) };
            self.press(line, &format!("{command}\n"), true)?;
            self.wait_for_start(line.terminal, &command);
            last = (line.terminal, command);
        }
        let mut terminals = block.seen.chunk_by(|one, next| one.terminal == next.terminal);
        terminals.try_for_each(|lines| self.see(lines, &last))
    }

    /// Whether `condition` comes to hold before nothing happens any more.
    fn wait(&self, mut condition: impl FnMut() -> bool) -> bool {
        let activity = || Vec::from_iter(self.terminals.values().map(Terminal::activity));
        let (began, mut changed, mut before) = (Instant::now(), Instant::now(), activity());
        while changed.elapsed() < self.quiet && began.elapsed() < LONGEST {
            if wait_at_most(Duration::from_millis(200).min(self.quiet), &mut condition) {
                return true;
            }
            let now = activity();
            if now != before {
                (changed, before) = (Instant::now(), now);
            }
        }
        condition()
    }

    /// Nobody types on before a server listens, or a client is connected; or before it has ended.
    fn wait_for_start(&self, at: usize, command: &str) {
        let terminal = &self.terminals[&at];
        let says = |what: &str| terminal.since_prompt().contains(what);
        let in_front = !command.ends_with('&');
        let ended = || in_front && terminal.is_at_prompt();
        let port = port_of(command, self.ports.base);
        if command.contains("-server") || command.contains("release/tcp_server") {
            let listens = || is_listening(port) || says("listen() success");
            self.wait(|| listens() || ended());
        } else if in_front && (command.contains("-client") || command.contains("tcp_client")) {
            self.wait(|| says("connect(") || ended());
        }
    }

    /// A command with this machine's copy of the article. `None` where there is no copy.
    fn as_here(&self, command: &str) -> Option<String> {
        if !command.contains("ARTICLE=") {
            return Some(command.to_string());
        }
        Some(command.replace("ARTICLE=file.html", &format!("ARTICLE='{}'", article()?.display())))
    }

    /// Types, once all that was typed before is read.
    fn press(&mut self, line: &TypedLine, keys: &str, to_shell: bool) -> Result<(), Unseen> {
        let (at, port) = (line.terminal, self.ports.base.to_string());
        self.terminals.entry(at).or_insert_with(|| Terminal::open(&port));
        self.settle();
        let terminal = &self.terminals[&at];
        let program_runs = || !terminal.is_at_prompt() && terminal.processes().len() > 1;
        if self.wait(|| if to_shell { terminal.is_at_prompt() } else { program_runs() }) {
            self.terminals.get_mut(&at).expect("the terminal is open").type_in(keys);
            return Ok(());
        }
        let who = if to_shell { "the shell's prompt" } else { "a running program" };
        Err(self.unseen(line.number, at, &format!("{who} in terminal {at}, to type {:?}", line.text)))
    }

    /// Waits until every process of every terminal sleeps, and all that was typed was read.
    fn settle(&self) {
        let mut before = Vec::new();
        wait_at_most(RESTLESS, || {
            let terminals = self.terminals.values();
            let processes: Vec<_> = terminals.clone().flat_map(Terminal::processes).collect();
            let read = terminals.clone().all(|terminal| terminal.unread() == 0);
            let asleep = read && processes.iter().all(|(_, state)| matches!(state, Some('S' | 'Z' | 'T')));
            let still = asleep && processes == before;
            before = if asleep { processes } else { Vec::new() };
            still
        });
    }

    /// Waits for these lines of one terminal, in this order. If the last command only looks, it is typed again.
    fn see(&mut self, wanted: &[TypedLine], (place, command): &(usize, String)) -> Result<(), Unseen> {
        let at = wanted[0].terminal;
        // What a lesson runs has names for its ports.
        let ports = if command.starts_with("make lesson ") { &[] } else { &self.ports.shown[..] };
        let texts: Vec<String> = wanted.iter().map(|line| substituted(&line.text, ports)).collect();
        let after_a_pause = command.strip_prefix("sleep 1; ").unwrap_or(command);
        let looks = *place == at && LOOKS.iter().any(|look| after_a_pause.starts_with(look));
        let Some(mut terminal) = self.terminals.remove(&at) else {
            return Err(self.unseen(
                wanted[0].number,
                at,
                &format!("terminal {at}: nothing is typed there"),
            ));
        };
        let (began, mut changed, mut before) = (Instant::now(), Instant::now(), terminal.activity());
        // Lines that were seen before the last command stay seen when it is typed again.
        let mut kept = 0;
        let found = loop {
            // Asked first: then all that the command has printed is looked at.
            let has_ended = terminal.is_at_prompt();
            let (mut found, mut earlier, mut next) = (kept, kept, terminal.looked_at);
            for (number, printed) in terminal.printed() {
                if texts.get(found).is_some_and(|text| matches(text, &printed)) {
                    (found, next) = (found + 1, number + 1);
                    earlier = if number < terminal.typed_at { found } else { earlier };
                }
            }
            if found == texts.len() {
                terminal.looked_at = next;
                break found;
            }
            if changed.elapsed() > self.quiet || began.elapsed() > LONGEST {
                break found;
            }
            std::thread::sleep(Duration::from_millis(30));
            if looks && has_ended && began.elapsed() < 2 * self.quiet {
                std::thread::sleep(Duration::from_millis(100));
                kept = earlier;
                terminal.look_from_here();
                terminal.type_in(&format!("{command}\n"));
            }
            let now = terminal.activity();
            if now != before {
                (changed, before) = (Instant::now(), now);
            }
        };
        self.terminals.insert(at, terminal);
        if found == texts.len() {
            Ok(())
        } else {
            Err(self.unseen(wanted[found].number, at, &texts[found]))
        }
    }

    /// Afterwards every shell prompts, nothing else runs, and the next command works as in a new terminal.
    fn leave(&mut self, line: usize) -> Result<(), Unseen> {
        let at_prompt = |at: &usize| self.terminals[at].is_at_prompt();
        let all: Vec<usize> = self.terminals.keys().copied().collect();
        if !self.wait(|| all.iter().all(at_prompt)) {
            let at = all.iter().copied().find(|at| !at_prompt(at)).unwrap_or(1);
            return Err(self.unseen(line, at, &format!("the end of what runs in terminal {at}")));
        }
        let fresh = Terminal::open(&self.ports.base.to_string());
        wait_at_most(QUIET, || fresh.is_at_prompt());
        for at in all {
            let alone = |terminal: &Terminal| terminal.processes().len() == 1;
            if !self.wait(|| alone(&self.terminals[&at])) {
                let names = self.terminals[&at].processes().into_iter().map(|(pid, _)| command_line(pid));
                let names: Vec<String> = names.skip(1).collect();
                let what = format!("the end of what terminal {at} has started: {}", names.join(", "));
                return Err(self.unseen(line, at, &what));
            }
            let (before, after) = (fresh.state(), self.terminals[&at].state());
            if before != after {
                let changed =
                    after.iter().chain(&before).filter(|it| before.contains(it) != after.contains(it));
                let changed: Vec<&str> = changed.map(String::as_str).collect();
                let what = format!("a terminal {at} like before; it differs in: {}", changed.join("; "));
                return Err(self.unseen(line, at, &what));
            }
            let terminal = self.terminals.get_mut(&at).expect("the terminal is open");
            terminal.look_from_here();
            terminal.type_in("echo it wor''ks\n");
            let works = || self.terminals[&at].printed().iter().any(|(_, line)| line == "it works");
            if !self.wait(works) {
                return Err(self.unseen(line, at, &format!("the next command in terminal {at}")));
            }
        }
        Ok(())
    }

    fn unseen(&self, line: usize, at: usize, text: &str) -> Unseen {
        let mut shown = String::new();
        let mut lines = Vec::new();
        if let Some(terminal) = self.terminals.get(&at) {
            lines = terminal.printed().into_iter().map(|(_, line)| line).collect();
        }
        if let Some(nearest) =
            lines.iter().max_by_key(|line| likeness(text, line)).filter(|line| likeness(text, line) > 3)
        {
            shown += &format!("the most similar line: {nearest}\n");
        }
        for (number, terminal) in &self.terminals {
            let screen = terminal.screen();
            let lines: Vec<&str> = screen.trim_end().lines().collect();
            shown += &format!("terminal {number}, its last lines:\n");
            for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                shown += &format!("    {line}\n");
            }
        }
        Unseen { line, what: format!("not seen: {text}"), shown }
    }
}

/// How many pairs of neighbouring characters of one text are in the other.
fn likeness(one: &str, other: &str) -> usize {
    let pairs = |text: &str| {
        let signs: Vec<char> = text.chars().filter(|sign| !sign.is_whitespace()).collect();
        signs.windows(2).map(|pair| (pair[0], pair[1])).collect::<BTreeSet<_>>()
    };
    pairs(one).intersection(&pairs(other)).count()
}

fn command_line(pid: u32) -> String {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = line.replace('\0', " ");
    if line.is_empty() { format!("process {pid}") } else { line.trim_end().to_string() }
}

/// The files that a part of a lesson names, and which of them were there before.
struct Files(Vec<(PathBuf, bool)>);

impl Files {
    fn named_in<'a>(blocks: impl Iterator<Item = &'a TypedBlock>) -> Self {
        let commands: String = blocks.map(TypedBlock::commands).collect();
        let words = commands.split(|c: char| c.is_whitespace() || ";<>|&()'\"=".contains(c));
        let names: BTreeSet<&str> =
            words.filter(|word| word.contains(['/', '.']) && !word.starts_with('/')).collect();
        let known = names.into_iter().map(|name| root().join(name));
        Files(known.map(|path| (path.clone(), path.exists())).collect())
    }

    fn added(&self) -> Vec<String> {
        let new = self.0.iter().filter(|(path, before)| !before && path.exists());
        new.map(|(path, _)| path.strip_prefix(root()).unwrap_or(path).display().to_string()).collect()
    }
}

/// What a block needs that this machine does not have, or this user may not do.
fn lacking(block: &TypedBlock) -> Option<String> {
    let works = |command: &str| {
        let tried = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let commands = block.commands();
    let (word, tried) = NEEDS.iter().find(|(word, tried)| commands.contains(word) && !works(tried))?;
    Some(format!("`{word}` is missing: `{tried}` fails"))
}

/// Servers of somebody else with the same names, each with a client, on other ports; of another user if possible.
fn servers_of_others() -> [(Server, TcpStream); 3] {
    let root = unsafe { libc::getuid() == 0 };
    let directory = TempDir::empty();
    let start = |name| {
        // Other users may not enter the directory of this checkout.
        // (Another process copies: a file that this one has open for writing can't be executed.)
        let copied = Command::new("cp").arg(program(Build::Fixed, name)).arg(&*directory).status();
        assert!(copied.expect("cp is installed").success());
        let server = Launch::new(directory.join(name));
        let server = Server::launch(if root { server.uid(65534) } else { server });
        let mut client = server.connect();
        assert_eq!(echo(&mut client, b"another user"), b"ANOTHER USER");
        (server, client)
    };
    SERVERS.map(start)
}

/// A page with blocks of what is typed and seen.
fn page(blocks: &[(&str, &str)]) -> Lesson {
    let mut text = "# 99. Title\n## Try".to_string();
    for (typed, seen) in blocks {
        text += &format!("\n```sh\n{typed}\n```");
        if !seen.is_empty() {
            text += &format!("\n```seen\n{seen}\n```");
        }
    }
    Lesson { number: 99, path: PathBuf::from("99-page.md"), title: "Title".to_string(), text }
}

/// What a page says and the screen does not show is reported with its line: no such line, a line elsewhere, a program
/// that goes on, something that is left.
#[test]
fn what_is_not_seen_is_reported() {
    for (blocks, failure) in [
        (&[("echo one", "one")][..], None),
        (&[("echo two", "one")], Some((7, "not seen: one"))),
        (&[("echo one; echo two", "two\none")], Some((8, "not seen: one"))),
        (&[("cat\n> one\n^D\n# terminal 2\necho two", "two\n# terminal 1\none")], None),
        (&[("echo one\n# terminal 2\ntrue", "one")], Some((9, "not seen: one"))),
        (&[("echo one", "one"), ("true", "one")], Some((13, "not seen: one"))),
        // The second has not started because the first has.
        (
            &[(
                "echo 'connect('; : tcp_client\nsh -c 'sleep 1; echo now connect\\(; exec sleep 9'; : tcp_client\n^C",
                "connect(\nnow connect(",
            )],
            None,
        ),
        (&[("echo 'one  two three'", "ne two...ree")], None),
        (&[("echo one two", "two...one")], Some((7, "not seen: two...one"))),
        (&[("sleep 100", "")], Some((3, "not seen: the end of what runs in terminal 1"))),
        (&[("sleep 100\nls", "")], Some((5, "not seen: the shell's prompt in terminal 1"))),
        (&[("sleep 100\n^C", "")], None),
        (&[("true\n> hello", "")], Some((5, "not seen: a running program in terminal 1"))),
        (&[("sleep 100 &", "")], Some((3, "has started: sleep 100"))),
        (&[("sleep 100 &\nkill $!", "")], None),
        (&[("ulimit -n 16", "")], Some((3, "Max open files"))),
        (&[("exec 3</dev/null", "")], Some((3, "open: 3"))),
        (&[("true > target/left-by-a-test", "")], Some((3, "files are left: target/left-by-a-test"))),
    ] {
        let quiet = if failure.is_some() { Duration::from_millis(700) } else { QUIET };
        let typed = type_lesson(&page(blocks), quiet);
        let _ = std::fs::remove_file(root().join("target/left-by-a-test"));
        match (&typed, failure) {
            (Ok(()), None) => {}
            (Err(unseen), Some((line, what))) if unseen.line == line && unseen.what.contains(what) => {}
            _ => panic!("{blocks:?}: {typed:?}"),
        }
    }
}

/// A wrong `seen` line: the report has the page, the line, the most similar line of the screen, and is there soon.
#[test]
fn a_wrong_line_is_reported_soon_with_the_most_similar_one() {
    let lesson = page(&[("echo 'accept(3, ...) = 4'; echo other", "accept(3, ...) = 5\nother")]);
    let began = Instant::now();
    let unseen = type_lesson(&lesson, Duration::from_secs(1)).expect_err("the line is wrong");
    let report = unseen.report(&lesson).text("course::tests::typed::lesson_99");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    for part in [
        "99-page.md:7",
        "not seen: accept(3, ...) = 5",
        "similar line: accept(3, ...) = 4",
        "lesson_99 -- --exact",
    ] {
        assert!(report.contains(part), "{part} is not in:\n{report}");
    }
    assert!(report.lines().count() < 40, "{report}");
}

/// Ports that are taken give way to free ones, also those that a command computes; the page's are replaced where seen.
#[test]
fn taken_ports_are_replaced() {
    let typed = "make run-server\nmake run-client PORT=$((PORT + 2))\nnc 127.0.0.1 1$PORT\nnc 127.0.0.1 $((PORT / 257 * 257))";
    let parts = transcript::parts(&page(&[(typed, "")]));
    let ports = Ports::free(&parts[0], |port| ![8080, 8089, 18094].contains(&port));
    assert_eq!(ports.base, 8101);
    let swapped = 18_101_u16.swap_bytes();
    for (shown, used) in [(8080, 8101), (8082, 8103), (18080, 18101), (41030, swapped), (7967, 7967)] {
        assert!(ports.shown.contains(&(shown, used.to_string())), "{shown}: {:?}", ports.shown);
    }
    assert_eq!(port_of("make run-server PORT=4464", 8101), 4464);
}
