//! A terminal with a student's shell in it: what is typed, and what then stands on the screen.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use crate::harness::builds::{MAKE_VARIABLES, root};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::state;
use crate::harness::process::wait::{TIMEOUT, wait_at_most};

/// Behind these the shell waits for a command, or for the rest of one.
const PROMPTS: [&str; 2] = ["course$ ", "course> "];

pub struct Terminal {
    shell: Running,
    /// Its other side, to ask how much of what was typed nobody has read.
    line: File,
    /// Prompts on the screen when something was typed last.
    prompts: usize,
    /// How many lines of the screen have been looked at.
    pub looked_at: usize,
}

impl Terminal {
    /// A shell in the project's directory; `port` is what the Makefile takes where a command names none.
    pub fn open(port: &str) -> Self {
        let shell = Launch::new("bash")
            .without_env(MAKE_VARIABLES)
            .args(["--norc", "--noprofile", "--noediting", "-i"])
            .env("PORT", port);
        let shell = shell.env("PS1", PROMPTS[0]).env("PS2", PROMPTS[1]).env("HISTFILE", "");
        let shell = shell.env("TERM", "dumb").env("LC_ALL", "C").directory(root()).terminal(80).start();
        let line = format!("/proc/{}/fd/0", shell.pid());
        let line = File::options().read(true).custom_flags(libc::O_NOCTTY).open(line);
        let line = line.expect("it has a terminal");
        Terminal { shell, line, prompts: 0, looked_at: 0 }
    }

    /// Types, and waits until it is on the screen.
    pub fn type_in(&mut self, keys: &str) {
        self.prompts = self.prompts_seen();
        let before = self.screen().len();
        self.shell.type_in(keys.as_bytes());
        // The end of input is the one key that the screen does not show.
        wait_at_most(TIMEOUT, || keys == "\x04" || self.screen().len() > before);
    }

    /// What stands on it.
    pub fn screen(&self) -> String {
        let text = self.shell.screen().text().replace('\r', "");
        // Colours are no part of what is looked for.
        let mut pieces = text.split("\x1b[");
        let first = pieces.next().unwrap_or_default().to_string();
        pieces.fold(first, |text, piece| text + piece.split_once('m').map_or(piece, |(_, rest)| rest))
    }

    /// Looks no more at what stands there now, but for a line that is not finished.
    pub fn look_from_here(&mut self) {
        self.looked_at = self.screen().matches('\n').count();
    }

    /// The lines that were printed since, with their numbers; commands are not among them.
    pub fn printed(&self) -> Vec<(usize, String)> {
        let screen = self.screen();
        let lines = screen.lines().map(str::to_string).enumerate().skip(self.looked_at);
        lines.filter(|(_, line)| !PROMPTS.iter().any(|prompt| line.starts_with(prompt))).collect()
    }

    /// The last command, and what stands below it.
    pub fn since_prompt(&self) -> String {
        self.screen().rsplit(PROMPTS[0]).next().unwrap_or_default().to_string()
    }

    fn prompts_seen(&self) -> usize {
        let screen = self.screen();
        PROMPTS.iter().map(|prompt| screen.matches(prompt).count()).sum()
    }

    /// Whether the shell waits for a command.
    pub fn is_at_prompt(&self) -> bool {
        self.unread() == 0 && self.prompts_seen() > self.prompts
    }

    /// Bytes that were typed and that nobody has read.
    pub fn unread(&self) -> i32 {
        let mut count = 0;
        unsafe { libc::ioctl(self.line.as_raw_fd(), libc::FIONREAD, &raw mut count) };
        count
    }

    /// The shell and all that runs because of it, each with what it does.
    pub fn processes(&self) -> Vec<(u32, Option<char>)> {
        self.shell.descendants().into_iter().map(|pid| (pid, state(pid))).collect()
    }
}
