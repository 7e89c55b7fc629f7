//! Who takes part: the port, the article's C++, a bare floor in C, one without a library, and Python's.

use std::path::PathBuf;
use std::process::Stdio;

use super::load;
use crate::say;
use crate::support::article;
use crate::support::programs::{
    Build, Launch, PATIENCE, SERVERS, Server, eventually, free_port, program, root,
};

/// The names of those in C.
pub const FLOOR: &str = "floor: C without a log";
pub const FLOOR_STATIC: &str = "floor, static";
pub const RAW: &str = "no library, one page";

const RAW_FLAGS: &str = "-static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector \
                         -fno-tree-loop-distribute-patterns -Wl,-z,noseparate-code";

/// A server that can be started.
pub struct Contender {
    pub name: String,
    /// The listing that it is, or is like: an index into [`SERVERS`].
    pub listing: usize,
    /// Its words, without the port and the address.
    pub command: Vec<PathBuf>,
}

impl Contender {
    /// The port's `listing` of that build.
    pub fn port(build: Build, listing: usize) -> Self {
        let suffix = if build == Build::Static { ", static" } else { "" };
        let command = vec![program(build, SERVERS[listing])];
        Contender { name: format!("{}{suffix}", SERVERS[listing]), listing, command }
    }

    /// Version one in C, as the C compiler builds it, if there is one.
    pub fn in_c(name: &str) -> Option<Self> {
        let (built, file, flags) = match name {
            FLOOR => ("floor", "floor.c", ""),
            FLOOR_STATIC => ("floor-static", "floor.c", "-static"),
            _ => ("raw", "raw.c", RAW_FLAGS),
        };
        let built = root().join("target/bench").join(built);
        std::fs::create_dir_all(built.parent()?).expect("target can be written");
        let cc = Launch::of(found("cc")?).args(["-O2", "-Wall", "-o"]).arg(&built);
        let cc = cc.args(flags.split_whitespace()).arg(root().join("tests/bench").join(file));
        if cc.start().wait() != 0 {
            eprintln!("{}", say!("{name}: cc does not build it", "{name}：cc 编译不了"));
            return None;
        }
        Some(Contender { name: name.to_string(), listing: 1, command: vec![built] })
    }

    /// A process for each client.
    pub fn forks(&self) -> bool {
        self.listing > 0
    }

    /// Python's processes are too large to hold a thousand of them.
    pub fn holds(&self) -> bool {
        self.forks() && !self.name.starts_with("python")
    }

    /// Starts it, seen by strace or not, its log thrown away.
    pub fn start(&self, prepared: impl FnOnce(Launch) -> Launch) -> Server {
        let port = free_port();
        // cargo's search path would have the loader look for libc in vain.
        let launch = Launch::of(&self.command[0]).args(&self.command[1..]).without_env("LD_LIBRARY_PATH");
        let launch = launch.arg(port.to_string()).arg("127.0.0.1");
        let launch = launch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let running = prepared(launch).start();
        eventually("the server serves", || load::conversation(port, 1, PATIENCE).is_ok());
        Server { running, port }
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
            let command = vec![article::program(cpp, false, name)];
            Contender { name: format!("{name}, C++"), listing, command }
        }));
        all.extend([Build::Mended, Build::Static].map(|build| Contender::port(build, listing)));
    }
    all.extend([FLOOR, FLOOR_STATIC, RAW].into_iter().filter_map(Contender::in_c));
    match found("python3") {
        Some(python) => {
            let command = vec![python, root().join("tests/bench/peer.py")];
            all.push(Contender { name: "python3, forking".into(), listing: 1, command });
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
