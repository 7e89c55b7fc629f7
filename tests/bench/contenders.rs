//! Who takes part: the port, the article's C++, a bare floor in C, one without a library, and Python's.

use std::path::PathBuf;
use std::process::Stdio;

use super::load;
use crate::say;
use crate::support::article;
use crate::support::programs::{Build, Launch, Running, SERVERS, eventually, free_port, program, root};
use crate::support::run::Trace;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Article,
    Port,
    PortStatic,
    Floor,
    FloorStatic,
    Raw,
    Peer,
}

/// A server that can be started.
pub struct Contender {
    pub name: String,
    /// The listing that it is, or is like: an index into [`SERVERS`].
    pub listing: usize,
    pub kind: Kind,
    /// `{port}` in a word stands for the port.
    pub command: Vec<String>,
}

impl Contender {
    fn new(name: &str, listing: usize, kind: Kind, program: PathBuf, words: &str) -> Self {
        let words = words.split(' ').map(str::to_string);
        let command = std::iter::once(program.display().to_string()).chain(words).collect();
        Contender { name: name.to_string(), listing, kind, command }
    }

    /// The port's `listing` of that build.
    pub fn port(build: Build, listing: usize) -> Self {
        let name = SERVERS[listing];
        let (kind, suffix) = match build {
            Build::Static => (Kind::PortStatic, ", static"),
            _ => (Kind::Port, ""),
        };
        Self::new(&format!("{name}{suffix}"), listing, kind, program(build, name), "{port} 127.0.0.1")
    }

    /// Version one in C, as the C compiler builds it, if there is one.
    pub fn in_c(kind: Kind) -> Option<Self> {
        let (name, built, file, flags, words) = match kind {
            Kind::Floor => ("floor: C without a log", "floor", "floor.c", "", "{port} 127.0.0.1"),
            Kind::FloorStatic => {
                ("floor, static", "floor-static", "floor.c", "-static", "{port} 127.0.0.1")
            }
            _ => ("no library, one page", "raw", "raw.c", RAW, "{port}"),
        };
        let built = root().join("target/bench").join(built);
        std::fs::create_dir_all(built.parent()?).expect("target can be written");
        let cc = Launch::of(found("cc")?).args(["-O2", "-Wall", "-o"]).arg(&built);
        let cc = cc.args(flags.split_whitespace()).arg(root().join("tests/bench").join(file));
        if cc.start().wait() != 0 {
            eprintln!("{}", say!("{name}: cc does not build it", "{name}：cc 编译不了"));
            return None;
        }
        Some(Self::new(name, 1, kind, built, words))
    }

    /// A process for each client.
    pub fn forks(&self) -> bool {
        self.listing > 0
    }

    /// Python's processes are too large to hold a thousand of them.
    pub fn holds(&self) -> bool {
        self.forks() && self.kind != Kind::Peer
    }
}

const RAW: &str = "-static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector \
                   -fno-tree-loop-distribute-patterns -Wl,-z,noseparate-code";

/// A contender that runs, its log thrown away.
pub struct Server {
    pub running: Running,
    pub port: u16,
}

impl Server {
    pub fn start(contender: &Contender, trace: Option<Trace>) -> Self {
        let port = free_port();
        let words = contender.command.iter().map(|word| word.replace("{port}", &port.to_string()));
        let words: Vec<String> = words.collect();
        // cargo's search path would have the loader look for libc in vain.
        let launch = Launch::of(&words[0]).args(&words[1..]).without_env("LD_LIBRARY_PATH");
        let launch = launch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let launch = match trace {
            Some(trace) => launch.traced(trace),
            None => launch,
        };
        let running = launch.start();
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
        let left_out =
            say!("no ARTICLE is given: its C++ is left out", "没有给出 ARTICLE：不测文章的 C++ 程序");
        eprintln!("{left_out}");
    }
    let mut all = Vec::new();
    for (listing, name) in SERVERS.into_iter().enumerate() {
        all.extend(cpp.as_ref().map(|cpp| {
            let program = article::program(cpp, false, name);
            Contender::new(&format!("{name}, C++"), listing, Kind::Article, program, "{port} 127.0.0.1")
        }));
        all.extend([Build::Mended, Build::Static].map(|build| Contender::port(build, listing)));
    }
    all.extend([Kind::Floor, Kind::FloorStatic, Kind::Raw].into_iter().filter_map(Contender::in_c));
    match found("python3") {
        Some(python) => {
            let peer = root().join("tests/bench/peer.py").display().to_string();
            let command = vec![python.display().to_string(), peer, "{port}".into()];
            all.push(Contender { name: "python3, forking".into(), listing: 1, kind: Kind::Peer, command });
        }
        None => eprintln!("{}", say!("python3 is not installed: left out", "没有安装 python3：不测它")),
    }
    all
}

/// Where a tool lies, if it is installed.
pub fn found(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(tool)).find(|path| path.is_file())
}
