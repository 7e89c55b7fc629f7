//! The process between a test and the program that it runs: whatever the program starts, and however it
//! hides, stays below its supervisor, so that all of it can be ended.
//!
//! When the test's process dies, the supervisor ends the program.

use std::io;
use std::process::Child;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::harness::process::procfs::descendants;
use crate::harness::process::wait::{TIMEOUT, wait_at_most};

/// What the supervisor tells the test, in shared memory.
pub struct Shared {
    pid: AtomicI32,
    /// As `waitpid` gives it, -1 until the program has ended.
    status: AtomicI32,
}

impl Shared {
    /// A page for each program, which is never unmapped.
    pub fn new() -> &'static Self {
        let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        let page = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<Shared>(), access, shared, -1, 0) };
        assert_ne!(page, libc::MAP_FAILED, "shared memory for a supervisor can't be mapped");
        let shared = unsafe { &*page.cast::<Shared>() };
        shared.status.store(-1, SeqCst);
        shared
    }

    pub fn pid(&self) -> u32 {
        self.pid.load(SeqCst) as u32
    }

    /// The program's exit status, or 128 and the number of the signal that ended it; none before its end.
    pub fn status(&self) -> Option<i32> {
        match self.status.load(SeqCst) {
            -1 => None,
            status if libc::WIFSIGNALED(status) => Some(128 + libc::WTERMSIG(status)),
            status => Some(libc::WEXITSTATUS(status)),
        }
    }

    /// Called between `fork` and `exec`: forks again. The child returns and becomes the program; the parent stays as
    /// its supervisor.
    pub fn fork(&self) -> io::Result<()> {
        unsafe {
            let test = libc::getppid();
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
            match libc::fork() {
                -1 => return Err(io::Error::last_os_error()),
                0 => self.pid.store(libc::getpid(), SeqCst),
                program => self.watch(program, test),
            }
        }
        Ok(())
    }

    /// Reaps all that ends below, until nothing is left.
    unsafe fn watch(&self, program: libc::pid_t, test: libc::pid_t) -> ! {
        unsafe {
            close_from(0, false);
            let (mut signals, none) = (std::mem::zeroed(), std::ptr::null_mut());
            libc::sigfillset(&raw mut signals);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const signals, none);
            libc::sigemptyset(&raw mut signals);
            libc::sigaddset(&raw mut signals, libc::SIGCHLD);
            // Sent when the thread that has started it dies, at the latest with the test's process.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGCHLD);
            let interval = libc::timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            let mut status = 0;
            loop {
                match libc::waitpid(-1, &raw mut status, libc::WNOHANG) {
                    -1 => libc::_exit(0),
                    0 if libc::getppid() != test => end_all_below(std::process::id()),
                    0 => _ = libc::sigtimedwait(&raw const signals, none.cast(), &raw const interval),
                    pid if pid == program => self.status.store(status, SeqCst),
                    _ => {}
                }
            }
        }
    }
}

/// Closes all descriptors from `first` on, immediately or at `exec`.
pub unsafe fn close_from(first: libc::c_int, at_exec: bool) {
    let flags = if at_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) } == 0 {
        return;
    }
    // Linux before 5.11 does not know the call, or the flag.
    for fd in first..1024 {
        unsafe { if at_exec { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } else { libc::close(fd) } };
    }
}

/// Ends the program and all that it has started, and waits until they are gone.
pub fn end(supervisor: &mut Child, program: u32) {
    let below = supervisor.id();
    let mut gone = |timeout| wait_at_most(timeout, || !matches!(supervisor.try_wait(), Ok(None)));
    if !gone(Duration::ZERO) {
        // The group first: as a rule nothing else is left.
        signal_group(below, program, libc::SIGKILL);
        wait_at_most(TIMEOUT, || {
            gone(Duration::from_millis(10)) || {
                end_all_below(below);
                false
            }
        });
    }
}

/// The processes of the program's group, of those below its supervisor.
pub fn group(supervisor: u32, program: u32) -> Vec<u32> {
    let is_in_group = |pid: &u32| unsafe { libc::getpgid(*pid as i32) } == program as i32;
    descendants(supervisor).into_iter().filter(is_in_group).collect()
}

/// Signals the program's group, if somebody is left in it: otherwise its number may be that of another group by now.
pub fn signal_group(supervisor: u32, program: u32, signal: i32) {
    if !group(supervisor, program).is_empty() {
        unsafe { libc::kill(-(program as i32), signal) };
    }
}

/// Stops them first: a stopped process starts nothing new.
pub fn end_all_below(supervisor: u32) {
    for signal in [libc::SIGSTOP, libc::SIGKILL] {
        for pid in descendants(supervisor) {
            unsafe { libc::kill(pid as i32, signal) };
        }
    }
}
