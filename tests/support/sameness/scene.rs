//! Where a scenario is played: a program under strace, on a terminal, and its peer in the test's hands.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::conduct::{Process, conduct, for_ever};
use crate::support::programs::{
    PATIENCE, Running, children, connect, eventually, free_port, nobody_has, said,
};

/// Whose conduct is watched.
#[derive(Clone, Copy, PartialEq)]
pub struct Cast<'a> {
    /// The directory of the four programs.
    pub directory: &'a Path,
    /// The errata are as printed.
    pub printed: bool,
    /// It is the port, not the article's C++.
    pub port: bool,
}

pub struct Stage<'a> {
    cast: Cast<'a>,
    /// The program that the scenario is about.
    pub program: &'static str,
    /// The server's port.
    pub port: u16,
    fault: Option<&'static str>,
    user: Option<&'static str>,
    through_shell: bool,
    endless: bool,
    traced: Vec<Traced>,
}

/// A program under strace.
struct Traced {
    role: &'static str,
    strace: Running,
    terminal: Terminal,
    file: PathBuf,
}

/// What a program has said on its terminal, and whether nobody is left to say more.
struct Terminal(Arc<(Mutex<(String, bool)>, Condvar)>);

impl Terminal {
    /// A terminal's two ends: what reads here, what the program writes to.
    fn open() -> (Self, File) {
        // Both ends by std's open: then no other scenario's programs inherit them.
        let mut open = File::options();
        open.read(true).write(true).custom_flags(libc::O_NOCTTY);
        let mut master = open.open("/dev/ptmx").expect("a terminal is left");
        let mut name = [0; 64];
        unsafe {
            assert_eq!(libc::unlockpt(master.as_raw_fd()), 0, "its other end opens");
            assert_eq!(libc::ptsname_r(master.as_raw_fd(), name.as_mut_ptr(), name.len()), 0);
        }
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().expect("a path");
        let slave = open.open(name).expect("its other end opens");
        let said = Arc::new((Mutex::new((String::new(), false)), Condvar::new()));
        let terminal = Terminal(said.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // A terminal that nobody holds any more gives an error, not an end.
                let length = master.read(&mut buffer).unwrap_or(0);
                let mut so_far = said.0.lock().expect("no reader panics");
                so_far.0 += &String::from_utf8_lossy(&buffer[..length]);
                so_far.1 = length == 0;
                said.1.notify_all();
                if length == 0 {
                    break;
                }
            }
        });
        (terminal, slave)
    }

    /// Waits until `text` has been said `times` times in all.
    fn wait_for(&self, text: &str, times: usize) {
        let until = Instant::now() + PATIENCE;
        let mut said = self.0.0.lock().expect("no reader panics");
        while said.0.matches(text).count() < times {
            let left = until.saturating_duration_since(Instant::now());
            let lives = !left.is_zero() && !said.1;
            assert!(lives, "no {text:?} ({times}) came; {}", said.0);
            said = self.0.1.wait_timeout(said, left).expect("no reader panics").0;
        }
    }
}

impl<'a> Stage<'a> {
    pub fn new(cast: Cast<'a>, program: &'static str) -> Self {
        let port = port();
        let (fault, user) = (None, Some("me"));
        Stage { cast, program, port, fault, user, through_shell: false, endless: false, traced: Vec::new() }
    }

    /// What strace puts in the place of a call, in its own words.
    pub fn fault(&mut self, fault: &'static str) {
        self.fault = Some(fault);
    }

    /// As [`Stage::fault`], for the first fork of every process but the program's own: a
    /// shell uses that one up before it becomes the program.
    pub fn fault_of_children(&mut self, fault: &'static str) {
        self.fault = Some(fault);
        self.through_shell = true;
    }

    pub fn without_user(&mut self) {
        self.user = None;
    }

    /// The port, mended, is watched: some of its errata need another peer.
    pub fn is_mended_port(&self) -> bool {
        self.cast.port && !self.cast.printed
    }

    /// Starts the program with these words.
    pub fn start(&mut self, words: &[&str]) {
        let role = if self.program == "tcp_client" { "client" } else { "server" };
        self.start_as(role, self.program, words);
    }

    fn start_as(&mut self, role: &'static str, program: &str, words: &[&str]) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("trace.{}.{number}", std::process::id()));
        let (terminal, slave) = Terminal::open();
        let again = slave.try_clone().expect("a descriptor is left");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-s", "99999", "-o"]).arg(&file);
        strace.args(self.fault.map(|fault| format!("--inject={fault}")));
        if self.through_shell {
            strace.args(["sh", "-c", "command eval '( : )'; exec \"$@\"", "sh"]);
        }
        strace.arg(format!("./{program}")).args(words).current_dir(self.cast.directory);
        strace.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        strace.envs(self.user.map(|user| ("USER", user)));
        let strace = Running::start_as_is(strace.stdin(Stdio::piped()).stdout(slave).stderr(again));
        self.traced.push(Traced { role, strace, terminal, file });
    }

    /// Starts the server at 127.0.0.1, and waits until it listens.
    pub fn listen(&mut self) {
        let port = self.port.to_string();
        self.start(&[&port, "127.0.0.1"]);
        self.hear("listen() success");
    }

    /// Starts the server a second time, and waits until it listens or ends.
    pub fn start_again(&mut self) {
        let port = self.port.to_string();
        self.start_as("server, again", self.program, &[&port, "127.0.0.1"]);
        self.hear(if self.is_mended_port() { "listen() success" } else { "FATAL" });
    }

    /// How many of so many clients: version two as printed ends at its first (erratum 4).
    pub fn lives_to_see(&self, clients: usize) -> usize {
        let ends = self.cast.printed && self.program == "tcp_server_double_fork";
        if ends { 1 } else { clients }
    }

    /// Starts the client. As printed it takes the port's bytes the other way round (erratum 1):
    /// then it is told the port that way.
    pub fn call(&mut self) {
        let port = if self.cast.printed { self.port.swap_bytes() } else { self.port };
        self.start_as("client", "tcp_client", &["127.0.0.1", &port.to_string()]);
    }

    /// Waits until the program last started has said `text`.
    pub fn hear(&self, text: &str) {
        self.hear_times(text, 1);
    }

    pub fn hear_times(&self, text: &str, times: usize) {
        self.traced.last().expect("it was started").terminal.wait_for(text, times);
    }

    /// Waits until the server, started first, has said `text` so often.
    pub fn server_says(&self, text: &str, times: usize) {
        self.traced[0].terminal.wait_for(text, times);
    }

    /// Waits for the client's prompt number `prompt`, and types.
    pub fn types(&mut self, prompt: usize, text: &[u8]) {
        self.hear_times("Please enter", prompt);
        let last = self.traced.last_mut().expect("it was started");
        last.strace.type_in(text);
    }

    /// Waits for the client's prompt number `prompt`, and ends its input.
    pub fn ends_input(&mut self, prompt: usize) {
        self.hear_times("Please enter", prompt);
        self.traced.last_mut().expect("it was started").strace.end_input();
    }

    /// A client of the server's, in the test's hands.
    pub fn client(&self) -> TcpStream {
        connect(self.port)
    }

    /// The client calls a peer of the tool's own: the peer's end of the connection.
    pub fn called(&mut self) -> TcpStream {
        let peer = self.peer();
        self.call();
        accepted(&peer)
    }

    /// A server for the client, in the test's hands.
    pub fn peer(&mut self) -> TcpListener {
        loop {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)) {
                Ok(peer) => return peer,
                // Somebody was quicker.
                Err(_) => self.port = port(),
            }
        }
    }

    /// The server last started, or the client where there is none.
    fn leading(&self) -> usize {
        self.traced.iter().rposition(|traced| traced.role.starts_with("server")).unwrap_or(0)
    }

    /// Its process, as long as it runs.
    fn pid(&self) -> Option<u32> {
        children(self.traced[self.leading()].strace.pid()).first().copied()
    }

    fn has_ended(&mut self) {
        let leading = self.leading();
        self.traced[leading].strace.wait();
    }

    /// Waits until the server is idle, with so many children that nobody has waited
    /// for, or gone. Its process where it is idle.
    fn settled(&self, zombies: usize) -> Option<u32> {
        let idle = |pid| accepts(pid) && children(pid).len() == zombies;
        let mut settled = None;
        eventually("the server waits", || {
            settled = self.pid();
            settled.is_none_or(idle)
        });
        settled
    }

    /// Stops the server while `act` lasts.
    pub fn meanwhile(&self, act: impl FnOnce()) {
        let pid = self.settled(0).expect("it runs");
        unsafe { libc::kill(pid as i32, libc::SIGSTOP) };
        eventually("the server stops", || "tT".contains(state(pid)));
        act();
        unsafe { libc::kill(pid as i32, libc::SIGCONT) };
    }

    /// Ends the server once it waits for its next client, if it has not ended itself.
    pub fn ends(&mut self) {
        self.ends_with(0);
    }

    pub fn ends_with(&mut self, zombies: usize) {
        if let Some(pid) = self.settled(zombies) {
            unsafe { libc::kill(pid as i32, libc::SIGTERM) };
        }
        self.has_ended();
    }

    /// Waits for the program's own end, of the one last started.
    pub fn ends_itself(&mut self) {
        self.traced.last_mut().expect("it was started").strace.wait();
    }

    /// Ends a program that would go on for ever.
    pub fn cut_short(&mut self) {
        self.endless = true;
        if let Some(pid) = self.pid() {
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
        self.has_ended();
    }

    /// What all of them did.
    pub fn conduct(mut self) -> Vec<Process> {
        let swapped = self.port.swap_bytes();
        let ports = [
            (self.port.into(), "PORT"),
            (0x10000 + u32::from(self.port), "PORT+65536"),
            (swapped.into(), "PORT, the other byte first"),
        ];
        let mut processes = Vec::new();
        for traced in &mut self.traced {
            traced.strace.wait();
            let trace = std::fs::read_to_string(&traced.file).expect("strace writes its file");
            processes.extend(conduct(&trace, traced.role, &ports));
        }
        if self.endless {
            for process in &mut processes {
                process.rows = for_ever(std::mem::take(&mut process.rows));
            }
        }
        processes
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        for traced in &self.traced {
            let _ = std::fs::remove_file(&traced.file);
        }
    }
}

/// A free port that is another free one with its bytes the other way round (erratum 1),
/// and neither so short that it might stand in a text by chance.
fn port() -> u16 {
    let fits = |port: &u16| {
        let other = port.swap_bytes();
        other != *port && other >= 10_000 && nobody_has(other)
    };
    std::iter::repeat_with(free_port).find(fits).expect("there is one")
}

/// It waits in `accept`, as far as the kernel tells: otherwise it waits somewhere.
fn accepts(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/syscall")) {
        Ok(call) => call.starts_with(&format!("{} ", libc::SYS_accept)),
        Err(_) => state(pid) == 'S',
    }
}

/// The letter that the kernel gives to what a process is doing.
fn state(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|stat| stat.chars().next()).unwrap_or('?')
}

/// Says `words` to a server, which says as much.
pub fn says(client: &mut TcpStream, words: &[u8]) {
    said(client, words);
}

/// Sends `words`, without waiting for a reply.
pub fn sends(stream: &mut TcpStream, words: &[u8]) {
    stream.write_all(words).expect("it takes them");
}

/// Waits for `length` bytes.
pub fn takes(stream: &mut TcpStream, length: usize) {
    stream.read_exact(&mut vec![0; length]).expect("they come");
}

/// Waits until the other side closes, whatever comes before and however it does.
pub fn is_left(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer) {}
}

/// Says no more. The other side may have closed already.
pub fn closes_half(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
}

/// Closes so that the other side sees "connection reset by peer", and waits until it can.
pub fn resets(stream: TcpStream) {
    let now = libc::linger { l_onoff: 1, l_linger: 0 };
    let (value, length) = (&raw const now, size_of_val(&now) as u32);
    let fd = stream.as_raw_fd();
    let set = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, value.cast(), length) };
    assert_eq!(set, 0, "SO_LINGER is known");
    let other = stream.peer_addr().expect("it is connected").port();
    let own = stream.local_addr().expect("it is connected").port();
    drop(stream);
    eventually("the other side is reset", || {
        let connections = std::fs::read_to_string("/proc/net/tcp").expect("/proc is there");
        let ports = [format!(":{other:04X}"), format!(":{own:04X}")];
        !connections.lines().any(|line| {
            let mut addresses = line.split_whitespace().skip(1);
            ports.iter().all(|port| addresses.next().is_some_and(|address| address.ends_with(port)))
        })
    });
}

/// The next connection to `peer`, which must come.
fn accepted(peer: &TcpListener) -> TcpStream {
    peer.set_nonblocking(true).expect("it is a socket");
    let mut stream = None;
    eventually("a client connects", || {
        stream = peer.accept().ok();
        stream.is_some()
    });
    let (stream, _) = stream.expect("it has come");
    stream.set_nonblocking(false).expect("it is a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is set");
    stream
}
