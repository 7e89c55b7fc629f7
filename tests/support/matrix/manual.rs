//! What the manual pages say can go wrong with the calls that the programs make.

use std::ffi::CStr;

/// What the Linux manual pages list for each call that the programs make, with
/// what socket(7) and tcp(7) add; `0` is a call that returns 0. What stands
/// twice under two names stands once here; `bind`'s errors of path names, which
/// only UNIX sockets have, do not.
const MANUAL: [(&str, &str); 12] = [
    ("socket", "EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT"),
    ("setsockopt", "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK"),
    ("bind", "EACCES EADDRINUSE EBADF EINVAL ENOTSOCK EADDRNOTAVAIL EFAULT ENOMEM"),
    ("listen", "EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP"),
    ("rt_sigaction", "EFAULT EINVAL"),
    ("prlimit64", "EFAULT EINVAL EPERM ESRCH"),
    (
        "accept",
        "EAGAIN EBADF ECONNABORTED EFAULT EINTR EINVAL EMFILE ENFILE ENOBUFS ENOMEM ENOTSOCK \
         EOPNOTSUPP EPERM EPROTO ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH ENETUNREACH \
         ENOSR ESOCKTNOSUPPORT EPROTONOSUPPORT ETIMEDOUT",
    ),
    (
        "connect",
        "EACCES EPERM EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED \
         EFAULT EINPROGRESS EINTR EISCONN ENETUNREACH ENOTSOCK EPROTOTYPE ETIMEDOUT EHOSTUNREACH",
    ),
    ("read", "0 EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR ECONNRESET ETIMEDOUT"),
    (
        "write",
        "0 EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE \
         ECONNRESET ETIMEDOUT",
    ),
    ("close", "EBADF EINTR EIO ENOSPC EDQUOT"),
    ("wait4", "EAGAIN ECHILD EINTR EINVAL ESRCH"),
];

/// fork(2): glibc's `fork` makes this call.
pub const FORK: (&str, &str) = ("clone", "EAGAIN ENOMEM ENOSYS");

/// The errnos of a call.
pub fn errnos(call: &str) -> &'static str {
    let all = MANUAL.iter().chain([&FORK]);
    all.clone().find(|(name, _)| *name == call).expect("its manual page is listed").1
}

/// The C library's words for an errno's name.
pub fn reason(errno: &str) -> String {
    let number = (1..134).find(|&number| errno_name(number) == Some(errno));
    let text = unsafe { CStr::from_ptr(libc::strerror(number.expect("a known errno"))) };
    text.to_string_lossy().into_owned()
}

unsafe extern "C" {
    fn strerrorname_np(errnum: libc::c_int) -> *const libc::c_char;
}

/// `ENOENT` for 2.
fn errno_name(number: i32) -> Option<&'static str> {
    let name = unsafe { strerrorname_np(number) };
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_str().expect("ASCII"))
}
