//! The C library under its own names: the system headers that `tcp.hpp` includes.
//!
//! Every `unsafe` of the project stands in this file, and counts on programs of one thread. A function takes
//! the arguments of its C namesake in their order, a slice for a pointer with its length, and returns what C
//! returns: -1 is a failure, [`errno`] says which.
#![allow(missing_docs, deprecated)] // The manual pages document the names; musl's time_t is to be wider.

use core::ffi::{CStr, c_char, c_int, c_uint};
use core::fmt::{self, Write};
use core::mem::MaybeUninit;
use core::ops::Deref;
use core::panic::PanicInfo;
use core::ptr::null_mut;

pub use libc::{
    AF_INET, EIO, INADDR_ANY, O_RDWR, PIPE_BUF, SIGCHLD, SIGPIPE, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET,
    STDERR_FILENO, STDIN_FILENO, STDOUT_FILENO, in_addr, pid_t, sa_family_t, sockaddr_in, socklen_t, time_t,
};

/// What the libc crate does not declare.
mod undeclared {
    use super::*;

    #[link(name = "c")] // for musl, where std alone would ask for it
    unsafe extern "C" {
        pub fn inet_aton(cp: *const c_char, inp: *mut in_addr) -> c_int;
        pub fn inet_ntoa(addr: in_addr) -> *const c_char;
        pub fn asctime(tm: *const libc::tm) -> *const c_char;
        pub static stdin: *mut libc::FILE;
        pub static stdout: *mut libc::FILE;
        pub static stderr: *mut libc::FILE;
    }
}

// <sys/socket.h>

const ADDRLEN: socklen_t = size_of::<sockaddr_in>() as socklen_t;

pub fn socket(domain: c_int, r#type: c_int, protocol: c_int) -> c_int {
    unsafe { libc::socket(domain, r#type, protocol) }
}

pub fn setsockopt(socket: c_int, level: c_int, name: c_int, value: &c_int) -> c_int {
    let len = size_of::<c_int>() as socklen_t;
    unsafe { libc::setsockopt(socket, level, name, (&raw const *value).cast(), len) }
}

pub fn bind(socket: c_int, address: &sockaddr_in) -> c_int {
    unsafe { libc::bind(socket, (&raw const *address).cast(), ADDRLEN) }
}

pub fn listen(socket: c_int, backlog: c_int) -> c_int {
    unsafe { libc::listen(socket, backlog) }
}

pub fn accept(socket: c_int, address: &mut sockaddr_in) -> c_int {
    let mut len = ADDRLEN;
    unsafe { libc::accept(socket, (&raw mut *address).cast(), &mut len) }
}

pub fn connect(socket: c_int, address: &sockaddr_in) -> c_int {
    unsafe { libc::connect(socket, (&raw const *address).cast(), ADDRLEN) }
}

// <netinet/in.h>, <arpa/inet.h>

/// All zero: the article's `memset`. It leaves `peer` as it is; Rust wants a value.
pub fn zeroed() -> sockaddr_in {
    unsafe { MaybeUninit::zeroed().assume_init() }
}

pub fn htons(hostshort: u16) -> u16 {
    hostshort.to_be()
}

pub fn htonl(hostlong: u32) -> u32 {
    hostlong.to_be()
}

pub fn ntohs(netshort: u16) -> u16 {
    u16::from_be(netshort)
}

pub fn inet_aton(cp: &CStr, inp: &mut in_addr) -> c_int {
    unsafe { undeclared::inet_aton(cp.as_ptr(), inp) }
}

pub fn inet_ntoa(addr: in_addr) -> Buffer<16> {
    unsafe { Buffer::copied(undeclared::inet_ntoa(addr)) }
}

// <unistd.h>, <fcntl.h>

pub fn read(fd: c_int, buf: &mut [u8]) -> isize {
    unsafe { libc::read(fd, buf.as_mut_ptr().cast(), buf.len()) }
}

pub fn write(fd: c_int, buf: &[u8]) -> isize {
    unsafe { libc::write(fd, buf.as_ptr().cast(), buf.len()) }
}

pub fn close(fd: c_int) -> c_int {
    unsafe { libc::close(fd) }
}

/// For a file that exists: no mode is given.
pub fn open(path: &CStr, flags: c_int) -> c_int {
    unsafe { libc::open(path.as_ptr(), flags) }
}

pub fn fork() -> pid_t {
    unsafe { libc::fork() }
}

pub fn usleep(microseconds: c_uint) -> c_int {
    unsafe { libc::usleep(microseconds) }
}

// <sys/wait.h>, <signal.h>

pub fn waitpid(pid: pid_t, status: Option<&mut c_int>, options: c_int) -> pid_t {
    unsafe { libc::waitpid(pid, status.map_or(null_mut(), |status| status), options) }
}

/// What a signal does. No function can be given: the article gives none.
pub struct Disposition(libc::sighandler_t);

pub const SIG_IGN: Disposition = Disposition(libc::SIG_IGN);

pub fn signal(signum: c_int, handler: Disposition) {
    unsafe { libc::signal(signum, handler.0) };
}

// <cstdlib>

pub fn getenv(name: &CStr) -> Option<&'static CStr> {
    let value = unsafe { libc::getenv(name.as_ptr()) };
    // Nothing here changes the environment, so it lives as long as the program.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
}

pub fn atoi(nptr: &CStr) -> c_int {
    unsafe { libc::atoi(nptr.as_ptr()) }
}

/// `_exit`, the same system call: no handler is registered, and whoever puts into `cout` flushes it.
pub fn exit(status: c_int) -> ! {
    unsafe { libc::_exit(status) }
}

// <cstdio>

/// One of C's three streams.
pub struct File(*mut libc::FILE);

pub fn stdin() -> File {
    File(unsafe { undeclared::stdin })
}

pub fn stdout() -> File {
    File(unsafe { undeclared::stdout })
}

pub fn stderr() -> File {
    File(unsafe { undeclared::stderr })
}

/// How many bytes of `buf` were taken; all of them, unless it fails.
pub fn fwrite(buf: &[u8], stream: &File) -> usize {
    unsafe { libc::fwrite(buf.as_ptr().cast(), 1, buf.len(), stream.0) }
}

pub fn fflush(stream: &File) -> c_int {
    unsafe { libc::fflush(stream.0) }
}

pub fn feof(stream: &File) -> bool {
    unsafe { libc::feof(stream.0) != 0 }
}

/// A line, in memory of `malloc`'s that grows with it and lasts until [`free`].
pub struct Line {
    start: *mut c_char,
    size: usize,
    len: usize,
}

impl Line {
    pub const EMPTY: Line = Line { start: null_mut(), size: 0, len: 0 };

    pub fn clear(&mut self) {
        self.len = 0;
    }
}

impl Deref for Line {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.start.is_null() {
            return &[];
        }
        unsafe { core::slice::from_raw_parts(self.start.cast(), self.len) }
    }
}

/// The length of the line with its `\n`, which is cut off; or -1: [`feof`] tells the end from a failure.
pub fn getline(line: &mut Line, stream: &File) -> isize {
    let read = unsafe { libc::getline(&mut line.start, &mut line.size, stream.0) };
    line.len = read.max(0) as usize;
    line.len -= usize::from(line.ends_with(b"\n"));
    read
}

pub fn free(line: Line) {
    unsafe { libc::free(line.start.cast()) }
}

// <cctype>, in the C locale, the only one the article has

pub fn isalpha(c: u8) -> bool {
    c.is_ascii_alphabetic()
}

pub fn islower(c: u8) -> bool {
    c.is_ascii_lowercase()
}

pub fn toupper(c: u8) -> u8 {
    c.to_ascii_uppercase()
}

// <cstring>, <cerrno>

/// Bytes before the first NUL, all of them if there is none.
pub fn strlen(s: &[u8]) -> usize {
    s.iter().position(|&c| c == 0).unwrap_or(s.len())
}

pub fn strstr<'a>(haystack: &'a mut [u8], needle: &CStr) -> Option<&'a mut u8> {
    let at = haystack.windows(needle.count_bytes()).position(|part| part == needle.to_bytes())?;
    Some(&mut haystack[at])
}

/// 0 if the two are equal but for the case.
pub fn strcasecmp(s1: &[u8], s2: &CStr) -> c_int {
    if s1.eq_ignore_ascii_case(s2.to_bytes()) { 0 } else { 1 }
}

pub fn errno() -> c_int {
    unsafe { *libc::__errno_location() }
}

pub fn set_errno(errnum: c_int) {
    unsafe { *libc::__errno_location() = errnum }
}

pub fn strerror(errnum: c_int) -> Buffer<64> {
    unsafe { Buffer::copied(libc::strerror(errnum)) }
}

// <ctime>

pub fn time() -> time_t {
    unsafe { libc::time(null_mut()) }
}

/// All zero, the 0th of January 1900, if the year does not fit.
pub fn localtime(timep: &time_t) -> libc::tm {
    let mut result = unsafe { MaybeUninit::zeroed().assume_init() };
    unsafe { libc::localtime_r(timep, &mut result) };
    result
}

/// The 26 bytes that POSIX has for it, its NUL among them.
pub fn asctime(tm: &libc::tm) -> [u8; 26] {
    unsafe { *undeclared::asctime(tm).cast() }
}

/// A C array of bytes that is not set to zero first, and how much of it is written.
pub struct Buffer<const N: usize> {
    bytes: MaybeUninit<[u8; N]>,
    len: usize,
}

impl<const N: usize> Buffer<N> {
    pub const EMPTY: Self = Buffer { bytes: MaybeUninit::uninit(), len: 0 };

    /// `from` points to a string of C, which is cut to fit.
    unsafe fn copied(from: *const c_char) -> Self {
        let mut buffer = Self::EMPTY;
        buffer.put(unsafe { CStr::from_ptr(from) }.to_bytes());
        buffer
    }

    /// Appends `bytes`, as many of them as fit.
    pub fn put(&mut self, bytes: &[u8]) -> &mut Self {
        let len = bytes.len().min(N - self.len);
        let end: *mut u8 = self.bytes.as_mut_ptr().cast();
        unsafe { end.add(self.len).copy_from_nonoverlapping(bytes.as_ptr(), len) };
        self.len += len;
        self
    }

    /// Cuts what is written to `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl<const N: usize> Deref for Buffer<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) }
    }
}

impl<const N: usize> Write for Buffer<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.put(s.as_bytes());
        Ok(())
    }
}

// What C gives to main, and what it wants of a program

/// The first four words of `argv`, empty where there are fewer.
///
/// # Safety
/// They must be the two arguments of `main`.
pub unsafe fn words(argc: c_int, argv: *const *const c_char) -> [&'static CStr; 4] {
    core::array::from_fn(|at| if at < argc as usize { unsafe { CStr::from_ptr(*argv.add(at)) } } else { c"" })
}

/// Makes `$main`, a `fn(c_int, &[&CStr]) -> c_int`, what the C library starts, with no
/// Rust runtime before it, and lets a failed assertion say where it was before it aborts.
#[macro_export]
macro_rules! program {
    ($main:expr) => {
        #[unsafe(export_name = "main")]
        unsafe extern "C" fn c_main(argc: c_int, argv: *const *const core::ffi::c_char) -> c_int {
            ($main)(argc, &unsafe { $crate::c::words(argc, argv) })
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo) -> ! {
            $crate::c::assertion_failed(info)
        }
    };
}

pub fn assertion_failed(info: &PanicInfo) -> ! {
    let mut message = Buffer::<1024>::EMPTY;
    let _ = writeln!(message, "{info}");
    write(STDERR_FILENO, &message);
    unsafe { libc::abort() }
}
