//! The servers that are measured: the port, the article's C++, a baseline in C, and one without a C library.

use std::path::PathBuf;
use std::process::Stdio;

use crate::harness::builds::{Build, SERVERS, Server, program, root};
use crate::harness::process::launch::{Launch, Trace};
use crate::{article, say};

/// The names of the subjects written in C.
pub const BASELINE: &str = "baseline: C without a log";
pub const BASELINE_STATIC: &str = "baseline, static";
pub const RAW: &str = "no library, one page";

const RAW_FLAGS: &str = "-static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector \
                         -fno-tree-loop-distribute-patterns -Wl,-z,noseparate-code";

/// A server that can be started.
pub struct BenchSubject {
    pub name: String,
    /// The listing that it is, or resembles: an index into [`SERVERS`].
    pub listing: usize,
    program: PathBuf,
}

impl BenchSubject {
    /// The port of `listing`, in that build.
    pub fn port(build: Build, listing: usize) -> Self {
        let suffix = if build == Build::Static { ", static" } else { "" };
        let name = format!("{}{suffix}", SERVERS[listing]);
        BenchSubject { name, listing, program: program(build, SERVERS[listing]) }
    }

    /// Version one in C; `None` if it does not compile, because there may be no static C library.
    pub fn in_c(name: &str) -> Option<Self> {
        let (built, file, flags) = match name {
            BASELINE => ("baseline", "baseline.c", ""),
            BASELINE_STATIC => ("baseline-static", "baseline.c", "-static"),
            _ => ("raw", "raw.c", RAW_FLAGS),
        };
        let program = root().join("target/bench").join(built);
        std::fs::create_dir_all(program.parent()?).expect("target can be written");
        let cc = Launch::new("cc").args(["-O2", "-Wall", "-o"]).arg(&program);
        let cc = cc.args(flags.split_whitespace()).arg(root().join("tests/bench").join(file));
        if cc.start().wait() != 0 {
            eprintln!("{}", say!("{name}: cc does not build it", "{name}：cc 编译不了"));
            return None;
        }
        Some(BenchSubject { name: name.to_string(), listing: 1, program })
    }

    /// A process for each client.
    pub fn forks(&self) -> bool {
        self.listing > 0
    }

    /// Starts it, under strace or not, without its log.
    pub fn start(&self, trace: Option<Trace>) -> Server {
        // cargo sets a search path in which the loader would first look for libc.
        let launch = Launch::new(&self.program).without_env("LD_LIBRARY_PATH TZ");
        let launch = launch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Server::launch(trace.into_iter().fold(launch, Launch::traced))
    }
}

/// All that can be measured here; standard error says what is left out.
pub fn all() -> Vec<BenchSubject> {
    let cpp = article::article();
    if cpp.is_none() {
        let left_out =
            say!("no ARTICLE is given: its C++ is left out", "没有给出 ARTICLE：不测文章的 C++ 程序");
        eprintln!("{left_out}");
    }
    let mut all = Vec::new();
    for (listing, server) in SERVERS.into_iter().enumerate() {
        let program = cpp.iter().map(|cpp| article::program(cpp, false, server));
        all.extend(program.map(|program| BenchSubject {
            name: format!("{server}, C++"),
            listing,
            program,
        }));
        all.extend([Build::Fixed, Build::Static].map(|build| BenchSubject::port(build, listing)));
    }
    all.extend([BASELINE, BASELINE_STATIC, RAW].into_iter().filter_map(BenchSubject::in_c));
    all
}
