//! Lets a check decide what chosen system calls of a program return, while it runs.
//!
//! The kernel asks here before it makes such a call (seccomp, user notification). Unlike a tracer that attaches, this
//! disturbs nothing else: no process is stopped, no call that waits ends with EINTR, no ignored signal is seen.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::harness::process::procfs::{ACCEPT_OF_SOCKETCALL, read_memory};

/// What becomes of a call.
pub enum Ruling {
    /// The kernel makes it.
    Pass,
    /// It is not made, and fails with this errno.
    Fail(i32),
    /// It is not made, and returns this.
    Return(i64),
    /// It waits until the rule is replaced, and is then made.
    Hold,
}

/// A call that is about to be made.
pub struct AskedCall {
    /// The thread.
    pub thread: u32,
    pub args: [u64; 6],
}

/// On 32-bit x86 a C library makes socket calls by `socketcall(number, arguments)`. Numbers from `<linux/net.h>`
/// (accept, send, sendto, sendmsg, accept4), each with the system call that does the same.
const OF_SOCKETCALL: [(u64, libc::c_long); 5] = [
    (ACCEPT_OF_SOCKETCALL, libc::SYS_accept4),
    (9, libc::SYS_sendto),
    (11, libc::SYS_sendto),
    (16, libc::SYS_sendmsg),
    (18, libc::SYS_accept4),
];
#[cfg(target_arch = "x86")]
const SOCKETCALL: Option<libc::c_long> = Some(libc::SYS_socketcall);
#[cfg(not(target_arch = "x86"))]
const SOCKETCALL: Option<libc::c_long> = None;

type Rule = Box<dyn FnMut(&AskedCall) -> Ruling + Send>;

struct Rules {
    rule: Rule,
    /// Whether the kernel asks at all; unknown before the program has started.
    works: Option<bool>,
    /// Calls that were not simply passed since the rule was set.
    decided: usize,
    /// Replaced rules so far: what an older one has held goes on.
    rules: usize,
}

/// The calls of one program, and of all that it starts.
#[derive(Clone)]
pub struct Intercept(Arc<(Mutex<Rules>, Condvar)>);

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const ARCHITECTURE: u32 = 0xc000_00f3;
#[cfg(target_arch = "x86")]
const ARCHITECTURE: u32 = 0x4000_0003;
/// Another processor's number is not known here: nothing is asked.
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64",
    target_arch = "x86"
)))]
const ARCHITECTURE: u32 = 0;

impl Intercept {
    /// What is asked about `calls`, and what the new process has to do before it becomes the program.
    pub fn new(calls: &[libc::c_long]) -> (Self, impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
        let state = Rules { rule: Box::new(|_| Ruling::Pass), works: None, decided: 0, rules: 0 };
        let intercept = Intercept(Arc::new((Mutex::new(state), Condvar::new())));
        let (ours, theirs) = UnixStream::pair().expect("a descriptor is left");
        let (serving, wanted) = (intercept.clone(), calls.to_vec());
        std::thread::spawn(move || {
            let listener = receive(&ours);
            serving.state().works = Some(listener.is_some());
            serving.0.1.notify_all();
            if let Some(listener) = listener {
                serving.serve(&listener, &wanted);
            }
        });
        let by_socketcall = OF_SOCKETCALL.iter().any(|(_, call)| calls.contains(call));
        let calls = calls.iter().copied().chain(SOCKETCALL.filter(|_| by_socketcall));
        let mut filter = filter(&Vec::from_iter(calls));
        let install = move || {
            // Where the system does not allow it the program starts all the same.
            let listener = unsafe { install(&mut filter) };
            unsafe { send(theirs.as_raw_fd(), listener) }
        };
        (intercept, install)
    }

    /// From now on `rule` decides, and what an older one holds goes on.
    pub fn set(&self, rule: impl FnMut(&AskedCall) -> Ruling + Send + 'static) {
        let mut state = self.state();
        state.rule = Box::new(rule);
        state.decided = 0;
        state.rules += 1;
    }

    /// All calls are made.
    pub fn pass(&self) {
        self.set(|_| Ruling::Pass);
    }

    /// How many calls were refused or held since the rule was set.
    pub fn decided(&self) -> usize {
        self.state().decided
    }

    /// Whether the system lets calls be decided on here.
    pub fn works(&self) -> bool {
        let known =
            self.0.1.wait_while(self.state(), |state| state.works.is_none()).expect("no rule panics");
        known.works == Some(true)
    }

    fn state(&self) -> MutexGuard<'_, Rules> {
        self.0.0.lock().expect("no rule panics")
    }

    /// Rulings until no process is left that asks.
    fn serve(&self, listener: &OwnedFd, wanted: &[libc::c_long]) {
        let mut held: Vec<(u64, usize)> = Vec::new();
        loop {
            let mut ready = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            unsafe { libc::poll(&raw mut ready, 1, if held.is_empty() { 1000 } else { 5 }) };
            let rules = self.state().rules;
            held.retain(|&(id, under)| {
                if under != rules {
                    reply(listener, id, Ruling::Pass);
                }
                under == rules
            });
            if ready.revents & libc::POLLHUP != 0 {
                return;
            }
            if ready.revents & libc::POLLIN == 0 {
                continue;
            }
            let mut asked: libc::seccomp_notif = unsafe { zeroed() };
            if unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked) }
                == -1
            {
                continue; // it was killed meanwhile
            }
            let mut state = self.state();
            let answer = match asked_call(&asked, wanted) {
                Some(call) if !is_strace(asked.pid) => (state.rule)(&call),
                _ => Ruling::Pass,
            };
            state.decided += usize::from(!matches!(answer, Ruling::Pass));
            match answer {
                Ruling::Hold => held.push((asked.id, state.rules)),
                answer => reply(listener, asked.id, answer),
            }
        }
    }
}

/// With VERBOSE the program runs under strace, whose own calls are its own affair.
fn is_strace(thread: u32) -> bool {
    std::fs::read(format!("/proc/{thread}/comm")).is_ok_and(|name| name == b"strace\n")
}

/// The call with its arguments. `None`: a `socketcall` that is none of those wanted.
fn asked_call(asked: &libc::seccomp_notif, wanted: &[libc::c_long]) -> Option<AskedCall> {
    let (thread, mut args) = (asked.pid, asked.data.args);
    if SOCKETCALL == Some(asked.data.nr as libc::c_long) {
        let (_, call) = OF_SOCKETCALL.into_iter().find(|(number, _)| *number == args[0])?;
        if !wanted.contains(&call) {
            return None;
        }
        let mut words = [0; 24];
        read_memory(thread, args[1], &mut words)?;
        for (arg, word) in args.iter_mut().zip(words.chunks_exact(4)) {
            *arg = u64::from(u32::from_ne_bytes(word.try_into().expect("four bytes")));
        }
    }
    Some(AskedCall { thread, args })
}

fn reply(listener: &OwnedFd, id: u64, answer: Ruling) {
    let mut reply = libc::seccomp_notif_resp { id, val: 0, error: 0, flags: 0 };
    match answer {
        Ruling::Fail(errno) => reply.error = -errno,
        Ruling::Return(value) => reply.val = value,
        Ruling::Pass | Ruling::Hold => reply.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
    }
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut reply) };
}

/// Asks about `calls` of this processor's own kind, and about nothing else.
fn filter(calls: &[libc::c_long]) -> Vec<libc::sock_filter> {
    let statement = |code, k| libc::sock_filter { code, jt: 0, jf: 0, k };
    let jump = |k, jt, jf| libc::sock_filter { code: (libc::BPF_JMP | libc::BPF_JEQ) as u16, jt, jf, k };
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let count = calls.len() as u8;
    // Offsets 4 and 0 of struct seccomp_data: the architecture, and the call's number.
    let mut filter = vec![statement(load, 4), jump(ARCHITECTURE, 0, count + 1), statement(load, 0)];
    for (at, &call) in calls.iter().enumerate() {
        filter.push(jump(call as u32, count - at as u8, 0));
    }
    filter.push(statement(libc::BPF_RET as u16, libc::SECCOMP_RET_ALLOW));
    filter.push(statement(libc::BPF_RET as u16, libc::SECCOMP_RET_USER_NOTIF));
    filter
}

/// Returns the descriptor at which the kernel asks, or -1.
unsafe fn install(filter: &mut [libc::sock_filter]) -> libc::c_int {
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        // Linux before 5.19 lets a signal interrupt a call that waits for its answer.
        for flags in [libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0] {
            let flags = flags | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
            let operation = libc::SECCOMP_SET_MODE_FILTER;
            let listener =
                libc::syscall(libc::SYS_seccomp, operation, flags, &raw const program) as libc::c_int;
            if listener >= 0 {
                return listener;
            }
        }
    }
    -1
}

/// Room for one descriptor in a control message.
#[repr(align(8))]
struct Control([u8; 64]);

/// Hands `listener` over, by a call that no check asks about.
unsafe fn send(socket: libc::c_int, listener: libc::c_int) -> io::Result<()> {
    if listener == -1 {
        return Ok(());
    }
    let (mut byte, mut control) = (0u8, Control([0; 64]));
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    unsafe {
        let mut message: libc::mmsghdr = zeroed();
        message.msg_hdr.msg_iov = &raw mut part;
        message.msg_hdr.msg_iovlen = 1;
        message.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
        message.msg_hdr.msg_controllen = libc::CMSG_SPACE(size_of::<libc::c_int>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message.msg_hdr);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<libc::c_int>() as u32) as _;
        libc::CMSG_DATA(header).cast::<libc::c_int>().write_unaligned(listener);
        let sent = libc::sendmmsg(socket, &raw mut message, 1, 0);
        libc::close(listener);
        if sent == 1 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// The descriptor, or none if the new process could not make one.
fn receive(socket: &UnixStream) -> Option<OwnedFd> {
    let (mut byte, mut control) = (0u8, Control([0; 64]));
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    unsafe {
        let mut message: libc::msghdr = zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len() as _;
        if libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) < 1 {
            return None;
        }
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() {
            return None;
        }
        Some(OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<libc::c_int>().read_unaligned()))
    }
}
