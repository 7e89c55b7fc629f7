//! The servers that are measured: the port, the article's C++, a baseline in C, and one without a C library.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::harness::builds::{Build, PROGRAMS, SERVERS, Server, program, root, target};
use crate::harness::process::launch::{Launch, Trace};
use crate::{article, say};

/// The names of the subjects written in C.
pub const BASELINE: &str = "baseline: C without a log";
pub const BASELINE_STATIC: &str = "baseline, static";
pub const RAW: &str = "no library, one page";
/// What a server that forks can't do without.
pub const FORK: &str = "only fork and exit, C";
pub const FORK_STATIC: &str = "only fork and exit, static";

const RAW_FLAGS: &str = "-static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector \
                         -fno-tree-loop-distribute-patterns -Wl,-z,noseparate-code";

/// A server that can be started.
pub struct BenchSubject {
    pub name: String,
    /// The listing that it is, or resembles: an index into [`PROGRAMS`].
    pub listing: usize,
    program: PathBuf,
}

impl BenchSubject {
    /// The port of `listing`, in that build.
    pub fn port(build: Build, listing: usize) -> Self {
        let suffix = if build == Build::Static { ", static" } else { "" };
        let name = format!("{}{suffix}", PROGRAMS[listing]);
        BenchSubject { name, listing, program: program(build, PROGRAMS[listing]) }
    }

    /// Any program like that listing.
    pub fn at(name: &str, listing: usize, program: PathBuf) -> Self {
        BenchSubject { name: name.to_string(), listing, program }
    }

    /// A program in C; `None` if it does not compile, because there may be no static C library.
    pub fn in_c(name: &str) -> Option<Self> {
        let (built, file, flags) = match name {
            BASELINE => ("baseline", "baseline.c", ""),
            BASELINE_STATIC => ("baseline-static", "baseline.c", "-static"),
            FORK => ("fork", "fork.c", ""),
            FORK_STATIC => ("fork-static", "fork.c", "-static"),
            _ => ("raw", "raw.c", RAW_FLAGS),
        };
        let program = target().join("bench").join(built);
        std::fs::create_dir_all(program.parent()?).expect("target can be written");
        let cc = Launch::new("cc").args(["-O2", "-Wall", "-o"]).arg(&program);
        let cc = cc.args(flags.split_whitespace()).arg(root().join("tests/bench").join(file));
        if cc.start().wait() != 0 {
            eprintln!("{}", say!("{name}: cc does not build it", "{name}：cc 编译不了"));
            return None;
        }
        Some(BenchSubject { name: name.to_string(), listing: 1, program })
    }

    /// A server with a process for each client.
    pub fn forks(&self) -> bool {
        (1..SERVERS.len()).contains(&self.listing)
    }

    /// Forks per second, if it is a program that does nothing else.
    pub fn forks_alone(&self, slice: Duration) -> Option<f64> {
        let mut forks = Launch::new(&self.program).arg(slice.as_millis().to_string()).start();
        forks.stdout.line()?.parse().ok()
    }

    /// Sessions per second of a client with the server on `port`: each is a process of its own.
    pub fn client_sessions(&self, port: u16) -> Option<f64> {
        const CLIENTS: f64 = 60.0;
        const SCRIPT: &str = r#"
            printf 'hello\nquit\n' >"$3"
            before=$(date +%s%N)
            for i in $(seq "$4"); do "$1" 127.0.0.1 "$2" <"$3" >/dev/null || exit; done
            echo $(($(date +%s%N) - before))"#;
        let typed = target().join("bench/typed");
        let clients = Launch::new("sh").args(["-c", SCRIPT, "sh"]).arg(&self.program).arg(port.to_string());
        let clients = clients.arg(typed).arg(CLIENTS.to_string()).without_env("LD_LIBRARY_PATH TZ");
        let nanoseconds: f64 = clients.start().stdout.line()?.parse().ok()?;
        Some(CLIENTS / nanoseconds * 1e9)
    }

    /// Starts it, under strace or not, without its log.
    pub fn start(&self, trace: Option<Trace>) -> Server {
        // cargo sets a search path in which the loader would first look for libc.
        let launch = Launch::new(&self.program).without_env("LD_LIBRARY_PATH TZ");
        let launch = launch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Server::launch(trace.into_iter().fold(launch, Launch::traced))
    }
}

/// All that can be measured here.
pub struct Subjects {
    pub servers: Vec<BenchSubject>,
    pub clients: Vec<BenchSubject>,
    /// Programs that only fork.
    pub forks: Vec<BenchSubject>,
}

/// What can be measured here; standard error says what is left out.
pub fn all() -> Subjects {
    let cpp = article::article();
    if cpp.is_none() {
        let left_out =
            say!("no ARTICLE is given: its C++ is left out", "没有给出 ARTICLE：不测文章的 C++ 程序");
        eprintln!("{left_out}");
    }
    let built = |listing: usize| {
        let name = PROGRAMS[listing];
        let program = cpp.iter().map(|cpp| article::program(cpp, false, name));
        let cpp = program.map(|program| BenchSubject { name: format!("{name}, C++"), listing, program });
        Vec::from_iter(
            cpp.chain([Build::Fixed, Build::Static].map(|build| BenchSubject::port(build, listing))),
        )
    };
    let in_c = |names: &[&str]| Vec::from_iter(names.iter().filter_map(|name| BenchSubject::in_c(name)));
    let mut servers = Vec::from_iter((0..SERVERS.len()).flat_map(built));
    servers.extend(in_c(&[BASELINE, BASELINE_STATIC, RAW]));
    Subjects { servers, clients: built(SERVERS.len()), forks: in_c(&[FORK, FORK_STATIC]) }
}
