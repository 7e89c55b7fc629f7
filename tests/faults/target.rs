//! The program whose calls fail: of the port, or of the article's C++.

use std::path::{Path, PathBuf};

use crate::article::build::{Version, program_with};
use crate::harness::builds::{Build, program};
use crate::harness::process::launch::Launch;

/// The calls that are traced; not every architecture has all of them.
pub const CALLS: &str = "socket,setsockopt,bind,listen,connect,accept,read,readv,write,writev,close,\
    ?clone,?clone3,?fork,?vfork,wait4,exit_group";
pub const FORKS: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

pub struct Target {
    pub name: &'static str,
    command: Vec<PathBuf>,
    version: Version,
}

impl Target {
    /// The port; with a copy of the article, its C++.
    pub fn new(article: Option<&Path>, version: Version, name: &'static str) -> Self {
        let command = match (article, version) {
            (None, Version::AsPrinted) => vec![program(Build::AsPrinted, name)],
            (None, Version::Fixed) => vec![program(Build::Fixed, name)],
            // Into a pipe, stdio writes lines only if it is told to.
            (Some(copy), Version::AsPrinted) => {
                vec!["stdbuf".into(), "-oL".into(), program_with(copy, &version.errata(), name)]
            }
            (Some(copy), Version::Fixed) => vec![program_with(copy, &version.errata(), name)],
        };
        Target { name, command, version }
    }

    pub fn is_client(&self) -> bool {
        self.name == "tcp_client"
    }

    /// A server that listens on `port`, or a client that connects to it. `first` is what the shell that becomes the
    /// program does before.
    pub fn launch(&self, first: &str, port: u16) -> Launch {
        let shell = format!("{first} exec \"$@\"");
        // With this time zone, no file of it is read between the calls.
        let launch = Launch::new("sh").args(["-c", &shell, "sh"]).args(&self.command).env("TZ", "UTC0");
        if !self.is_client() {
            return launch.args([&port.to_string(), "127.0.0.1"]);
        }
        // Erratum 1.
        let port = if self.version == Version::AsPrinted { port.swap_bytes() } else { port };
        launch.args(["127.0.0.1", &port.to_string()])
    }
}
