//! The four programs: building them, and a server that listens.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::{connect, echo, read_rest};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::wait::{TIMEOUT, wait_until};

/// The article's programs, in its order but that the client is the last.
pub const PROGRAMS: [&str; 4] = [SERVERS[0], SERVERS[1], SERVERS[2], "tcp_client"];
pub const SERVERS: [&str; 3] = ["tcp_server", "tcp_server_fork", "tcp_server_double_fork"];

/// One of the builds that `make` knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Build {
    Fixed,
    AsPrinted,
    Static,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of a build, built by `make` the first time that one is asked for, one build at a time.
pub fn program(build: Build, name: &str) -> PathBuf {
    static BUILT: Mutex<[Option<PathBuf>; 3]> = Mutex::new([const { None }; 3]);
    let variables = match build {
        Build::Fixed => ["AS_PRINTED=", "STATIC="],
        Build::AsPrinted => ["AS_PRINTED=1", "STATIC="],
        Build::Static => ["AS_PRINTED=", "STATIC=1"],
    };
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = built[build as usize].get_or_insert_with(|| {
        let (status, said, why) = run_make(&["build", "bin-directory", variables[0], variables[1]]);
        assert_eq!(status, 0, "{why}");
        PathBuf::from(said.lines().last().expect("make names the directory"))
    });
    directory.join(name)
}

/// What keeps both processors busy by itself takes turns.
pub fn exclusive() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Variables that mean something to make, to the Makefile or to a shell, and are to mean nothing to those of the tests.
pub const MAKE_VARIABLES: &str = "AS_PRINTED ASK BASH_ENV CDPATH CLIENTS CLIENT_BIN DIR FORMAT IP LANGUAGE LIKE LISTING \
    MAKEFLAGS MAKELEVEL MAKEOVERRIDES MFLAGS N NO_COLOR ONLY PEERS PORT PROMPT_COMMAND QUIET RAW RECORD SERVER SERVER_BIN \
    SKIPPED STATIC TRACE VERBOSE";

/// A `make` that was told nothing but `words`, by whatever make runs the tests.
pub fn make_command(words: &[&str]) -> Launch {
    let make = Launch::new("make").arg("--silent").args(words).directory(root());
    make.without_env(MAKE_VARIABLES).env("LC_ALL", "C")
}

/// The end of a make, which may have to build first, and of all that it has started: its status, and both streams.
pub fn run_make(words: &[&str]) -> (i32, String, String) {
    let mut make = make_command(words).start();
    let status = make.wait_timeout(15 * TIMEOUT).expect("it ends");
    wait_until("nothing of it is left", || make.descendants().is_empty());
    (status, make.stdout.all().join("\n") + "\n", make.stderr.all().join("\n"))
}

/// A server that listens.
pub struct Server {
    pub running: Running,
    pub port: u16,
}

impl Server {
    /// The mended build of `name`, on a free port.
    pub fn start(name: &str) -> Self {
        Server::launch(Launch::new(program(Build::Fixed, name)))
    }

    /// What is a server once a port and an address stand behind it.
    pub fn launch(program: Launch) -> Self {
        let port = free_port();
        let mut running = program.arg(port.to_string()).arg("127.0.0.1").start();
        running.wait_until_listening(port).unwrap_or_else(|why| panic!("{why}"));
        Server { running, port }
    }

    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    pub fn connect(&self) -> TcpStream {
        connect(self.port)
    }

    /// A short conversation, which must succeed.
    pub fn assert_serves(&self) {
        let mut client = self.connect();
        assert_eq!(echo(&mut client, b"still there?"), b"STILL THERE?");
        client.write_all(b"quit").expect("quit is sent");
        assert_eq!(read_rest(&mut client), b"");
    }

    /// Ends the server and its children with SIGTERM, and returns their log.
    pub fn log(mut self) -> Vec<String> {
        unsafe { libc::kill(-(self.pid() as i32), libc::SIGTERM) };
        self.running.wait();
        self.running.stdout.all()
    }
}
