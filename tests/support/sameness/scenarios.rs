//! The scenarios: together they enter every path of every listing, on both sides of a conversation.
//!
//! Each is played by the article's C++ and by the port; the rows that an erratum
//! changes in one scenario alone stand with it.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use super::conduct::Process;
use super::differences::Difference;
use super::errata::*;
use super::scene::*;
use crate::support::programs;

/// What a program goes through.
pub struct Scenario {
    pub name: &'static str,
    pub says: &'static str,
    /// Each of them plays it, by itself.
    pub programs: &'static [&'static str],
    pub play: fn(&mut Stage),
    /// What an erratum changes in this scenario alone.
    pub change: Option<&'static Change>,
}

const SERVERS: &[&str] = &programs::SERVERS;
const FORKING: &[&str] = &["tcp_server_fork", "tcp_server_double_fork"];
const ONE_PROCESS: &[&str] = &["tcp_server"];
const DOUBLE_FORK: &[&str] = &["tcp_server_double_fork"];
const CLIENT: &[&str] = &["tcp_client"];

const fn scenario(
    name: &'static str,
    says: &'static str,
    programs: &'static [&'static str],
    play: fn(&mut Stage),
) -> Scenario {
    Scenario { name, says, programs, play, change: None }
}

impl Scenario {
    const fn but(self, change: &'static Change) -> Self {
        Scenario { change: Some(change), ..self }
    }
}

/// All of them. A name stands once for a program.
pub const SCENARIOS: &[Scenario] = &[
    // main and Usage
    scenario("no-words", "A server is given neither port nor address.", SERVERS, |stage| {
        stage.start(&[]);
        stage.ends_itself();
    }),
    scenario("three-words", "A server is given a word too many.", SERVERS, |stage| {
        stage.start(&["8080", "127.0.0.1", "more"]);
        stage.ends_itself();
    }),
    scenario(
        "any-address",
        "A server without an address listens on all; a client comes, and goes.",
        SERVERS,
        |stage| {
            let port = stage.port.to_string();
            stage.start(&[&port]);
            stage.hear("listen() success");
            drop(stage.client());
            stage.hear("Service close");
            stage.ends();
        },
    ),
    scenario("bad-port", "A server's port is one that does not fit 16 bits.", SERVERS, |stage| {
        let port = (0x10000 + u32::from(stage.port)).to_string();
        stage.start(&[&port, "127.0.0.1"]);
        ends_as_it_takes_its_words(stage);
    })
    .but(&BAD_PORT),
    scenario("bad-address", "A server's address is none.", SERVERS, |stage| {
        let port = stage.port.to_string();
        stage.start(&[&port, "999.1.1.1"]);
        ends_as_it_takes_its_words(stage);
    })
    .but(&BAD_ADDRESS),
    // Init
    scenario("no-socket", "socket() fails.", SERVERS, |stage| {
        stage.fault("socket:error=EMFILE:when=1");
        stage.start(&["8080", "127.0.0.1"]);
        stage.ends_itself();
    }),
    scenario("port-taken", "bind() fails: the port is taken.", SERVERS, |stage| {
        let _taken = stage.peer();
        let port = stage.port.to_string();
        stage.start(&[&port, "127.0.0.1"]);
        stage.ends_itself();
    }),
    scenario("no-listen", "listen() fails.", SERVERS, |stage| {
        stage.fault("listen:error=EADDRINUSE:when=1");
        let port = stage.port.to_string();
        stage.start(&[&port, "127.0.0.1"]);
        stage.ends_itself();
    }),
    // start
    scenario("accept-fails", "accept() fails once; the next client is served.", SERVERS, |stage| {
        stage.fault("accept:error=ECONNABORTED:when=1");
        stage.listen();
        let mut client = stage.client();
        says(&mut client, b"hello");
        drop(client);
        stage.hear("Service close");
        stage.ends();
    }),
    scenario(
        "accept-fails-on",
        "accept() fails three times; the next client is served.",
        SERVERS,
        |stage| {
            stage.fault("accept:error=EMFILE:when=1..3");
            stage.listen();
            drop(stage.client());
            stage.hear("Service close");
            stage.ends();
        },
    )
    .but(&ACCEPT_FAILS_ON),
    scenario("two-in-turn", "One client after another.", SERVERS, |stage| {
        stage.listen();
        for turn in 1..=stage.lives_to_see(2) {
            let mut client = stage.client();
            says(&mut client, b"hello");
            sends(&mut client, b"quit");
            is_left(&mut client);
            stage.hear_times("Service close", turn);
        }
        stage.ends();
    }),
    scenario("two-at-once", "Two clients at once: the second waits for the first.", ONE_PROCESS, |stage| {
        stage.listen();
        let mut one = stage.client();
        says(&mut one, b"one");
        let mut two = stage.client();
        sends(&mut two, b"two");
        says(&mut one, b"still one");
        drop(one);
        takes(&mut two, 3);
        drop(two);
        stage.hear_times("Service close", 2);
        stage.ends();
    }),
    scenario("two-at-once", "Two clients at once, each served by its own process.", FORKING, |stage| {
        stage.listen();
        let mut one = stage.client();
        says(&mut one, b"one");
        let two = (stage.lives_to_see(2) == 2).then(|| {
            let mut two = stage.client();
            says(&mut two, b"two");
            two
        });
        says(&mut one, b"still one");
        drop(one);
        stage.hear_times("Service close", 1);
        if let Some(mut two) = two {
            says(&mut two, b"still two");
            drop(two);
            stage.hear_times("Service close", 2);
        }
        stage.ends();
    }),
    scenario("no-fork", "fork() fails.", FORKING, |stage| {
        stage.fault("clone,clone3,fork,vfork:error=EAGAIN:when=1");
        stage.listen();
        is_left(&mut stage.client());
        stage.ends();
    })
    .but(&NO_FORK),
    scenario("no-grandchild", "The child's fork() fails.", DOUBLE_FORK, |stage| {
        stage.fault_of_children("clone,clone3,fork,vfork:error=EAGAIN:when=1");
        stage.listen();
        let mut client = stage.client();
        sends(&mut client, b"hello");
        closes_half(&client);
        is_left(&mut client);
        stage.ends();
    })
    .but(&NO_GRANDCHILD),
    scenario("no-waitpid", "waitpid() fails.", DOUBLE_FORK, |stage| {
        stage.fault("wait4:error=ECHILD:when=1");
        stage.listen();
        let mut client = stage.client();
        says(&mut client, b"hello");
        drop(client);
        stage.hear("Service close");
        stage.ends_with(1);
    })
    .but(&NO_WAITPID),
    scenario("waitpid-interrupted", "A signal interrupts waitpid().", DOUBLE_FORK, |stage| {
        stage.fault("wait4:error=EINTR:when=1");
        stage.listen();
        let mut client = stage.client();
        says(&mut client, b"hello");
        drop(client);
        stage.hear("Service close");
        stage.ends();
    })
    .but(&WAITPID_INTERRUPTED),
    // to_upper
    scenario("messages", "A client says this and that, then quit.", SERVERS, |stage| {
        stage.listen();
        let mut client = stage.client();
        for words in ["hello", "Hello, World! 123", "h\u{e9}llo \u{4f60}\u{597d}", "quite", " quit"] {
            says(&mut client, words.as_bytes());
        }
        sends(&mut client, b"quit");
        is_left(&mut client);
        stage.hear("Service close");
        stage.ends();
    }),
    scenario("quit", "A client quits in another case.", SERVERS, |stage| {
        stage.listen();
        let mut client = stage.client();
        sends(&mut client, b"QuIt");
        is_left(&mut client);
        stage.hear("Service close");
        stage.ends();
    }),
    scenario("half-close", "A client says its last words and closes its half.", SERVERS, |stage| {
        stage.listen();
        let mut client = stage.client();
        sends(&mut client, b"last words");
        closes_half(&client);
        is_left(&mut client);
        stage.hear("Service close");
        stage.ends();
    }),
    scenario("reset", "A client resets its connection: read() fails.", SERVERS, |stage| {
        stage.listen();
        let mut client = stage.client();
        says(&mut client, b"hello");
        resets(client);
        stage.hear("Service close");
        stage.ends();
    }),
    scenario("no-user", "USER is not set.", SERVERS, |stage| {
        stage.without_user();
        stage.listen();
        let mut client = stage.client();
        says(&mut client, b"who am i?");
        drop(client);
        stage.hear("Service close");
        stage.ends();
    }),
    scenario(
        "full-buffer",
        "A message fills the buffer, the next is longer, the log cuts both.",
        SERVERS,
        |stage| {
            stage.listen();
            let mut client = stage.client();
            says(&mut client, &[b'a'; 1023]);
            says(&mut client, &[b'b'; 1500]);
            drop(client);
            stage.hear("Service close");
            stage.ends();
        },
    ),
    scenario(
        "control-bytes",
        "A message holds control bytes, and is one forged line of log more.",
        SERVERS,
        |stage| {
            stage.listen();
            let mut client = stage.client();
            says(&mut client, b"one\ntwo\t\x1b[31mred\x7f \xff\xc3");
            drop(client);
            stage.hear("Service close");
            stage.ends();
        },
    ),
    scenario("nul-within", "A NUL stands within a message.", SERVERS, |stage| {
        stage.listen();
        let mut client = stage.client();
        sends(&mut client, b"hello\0world");
        closes_half(&client);
        is_left(&mut client);
        stage.hear("Service close");
        stage.ends();
    })
    .but(&NUL_WITHIN),
    scenario("nul-first", "A message begins with a NUL.", SERVERS, |stage| {
        stage.listen();
        let mut client = stage.client();
        sends(&mut client, b"\0hello");
        closes_half(&client);
        is_left(&mut client);
        stage.hear("Service close");
        stage.ends();
    })
    .but(&NUL_FIRST),
    scenario(
        "no-write",
        "A client has reset its connection before it is answered: write() fails.",
        SERVERS,
        |stage| {
            stage.listen();
            stage.meanwhile(|| {
                let mut client = stage.client();
                sends(&mut client, b"hello");
                resets(client);
            });
            stage.hear("Service close");
            stage.ends();
        },
    )
    .but(&SERVER_CANNOT_WRITE),
    scenario(
        "sigpipe",
        "As no-write, but the server has two answers to write.",
        ONE_PROCESS,
        answered_twice,
    )
    .but(&SIGPIPE_IN_SERVER),
    scenario("sigpipe", "As no-write, but the server has two answers to write.", FORKING, answered_twice)
        .but(&SIGPIPE_IN_CHILD),
    scenario(
        "restart",
        "A client quits, the server ends, and is started again at once.",
        SERVERS,
        |stage| {
            stage.listen();
            let mut client = stage.client();
            sends(&mut client, b"quit");
            is_left(&mut client);
            drop(client);
            stage.hear("Service close");
            stage.ends();
            stage.start_again();
            stage.ends();
        },
    )
    .but(&RESTART),
    // the client: main, Usage and its calls
    scenario("no-words", "The client is given neither address nor port.", CLIENT, |stage| {
        stage.start(&[]);
        stage.ends_itself();
    }),
    scenario("three-words", "The client is given a word too many.", CLIENT, |stage| {
        stage.start(&["127.0.0.1", "8080", "more"]);
        stage.ends_itself();
    }),
    scenario("no-socket", "socket() fails.", CLIENT, |stage| {
        stage.fault("socket:error=EMFILE:when=1");
        stage.start(&["127.0.0.1", "8080"]);
        stage.ends_itself();
    }),
    scenario("refused", "connect() fails: nobody listens.", CLIENT, |stage| {
        let port = stage.port.to_string();
        stage.start(&["127.0.0.1", &port]);
        stage.ends_itself();
    }),
    scenario("bad-address", "The client's address is none.", CLIENT, |stage| {
        let port = stage.port.to_string();
        stage.start(&["999.1.1.1", &port]);
        stage.ends_itself();
    })
    .but(&CLIENTS_BAD_ADDRESS),
    // the client's loop
    scenario("messages", "Two lines, then quit.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, b"hello\n");
        takes(&mut server, 5);
        sends(&mut server, b"HELLO");
        stage.types(2, "Gr\u{fc}\u{df}e, 123\n".as_bytes());
        takes(&mut server, 12);
        sends(&mut server, "GR\u{fc}\u{df}E, 123".as_bytes());
        stage.types(3, b"quit\n");
        takes(&mut server, 4);
        drop(server);
        stage.ends_itself();
    }),
    scenario("quit", "Quit in another case, which the server answers all the same.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, b"QuIt\n");
        takes(&mut server, 4);
        sends(&mut server, b"QUIT");
        stage.ends_itself();
    }),
    scenario("quit-comes", "The server's answer to hello is quit.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, b"call\n");
        takes(&mut server, 4);
        sends(&mut server, b"quit");
        stage.types(2, b"quit\n");
        takes(&mut server, 4);
        drop(server);
        stage.ends_itself();
    }),
    scenario("empty-line", "An empty line is no message.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, b"\n");
        stage.types(2, b"quit\n");
        takes(&mut server, 4);
        drop(server);
        stage.ends_itself();
    }),
    scenario("nul-typed", "A NUL stands within a line.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, b"ab\0cd\n");
        takes(&mut server, 5);
        sends(&mut server, b"AB\0CD");
        stage.types(2, b"quit\n");
        takes(&mut server, 4);
        drop(server);
        stage.ends_itself();
    }),
    scenario("fits", "A line as long as one answer can be.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, &[&[b'a'; 1023][..], b"\n"].concat());
        takes(&mut server, 1023);
        sends(&mut server, &[b'A'; 1023]);
        stage.types(2, b"quit\n");
        takes(&mut server, 4);
        drop(server);
        stage.ends_itself();
    }),
    scenario("long-line", "A line longer than one answer can be.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, &[&[b'a'; 1500][..], b"\n"].concat());
        let pieces: &[usize] = if stage.is_mended_port() { &[1023, 477] } else { &[1500] };
        for piece in pieces {
            takes(&mut server, *piece);
            sends(&mut server, &vec![b'A'; *piece]);
        }
        stage.types(2, b"quit\n");
        takes(&mut server, 4);
        drop(server);
        stage.ends_itself();
    })
    .but(&LONG_LINE),
    scenario("unended-line", "The input ends within a line.", CLIENT, |stage| {
        let mut server = stage.called();
        stage.types(1, b"quit");
        stage.ends_input(1);
        takes(&mut server, 4);
        drop(server);
        stage.ends_itself();
    }),
    scenario("end-of-input", "The input ends.", CLIENT, |stage| {
        let _server = stage.called();
        stage.ends_input(1);
        if stage.is_mended_port() {
            stage.ends_itself();
        } else {
            stage.hear_times("Please enter", 8);
            stage.cut_short();
        }
    })
    .but(&END_OF_INPUT),
    scenario(
        "server-gone",
        "The server closes instead of answering, and the client goes on.",
        CLIENT,
        |stage| {
            let mut server = stage.called();
            stage.types(1, b"hello\n");
            takes(&mut server, 5);
            closes_half(&server);
            if !stage.is_mended_port() {
                stage.types(2, b"quit\n");
            }
            stage.ends_itself();
        },
    )
    .but(&SERVER_GONE),
    scenario(
        "server-resets",
        "The server resets the connection instead of answering: read() fails.",
        CLIENT,
        |stage| {
            let mut server = stage.called();
            stage.types(1, b"hello\n");
            takes(&mut server, 5);
            resets(server);
            if !stage.is_mended_port() {
                stage.types(2, b"quit\n");
            }
            stage.ends_itself();
        },
    )
    .but(&SERVER_RESETS),
    scenario(
        "no-write",
        "The server has reset the connection before a line is sent: write() fails.",
        CLIENT,
        |stage| {
            let server = stage.called();
            stage.hear("Please enter");
            resets(server);
            stage.types(1, b"hello\n");
            stage.ends_itself();
        },
    )
    .but(&CLIENT_CANNOT_WRITE),
    // both at once
    scenario(
        "conversation",
        "The server and the client, both watched: hello, World, quit.",
        SERVERS,
        |stage| {
            stage.listen();
            stage.call();
            stage.types(1, b"hello\n");
            stage.types(2, b"World\n");
            stage.types(3, b"quit\n");
            stage.ends_itself();
            stage.server_says("Service close", 1);
            stage.ends();
        },
    ),
];

fn ends_as_it_takes_its_words(stage: &mut Stage) {
    if !stage.is_mended_port() {
        stage.hear("listen() success");
    }
    stage.ends();
}

fn answered_twice(stage: &mut Stage) {
    stage.listen();
    stage.meanwhile(|| {
        let mut client = stage.client();
        sends(&mut client, &[b'a'; 1028]);
        resets(client);
    });
    stage.hear_times("to_upper after", 1);
    stage.ends();
}

/// A scenario as one program plays it.
#[derive(Clone, Copy)]
pub struct Part {
    pub scenario: &'static Scenario,
    pub program: &'static str,
}

/// All parts, program by program.
pub fn parts() -> Vec<Part> {
    let mut parts = Vec::new();
    for program in SERVERS.iter().chain(CLIENT) {
        for scenario in SCENARIOS {
            if scenario.programs.contains(program) {
                parts.push(Part { scenario, program });
            }
        }
    }
    parts
}

impl Part {
    /// What an erratum changes in this part alone.
    pub fn difference(&self) -> Option<Difference> {
        let change = self.scenario.change?;
        Some(change.in_program(self.program))
    }

    /// What the processes of a cast do in it.
    pub fn play(&self, cast: Cast) -> Vec<Process> {
        let mut stage = Stage::new(cast, self.program);
        (self.scenario.play)(&mut stage);
        stage.conduct()
    }
}

/// Plays parts four at a time; their results come in order. A panic names its part.
pub fn four_at_a_time<T: Send>(parts: &[Part], play: impl Fn(&Part) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Vec::new());
    let one_after_another = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(index) else { break };
            let result = std::thread::scope(|scope| {
                let named = Builder::new().name(part.to_string());
                let playing = named.spawn_scoped(scope, || play(part));
                playing.expect("a thread starts").join()
            });
            let result = result.unwrap_or_else(|panic| resume_unwind(panic));
            played.lock().expect("nobody panics with it").push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(one_after_another);
        }
    });
    let mut played = played.into_inner().expect("nobody panics with it");
    played.sort_by_key(|(index, _)| *index);
    played.into_iter().map(|(_, result)| result).collect()
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}, {}", self.program, self.scenario.name)
    }
}
