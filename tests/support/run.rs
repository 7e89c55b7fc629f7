//! The one way to run a program: plain or under strace, with faults, with limits, on a terminal.
//!
//! Its end is bounded and certain: with its [`Running`] ends all that it has started.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::keeper::{self, Report};
use super::kernel::{PATIENCE, children, eventually, is_listening, within};
use super::strace::{self, Event};
use super::streams::{Input, Lines, Screen};

/// What a program may use; none: as much as the test itself.
#[derive(Clone, Copy, Default)]
pub struct Limits {
    pub descriptors: Option<u64>,
    /// Of the user, not of the program; the kernel does not hold root to it.
    pub processes: Option<u64>,
    /// Bytes of a file that it writes; strace's own among them.
    pub file: Option<u64>,
    /// Bytes of address space.
    pub memory: Option<u64>,
}

impl Limits {
    fn set(&self) -> io::Result<()> {
        let limits = [
            (libc::RLIMIT_NOFILE, self.descriptors),
            (libc::RLIMIT_NPROC, self.processes),
            (libc::RLIMIT_FSIZE, self.file),
            (libc::RLIMIT_AS, self.memory),
        ];
        for (resource, most) in limits {
            let Some(most) = most else {
                continue;
            };
            let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
            if unsafe { libc::setrlimit(resource, &raw const limit) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}

/// What strace is to see, and to put in the place of calls.
#[derive(Clone, Default)]
pub struct Trace {
    options: Vec<String>,
    first_alone: bool,
}

impl Trace {
    /// All calls, of the program and of its children.
    pub fn all() -> Self {
        Trace::default()
    }

    /// These calls: `accept,read`, in strace's names.
    pub fn of(calls: &str) -> Self {
        Trace::all().option("-e").option(&format!("trace={calls}"))
    }

    /// A fault in strace's words: `read:error=EIO:when=3`.
    pub fn inject(self, fault: &str) -> Self {
        self.option("-e").option(&format!("inject={fault}"))
    }

    /// Another of strace's options: `-yy`.
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_string());
        self
    }

    /// Children are not traced.
    pub fn first_alone(mut self) -> Self {
        self.first_alone = true;
        self
    }

    fn strace(&self, file: &TraceFile) -> Command {
        let mut strace = Command::new("strace");
        // Another language's reasons would stand among the calls.
        strace.env("LC_ALL", "C").args(["-ttt", "-s", "99999"]).args(&self.options);
        strace.args((!self.first_alone).then_some("-f")).arg("-o").arg(&file.0);
        strace
    }
}

/// The file that strace writes to. It is removed with this value.
struct TraceFile(PathBuf);

impl TraceFile {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("strace.{}.{number}", std::process::id());
        TraceFile(std::env::temp_dir().join(name))
    }

    fn text(&self) -> String {
        let bytes = std::fs::read(&self.0).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for TraceFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Terminal {
    None,
    /// It shows what the program says; what is typed comes from a pipe.
    Shows,
    /// It is the program's own: all three streams, and its Ctrl-C.
    Controls,
}

/// A program that is to be started.
pub struct Launch {
    words: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    bare: bool,
    directory: Option<PathBuf>,
    trace: Option<Trace>,
    limits: Limits,
    terminal: Terminal,
    columns: u16,
    streams: [Option<Stdio>; 3],
    closed: Vec<RawFd>,
    uid: Option<u32>,
}

impl Launch {
    pub fn of(program: impl AsRef<OsStr>) -> Self {
        Launch {
            words: vec![program.as_ref().to_os_string()],
            environment: Vec::new(),
            bare: false,
            directory: None,
            trace: None,
            limits: Limits::default(),
            terminal: Terminal::None,
            columns: 80,
            streams: [None, None, None],
            closed: Vec::new(),
            uid: None,
        }
    }

    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_os_string());
        self
    }

    pub fn args<S: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_os_string()));
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), Some(value.as_ref().to_os_string())));
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    /// Nothing of the test's environment but `PATH`.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The user who the log lines name.
    pub fn user(self, name: &str) -> Self {
        self.env("USER", name)
    }

    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_path_buf());
        self
    }

    /// Under strace from its start on.
    pub fn traced(mut self, trace: Trace) -> Self {
        self.trace = Some(trace);
        self
    }

    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// On a terminal of its own, which is its controlling one: Ctrl-C is typed as `\x03`.
    pub fn terminal(mut self, columns: u16) -> Self {
        (self.terminal, self.columns) = (Terminal::Controls, columns);
        self
    }

    /// What it says goes to a terminal; what it reads comes from a pipe.
    pub fn shown_on_terminal(mut self) -> Self {
        self.terminal = Terminal::Shows;
        self
    }

    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[0] = Some(stream.into());
        self
    }

    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[1] = Some(stream.into());
        self
    }

    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[2] = Some(stream.into());
        self
    }

    /// Without this stream, as a shell's `<&-` or `>&-` starts it.
    pub fn closed(mut self, stream: RawFd) -> Self {
        self.closed.push(stream);
        self
    }

    /// As another user; for root alone.
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    pub fn start(self) -> Running {
        let file = self.trace.as_ref().map(|_| TraceFile::new());
        let mut command = match (&self.trace, &file) {
            (Some(trace), Some(file)) => {
                // It stays out of the program's way: the process that is started becomes
                // the program, with its status and its signals, and strace a grandchild.
                let mut strace = trace.strace(file);
                let language =
                    std::env::var("LC_ALL").map_or("LC_ALL".into(), |was| format!("LC_ALL={was}"));
                strace.args(["-DD", "-E", &language]).args(&self.words);
                strace
            }
            _ => {
                let mut command = Command::new(&self.words[0]);
                command.args(&self.words[1..]);
                command
            }
        };
        if self.bare {
            command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        }
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let [stdin, stdout, stderr] = self.streams.map(|stream| stream.unwrap_or_else(Stdio::piped));
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let (mut screen, mut keyboard) = (None, None);
        if self.terminal != Terminal::None {
            let (shows, master, slave) = Screen::open(self.columns, 24);
            let end = || slave.try_clone().expect("a descriptor is left");
            command.stdout(end()).stderr(end());
            screen = Some(shows);
            if self.terminal == Terminal::Controls {
                command.stdin(end());
                keyboard = Some(Input::of(master));
            }
        }
        self.uid.map(|uid| command.uid(uid));
        let (controls, limits, closed) = (keyboard.is_some(), self.limits, self.closed);
        let prepare = move || {
            let done = if controls {
                unsafe { libc::setsid() != -1 && libc::ioctl(0, libc::TIOCSCTTY, 0) != -1 }
            } else {
                unsafe { libc::setpgid(0, 0) != -1 }
            };
            if !done {
                return Err(io::Error::last_os_error());
            }
            closed.iter().for_each(|&stream| {
                unsafe { libc::close(stream) };
            });
            limits.set()
        };
        let mut running = Running::spawn(&mut command, prepare);
        running.stdin = keyboard.or(running.stdin.take());
        running.screen = screen;
        running.trace = file;
        running
    }
}

/// A program that runs. It ends with this value, and with it all that it has started.
pub struct Running {
    keeper: Child,
    report: Arc<Report>,
    pub stdin: Option<Input>,
    pub stdout: Lines,
    pub stderr: Lines,
    screen: Option<Screen>,
    trace: Option<TraceFile>,
    /// An strace that was let in later.
    attached: Option<Box<Running>>,
}

impl Running {
    fn spawn(command: &mut Command, prepare: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        let report = Arc::new(Report::new());
        let kept = report.clone();
        let between = move || {
            kept.keep()?;
            unsafe {
                // A descriptor of ours that is left open would change the numbers of theirs.
                keeper::close_from(3, true);
                // A shell's background job, and so a test, may have been started without them.
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                // Where Yama rules, only a process that allows it is traced by a stranger.
                libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0);
            }
            prepare()
        };
        let started = unsafe { command.pre_exec(between) }.spawn();
        let mut keeper = started.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        fn lines(stream: Option<impl Read + Send + 'static>) -> Lines {
            stream.map_or_else(|| Lines::of(io::empty()), Lines::of)
        }
        Running {
            stdin: keeper.stdin.take().map(|pipe| Input::of(OwnedFd::from(pipe))),
            stdout: lines(keeper.stdout.take()),
            stderr: lines(keeper.stderr.take()),
            keeper,
            report,
            screen: None,
            trace: None,
            attached: None,
        }
    }

    /// The program's own process id, under strace too.
    pub fn pid(&self) -> u32 {
        self.report.pid()
    }

    /// The process above the program.
    pub fn keeper(&self) -> u32 {
        self.keeper.id()
    }

    /// All that runs because of it: its children of all generations, orphans, and a strace.
    pub fn below(&self) -> Vec<u32> {
        children(self.keeper.id())
    }

    /// Sends a signal to the process alone.
    pub fn signal(&self, signal: i32) {
        unsafe { libc::kill(self.pid() as i32, signal) };
    }

    /// Types `text`.
    pub fn type_in(&mut self, text: &[u8]) {
        self.stdin.as_mut().expect("standard input is open").write_all(text).expect("it is read");
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// What its terminal shows.
    pub fn screen(&self) -> &Screen {
        self.screen.as_ref().expect("it has a terminal")
    }

    /// Waits for the end: an exit status, or 128 and the number of a signal.
    pub fn wait(&mut self) -> i32 {
        self.wait_within(PATIENCE).unwrap_or_else(|| panic!("process {} does not end", self.pid()))
    }

    /// The same, or `None` if it has not ended by then.
    pub fn wait_within(&mut self, patience: Duration) -> Option<i32> {
        within(patience, || self.has_ended());
        self.report.status()
    }

    pub fn has_ended(&mut self) -> bool {
        self.report.status().is_some()
    }

    /// Waits for the end of it and of all that it has started, a strace among them. Its status.
    pub fn wait_for_all(&mut self) -> i32 {
        eventually("all have ended", || matches!(self.keeper.try_wait(), Ok(Some(_)) | Err(_)));
        self.wait()
    }

    /// Waits until somebody listens on `port`, or tells how the program ended.
    pub fn listens(&mut self, port: u16, patience: Duration) -> Result<(), String> {
        match within(patience, || is_listening(port) || self.has_ended()) {
            _ if is_listening(port) => Ok(()),
            true => Err(format!("ended with {} before it listened", self.wait())),
            false => Err("never listens".into()),
        }
    }

    /// Lets strace in, and waits until it sees all of it.
    pub fn attach(&mut self, trace: &Trace) {
        self.attach_to(self.pid(), trace).unwrap_or_else(|why| panic!("{why}"));
    }

    /// The same for `pid`, one of those below; or what strace says when it may not.
    pub fn attach_to(&mut self, pid: u32, trace: &Trace) -> Result<(), String> {
        let file = TraceFile::new();
        let mut command = trace.strace(&file);
        command.arg("-p").arg(pid.to_string()).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut strace = Running::spawn(&mut command, || Ok(()));
        while !strace.stderr.seen.last().is_some_and(|line| line.contains(" attached")) {
            strace.stderr.line().ok_or_else(|| strace.stderr.seen.concat())?;
        }
        (self.trace, self.attached) = (Some(file), Some(Box::new(strace)));
        Ok(())
    }

    /// The strace that was let in goes: what it injected has passed.
    pub fn let_go(&mut self) {
        if let Some(mut strace) = self.attached.take() {
            strace.signal(libc::SIGTERM);
            strace.wait();
        }
    }

    /// What strace has written so far.
    pub fn trace(&self) -> String {
        self.trace.as_ref().map(TraceFile::text).unwrap_or_default()
    }

    /// The same, read.
    pub fn events(&self) -> Vec<Event> {
        strace::read(&self.trace())
    }

    /// Ends it and all that it has started, at once.
    pub fn end(&mut self) {
        keeper::end(&mut self.keeper, self.report.pid());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
