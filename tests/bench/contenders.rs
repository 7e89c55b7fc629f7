//! Who takes part: the port, the article's C++, a bare floor in C, and the usual tools.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::load;
use crate::support::article;
use crate::support::programs::{Build, Running, SERVERS, eventually, free_port, program, root};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Article,
    Port,
    PortStatic,
    Floor,
    FloorStatic,
    Peer,
}

/// A server that can be started.
pub struct Contender {
    pub name: String,
    /// The listing that it is, or is like: an index into [`SERVERS`].
    pub listing: usize,
    pub kind: Kind,
    /// `PORT` in a word stands for the port.
    pub command: Vec<String>,
}

impl Contender {
    /// A process for each client.
    pub fn forks(&self) -> bool {
        self.listing > 0
    }

    /// The peers have processes too large to hold hundreds of them.
    pub fn holds(&self, idle: usize) -> bool {
        self.forks() && (self.kind != Kind::Peer || idle <= 100)
    }

    /// Bytes of its executable, where it is one.
    pub fn size(&self) -> Option<u64> {
        let own = self.kind != Kind::Peer;
        own.then(|| std::fs::metadata(&self.command[0]).expect("it was built").len())
    }
}

/// A contender that runs, its log thrown away.
pub struct Server {
    pub running: Running,
    pub port: u16,
}

impl Server {
    pub fn start(command: &[String]) -> Self {
        let port = free_port();
        let command = command.iter().map(|word| word.replace("PORT", &port.to_string()));
        let mut shell = Command::new("sh");
        // cargo's, which would have the loader search for libc.
        shell.env_remove("LD_LIBRARY_PATH");
        shell.args(["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1 </dev/null"]);
        // A bench that is interrupted leaves no server behind.
        let end_with_us = || match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        };
        unsafe { shell.pre_exec(end_with_us) };
        let running = Running::start(shell.args(command));
        eventually("the server serves", || load::conversation(port, 1).is_ok());
        Server { running, port }
    }

    /// The process group of the server and its children, by its own number.
    pub fn group(&self) -> u32 {
        self.running.pid()
    }
}

/// All that can take part here. What is left out is said on standard error.
pub fn all() -> Vec<Contender> {
    let cpp = article::article();
    if cpp.is_none() {
        eprintln!("no ARTICLE is given: the article's C++ is left out");
    }
    let mut all = Vec::new();
    let mut add = |name: String, listing, kind, command| {
        all.push(Contender { name, listing, kind, command });
    };
    for (listing, name) in SERVERS.into_iter().enumerate() {
        let command = |path: PathBuf| words(&path.display().to_string(), "PORT 127.0.0.1");
        if let Some(cpp) = &cpp {
            let path = article::program(cpp, false, name);
            add(format!("{name}, C++"), listing, Kind::Article, command(path));
        }
        add(name.to_string(), listing, Kind::Port, command(program(Build::Mended, name)));
        let path = program(Build::Static, name);
        add(format!("{name}, static"), listing, Kind::PortStatic, command(path));
    }
    let forking = 1;
    let floor = floor("floor", &[]);
    let upper = floor.as_deref().map(Path::display);
    if let Some(upper) = &upper {
        add(
            "floor: C without a log".into(),
            forking,
            Kind::Floor,
            words(&upper.to_string(), "PORT 127.0.0.1"),
        );
    }
    if let Some(path) = self::floor("floor-static", &["-static"]) {
        let command = words(&path.display().to_string(), "PORT 127.0.0.1");
        add("floor, static".into(), forking, Kind::FloorStatic, command);
    }
    // What starts a program for each client starts the floor's.
    if let Some(upper) = &upper {
        let socat = format!("TCP-LISTEN:PORT,bind=127.0.0.1,reuseaddr,fork EXEC:{upper}");
        let ncat = format!("-l -k -m 2000 127.0.0.1 PORT --exec {upper}");
        let tcpserver = format!("-HRl0 -c 2000 127.0.0.1 PORT {upper}");
        for (tool, arguments) in [("socat", socat), ("ncat", ncat), ("tcpserver", tcpserver)] {
            if let Some(path) = found(tool) {
                add(tool.into(), forking, Kind::Peer, words(&path, &arguments));
            }
        }
    }
    if let Some(path) = found("python3") {
        let command = vec![path, "-c".into(), PYTHON.into()];
        add("python3, forking".into(), forking, Kind::Peer, command);
    }
    all
}

fn words(first: &str, rest: &str) -> Vec<String> {
    let rest = rest.split(' ').map(str::to_string);
    std::iter::once(first.to_string()).chain(rest).collect()
}

/// The bare floor, built with the C compiler if there is one.
fn floor(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let path = root().join("target/bench").join(name);
    std::fs::create_dir_all(path.parent()?).expect("target can be written");
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-o"]).arg(&path).args(flags);
    let built = cc.arg(root().join("tests/bench/floor.c")).status();
    if built.is_ok_and(|status| status.success()) {
        return Some(path);
    }
    eprintln!("no {name}: there is no C compiler that builds it");
    None
}

/// Where a tool lies, if it is installed.
fn found(tool: &str) -> Option<String> {
    let asked = match tool {
        // Behind the name there may be a script that looks for the real one.
        "python3" => Command::new(tool).args(["-c", "import sys; print(sys.executable)"]).output(),
        _ => Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output(),
    };
    let path = asked.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    let path = path.filter(|path| !path.is_empty());
    if path.is_none() {
        eprintln!("{tool} is not installed: it is left out");
    }
    path
}

const PYTHON: &str = r#"
import socketserver

class ToUpper(socketserver.BaseRequestHandler):
    def handle(self):
        while True:
            message = self.request.recv(1023)
            if not message or message.lower() == b"quit":
                break
            self.request.sendall(message.upper())

class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    max_children = 2000

Server(("127.0.0.1", PORT), ToUpper).serve_forever()
"#;
