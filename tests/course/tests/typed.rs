//! What a lesson tells a student to type is typed, in real shells on real terminals, and what it says will be seen is seen.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::ops::RangeBounds;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::article::article;
use crate::course::lessons::{self, Lesson};
use crate::course::shell::Terminal;
use crate::course::stage::substituted;
use crate::course::transcript::{self, Block, Line, USUAL_PORT, matches, ports};
use crate::harness::builds::{Build, SERVERS, Server, program};
use crate::harness::net::ports::{is_listening, is_unused};
use crate::harness::net::test_client::echo;
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::wait_at_most;
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;

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
    /// The ports that are taken in place of those of the page.
    ports: Vec<(u16, String)>,
    terminals: BTreeMap<usize, Terminal>,
}

/// Types a whole lesson. What was looked for and not seen, with the screens.
fn play(lesson: &Lesson, patience: Duration) -> Result<(), String> {
    transcript::parts(lesson).iter().try_for_each(|blocks| play_part(lesson, blocks, patience))
}

/// Types what stands under one heading; its terminals begin and end with it.
fn play_part(lesson: &Lesson, blocks: &[Block], patience: Duration) -> Result<(), String> {
    // Another copy of this test sees what is held, and takes others.
    let mut held = Vec::new();
    let mut hold =
        |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).map(|socket| held.push(socket)).is_ok();
    let ports = transcript::free_ports(blocks, |port| is_unused(port) && hold(port));
    let mut stage = Stage { lesson, patience, ports, terminals: BTreeMap::new() };
    for block in blocks {
        // What comes behind it in this part goes on with it.
        if let Some(why) = lacking(block) {
            skip(&format!("lesson {}, line {}: {why}", lesson.number, block.first));
            return Ok(());
        }
        stage.play(block)?;
    }
    let mut terminals = stage.terminals.iter();
    match terminals.find(|(_, terminal)| !wait_at_most(patience, || terminal.is_at_prompt())) {
        None => Ok(()),
        Some((at, _)) => {
            Err(stage.failure(blocks[0].first, &format!("the end of what runs in terminal {at}")))
        }
    }
}

impl Stage<'_> {
    fn play(&mut self, block: &Block) -> Result<(), String> {
        self.terminals.values_mut().for_each(Terminal::look_from_here);
        let mut command = String::new();
        for line in &block.typed {
            if let Some(keys) = line.keys() {
                self.press(line, &keys, false)?;
                continue;
            }
            let Some(here) = self.as_here(&line.text) else { return Ok(()) };
            command = here;
            self.press(line, &format!("{command}\n"), true)?;
            self.wait_for_start(line.terminal, &command);
        }
        let mut terminals = block.seen.chunk_by(|one, next| one.terminal == next.terminal);
        terminals.try_for_each(|lines| self.see(lines, &command))
    }

    /// Nobody types on before a server listens, or a client is connected; or before it has ended.
    fn wait_for_start(&self, at: usize, command: &str) {
        let terminal = &self.terminals[&at];
        let says = |what: &str| terminal.since_prompt().contains(what);
        let in_front = !command.ends_with('&');
        let ended = || in_front && terminal.is_at_prompt();
        let port = ports(command).next().or_else(|| self.usual_port().parse().ok());
        if command.contains("-server") || command.contains("release/tcp_server") {
            let listens = || port.is_some_and(is_listening) || says("listen() success");
            wait_at_most(self.patience, || listens() || ended());
        } else if in_front && (command.contains("-client") || command.contains("tcp_client")) {
            wait_at_most(self.patience, || says("connect(") || ended());
        }
    }

    /// A command with this run's ports and this machine's copy of the article. `None` where there is no copy.
    fn as_here(&self, command: &str) -> Option<String> {
        let command = substituted(command, &self.ports);
        if !command.contains("ARTICLE=") {
            return Some(command);
        }
        Some(command.replace("ARTICLE=file.md", &format!("ARTICLE='{}'", article()?.display())))
    }

    fn usual_port(&self) -> String {
        substituted(&USUAL_PORT.to_string(), &self.ports)
    }

    /// Types, once all that was typed before is taken.
    fn press(&mut self, line: &Line, keys: &str, to_shell: bool) -> Result<(), String> {
        let (at, port) = (line.terminal, self.usual_port());
        self.terminals.entry(at).or_insert_with(|| Terminal::open(&port));
        self.settle();
        let terminal = self.terminals.get_mut(&at).expect("it is open");
        if wait_at_most(self.patience, || terminal.is_at_prompt() == to_shell) {
            terminal.type_in(keys);
            return Ok(());
        }
        let who = if to_shell { "the shell's prompt" } else { "a program that runs" };
        Err(self.failure(line.number, &format!("{who} in terminal {at}")))
    }

    /// Waits until every process of every terminal sleeps, and all that was typed was read.
    fn settle(&self) {
        let mut before = Vec::new();
        wait_at_most(RESTLESS, || {
            let terminals = self.terminals.values();
            let processes: Vec<_> = terminals.clone().flat_map(Terminal::processes).collect();
            let taken = terminals.clone().all(|terminal| terminal.unread() == 0);
            let asleep = taken && processes.iter().all(|(_, state)| matches!(state, Some('S' | 'Z')));
            let still = asleep && processes == before;
            before = if asleep { processes } else { Vec::new() };
            still
        });
    }

    /// Waits for these lines of one terminal, in this order. A command that only looks is typed again.
    fn see(&mut self, wanted: &[Line], command: &str) -> Result<(), String> {
        let at = wanted[0].terminal;
        // What a lesson runs has names for its ports.
        let ports = if command.starts_with("make lesson ") { &[] } else { &self.ports[..] };
        let texts: Vec<String> = wanted.iter().map(|line| substituted(&line.text, ports)).collect();
        let looks = LOOKS.iter().any(|look| command.starts_with(look));
        let Some(terminal) = self.terminals.get_mut(&at) else {
            return Err(self.failure(wanted[0].number, &format!("terminal {at}")));
        };
        let mut found = 0;
        let all_are_seen = wait_at_most(self.patience, || {
            let again = looks && terminal.is_at_prompt();
            let mut next = terminal.looked_at;
            found = 0;
            for (number, printed) in terminal.printed() {
                if texts.get(found).is_some_and(|text| matches(text, &printed)) {
                    (found, next) = (found + 1, number + 1);
                }
            }
            if found == texts.len() {
                terminal.looked_at = next;
            } else if again {
                std::thread::sleep(Duration::from_millis(100));
                terminal.look_from_here();
                terminal.type_in(&format!("{command}\n"));
            }
            found == texts.len()
        });
        if all_are_seen { Ok(()) } else { Err(self.failure(wanted[found].number, &texts[found])) }
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
    let commands = block.commands();
    let (word, tried) = NEEDS.iter().find(|(word, tried)| commands.contains(word) && !works(tried))?;
    Some(format!("`{word}` is not to be had: `{tried}` fails"))
}

/// Somebody else's servers of the same names, each with a client, on other ports; as another user where that can be.
fn strangers() -> [(Server, TcpStream); 3] {
    let root = unsafe { libc::getuid() == 0 };
    let directory = TempDir::empty();
    let come = |name| {
        // Nobody may enter the directory of another user's checkout.
        // (By another process: what this one writes to, a program started meanwhile holds open.)
        let copied = Command::new("cp").arg(program(Build::Fixed, name)).arg(&*directory).status();
        assert!(copied.expect("cp runs").success());
        let stranger = Launch::new(directory.join(name));
        let server = Server::launch(if root { stranger.uid(65534) } else { stranger });
        let mut client = server.connect();
        assert_eq!(echo(&mut client, b"a stranger"), b"A STRANGER");
        (server, client)
    };
    SERVERS.map(come)
}

/// Types these lessons, one after another on one machine. `LESSON=7` plays that one alone.
fn can_be_typed(numbers: impl RangeBounds<usize>) {
    // They name the same ports.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let _strangers = strangers();
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

/// A page with blocks of what is typed and seen.
fn page(blocks: &[(&str, &str)]) -> Lesson {
    let mut text = "# 99. Well?\n## Try".to_string();
    for (typed, seen) in blocks {
        text += &format!("\n```sh\n{typed}\n```");
        if !seen.is_empty() {
            text += &format!("\n```seen\n{seen}\n```");
        }
    }
    Lesson { number: 99, path: PathBuf::from("99-page.md"), question: "Well?".to_string(), text }
}

/// What a page promises and the screen does not show is found: no line, a line elsewhere, a program that goes on.
/// `...` stands for anything within a line, and a line of the screen may hold more.
#[test]
fn what_is_not_seen_is_said() {
    for (blocks, failure) in [
        (&[("echo one", "one")][..], None),
        (&[("echo two", "one")], Some("line 7: not seen: one")),
        (&[("echo one; echo two", "two\none")], Some("line 8: not seen: one")),
        (&[("cat\n> one\n^D\n# terminal 2\necho two", "two\n# terminal 1\none")], None),
        (&[("echo one\n# terminal 2\ntrue", "one")], Some("line 9: not seen: one")),
        (&[("echo one", "one"), ("true", "one")], Some("line 13: not seen: one")),
        // The second has not started because the first has.
        (
            &[(
                "echo 'connect('; : tcp_client\nsh -c 'sleep 1; echo now connect\\(; exec sleep 9'; : tcp_client\n^C",
                "connect(\nnow connect(",
            )],
            None,
        ),
        (&[("echo 'one  two three'", "ne two...ree")], None),
        (&[("echo one two", "two...one")], Some("line 7: not seen: two...one")),
        (&[("sleep 100", "")], Some("line 3: not seen: the end of what runs in terminal 1")),
        (&[("sleep 100\nls", "")], Some("line 5: not seen: the shell's prompt in terminal 1")),
        (&[("sleep 100\n^C", "")], None),
        (&[("true\n> hello", "")], Some("line 5: not seen: a program that runs in terminal 1")),
    ] {
        let patience = if failure.is_some() { Duration::from_millis(500) } else { LONGEST };
        let played = play(&page(blocks), patience);
        match (&played, failure) {
            (Ok(()), None) => {}
            (Err(said), Some(failure)) if said.contains(failure) => {}
            _ => panic!("{blocks:?}: {played:?}"),
        }
    }
}

/// A port that is taken gives way to a free one, and one that reads the same in both byte orders to another such.
#[test]
fn a_taken_port_is_replaced() {
    let typed = "make run-server PORT=8130\nmake run-client PORT=7967\nnc 127.0.0.1 18080";
    let parts = transcript::parts(&page(&[(typed, "")]));
    let ports = transcript::free_ports(&parts[0], |port| ![8130, 8131, 7967, 18080].contains(&port));
    for (port, given) in [(8130, 8132), (7967, 8224), (18080, 18081), (41030, 18081_u16.swap_bytes())] {
        assert!(ports.contains(&(port, given.to_string())), "{port}: {ports:?}");
    }
}
