//! The builds of the four programs, `make`, and a server that listens.

use std::ffi::CString;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::{connect, echo, read_rest};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::wait::wait_until;

/// The article's programs: the servers in its order, then the client.
pub const PROGRAMS: [&str; 4] = [SERVERS[0], SERVERS[1], SERVERS[2], "tcp_client"];
pub const SERVERS: [&str; 3] = ["tcp_server", "tcp_server_fork", "tcp_server_double_fork"];

/// How long a make may take that has to build on a busy machine.
pub const BUILD_TIMEOUT: Duration = Duration::from_secs(300);

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

/// Where things are built: as in the Makefile, in the checkout unless that cannot be written to.
pub fn target() -> PathBuf {
    let root_path = CString::new(root().as_os_str().as_bytes()).expect("a path has no NUL");
    let writable = unsafe { libc::access(root_path.as_ptr(), libc::W_OK) } == 0;
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(other) if !writable => root().join(other),
        _ => root().join("target"),
    }
}

/// A path as a message shows it: from the checkout where it is inside, `target/fixed`.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The path of a program. `make` builds its build the first time that one is asked for.
pub fn program(build: Build, name: &str) -> PathBuf {
    static BUILT: Mutex<[Option<PathBuf>; 3]> = Mutex::new([const { None }; 3]);
    let variables = match build {
        Build::Fixed => ["AS_PRINTED=", "STATIC="],
        Build::AsPrinted => ["AS_PRINTED=1", "STATIC="],
        Build::Static => ["AS_PRINTED=", "STATIC=1"],
    };
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = built[build as usize].get_or_insert_with(|| {
        let (status, output, errors) = run_make(&["build", "bin-directory", variables[0], variables[1]]);
        assert_eq!(status, 0, "make build {} {}: {errors}", variables[0], variables[1]);
        PathBuf::from(output.lines().last().expect("make bin-directory prints the directory"))
    });
    directory.join(name)
}

/// Held by what keeps all processors busy: one such thing at a time.
pub fn exclusive() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Variables of make, of the Makefile and of shells that must not reach the commands of the tests.
pub const MAKE_VARIABLES: &str = "AS_PRINTED ASK BASH_ENV CDPATH CLIENTS CLIENT_BIN DIR FORMAT IP LANGUAGE LIKE LISTING \
    MAKEFLAGS MAKELEVEL MAKEOVERRIDES MFLAGS MUTANTS N NO_COLOR ONLY PEERS PORT PROMPT_COMMAND QUIET RAW RECORD SECONDS SEED SERVER SERVER_BIN \
    SKIPPED STATIC TRACE VERBOSE";

/// A `make` with only these arguments, whatever the `make` that runs the tests was given.
pub fn make_command(words: &[&str]) -> Launch {
    let make = Launch::new("make").arg("--silent").args(words).directory(root());
    make.without_env(MAKE_VARIABLES).env("LC_ALL", "C")
}

/// Runs a make, which may have to build first: its status, standard output and standard error.
pub fn run_make(words: &[&str]) -> (i32, String, String) {
    let mut make = make_command(words).start();
    let status = make.wait_timeout(BUILD_TIMEOUT);
    let command = format!("make {}", words.join(" "));
    let status =
        status.unwrap_or_else(|| panic!("{command} has not ended after {} s", BUILD_TIMEOUT.as_secs()));
    wait_until(&format!("all that {command} has started ends"), || make.descendants().is_empty());
    (status, make.stdout.all().join("\n") + "\n", make.stderr.all().join("\n"))
}

/// A server that listens.
pub struct Server {
    pub running: Running,
    pub port: u16,
}

impl Server {
    /// The fixed build of `name`, on a free port.
    pub fn start(name: &str) -> Self {
        Server::launch(Launch::new(program(Build::Fixed, name)))
    }

    /// A program that is given a free port and an address as its last arguments.
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

    /// A short session, which must succeed.
    pub fn assert_serves(&self) {
        let mut client = self.connect();
        assert_eq!(echo(&mut client, b"still there?"), b"STILL THERE?", "the reply on port {}", self.port);
        client.write_all(b"quit").expect("the server reads quit");
        assert_eq!(read_rest(&mut client), b"", "the reply to quit on port {}", self.port);
    }

    /// Ends the server and its children with SIGTERM, and returns their log.
    pub fn log(mut self) -> Vec<String> {
        self.running.signal_group(libc::SIGTERM);
        self.running.wait();
        self.running.stdout.all()
    }
}
