//! A terminal with a student's shell in it: what is typed, and what is then on the screen.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use crate::harness::builds::{MAKE_VARIABLES, root};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::state;
use crate::harness::process::wait::{TIMEOUT, wait_at_most};
use crate::harness::text::without_colours;

/// With these the shell prompts for a command, or for the rest of one.
const PROMPTS: [&str; 2] = ["course$ ", "course> "];

pub struct Terminal {
    shell: Running,
    /// The terminal itself, which tells how much of what was typed is still unread.
    line: File,
    /// How many prompts were on the screen when something was typed last.
    prompts: usize,
    /// The line of the screen on which something was typed last.
    pub typed_at: usize,
    /// How many lines of the screen have been looked at.
    pub looked_at: usize,
}

impl Terminal {
    /// A shell in the project's directory, in which `PORT` is set.
    pub fn open(port: &str) -> Self {
        let shell = Launch::new("bash")
            .without_env(MAKE_VARIABLES)
            .args(["--norc", "--noprofile", "--noediting", "-i"])
            .env("PORT", port);
        let shell = shell.env("PS1", PROMPTS[0]).env("PS2", PROMPTS[1]).env("HISTFILE", "");
        let shell = shell.env("TERM", "dumb").env("LC_ALL", "C").directory(root()).terminal(160).start();
        let line = format!("/proc/{}/fd/0", shell.pid());
        let line = File::options().read(true).custom_flags(libc::O_NOCTTY).open(line);
        let line = line.expect("the shell has a terminal");
        Terminal { shell, line, prompts: 0, typed_at: 0, looked_at: 0 }
    }

    /// Types, and waits until it is on the screen.
    pub fn type_in(&mut self, keys: &str) {
        self.prompts = self.prompts_seen();
        self.typed_at = self.screen().matches('\n').count();
        let before = self.screen().len();
        self.shell.type_in(keys.as_bytes());
        // The end of input is the one key that the screen does not show.
        wait_at_most(TIMEOUT, || keys == "\x04" || self.screen().len() > before);
    }

    /// All that has been on the screen, without colours.
    pub fn screen(&self) -> String {
        without_colours(&self.shell.screen().text().replace('\r', ""))
    }

    /// Ignores what is on the screen now, except an unfinished line.
    pub fn look_from_here(&mut self) {
        self.looked_at = self.screen().matches('\n').count();
    }

    /// The lines printed since then, with their numbers, without the commands.
    pub fn printed(&self) -> Vec<(usize, String)> {
        let screen = self.screen();
        let lines = screen.lines().map(str::to_string).enumerate().skip(self.looked_at);
        lines.filter(|(_, line)| !PROMPTS.iter().any(|prompt| line.starts_with(prompt))).collect()
    }

    /// The last command and what is below it.
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

    /// Bytes that were typed and not read yet.
    pub fn unread(&self) -> i32 {
        let mut count = 0;
        unsafe { libc::ioctl(self.line.as_raw_fd(), libc::FIONREAD, &raw mut count) };
        count
    }

    /// All processes that run because of what was typed, each with its state.
    pub fn processes(&self) -> Vec<(u32, Option<char>)> {
        self.shell.descendants().into_iter().map(|pid| (pid, state(pid))).collect()
    }

    /// Changes whenever something happens here: a line, a process, a system call that had to wait.
    pub fn activity(&self) -> (usize, Vec<(u32, String)>) {
        let switches = |pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.lines().filter(|line| line.contains("ctxt_switches")).collect::<String>()
        };
        let processes = self.shell.descendants().into_iter().map(|pid| (pid, switches(pid)));
        (self.shell.screen().text().len(), processes.collect())
    }

    /// What a command may change in the shell for those that follow: limits, open files, directory, terminal modes.
    pub fn state(&self) -> Vec<String> {
        let pid = self.shell.pid();
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let files = files.filter_map(|file| file.file_name().into_string().ok());
        let mut files: Vec<String> = files.map(|file| format!("open: {file}")).collect();
        files.sort();
        let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        let mut modes: libc::termios = unsafe { std::mem::zeroed() };
        unsafe { libc::tcgetattr(self.line.as_raw_fd(), &raw mut modes) };
        let modes = format!("terminal: {:x} {:x} {:x}", modes.c_iflag, modes.c_oflag, modes.c_lflag);
        let rest = [format!("directory: {}", directory.display()), modes];
        limits.lines().map(str::to_string).chain(files).chain(rest).collect()
    }
}
