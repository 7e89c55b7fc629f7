//! Starts the programs under test: plain or under strace, with faults, with limits, on a terminal.
//!
//! Everything that a program has started ends with its [`Running`], and every wait for it is bounded. Short
//! commands of the system, whose output is read whole, are `std::process::Command`s.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::harness::net::ports::is_listening;
use crate::harness::process::output::{Lines, Stream};
use crate::harness::process::procfs::descendants;
use crate::harness::process::supervisor::{self, Shared};
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
    pub fn without_children(mut self) -> Self {
        self.0.retain(|option| option != "-f");
        self
    }

    /// strace's own command line, and the file in memory that it writes to; its path is no other name of it.
    fn command_line(&self) -> (Vec<OsString>, Written) {
        let file = unsafe { libc::memfd_create(c"strace".as_ptr(), libc::MFD_CLOEXEC) };
        assert_ne!(file, -1, "a file for strace's output can't be opened: {}", io::Error::last_os_error());
        let written = Written {
            path: format!("/proc/{}/fd/{file}", std::process::id()),
            _file: unsafe { OwnedFd::from_raw_fd(file) },
        };
        let words = ["strace", "-ttt", "-s", "99999"].into_iter().chain(self.0.iter().map(String::as_str));
        let words = words.chain(["-o", &written.path]).map(OsString::from).collect();
        (words, written)
    }
}

/// What strace writes, as long as this value lives.
struct Written {
    path: String,
    _file: OwnedFd,
}

/// A resource that [`Launch::limit`] bounds.
#[derive(Clone, Copy)]
pub enum Limit {
    Descriptors,
    /// Bytes of a file.
    FileSize,
}

/// What is to be run, and how. [`Launch::start`] applies all of it, in the order that is written there.
pub struct Launch {
    words: Vec<OsString>,
    clean_env: bool,
    /// Set, or removed.
    env: Vec<(OsString, Option<OsString>)>,
    directory: Option<PathBuf>,
    uid: Option<u32>,
    limits: Vec<(Limit, libc::rlim_t)>,
    stdin: Stdio,
    stdout: Stdio,
    stderr: Stdio,
    trace: Option<Trace>,
    screen: Option<Stream>,
    keyboard: Option<File>,
    before_exec: Vec<LaunchStep>,
    without_shell: bool,
}

/// What the new process does before it becomes the program.
type LaunchStep = Box<dyn FnMut() -> io::Result<()> + Send + Sync>;

/// Between `fork` and `exec` a program holds copies of this process's descriptors: what is closed then stays open.
pub fn while_nothing_forks<T>(work: impl FnOnce() -> T) -> T {
    static FORKS: Mutex<()> = Mutex::new(());
    let _turn = FORKS.lock().unwrap_or_else(PoisonError::into_inner);
    work()
}

impl Launch {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Launch {
            words: vec![program.as_ref().to_os_string()],
            clean_env: false,
            env: Vec::new(),
            directory: None,
            uid: None,
            limits: Vec::new(),
            stdin: Stdio::piped(),
            stdout: Stdio::piped(),
            stderr: Stdio::piped(),
            trace: None,
            screen: None,
            keyboard: None,
            before_exec: Vec::new(),
            without_shell: false,
        }
    }

    pub fn arg(self, word: impl AsRef<OsStr>) -> Self {
        self.args([word])
    }

    pub fn args<S: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_os_string()));
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), Some(value.as_ref().to_os_string())));
        self
    }

    /// Without these variables, which spaces divide.
    pub fn without_env(mut self, names: &str) -> Self {
        self.env.extend(names.split_whitespace().map(|name| (name.into(), None)));
        self
    }

    /// Nothing of the test's environment but `PATH`.
    pub fn clean_env(mut self) -> Self {
        self.clean_env = true;
        self
    }

    /// The user that the log lines name.
    pub fn user(self, name: &str) -> Self {
        self.env("USER", name)
    }

    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_path_buf());
        self
    }

    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdin = stream.into();
        self
    }

    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdout = stream.into();
        self
    }

    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Self {
        self.stderr = stream.into();
        self
    }

    /// As another user; for root only.
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// No more than this of a resource. A traced program's files include strace's own.
    pub fn limit(mut self, limit: Limit, most: libc::rlim_t) -> Self {
        self.limits.push((limit, most));
        self
    }

    /// Runs `step` in the new process, right before that becomes the program. It must not allocate.
    pub fn before_exec(mut self, step: impl FnMut() -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.before_exec.push(Box::new(step));
        self
    }

    /// A file that the kernel does not start is an error. `execvp` would let a shell read it.
    pub fn without_shell(mut self) -> Self {
        self.without_shell = true;
        self
    }

    /// Under strace from its start on.
    pub fn traced(mut self, trace: Trace) -> Self {
        self.trace = Some(trace);
        self
    }

    /// On a terminal of its own, which is its controlling one: Ctrl-C is typed as `\x03`.
    pub fn terminal(self, columns: u16) -> Self {
        let (mut launch, master, slave) = self.output_to_terminal(columns);
        launch.keyboard = Some(master);
        launch.stdin(slave)
    }

    /// The terminal shows what the program writes, and not what is typed.
    pub fn without_echo(self) -> Self {
        let keyboard = self.keyboard.as_ref().expect("it is on a terminal").as_raw_fd();
        unsafe {
            let mut settings = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(keyboard, &raw mut settings), 0, "it is a terminal");
            settings.c_lflag &= !libc::ECHO;
            assert_eq!(
                libc::tcsetattr(keyboard, libc::TCSANOW, &raw const settings),
                0,
                "it is a terminal"
            );
        }
        self
    }

    /// Its output goes to a terminal; its input is a pipe.
    pub fn output_on_terminal(self) -> Self {
        self.output_to_terminal(80).0
    }

    fn output_to_terminal(mut self, columns: u16) -> (Self, File, File) {
        let (screen, master, slave) = Stream::of_terminal(columns);
        self.screen = Some(screen);
        let end = || slave.try_clone().unwrap_or_else(|error| panic!("a terminal's descriptor: {error}"));
        (self.stdout(end()).stderr(end()), master, slave)
    }

    pub fn start(self) -> Running {
        let name = PathBuf::from(&self.words[0]);
        self.try_start().unwrap_or_else(|error| panic!("{} can't be started: {error}", name.display()))
    }

    /// The same; an error if the program cannot be started.
    pub fn try_start(self) -> io::Result<Running> {
        // A fork copies the page tables of all memory: free memory is to be given back to the kernel.
        #[cfg(target_env = "gnu")]
        let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 17) };

        let (mut words, written) = match &self.trace {
            Some(trace) => {
                let (strace, written) = trace.command_line();
                // -DD: the process that is started becomes the program, with its status and its
                // signals; strace is a grandchild, out of its way. -E: strace itself runs in English.
                let own = ["-DD".into(), "-E".into(), self.language()];
                (strace.into_iter().chain(own).collect(), Some(written))
            }
            None => (Vec::<OsString>::new(), None),
        };
        words.extend(self.words.iter().cloned());

        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(self.stdin).stdout(self.stdout).stderr(self.stderr);
        if self.clean_env {
            command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if written.is_some() {
            command.env("LC_ALL", "C");
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(uid) = self.uid {
            command.uid(uid);
        }
        let shared = Shared::new();
        let (limits, mut steps) = (self.limits, self.before_exec);
        // After the fork, the streams, the directory and the user: first the supervisor, then the limits, which are not its own.
        let before_exec = move || {
            shared.fork()?;
            prepare()?;
            limits.iter().try_for_each(|&(limit, most)| set_limit(limit, most))?;
            steps.iter_mut().try_for_each(|step| step())
        };
        unsafe { command.pre_exec(before_exec) };
        if self.without_shell && written.is_none() {
            exec_directly(&mut command)?;
        }
        let spawned = while_nothing_forks(|| command.spawn());
        // The terminal's other end is to be open in the program only.
        drop(command);
        let mut supervisor = spawned?;

        fn file(stream: Option<impl Into<OwnedFd>>) -> Option<File> {
            stream.map(|stream| File::from(stream.into()))
        }
        let name = Path::new(&self.words[0]).file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Running {
            name,
            stdin: self.keyboard.or(file(supervisor.stdin.take())),
            stdout: Lines::of(file(supervisor.stdout.take())),
            stderr: Lines::of(file(supervisor.stderr.take())),
            supervisor,
            shared,
            screen: self.screen,
            written,
            attached: None,
        })
    }

    /// The program's `LC_ALL`, as strace's `-E` takes it: a value, or only the name to remove it.
    fn language(&self) -> OsString {
        let set = self.env.iter().rev().find(|(name, _)| name == "LC_ALL").map(|(_, value)| value.clone());
        let inherited = || std::env::var_os("LC_ALL").filter(|_| !self.clean_env);
        let mut language = OsString::from("LC_ALL");
        if let Some(value) = set.unwrap_or_else(inherited) {
            language.push("=");
            language.push(value);
        }
        language
    }
}

/// Lets `command` become its program by `execve`: the last of its steps.
fn exec_directly(command: &mut Command) -> io::Result<()> {
    let text = |bytes: &OsStr| CString::new(bytes.as_bytes());
    let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => variables.insert(name.into(), value.into()),
            None => variables.remove(name),
        };
    }
    let path = text(command.get_program())?;
    let mut args = vec![path.clone()];
    for arg in command.get_args() {
        args.push(text(arg)?);
    }
    let mut env = Vec::new();
    for (name, value) in variables {
        env.push(text(&[name.as_os_str(), value.as_os_str()].join(OsStr::new("=")))?);
    }
    let exec = move || {
        // Nothing may be allocated here: the tables are on the stack.
        let mut tables = [[std::ptr::null(); 4096]; 2];
        for (table, texts) in tables.iter_mut().zip([&args, &env]) {
            let last = table.len() - 1;
            table[..last].iter_mut().zip(texts).for_each(|(place, text)| *place = text.as_ptr());
        }
        unsafe { libc::execve(path.as_ptr(), tables[0].as_ptr(), tables[1].as_ptr()) };
        Err(io::Error::last_os_error())
    };
    unsafe { command.pre_exec(exec) };
    Ok(())
}

/// In the process that becomes the program.
fn prepare() -> io::Result<()> {
    unsafe {
        // A descriptor of ours that is left open would change the numbers of theirs.
        supervisor::close_from(3, true);
        // A shell's background job, and so a test, may have been started without them.
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
            libc::signal(signal, libc::SIG_DFL);
        }
        // With Yama, a process is traced by one that is not its parent only if it allows it.
        libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0);
        if libc::isatty(0) == 0 {
            return succeeds(libc::setpgid(0, 0));
        }
        succeeds(libc::setsid())?;
        succeeds(libc::ioctl(0, libc::TIOCSCTTY, 0))
    }
}

/// The hard limit, too; one that is lower stays.
fn set_limit(limit: Limit, most: libc::rlim_t) -> io::Result<()> {
    let resource = match limit {
        Limit::Descriptors => libc::RLIMIT_NOFILE,
        Limit::FileSize => libc::RLIMIT_FSIZE,
    };
    unsafe {
        let mut now: libc::rlimit = std::mem::zeroed();
        succeeds(libc::getrlimit(resource, &raw mut now))?;
        let most = most.min(now.rlim_max);
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        succeeds(libc::setrlimit(resource, &raw const limit))
    }
}

fn succeeds(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A program that runs. It ends with this value, and with it all that it has started.
pub struct Running {
    /// The program's name, for messages.
    name: String,
    supervisor: Child,
    shared: &'static Shared,
    pub stdin: Option<File>,
    pub stdout: Lines,
    pub stderr: Lines,
    screen: Option<Stream>,
    written: Option<Written>,
    /// An strace that was attached later.
    attached: Option<Box<Running>>,
}

impl Running {
    /// The program's own process id, under strace too.
    pub fn pid(&self) -> u32 {
        self.shared.pid()
    }

    /// The process above the program.
    pub fn supervisor(&self) -> u32 {
        self.supervisor.id()
    }

    /// All that runs because of it: its children of all generations, orphans, and a strace.
    pub fn descendants(&self) -> Vec<u32> {
        descendants(self.supervisor.id())
    }

    /// To the process, not to its group. One that has been reaped gets none: its number may be another's by now.
    pub fn signal(&self, signal: i32) {
        if self.descendants().contains(&self.pid()) {
            unsafe { libc::kill(self.pid() as i32, signal) };
        }
    }

    /// The program and its descendants, without strace and what has left the group.
    pub fn group(&self) -> Vec<u32> {
        supervisor::group(self.supervisor(), self.pid())
    }

    pub fn signal_group(&self, signal: i32) {
        supervisor::signal_group(self.supervisor(), self.pid(), signal);
    }

    pub fn type_in(&mut self, text: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap_or_else(|| panic!("the input of {} is closed", self.name));
        stdin.write_all(text).unwrap_or_else(|error| panic!("{} takes no input: {error}", self.name));
    }

    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    pub fn screen(&self) -> &Stream {
        self.screen.as_ref().unwrap_or_else(|| panic!("{} was started without a terminal", self.name))
    }

    /// Waits for the end: an exit status, or 128 and the number of a signal.
    pub fn wait(&mut self) -> i32 {
        let status = self.wait_timeout(TIMEOUT);
        status.unwrap_or_else(|| panic!("{} has not ended after {} s", self.name, TIMEOUT.as_secs()))
    }

    /// The same, or `None` if it has not ended by then.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<i32> {
        wait_at_most(timeout, || self.has_ended());
        self.shared.status()
    }

    pub fn has_ended(&mut self) -> bool {
        self.shared.status().is_some()
    }

    /// Waits for the end of it and of all that it has started, a strace among them. Its status.
    pub fn wait_for_descendants(&mut self) -> i32 {
        let awaited = format!("{} and all that it has started end", self.name);
        wait_until(&awaited, || matches!(self.supervisor.try_wait(), Ok(Some(_)) | Err(_)));
        self.wait()
    }

    /// Waits until somebody listens on `port`.
    pub fn wait_until_listening(&mut self, port: u16) -> Result<(), String> {
        wait_at_most(TIMEOUT, || is_listening(port) || self.has_ended());
        if is_listening(port) {
            return Ok(());
        }
        Err(match self.shared.status() {
            Some(status) => format!("{} ended with status {status} before it listened", self.name),
            None => format!("{} does not listen after {} s", self.name, TIMEOUT.as_secs()),
        })
    }

    /// Attaches strace to `pid`, one of the descendants, and waits until it sees all of it; or what strace says instead.
    pub fn attach_strace(&mut self, pid: u32, trace: &Trace) -> Result<(), String> {
        let (words, written) = trace.command_line();
        let strace = Launch::new(&words[0]).args(&words[1..]).args(["-p", &pid.to_string()]);
        let mut strace = strace.env("LC_ALL", "C").start();
        while !strace.stderr.seen.last().is_some_and(|line| line.contains(" attached")) {
            strace.stderr.line().ok_or_else(|| strace.stderr.seen.concat())?;
        }
        (self.written, self.attached) = (Some(written), Some(Box::new(strace)));
        Ok(())
    }

    /// Ends the attached strace, and with it what it injects.
    pub fn detach_strace(&mut self) {
        if let Some(mut strace) = self.attached.take() {
            strace.signal(libc::SIGTERM);
            strace.wait();
        }
    }

    /// What strace has written so far.
    pub fn trace(&self) -> String {
        let Some(written) = &self.written else { return String::new() };
        let text = std::fs::read(&written.path).unwrap_or_else(|error| panic!("strace's output: {error}"));
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Whether strace has seen such a call begin; it writes the first half before the call returns.
    pub fn has_begun(&self, call: &str) -> bool {
        let begins =
            |line| parse::prefix(line).2.strip_prefix(call).is_some_and(|rest| rest.starts_with('('));
        self.trace().lines().any(begins)
    }

    pub fn events(&self) -> Vec<Event> {
        parse::read(&self.trace())
    }

    /// Ends it and all that it has started, immediately.
    pub fn end(&mut self) {
        supervisor::end(&mut self.supervisor, self.shared.pid());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
