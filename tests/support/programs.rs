//! Building, starting, waiting for and ending the programs, each by its own id.
//!
//! Every wait has a bound ([`PATIENCE`]); what is started ends with the value that holds it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The three servers, in the article's order.
pub const SERVERS: [&str; 3] = ["tcp_server", "tcp_server_fork", "tcp_server_double_fork"];

/// One of the builds that `make` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Build {
    Mended,
    AsPrinted,
    Static,
}

/// The project's own directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of a build, built by `make` the first time that one is asked for.
pub fn program(build: Build, name: &str) -> PathBuf {
    static BUILT: [OnceLock<PathBuf>; 3] = [const { OnceLock::new() }; 3];
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let (variables, directory) = match build {
        Build::Mended => (["AS_PRINTED=", "STATIC="], "target/release"),
        Build::AsPrinted => (["AS_PRINTED=1", "STATIC="], "target/as-printed/release"),
        Build::Static => (["AS_PRINTED=", "STATIC=1"], "target/static/release"),
    };
    let built = BUILT[build as usize].get_or_init(|| {
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Flags of the make that started the tests are not meant for this one.
        let made = Command::new("make")
            .args(["--silent", "build"])
            .args(variables)
            .current_dir(root())
            .env_remove("MAKEFLAGS")
            .env_remove("MFLAGS")
            .output()
            .expect("make runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        root().join(directory)
    });
    built.join(name)
}

/// A port that nobody has, below those that the kernel gives to clients.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(37) as u16;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + start.wrapping_add(step) % 20_000;
        if nobody_has(port) {
            return port;
        }
    }
}

/// Not even an old connection in TIME_WAIT, which keeps a printed server from it (erratum 17).
pub fn nobody_has(port: u16) -> bool {
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be() },
        sin_zero: [0; 8],
    };
    let length = size_of_val(&address) as u32;
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        let bound = libc::bind(socket, (&raw const address).cast(), length);
        libc::close(socket);
        bound == 0
    }
}

/// Lines that arrive while the test goes on.
pub struct Lines {
    receiver: Receiver<String>,
    /// All that were taken so far.
    pub seen: Vec<String>,
}

impl Lines {
    /// The lines of `source`, read by a thread until it ends.
    pub fn of(source: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while matches!(source.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_string();
                line.clear();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        Lines { receiver, seen: Vec::new() }
    }

    /// The next line, or none at the end.
    pub fn line(&mut self) -> Option<String> {
        match self.receiver.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.seen.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("neither a line nor an end; {:#?}", self.seen),
        }
    }

    /// Waits for a line with `text` in it, and returns it. Panics when none comes.
    pub fn wait_for(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {text:?} came; {:#?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without {text:?}; {:#?}", self.seen)
                }
            }
        }
    }

    /// Waits for the end, and returns all lines from the first on.
    pub fn all(&mut self) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return self.seen.clone(),
                Err(RecvTimeoutError::Timeout) => panic!("no end came; {:#?}", self.seen),
            }
        }
    }
}

/// A process in a group of its own, which ends with this value.
pub struct Running {
    child: Child,
    ended: Option<ExitStatus>,
    pub stdin: Option<ChildStdin>,
    pub stdout: Lines,
    pub stderr: Lines,
}

impl Running {
    /// Starts `command` with its three streams in the test's hands.
    pub fn start(command: &mut Command) -> Self {
        Running::start_as_is(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts `command` with the streams that it was given; those that are not pipes have no lines.
    pub fn start_as_is(command: &mut Command) -> Self {
        // A descriptor of ours that is left open would change the numbers of theirs.
        let closed = || {
            let flag = libc::CLOSE_RANGE_CLOEXEC;
            unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, flag) };
            Ok(())
        };
        let started = unsafe { command.process_group(0).pre_exec(closed) }.spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        fn lines(stream: Option<impl Read + Send + 'static>) -> Lines {
            stream.map_or_else(|| Lines::of(std::io::empty()), Lines::of)
        }
        Running {
            stdin: child.stdin.take(),
            stdout: lines(child.stdout.take()),
            stderr: lines(child.stderr.take()),
            ended: None,
            child,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the process alone.
    pub fn signal(&self, signal: i32) {
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Types `text`.
    pub fn type_in(&mut self, text: &[u8]) {
        self.stdin.as_mut().expect("standard input is open").write_all(text).expect("it is read");
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits for the end: an exit status, or 128 and the number of a signal.
    pub fn wait(&mut self) -> i32 {
        self.wait_within(PATIENCE).unwrap_or_else(|| panic!("process {} does not end", self.child.id()))
    }

    /// The same, or `None` if it has not ended by then.
    pub fn wait_within(&mut self, patience: Duration) -> Option<i32> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.try_wait() {
                return status.code().or_else(|| Some(128 + status.signal().expect("ended")));
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.try_wait().is_some()
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("it can be waited for");
        }
        self.ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The group, for the children of a server that has ended.
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        if self.ended.is_none() {
            let _ = self.child.wait();
        }
    }
}

/// A server that listens.
pub struct Server {
    pub running: Running,
    pub port: u16,
}

impl Server {
    /// The mended build of `name`, on a free port.
    pub fn start(name: &str) -> Self {
        Server::of(Build::Mended, name)
    }

    pub fn of(build: Build, name: &str) -> Self {
        Server::with(&mut Command::new(program(build, name)))
    }

    /// Any command that is a server once a port and an address stand behind it.
    pub fn with(command: &mut Command) -> Self {
        let port = free_port();
        let mut running = Running::start(command.arg(port.to_string()).arg("127.0.0.1"));
        running.stdout.wait_for("listen() success");
        Server { running, port }
    }

    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// A connection to it that never waits longer than [`PATIENCE`].
    pub fn connect(&self) -> TcpStream {
        connect(self.port)
    }

    /// A short conversation, which must succeed.
    pub fn serves(&self) {
        let mut client = self.connect();
        assert_eq!(said(&mut client, b"still there?"), b"STILL THERE?");
        client.write_all(b"quit").expect("quit is sent");
        assert_eq!(rest(&mut client), b"");
    }

    /// Ends the server and its children with SIGTERM, and returns their log.
    pub fn log(mut self) -> Vec<String> {
        unsafe { libc::kill(-(self.pid() as i32), libc::SIGTERM) };
        self.running.wait();
        self.running.stdout.all()
    }
}

/// A connection to `port` that never waits longer than [`PATIENCE`].
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is set");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout is set");
    stream
}

/// Whether the kernel has a socket that listens on `port`.
pub fn is_listening(port: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("/proc is there");
    sockets.contains(&format!(":{port:04X} 00000000:0000 0A "))
}

/// What `start` starts for a port at which the test itself listens, and the test's end of its connection.
pub fn accepted(start: impl FnOnce(u16) -> Running) -> (Running, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let client = start(listener.local_addr().expect("it is bound").port());
    let (stream, _) = listener.accept().expect("the client connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is set");
    (client, stream)
}

/// Sends `words`, and returns as many bytes as were sent.
pub fn said(stream: &mut TcpStream, words: &[u8]) -> Vec<u8> {
    stream.write_all(words).expect("the server takes it");
    let mut reply = vec![0; words.len()];
    stream.read_exact(&mut reply).expect("the server replies");
    reply
}

/// All that comes until the other side closes.
pub fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the server closes");
    rest
}

/// Says no more, and returns all that comes until the other side closes.
pub fn half_closed(stream: &mut TcpStream) -> Vec<u8> {
    stream.shutdown(Shutdown::Write).expect("it is connected");
    rest(stream)
}

/// Ends a connection with a reset.
pub fn reset(client: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of_val(&linger) as u32;
    let linger = (&raw const linger).cast();
    let set =
        unsafe { libc::setsockopt(client.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, linger, size) };
    assert_eq!(set, 0, "a linger is set");
}

/// Sends more than one read takes, and is gone before the server writes.
pub fn vanish(server: &Server) {
    let mut client = server.connect();
    assert_eq!(said(&mut client, b"hello"), b"HELLO");
    let group = group(server.pid());
    for &pid in &group {
        unsafe { libc::kill(pid as i32, libc::SIGSTOP) };
    }
    // A process between its last exit and its reaping has the state Z.
    eventually("all are stopped", || group.iter().all(|&pid| matches!(state(pid), None | Some('T' | 'Z'))));
    client.write_all(&[b'a'; 5000]).expect("the kernel takes it");
    let port = client.local_addr().expect("it is connected").port();
    reset(client);
    eventually("the reset has arrived", || !connected(server.port, port));
    for &pid in &group {
        unsafe { libc::kill(pid as i32, libc::SIGCONT) };
    }
}

/// What `pid` does, as the kernel's letter for it: `S` sleeps, `T` is stopped, `Z` has ended.
pub fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// The processes below `pid`, of all generations, as the kernel lists them now.
pub fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc is there").flatten() {
        let Ok(child) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let after = stat.rsplit(") ").next().unwrap_or("");
        if after.split(' ').nth(1) == Some(&pid.to_string()) {
            found.push(child);
            found.extend(children(child));
        }
    }
    found
}

/// The descriptors that `pid` has open.
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count()
}

/// The processes of the group that `pid` leads: a server, its children, and the
/// grandchildren that are no longer its own.
pub fn group(leader: u32) -> Vec<u32> {
    let of_group = |&pid: &u32| unsafe { libc::getpgid(pid as i32) } == leader as i32;
    let entries = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(of_group).collect()
}

/// The sockets that `pid` has open.
pub fn sockets(pid: u32) -> usize {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
    let links = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// The kernel's table of TCP sockets: of each its local and remote address and its state.
fn tcp_table() -> Vec<[String; 3]> {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("/proc is there");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().skip(1).map(str::to_string));
    rows.filter_map(|row| row.take(3).collect::<Vec<_>>().try_into().ok()).collect()
}

/// The addresses at which somebody listens on `port`.
pub fn listening(port: u16) -> Vec<String> {
    let here = format!(":{port:04X}");
    let rows = tcp_table().into_iter().filter(|[local, _, state]| state == "0A" && local.ends_with(&here));
    let addresses = rows.filter_map(|[local, ..]| u32::from_str_radix(&local[..8], 16).ok());
    addresses.map(|address| Ipv4Addr::from(u32::from_be(address)).to_string()).collect()
}

/// Whether `here` has a connection from `there`.
fn connected(here: u16, there: u16) -> bool {
    let (here, there) = (format!(":{here:04X}"), format!(":{there:04X}"));
    tcp_table().iter().any(|[local, remote, _]| local.ends_with(&here) && remote.ends_with(&there))
}

/// Waits until `find` finds something, and returns it.
pub fn eventually_some<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    eventually(what, || {
        found = find();
        found.is_some()
    });
    found.expect("eventually saw to it")
}

/// Waits until `condition` holds. Panics, naming `what`, when it never does.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
