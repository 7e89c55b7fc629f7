//! A terminal with a student's shell in it: a pseudo-terminal, what is typed into it, what stands on its screen.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::programs::{PATIENCE, root};

/// Behind these the shell waits for a command, or for the rest of one.
const PROMPTS: [&str; 2] = ["course$ ", "course> "];

/// Their values are the test's, or the caller's shell's, and not a student's.
const NOT_A_STUDENTS: [&str; 18] = [
    "AS_PRINTED",
    "ASK",
    "BASH_ENV",
    "CLIENTS",
    "CDPATH",
    "ENV",
    "IP",
    "LANGUAGE",
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "N",
    "PEERS",
    "PORT",
    "PROMPT_COMMAND",
    "RAW",
    "SERVER",
    "STATIC",
];

/// The one key that is not shown.
pub const CTRL_D: u8 = 4;

pub struct Terminal {
    keyboard: File,
    /// Held open, to ask how much of what was typed nobody has read.
    line: File,
    shell: Child,
    screen: Arc<Mutex<Vec<u8>>>,
    /// Prompts on the screen when something was typed last.
    prompts: usize,
    /// How many lines of the screen have been looked at.
    pub looked_at: usize,
}

impl Terminal {
    /// A shell in the project's directory.
    pub fn open() -> Self {
        let (keyboard, line) = pseudo_terminal();
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile", "--noediting", "-i"]).current_dir(root());
        shell.env("PS1", PROMPTS[0]).env("PS2", PROMPTS[1]).env("TERM", "dumb").env("LC_ALL", "C");
        shell.env("HISTFILE", "");
        for variable in NOT_A_STUDENTS {
            shell.env_remove(variable);
        }
        let stream = || Stdio::from(line.try_clone().expect("a descriptor is free"));
        shell.stdin(stream()).stdout(stream()).stderr(stream());
        // It leads a session of its own, whose terminal this is.
        let own_session = || {
            let led = unsafe { libc::setsid() != -1 && libc::ioctl(0, libc::TIOCSCTTY, 0) != -1 };
            if led { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        };
        let shell = unsafe { shell.pre_exec(own_session) }.spawn().expect("bash is installed");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut output, seen) = (keyboard.try_clone().expect("a descriptor is free"), screen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 65536];
            // It fails once nobody holds the other side.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                seen.lock().expect("it is whole").extend_from_slice(&bytes[..count]);
            }
        });
        Terminal { keyboard, line, shell, screen, prompts: 0, looked_at: 0 }
    }

    /// Types, and waits until it is on the screen.
    pub fn type_in(&mut self, keys: &[u8]) {
        self.prompts = self.prompts_seen();
        let before = self.screen().len();
        self.keyboard.write_all(keys).expect("the terminal takes it");
        let until = Instant::now() + PATIENCE;
        while keys != [CTRL_D] && self.screen().len() == before && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What stands on it.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("it is whole")).replace('\r', "")
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

    fn prompts_seen(&self) -> usize {
        let screen = self.screen();
        PROMPTS.iter().map(|prompt| screen.matches(prompt).count()).sum()
    }

    /// Whether the shell waits for a command.
    pub fn is_at_prompt(&self) -> bool {
        self.unread() == 0 && self.prompts_seen() > self.prompts
    }

    /// Bytes that were typed and not yet read.
    pub fn unread(&self) -> i32 {
        let mut count = 0;
        unsafe { libc::ioctl(self.line.as_raw_fd(), libc::FIONREAD, &mut count) };
        count
    }

    /// The processes that were started here and the shell itself: pid, state.
    pub fn processes(&self) -> Vec<(u32, char)> {
        let session = self.shell.id().to_string();
        let entries = std::fs::read_dir("/proc").expect("/proc is there").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let found = pids.filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut words = stat.rsplit(") ").next()?.split(' ');
            let state = words.next()?.chars().next()?;
            (words.nth(2)? == session).then_some((pid, state))
        });
        found.collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
        let _ = self.shell.wait();
    }
}

/// The side of the keyboard and the screen, and the side of the programs: 80 columns.
fn pseudo_terminal() -> (File, File) {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let keyboard = unsafe { File::from_raw_fd(libc::posix_openpt(flags)) };
    let mut name = [0; 64];
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    unsafe {
        libc::grantpt(keyboard.as_raw_fd());
        libc::unlockpt(keyboard.as_raw_fd());
        libc::ptsname_r(keyboard.as_raw_fd(), name.as_mut_ptr(), name.len());
        libc::ioctl(keyboard.as_raw_fd(), libc::TIOCSWINSZ, &size);
    }
    let path = unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().expect("a path");
    let mut options = File::options();
    let line = options.read(true).write(true).custom_flags(libc::O_NOCTTY).open(path);
    (keyboard, line.expect("a terminal opens"))
}
