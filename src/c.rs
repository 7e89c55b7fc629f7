//! The C library under its own names: the system headers that `tcp.hpp` includes.
//!
//! Every `unsafe` of the project is in this file, which assumes single-threaded programs. A function takes the
//! arguments of its C namesake in their order, a slice for a pointer with its length, and returns what C
//! returns: -1 is a failure, [`errno`] says which. A descriptor is a plain number, as in C.
#![allow(missing_docs, non_camel_case_types)] // The manual pages document the names.

use core::ffi::{CStr, c_char, c_int, c_uint, c_ulong};
use core::fmt::{self, Write};
use core::{mem::MaybeUninit, ops::Deref, panic::PanicInfo, ptr::null_mut};

pub use libc::{
    AF_INET, EIO, INADDR_ANY, O_RDWR, PIPE_BUF, SIGCHLD, SIGPIPE, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET,
    STDERR_FILENO, STDIN_FILENO, STDOUT_FILENO, in_addr, pid_t, sa_family_t, sockaddr_in, socklen_t, tm,
};

/// 64 bits everywhere, so that 32-bit programs know the time after 2038.
pub type time_t = i64;

/// What the libc crate does not declare.
mod undeclared {
    use super::*;

    #[link(name = "c")] // for musl, where only std asks for it
    #[cfg_attr(all(target_arch = "arm", not(target_feature = "crt-static")), link(name = "gcc_s"))] // its unwind tables
    unsafe extern "C" {
        pub fn inet_aton(cp: *const c_char, inp: *mut in_addr) -> c_int;
        #[cfg_attr(target_pointer_width = "32", link_name = "__time64")]
        pub fn time(timer: *mut time_t) -> time_t;
        #[cfg_attr(target_pointer_width = "32", link_name = "__localtime64_r")]
        pub fn localtime_r(timer: *const time_t, result: *mut tm) -> *mut tm;
        pub static stdin: *mut libc::FILE;
        pub static stdout: *mut libc::FILE;
        pub static stderr: *mut libc::FILE;
    }
}

// <sys/socket.h>

/// C's `sizeof`. The functions below take no more than their pointer points to, whatever the length.
pub const fn sizeof<T>(_: &T) -> socklen_t {
    size_of::<T>() as socklen_t
}

pub fn socket(domain: c_int, r#type: c_int, protocol: c_int) -> c_int {
    unsafe { libc::socket(domain, r#type, protocol) }
}

pub fn setsockopt(socket: c_int, level: c_int, name: c_int, value: &c_int, len: socklen_t) -> c_int {
    unsafe { libc::setsockopt(socket, level, name, (&raw const *value).cast(), len.min(sizeof(value))) }
}

pub fn bind(socket: c_int, address: &sockaddr_in, len: socklen_t) -> c_int {
    unsafe { libc::bind(socket, (&raw const *address).cast(), len.min(sizeof(address))) }
}

pub fn listen(socket: c_int, backlog: c_int) -> c_int {
    unsafe { libc::listen(socket, backlog) }
}

pub fn accept(socket: c_int, address: &mut sockaddr_in, len: &mut socklen_t) -> c_int {
    *len = sizeof(address).min(*len);
    unsafe { libc::accept(socket, (&raw mut *address).cast(), len) }
}

pub fn connect(socket: c_int, address: &sockaddr_in, len: socklen_t) -> c_int {
    unsafe { libc::connect(socket, (&raw const *address).cast(), len.min(sizeof(address))) }
}

// <netinet/in.h>, <arpa/inet.h>

/// The article's `memset`. It leaves `peer` uninitialised, which Rust does not allow.
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
    Buffer::of(format_args!("{}", core::net::Ipv4Addr::from(addr.s_addr.to_ne_bytes())))
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

pub fn open(path: &CStr, flags: c_int, mode: c_uint) -> c_int {
    unsafe { libc::open(path.as_ptr(), flags, mode) }
}

/// With one thread, the child may do all that its parent may.
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

/// The only signal disposition supported: the article installs no handler.
pub struct SIG_IGN;

pub fn signal(signum: c_int, _: SIG_IGN) {
    unsafe { libc::signal(signum, libc::SIG_IGN) };
}

// <cstdlib>

pub fn getenv(name: &CStr) -> Option<&'static CStr> {
    let value = unsafe { libc::getenv(name.as_ptr()) };
    // Nothing in `src/` changes the environment, so the string lives as long as the program.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
}

pub fn atoi(nptr: &CStr) -> c_int {
    unsafe { libc::atoi(nptr.as_ptr()) }
}

/// The number at the start of `nptr`, in this base.
pub fn strtoul(nptr: &CStr, base: c_int) -> c_ulong {
    unsafe { libc::strtoul(nptr.as_ptr(), null_mut(), base) }
}

/// `_exit`, the same system call: no handler is registered, and no `cout` is left unflushed.
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

/// How many bytes of `buf` were written; fewer than all means that it failed.
pub fn fwrite(buf: &[u8], stream: &File) -> usize {
    unsafe { libc::fwrite(buf.as_ptr().cast(), 1, buf.len(), stream.0) }
}

pub fn fflush(stream: &File) -> c_int {
    unsafe { libc::fflush(stream.0) }
}

pub fn ferror(stream: &File) -> bool {
    unsafe { libc::ferror(stream.0) != 0 }
}

pub fn feof(stream: &File) -> bool {
    unsafe { libc::feof(stream.0) != 0 }
}

/// A line, in a `malloc`'d buffer that [`getline`] grows.
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
        if self.len == 0 { &[] } else { unsafe { core::slice::from_raw_parts(self.start.cast(), self.len) } }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        unsafe { libc::free(self.start.cast()) }
    }
}

/// The length of the line with its `\n`, which is then cut off; or -1, at the end ([`feof`]) or if it failed.
pub fn getline(line: &mut Line, stream: &File) -> isize {
    let read = unsafe { libc::getline(&mut line.start, &mut line.size, stream.0) };
    line.len = read.max(0) as usize;
    line.len -= usize::from(line.ends_with(b"\n"));
    read
}

// <cctype>, in the C locale, which the article never changes

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

/// The number of bytes before the first NUL; all of them if there is none.
pub fn strlen(s: &[u8]) -> usize {
    s.iter().position(|&c| c == 0).unwrap_or(s.len())
}

pub fn strspn(s: &CStr, accept: &CStr) -> usize {
    unsafe { libc::strspn(s.as_ptr(), accept.as_ptr()) }
}

/// Where `needle` begins in `haystack`.
pub fn strstr(haystack: &[u8], needle: &CStr) -> Option<usize> {
    (0..=haystack.len()).find(|&at| haystack[at..].starts_with(needle.to_bytes()))
}

/// 0 if the two are equal except for the case of their letters.
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
    let mut text = Buffer::EMPTY;
    text.put(unsafe { CStr::from_ptr(libc::strerror(errnum)) }.to_bytes());
    text
}

// <ctime>

pub fn time() -> time_t {
    unsafe { undeclared::time(null_mut()) }
}

/// No day and no month if C returns NULL, because the year does not fit an `int`.
pub fn localtime(timep: &time_t) -> tm {
    let mut result = unsafe { MaybeUninit::zeroed().assume_init() };
    let unknown = tm { tm_wday: -1, tm_mon: -1, ..result };
    unsafe { undeclared::localtime_r(timep, &mut result).as_ref() }.copied().unwrap_or(unknown)
}

/// In the C library's format. Written here because C returns NULL for the last years that `tm` can hold.
pub fn asctime(tm: &tm) -> Buffer<64> {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let day = DAYS.get(tm.tm_wday as usize).unwrap_or(&"???");
    let month = MONTHS.get(tm.tm_mon as usize).unwrap_or(&"???");
    let (hour, min, sec, year) = (tm.tm_hour, tm.tm_min, tm.tm_sec, i64::from(tm.tm_year) + 1900);
    let (sign, year) = (if year < 0 { "-" } else { "" }, year.unsigned_abs() as u32); // ARM cannot print 64 bits
    Buffer::of(format_args!("{day} {month}{:3} {hour:02}:{min:02}:{sec:02} {sign}{year}\n", tm.tm_mday))
}

/// An uninitialised `char[N]`, and how many of its bytes are used.
pub struct Buffer<const N: usize> {
    bytes: MaybeUninit<[u8; N]>,
    len: usize,
}

impl<const N: usize> Buffer<N> {
    pub const EMPTY: Self = Buffer { bytes: MaybeUninit::uninit(), len: 0 };

    /// The formatted text, cut to fit.
    pub fn of(text: fmt::Arguments) -> Self {
        let mut buffer = Self::EMPTY;
        let _ = buffer.write_fmt(text);
        buffer
    }

    /// Appends as many of `bytes` as fit.
    pub fn put(&mut self, bytes: &[u8]) {
        let len = bytes.len().min(N - self.len);
        let end: *mut u8 = self.bytes.as_mut_ptr().cast();
        unsafe { end.add(self.len).copy_from_nonoverlapping(bytes.as_ptr(), len) };
        self.len += len;
    }

    /// Keeps at most the first `len` bytes.
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

// What C passes to main, and what it expects of a program

/// The first four of `argv`, empty strings where there are fewer.
///
/// # Safety
/// They must be the two arguments of `main`.
pub unsafe fn arguments(argc: c_int, argv: *const *const c_char) -> [&'static CStr; 4] {
    core::array::from_fn(|at| if at < argc as usize { unsafe { CStr::from_ptr(*argv.add(at)) } } else { c"" })
}

/// Exports `$main`, a `fn(c_int, &[&CStr]) -> c_int`, as C's `main`: no Rust runtime
/// runs before it. A panic prints its message and aborts, like C's `assert`.
#[macro_export]
macro_rules! program {
    ($main:expr) => {
        #[unsafe(export_name = "main")]
        unsafe extern "C" fn c_main(argc: c_int, argv: *const *const core::ffi::c_char) -> c_int {
            ($main)(argc, &unsafe { $crate::c::arguments(argc, argv) })
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo) -> ! {
            $crate::c::assertion_failed(info)
        }
    };
}

pub fn assertion_failed(info: &PanicInfo) -> ! {
    write(STDERR_FILENO, &Buffer::<1024>::of(format_args!("{info}\n")));
    unsafe { libc::abort() }
}
