//! The one way to run a program: plain or under strace, with faults, with limits, on a terminal.
//!
//! Its end is bounded and certain: with its [`Running`] ends all that it has started.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::net::ports::is_listening;
use crate::harness::process::output::{Lines, Stream};
use crate::harness::process::procfs::children;
use crate::harness::process::supervisor::{self, Report};
use crate::harness::process::wait::{TIMEOUT, wait_at_most, wait_until};
use crate::harness::trace::parse::{self, Event};

/// What strace is to see, and to put in the place of calls.
#[derive(Clone)]
pub struct Trace(Vec<String>);

impl Trace {
    /// All calls, of the program and of its children.
    pub fn all() -> Self {
        Trace(vec!["-f".to_string()])
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
        self.0.push(option.to_string());
        self
    }

    /// Children are not traced.
    pub fn first_alone(mut self) -> Self {
        self.0.retain(|option| option != "-f");
        self
    }

    /// strace, and the file that it writes to, which goes with the value: it has no name but this.
    fn strace(&self) -> (Launch, (OwnedFd, String)) {
        let file = unsafe { libc::memfd_create(c"strace".as_ptr(), libc::MFD_CLOEXEC) };
        assert_ne!(file, -1, "a descriptor is left");
        let path = format!("/proc/{}/fd/{file}", std::process::id());
        let strace = Launch::of("strace").args(["-ttt", "-s", "99999"]).args(&self.0).args(["-o", &path]);
        // Another language's reasons would stand among the calls.
        (strace.env("LC_ALL", "C"), (unsafe { OwnedFd::from_raw_fd(file) }, path))
    }
}

type Setting = Box<dyn FnOnce(&mut Command)>;

pub struct Launch {
    words: Vec<OsString>,
    settings: Vec<Setting>,
    trace: Option<Trace>,
    screen: Option<Stream>,
    keyboard: Option<File>,
}

impl Launch {
    pub fn of(program: impl AsRef<OsStr>) -> Self {
        Launch { words: Vec::new(), settings: Vec::new(), trace: None, screen: None, keyboard: None }
            .arg(program)
    }

    pub fn arg(self, word: impl AsRef<OsStr>) -> Self {
        self.args([word])
    }

    pub fn args<S: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_os_string()));
        self
    }

    fn set(mut self, setting: impl FnOnce(&mut Command) -> &mut Command + 'static) -> Self {
        self.settings.push(Box::new(|command| _ = setting(command)));
        self
    }

    pub fn env(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.to_string(), value.as_ref().to_os_string());
        self.set(|command| command.env(name, value))
    }

    /// None of these variables.
    pub fn without_env(self, names: &str) -> Self {
        let without = |launch: Self, name: String| launch.set(|command| command.env_remove(name));
        names.split(' ').map(str::to_string).fold(self, without)
    }

    /// Nothing of the test's environment but `PATH`.
    pub fn bare(self) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.set(Command::env_clear).env("PATH", path)
    }

    /// The user who the log lines name.
    pub fn user(self, name: &str) -> Self {
        self.env("USER", name)
    }

    pub fn directory(self, directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref().to_path_buf();
        self.set(|command| command.current_dir(directory))
    }

    pub fn stdin(self, stream: impl Into<Stdio> + 'static) -> Self {
        self.set(|command| command.stdin(stream))
    }

    pub fn stdout(self, stream: impl Into<Stdio> + 'static) -> Self {
        self.set(|command| command.stdout(stream))
    }

    pub fn stderr(self, stream: impl Into<Stdio> + 'static) -> Self {
        self.set(|command| command.stderr(stream))
    }

    /// As another user; for root alone.
    pub fn uid(self, uid: u32) -> Self {
        self.set(move |command| command.uid(uid))
    }

    /// No more than this, by `ulimit`'s letter: `n` descriptors; `f` bytes of a file, strace's own among them.
    pub fn limit(self, what: char, most: u64) -> Self {
        let resource = if what == 'n' { libc::RLIMIT_NOFILE } else { libc::RLIMIT_FSIZE };
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        let set = move || succeeds(unsafe { libc::setrlimit(resource, &raw const limit) });
        self.set(move |command| unsafe { command.pre_exec(set) })
    }

    /// Under strace from its start on.
    pub fn traced(mut self, trace: Trace) -> Self {
        self.trace = Some(trace);
        self
    }

    /// On a terminal of its own, which is its controlling one: Ctrl-C is typed as `\x03`.
    pub fn terminal(self, columns: u16) -> Self {
        let (mut launch, master, slave) = self.shown(columns);
        launch.keyboard = Some(master);
        launch.stdin(slave)
    }

    /// What it says goes to a terminal; what it reads comes from a pipe.
    pub fn shown_on_terminal(self) -> Self {
        self.shown(80).0
    }

    fn shown(mut self, columns: u16) -> (Self, File, File) {
        let (screen, master, slave) = Stream::of_terminal(columns);
        self.screen = Some(screen);
        let end = || slave.try_clone().expect("a descriptor is left");
        (self.stdout(end()).stderr(end()), master, slave)
    }

    pub fn start(mut self) -> Running {
        // A fork copies the tables of all memory: what is free is to be given back.
        #[cfg(target_env = "gnu")]
        let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 17) };
        let trace = self.trace.take().map(|trace| {
            let (strace, file) = trace.strace();
            let language = std::env::var("LC_ALL").map_or("LC_ALL".into(), |was| format!("LC_ALL={was}"));
            // It stays out of the program's way: the process that is started becomes
            // the program, with its status and its signals, and strace a grandchild.
            let strace = strace.args(["-DD", "-E", &language]);
            self.words.splice(0..0, strace.words);
            self.settings.splice(0..0, strace.settings);
            file
        });
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let report = Report::new();
        unsafe { command.pre_exec(|| report.keep().and_then(|()| prepare())) };
        self.settings.into_iter().for_each(|setting| setting(&mut command));
        let mut keeper = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        fn file(stream: Option<impl Into<OwnedFd>>) -> Option<File> {
            stream.map(|stream| File::from(stream.into()))
        }
        Running {
            stdin: self.keyboard.or(file(keeper.stdin.take())),
            stdout: Lines::of(file(keeper.stdout.take())),
            stderr: Lines::of(file(keeper.stderr.take())),
            keeper,
            report,
            screen: self.screen,
            trace,
            attached: None,
        }
    }
}

/// Under its keeper, before it becomes the program.
fn prepare() -> io::Result<()> {
    unsafe {
        // A descriptor of ours that is left open would change the numbers of theirs.
        supervisor::close_from(3, true);
        // A shell's background job, and so a test, may have been started without them.
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
            libc::signal(signal, libc::SIG_DFL);
        }
        // Where Yama rules, only a process that allows it is traced by a stranger.
        libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0);
        if libc::isatty(0) == 0 {
            return succeeds(libc::setpgid(0, 0));
        }
        succeeds(libc::setsid())?;
        succeeds(libc::ioctl(0, libc::TIOCSCTTY, 0))
    }
}

fn succeeds(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A program that runs. It ends with this value, and with it all that it has started.
pub struct Running {
    keeper: Child,
    report: &'static Report,
    pub stdin: Option<File>,
    pub stdout: Lines,
    pub stderr: Lines,
    screen: Option<Stream>,
    trace: Option<(OwnedFd, String)>,
    /// An strace that was let in later.
    attached: Option<Box<Running>>,
}

impl Running {
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

    /// To the process alone.
    pub fn signal(&self, signal: i32) {
        unsafe { libc::kill(self.pid() as i32, signal) };
    }

    pub fn type_in(&mut self, text: &[u8]) {
        self.stdin.as_mut().expect("standard input is open").write_all(text).expect("it is read");
    }

    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    pub fn screen(&self) -> &Stream {
        self.screen.as_ref().expect("it has a terminal")
    }

    /// Waits for the end: an exit status, or 128 and the number of a signal.
    pub fn wait(&mut self) -> i32 {
        self.wait_within(TIMEOUT).unwrap_or_else(|| panic!("process {} does not end", self.pid()))
    }

    /// The same, or `None` if it has not ended by then.
    pub fn wait_within(&mut self, patience: Duration) -> Option<i32> {
        wait_at_most(patience, || self.has_ended());
        self.report.status()
    }

    pub fn has_ended(&mut self) -> bool {
        self.report.status().is_some()
    }

    /// Waits for the end of it and of all that it has started, a strace among them. Its status.
    pub fn wait_for_all(&mut self) -> i32 {
        wait_until("all have ended", || matches!(self.keeper.try_wait(), Ok(Some(_)) | Err(_)));
        self.wait()
    }

    /// Waits until somebody listens on `port`.
    pub fn listens(&mut self, port: u16) -> Result<(), String> {
        wait_at_most(TIMEOUT, || is_listening(port) || self.has_ended());
        let status = self.report.status();
        is_listening(port).then_some(()).ok_or_else(|| format!("never listens; its status: {status:?}"))
    }

    /// Lets strace in at `pid`, one of those below, and waits until it sees all of it; or what strace says instead.
    pub fn attach_to(&mut self, pid: u32, trace: &Trace) -> Result<(), String> {
        let (strace, file) = trace.strace();
        let mut strace = strace.args(["-p", &pid.to_string()]).start();
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
        let file = self.trace.as_ref().map(|(_, file)| std::fs::read(file).expect("it is ours"));
        String::from_utf8_lossy(&file.unwrap_or_default()).into_owned()
    }

    pub fn events(&self) -> Vec<Event> {
        parse::read(&self.trace())
    }

    /// Ends it and all that it has started, at once.
    pub fn end(&mut self) {
        supervisor::end(&mut self.keeper, self.report.pid());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
