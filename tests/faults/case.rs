//! One fault in one program: which call, what happens to it, how often.

use crate::faults::target::CALLS;
use crate::harness::process::launch::Trace;

/// What a call is for, which decides what must follow from its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// `socket`, `setsockopt`, `bind`, `listen`, `connect`: without it there is no service.
    Start,
    /// A log line: before there is a client; of the process that accepts; of the process that serves.
    StartLog,
    ParentLog,
    Log,
    Accept,
    Read,
    Write,
    Fork,
    InnerFork,
    Wait,
    TerminalRead,
    TerminalWrite,
}

impl FaultKind {
    pub fn is_log(self) -> bool {
        matches!(self, FaultKind::StartLog | FaultKind::ParentLog | FaultKind::Log)
    }

    /// The call is made before a client can be served.
    pub fn is_at_start(self) -> bool {
        matches!(self, FaultKind::Start | FaultKind::StartLog)
    }

    /// The call is made by the process that accepts.
    pub fn is_of_parent(self) -> bool {
        matches!(self, FaultKind::Accept | FaultKind::Fork | FaultKind::Wait | FaultKind::ParentLog)
    }
}

pub struct Case {
    /// `bind EACCES`, `Write EPIPE later`.
    pub name: String,
    pub kind: FaultKind,
    pub call: &'static str,
    /// An errno; `short`: the call reports three bytes; `nothing`: it reports none.
    pub fault: &'static str,
    /// strace's count of the call: `3`; `3+` and all after it.
    pub when: String,
}

impl Case {
    /// The name of its test: `tcp_server_write_epipe_later`.
    pub fn test_name(&self, program: &str) -> String {
        format!("{program}_{}", self.name.replace(' ', "_").to_lowercase())
    }

    pub fn trace(&self) -> Trace {
        let what = match self.fault {
            "short" => "retval=3",
            "nothing" => "retval=0",
            "EPIPE" => "error=EPIPE:signal=SIGPIPE",
            errno => &format!("error={errno}"),
        };
        Trace::of(CALLS).inject(&format!("{}:{what}:when={}", self.call, self.when))
    }

    /// The fault's reason as the C library words it: `Broken pipe`.
    pub fn reason(&self) -> Option<String> {
        let errno = match self.fault {
            "EACCES" => libc::EACCES,
            "EADDRINUSE" => libc::EADDRINUSE,
            "EAGAIN" => libc::EAGAIN,
            "ECHILD" => libc::ECHILD,
            "ECONNABORTED" => libc::ECONNABORTED,
            "ECONNRESET" => libc::ECONNRESET,
            // A write of no bytes gives no reason; the programs report it as this one.
            "EIO" | "nothing" => libc::EIO,
            "EMFILE" => libc::EMFILE,
            "ENOMEM" => libc::ENOMEM,
            "ENOSPC" => libc::ENOSPC,
            "EPIPE" => libc::EPIPE,
            "ETIMEDOUT" => libc::ETIMEDOUT,
            "short" => return None,
            errno => panic!("faults/case.rs does not know the number of {errno}"),
        };
        // SAFETY: strerror returns a string of the C library, which is copied.
        let text = unsafe { std::ffi::CStr::from_ptr(libc::strerror(errno)) };
        Some(text.to_string_lossy().into_owned())
    }
}
