//! What a lesson tells a student to type is typed, in real shells on real terminals, and what it says will be seen is seen.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::ops::RangeBounds;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::support::article::article;
use crate::support::kernel::*;
use crate::support::lessons::{self, Lesson};
use crate::support::programs::*;
use crate::support::skip::skip;
use crate::support::stage::substituted as named;
use crate::support::terminal::Terminal;
use crate::support::typed::{self, Block, Part, Seen, Typed, matches};

/// The longest that anything shown may take: a build, on a busy machine.
const LONGEST: Duration = Duration::from_secs(120);
/// How long one that never comes to rest may go on before the next is typed.
const RESTLESS: Duration = Duration::from_secs(3);
/// These say what is the case now: typed too early, they are typed again.
const LOOKS: [&str; 6] = ["ss ", "ps ", "ls ", "cat ", "grep ", "wc "];

/// What needs a tool or a right that may be missing, and what shows whether it is.
const NEEDS: [(&str, &str); 6] = [
    ("strace -p", "sleep 0.2 & strace -p $! -o /dev/null"),
    ("unshare ", "unshare --user --map-root-user --pid --fork true || unshare --pid --fork true"),
    ("tcpdump ", "timeout -s INT 1 tcpdump -i lo -c 1 2>&1 | grep -q 'listening on'"),
    ("perl ", "perl -v"),
    ("cc ", "cc --version"),
    ("pgrep ", "pgrep -V"),
];

/// A part of a lesson while it is played.
struct Stage<'a> {
    lesson: &'a Lesson,
    patience: Duration,
    names: Vec<(u64, String)>,
    terminals: BTreeMap<usize, Terminal>,
}

/// Types a whole lesson. What was looked for and not seen, with the screens.
fn play(lesson: &Lesson, patience: Duration) -> Result<(), String> {
    typed::parts(lesson).iter().try_for_each(|part| play_part(lesson, part, patience))
}

fn play_part(lesson: &Lesson, part: &Part, patience: Duration) -> Result<(), String> {
    // Another copy of this test sees what is held, and takes others.
    let mut held = Vec::new();
    let mut hold =
        |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).map(|socket| held.push(socket)).is_ok();
    let ports =
        part.ports(|port| nobody_has(port) && hold(port)).into_iter().filter(|(port, given)| port != given);
    let names = ports.map(|(port, given)| (port.into(), given.to_string())).collect();
    let mut stage = Stage { lesson, patience, names, terminals: BTreeMap::new() };
    for block in &part.blocks {
        // What comes behind it in this part goes on with it.
        if let Some(why) = lacking(block) {
            skip(&format!("lesson {}, line {}: {why}", lesson.number, block.first));
            return Ok(());
        }
        stage.play(block)?;
    }
    for (number, terminal) in &stage.terminals {
        if !within(stage.patience, || terminal.is_at_prompt()) {
            return Err(
                stage.failure(part.blocks[0].first, &format!("the end of what runs in terminal {number}"))
            );
        }
    }
    Ok(())
}

impl Stage<'_> {
    fn play(&mut self, block: &Block) -> Result<(), String> {
        self.terminals.values_mut().for_each(Terminal::look_from_here);
        let mut at = 1;
        let mut command = String::new();
        for (line, typed) in &block.typed {
            match typed {
                Typed::Terminal(number) => at = *number,
                Typed::Command(text) => {
                    let Some(text) = self.as_here(text) else { return Ok(()) };
                    command = text;
                    let above = self.terminals.get(&at).map_or(0, Terminal::lines);
                    self.give(at, *line, &command, true)?;
                    self.wait_for_start(at, &command, above);
                }
                Typed::Line(text) => self.give(at, *line, text, false)?,
                Typed::Key(key) => self.press(at, *line, &[*key], false)?,
            }
        }
        for (terminal, seen) in self.to_see(block, at) {
            self.see(terminal, &seen, &command)?;
        }
        Ok(())
    }

    /// Nobody types on before a server listens, or a client is connected; or before it has ended. What stands
    /// in the lines above it, an earlier one has said.
    fn wait_for_start(&self, at: usize, command: &str, above: usize) {
        let terminal = &self.terminals[&at];
        let says = |text: &str| {
            terminal.printed().iter().any(|(number, line)| *number >= above && line.contains(text))
        };
        let ended = || !command.ends_with('&') && terminal.is_at_prompt();
        let numbers = command.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
        let port = numbers.into_iter().find(|port| typed::PORTS.contains(port));
        let port = port.or_else(|| self.named(&typed::USUAL_PORT.to_string()).parse().ok());
        if command.contains("-server") || command.contains("release/tcp_server") {
            within(self.patience, || port.is_some_and(is_listening) || says("listen() success") || ended());
        } else if (command.contains("-client") || command.contains("tcp_client")) && !command.ends_with('&')
        {
            within(self.patience, || says("connect(") || ended());
        }
    }

    /// A command with this run's ports and this machine's copy of the article. `None` where there is no copy.
    fn as_here(&self, command: &str) -> Option<String> {
        let command = self.named(command);
        if !command.contains("ARTICLE=") {
            return Some(command);
        }
        let article = article()?.display().to_string();
        Some(command.replace("ARTICLE=file.md", &format!("ARTICLE='{article}'")))
    }

    fn named(&self, text: &str) -> String {
        let names: Vec<(u64, &str)> =
            self.names.iter().map(|(port, name)| (*port, name.as_str())).collect();
        named(text, &names)
    }

    fn give(&mut self, at: usize, line: usize, text: &str, to_shell: bool) -> Result<(), String> {
        self.press(at, line, format!("{text}\n").as_bytes(), to_shell)
    }

    /// Types, once all that was typed before is taken.
    fn press(&mut self, at: usize, line: usize, keys: &[u8], to_shell: bool) -> Result<(), String> {
        let port = self.named(&typed::USUAL_PORT.to_string());
        self.terminals.entry(at).or_insert_with(|| Terminal::open(&port));
        self.settle();
        let terminal = &self.terminals[&at];
        let ready = within(self.patience, || terminal.is_at_prompt() == to_shell);
        if !ready {
            let who = if to_shell { "the shell's prompt" } else { "a program that runs" };
            return Err(self.failure(line, &format!("{who} in terminal {at}")));
        }
        self.terminals.get_mut(&at).expect("it is open").type_in(keys);
        Ok(())
    }

    /// Waits until every process of every terminal sleeps, and all that was typed was read.
    fn settle(&self) {
        let mut before = Vec::new();
        within(RESTLESS, || {
            let terminals = self.terminals.values();
            let processes: Vec<(u32, Option<char>)> =
                terminals.clone().flat_map(Terminal::processes).collect();
            let taken = terminals.clone().all(|terminal| terminal.unread() == 0);
            let asleep = taken && processes.iter().all(|(_, state)| matches!(state, Some('S' | 'Z')));
            let still = asleep && processes == before;
            before = if asleep { processes } else { Vec::new() };
            still
        });
    }

    /// What to look for, terminal by terminal: the traces, for a block that runs its lesson.
    fn to_see(&self, block: &Block, last: usize) -> Vec<(usize, Vec<(usize, String)>)> {
        let Some(seen) = &block.seen else {
            let traces = self.lesson.blocks().into_iter().flat_map(|trace| {
                let lines: Vec<String> = trace.text.lines().map(str::to_string).collect();
                lines.into_iter().enumerate().map(move |(index, line)| (trace.first + 1 + index, line))
            });
            return if runs_the_lesson(block) { vec![(last, traces.collect())] } else { Vec::new() };
        };
        let mut wanted = vec![(last, Vec::new())];
        for (line, seen) in seen {
            match seen {
                Seen::Terminal(number) => wanted.push((*number, Vec::new())),
                Seen::Text(text) => {
                    wanted.last_mut().expect("it has one").1.push((*line, self.named(text)))
                }
            }
        }
        wanted
    }

    /// Waits for these lines, in this order. A command that only looks is typed again.
    fn see(&mut self, at: usize, wanted: &[(usize, String)], command: &str) -> Result<(), String> {
        let looks = LOOKS.iter().any(|look| command.starts_with(look));
        let until = Instant::now() + self.patience;
        loop {
            let Some(terminal) = self.terminals.get_mut(&at) else {
                return Err(self.failure(wanted[0].0, &format!("terminal {at}")));
            };
            let again = looks && terminal.is_at_prompt();
            let mut left = wanted.iter().peekable();
            let mut last = terminal.looked_at;
            for (number, printed) in terminal.printed() {
                if left.next_if(|(_, text)| matches(text, &printed)).is_some() {
                    last = number + 1;
                }
            }
            let Some((line, text)) = left.next() else {
                terminal.looked_at = last;
                return Ok(());
            };
            if Instant::now() > until {
                return Err(self.failure(*line, text));
            }
            if again {
                std::thread::sleep(Duration::from_millis(100));
                terminal.look_from_here();
                terminal.type_in(format!("{command}\n").as_bytes());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn failure(&self, line: usize, what: &str) -> String {
        let mut text = format!("{}, line {line}: not seen: {what}\n", self.lesson.path.display());
        for (number, terminal) in &self.terminals {
            text += &format!("--- terminal {number}\n{}\n", terminal.screen().trim_end());
        }
        text
    }
}

/// What a block needs that this machine, or this user, has not.
fn lacking(block: &Block) -> Option<String> {
    let works = |command: &str| {
        let tried = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let commands = block.typed.iter().filter_map(|(_, typed)| match typed {
        Typed::Command(command) => Some(command.as_str()),
        _ => None,
    });
    let text = commands.collect::<Vec<_>>().join("\n");
    NEEDS
        .iter()
        .find(|(word, tried)| text.contains(word) && !works(tried))
        .map(|(word, tried)| format!("`{word}` is not to be had: `{tried}` fails"))
}

fn runs_the_lesson(block: &Block) -> bool {
    let runs =
        |typed: &Typed| matches!(typed, Typed::Command(command) if command.starts_with("make lesson N="));
    block.typed.iter().all(|(_, typed)| runs(typed))
}

/// Somebody else's servers of the same names, each with a client, on other ports; as another user where that can be.
struct Strangers {
    directory: PathBuf,
    _running: Vec<(Server, std::net::TcpStream)>,
}

impl Strangers {
    fn come() -> Self {
        let directory =
            std::env::temp_dir().join(format!("strangers-{}-{}", std::process::id(), free_port()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let another = unsafe { libc::getuid() == 0 };
        let running = SERVERS.map(|name| {
            // Nobody may enter the directory of another user's checkout.
            // (By another process: what this one writes to, a program started meanwhile holds open.)
            let copied = Command::new("cp").arg(program(Build::Mended, name)).arg(&directory).status();
            assert!(copied.expect("cp runs").success());
            let stranger = Launch::of(directory.join(name));
            let server = Server::launch(if another { stranger.uid(65534) } else { stranger });
            let mut client = server.connect();
            assert_eq!(said(&mut client, b"a stranger"), b"A STRANGER");
            (server, client)
        });
        Strangers { directory, _running: running.into() }
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Types these lessons, one after another on one machine. `LESSON=7` plays that one alone.
fn can_be_typed(numbers: impl RangeBounds<usize>) {
    // They name the same ports; and the last one grades.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let _turn = numbers.contains(&25).then(turn);
    let _strangers = Strangers::come();
    program(Build::AsPrinted, "tcp_server");
    let only = std::env::var("LESSON").ok().filter(|only| !only.is_empty());
    for lesson in lessons::all().into_iter().filter(|lesson| numbers.contains(&lesson.number)) {
        if only.as_ref().is_none_or(|only| *only == lesson.number.to_string()) {
            let began = Instant::now();
            play(&lesson, LONGEST).unwrap_or_else(|failure| panic!("{failure}"));
            println!("lesson {}: {:.1} s", lesson.number, began.elapsed().as_secs_f64());
        }
    }
}

#[test]
fn every_lesson_of_the_article_can_be_typed() {
    can_be_typed(..19);
}

#[test]
fn every_lesson_beyond_it_can_be_typed() {
    can_be_typed(19..25);
}

/// The last one grades nine programs, and so takes as long as all others.
#[test]
fn the_last_lesson_can_be_typed() {
    can_be_typed(25..);
}

fn page(text: &str) -> Lesson {
    let text = format!("# 99. Well?\n## Try\n{text}");
    Lesson { number: 99, path: PathBuf::from("99-page.md"), question: "Well?".to_string(), text }
}

/// What a page promises and the screen does not show is found: no line, a line elsewhere, a program that goes on.
#[test]
fn what_is_not_seen_is_said() {
    for (text, failure) in [
        ("```sh\necho one\n```\n```seen\none\n```\n", None),
        ("```sh\necho two\n```\n```seen\none\n```\n", Some("line 7: not seen: one")),
        ("```sh\necho one; echo two\n```\n```seen\ntwo\none\n```\n", Some("line 8: not seen: one")),
        (
            "```sh\ncat\n> one\n^D\n# terminal 2\necho two\n```\n```seen\ntwo\n# terminal 1\none\n```\n",
            None,
        ),
        // The second has not started because the first has.
        (
            "```sh\necho 'connect('; : tcp_client\nsh -c 'sleep 1; echo now connect\\(; exec sleep 9'; : tcp_client\n^C\n```\n\
             ```seen\nconnect(\nnow connect(\n```\n",
            None,
        ),
        ("```sh\necho one\n# terminal 2\ntrue\n```\n```seen\none\n```\n", Some("line 9: not seen: one")),
        ("```sh\necho one\n```\n```seen\none\n```\n```sh\ntrue\n```\n```seen\none\n```\n", Some("line 13")),
        ("```sh\nsleep 100\n```\n", Some("line 3: not seen: the end of what runs in terminal 1")),
        ("```sh\nsleep 100\nls\n```\n", Some("line 5: not seen: the shell's prompt in terminal 1")),
        ("```sh\nsleep 100\n^C\n```\n", None),
        ("```sh\ntrue\n> hello\n```\n", Some("line 5: not seen: a program that runs in terminal 1")),
    ] {
        let patience = if failure.is_some() { Duration::from_millis(500) } else { LONGEST };
        let played = play(&page(text), patience);
        match (&played, failure) {
            (Ok(()), None) => {}
            (Err(said), Some(failure)) if said.contains(failure) => {}
            _ => panic!("{text}: {played:?}"),
        }
    }
}

/// `...` stands for anything within a line, and a line of the screen may hold more.
#[test]
fn dots_stand_for_anything() {
    assert!(matches("accept(3, ...) = 4", "[pid 7] accept(3, {sa_family=AF_INET}, [16]) = 4"));
    assert!(!matches("accept(3, ...) = 4", "accept(3, {sa_family=AF_INET}, [16]) = 5"));
    assert!(!matches("one...two", "two one"));
    assert!(matches("LISTEN 1 5", "LISTEN  1       5    127.0.0.1:8080"));
}

/// A port that is taken gives way to a free one, and one that reads the same in both byte orders to another such.
#[test]
fn a_taken_port_is_replaced() {
    let lesson =
        page("```sh\nmake run-server PORT=8130\nmake run-client PORT=7967\nnc 127.0.0.1 18080\n```\n");
    let ports = typed::parts(&lesson)[0].ports(|port| ![8130, 8131, 7967, 18080].contains(&port));
    assert_eq!((ports[&8130], ports[&7967], ports[&18080]), (8132, 8224, 18081));
    assert_eq!(ports[&41030], 18081_u16.swap_bytes());
}
