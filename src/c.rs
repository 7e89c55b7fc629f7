//! The C library under its own names: the system headers that `tcp.hpp` includes.
//!
//! Every `unsafe` of the project stands in this file. A function here takes the
//! arguments of its C namesake in their order, a slice for a pointer with its
//! length, and returns what C returns: -1 is a failure, [`errno`] says which.
#![allow(missing_docs)] // The C library's manual pages document its names.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int, c_uint};
use core::mem::{MaybeUninit, size_of};
use core::ops::{Deref, DerefMut};
use core::ptr::null_mut;

pub use libc::{
    AF_INET, EINTR, INADDR_ANY, O_RDWR, RLIM_INFINITY, RLIMIT_FSIZE, SHUT_WR, SIGCHLD, SIGPIPE, SIGXFSZ,
    SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, STDERR_FILENO, STDIN_FILENO, STDOUT_FILENO, in_addr, pid_t,
    sa_family_t, sockaddr_in, time_t, tm,
};

// What the libc crate does not declare.
unsafe extern "C" {
    #[link_name = "inet_aton"]
    fn c_inet_aton(cp: *const c_char, inp: *mut in_addr) -> c_int;
    #[link_name = "inet_ntoa"]
    fn c_inet_ntoa(addr: in_addr) -> *const c_char;
    #[link_name = "_Fork"]
    fn c_fork() -> pid_t;
    #[link_name = "asctime_r"]
    fn c_asctime_r(tm: *const tm, buf: *mut c_char) -> *mut c_char;
}

// <sys/socket.h>

pub fn socket(domain: c_int, r#type: c_int, protocol: c_int) -> c_int {
    unsafe { libc::socket(domain, r#type, protocol) }
}

pub fn setsockopt(socket: c_int, level: c_int, name: c_int, value: &c_int) -> c_int {
    let value: *const c_int = value;
    unsafe { libc::setsockopt(socket, level, name, value.cast(), size_of::<c_int>() as u32) }
}

pub fn bind(socket: c_int, address: &sockaddr_in) -> c_int {
    let address: *const sockaddr_in = address;
    unsafe { libc::bind(socket, address.cast(), size_of::<sockaddr_in>() as u32) }
}

pub fn listen(socket: c_int, backlog: c_int) -> c_int {
    unsafe { libc::listen(socket, backlog) }
}

pub fn accept(socket: c_int, address: &mut sockaddr_in) -> c_int {
    let address: *mut sockaddr_in = address;
    let mut len = size_of::<sockaddr_in>() as u32;
    unsafe { libc::accept(socket, address.cast(), &mut len) }
}

pub fn connect(socket: c_int, address: &sockaddr_in) -> c_int {
    let address: *const sockaddr_in = address;
    unsafe { libc::connect(socket, address.cast(), size_of::<sockaddr_in>() as u32) }
}

pub fn shutdown(socket: c_int, how: c_int) -> c_int {
    unsafe { libc::shutdown(socket, how) }
}

// <netinet/in.h>, <arpa/inet.h>

/// An address of zero bytes: a `struct sockaddr_in` and the `memset` after it.
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

/// 0 if `cp` is no address; glibc takes one with anything behind a space.
pub fn inet_aton(cp: &CStr, inp: &mut in_addr) -> c_int {
    unsafe { c_inet_aton(cp.as_ptr(), inp) }
}

pub fn inet_ntoa(addr: in_addr) -> Text<16> {
    unsafe { Text::copy(c_inet_ntoa(addr)) }
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
    unsafe { libc::open(path.as_ptr(), flags, 0) }
}

/// `fcntl(fd, F_DUPFD, from)`: a copy of `fd` with the lowest free number from `from` on.
pub fn fcntl_dupfd(fd: c_int, from: c_int) -> c_int {
    unsafe { libc::fcntl(fd, libc::F_DUPFD, from) }
}

/// `fcntl(fd, F_GETFD)`: -1 if `fd` is not open.
pub fn fcntl_getfd(fd: c_int) -> c_int {
    unsafe { libc::fcntl(fd, libc::F_GETFD) }
}

/// `_Fork`, the same system call. What `fork` does besides, for threads, costs a child pages.
///
/// Safe because the programs have one thread: the child is a whole copy.
pub fn fork() -> pid_t {
    unsafe { c_fork() }
}

pub fn usleep(microseconds: c_uint) -> c_int {
    unsafe { libc::usleep(microseconds) }
}

// <sys/wait.h>, <signal.h>, <sys/resource.h>

pub fn waitpid(pid: pid_t, status: Option<&mut c_int>, options: c_int) -> pid_t {
    unsafe { libc::waitpid(pid, status.map_or(null_mut(), |status| status), options) }
}

/// What a signal does. No function can be given: the article gives none.
pub struct Disposition(libc::sighandler_t);

/// Nothing happens.
pub const SIG_IGN: Disposition = Disposition(libc::SIG_IGN);
/// What `signal` returns when it fails.
pub const SIG_ERR: isize = -1;

/// [`SIG_ERR`], or another number: the old disposition.
pub fn signal(signum: c_int, handler: Disposition) -> isize {
    unsafe { libc::signal(signum, handler.0) as isize }
}

/// The soft limit, no limit if it can't be told.
pub fn getrlimit(resource: libc::__rlimit_resource_t) -> libc::rlim_t {
    let mut limit = libc::rlimit { rlim_cur: RLIM_INFINITY, rlim_max: RLIM_INFINITY };
    unsafe { libc::getrlimit(resource, &mut limit) };
    limit.rlim_cur
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

/// At once: no handler is registered, nothing waits in a buffer of C's.
pub fn exit(status: c_int) -> ! {
    unsafe { libc::_exit(status) }
}

pub fn abort() -> ! {
    unsafe { libc::abort() }
}

/// Bytes of `realloc`, zero until they are written. They are kept until the program
/// ends: a `Drop` would call for an unwinder in a test build.
pub struct Memory {
    start: *mut u8,
    size: usize,
}

impl Memory {
    pub const fn new() -> Self {
        Memory { start: null_mut(), size: 0 }
    }

    /// Grows to `size` bytes. `false`, and no change, if there are not that many.
    pub fn realloc(&mut self, size: usize) -> bool {
        if size <= self.size {
            return true;
        }
        let start: *mut u8 = unsafe { libc::realloc(self.start.cast(), size) }.cast();
        if start.is_null() {
            return false;
        }
        unsafe { start.add(self.size).write_bytes(0, size - self.size) };
        (self.start, self.size) = (start, size);
        true
    }
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new()
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.start.is_null() {
            return &[];
        }
        unsafe { core::slice::from_raw_parts(self.start, self.size) }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        if self.start.is_null() {
            return &mut [];
        }
        unsafe { core::slice::from_raw_parts_mut(self.start, self.size) }
    }
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

/// Where `needle` begins.
pub fn strstr(haystack: &[u8], needle: &CStr) -> Option<usize> {
    (0..haystack.len()).find(|&start| haystack[start..].starts_with(needle.to_bytes()))
}

/// 0 if the two are equal but for the case.
pub fn strcasecmp(s1: &[u8], s2: &CStr) -> c_int {
    if s1.eq_ignore_ascii_case(s2.to_bytes()) { 0 } else { 1 }
}

pub fn errno() -> c_int {
    unsafe { *libc::__errno_location() }
}

pub fn strerror(errnum: c_int) -> Text<64> {
    unsafe { Text::copy(libc::strerror(errnum)) }
}

// <ctime>

pub fn time() -> time_t {
    unsafe { libc::time(null_mut()) }
}

/// All zero, the first of January 1900, if the year does not fit.
pub fn localtime(timep: &time_t) -> tm {
    let mut result = MaybeUninit::zeroed();
    unsafe {
        libc::localtime_r(timep, result.as_mut_ptr());
        result.assume_init()
    }
}

/// Cut to 26 bytes, the NUL among them, where the year has more than four digits.
pub fn asctime(tm: &tm) -> Text<26> {
    let mut text = Text([0; 26]);
    unsafe { c_asctime_r(tm, text.0.as_mut_ptr().cast()) };
    text
}

/// A result and what it was made for: for speed, made again only for something else.
///
/// Safe to share because the programs have one thread.
pub(crate) struct Kept<K, V>(UnsafeCell<Option<(K, V)>>);

unsafe impl<K, V> Sync for Kept<K, V> {}

impl<K: Copy + PartialEq, V: Copy> Kept<K, V> {
    pub const fn new() -> Self {
        Kept(UnsafeCell::new(None))
    }

    pub fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        if let Some((made_for, value)) = unsafe { *self.0.get() }
            && made_for == key
        {
            return value;
        }
        let value = make();
        unsafe { *self.0.get() = Some((key, value)) };
        value
    }
}

/// A short string that C keeps in a buffer of its own, copied out of it.
#[derive(Clone, Copy)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// `from` points to a string of C, which is cut to fit.
    unsafe fn copy(from: *const c_char) -> Self {
        let mut text = Text([0; N]);
        let from = unsafe { CStr::from_ptr(from) }.to_bytes();
        let len = from.len().min(N - 1);
        text.0[..len].copy_from_slice(&from[..len]);
        text
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0[..strlen(&self.0)]
    }
}

impl<const N: usize> DerefMut for Text<N> {
    fn deref_mut(&mut self) -> &mut [u8] {
        let len = strlen(&self.0);
        &mut self.0[..len]
    }
}

/// A C array that is not set to zero first, and how much of it is written.
pub struct Buffer<const N: usize> {
    bytes: MaybeUninit<[u8; N]>,
    len: usize,
}

impl<const N: usize> Buffer<N> {
    pub const fn new() -> Self {
        Buffer { bytes: MaybeUninit::uninit(), len: 0 }
    }

    /// Appends `bytes`, as many of them as fit.
    pub fn put(&mut self, bytes: &[u8]) {
        let len = bytes.len().min(N - self.len);
        let end: *mut u8 = self.bytes.as_mut_ptr().cast();
        unsafe { end.add(self.len).copy_from_nonoverlapping(bytes.as_ptr(), len) };
        self.len += len;
    }

    /// Cuts what is written to `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl<const N: usize> Default for Buffer<N> {
    fn default() -> Self {
        Buffer::new()
    }
}

impl<const N: usize> Deref for Buffer<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) }
    }
}

// What C gives to main, and what it wants of a program

/// `argc` and `argv`.
#[derive(Clone, Copy)]
pub struct Args {
    argc: c_int,
    argv: *const *const c_char,
}

impl Args {
    /// # Safety
    /// They must be the two arguments of `main`.
    pub unsafe fn new(argc: c_int, argv: *const *const c_char) -> Self {
        Args { argc, argv }
    }

    pub fn argc(self) -> usize {
        self.argc as usize
    }

    /// The word at `index`, empty if there are not that many.
    pub fn argv(self, index: usize) -> &'static CStr {
        if index >= self.argc() {
            return c"";
        }
        unsafe { CStr::from_ptr(*self.argv.add(index)) }
    }
}

/// Makes `$main`, a `fn(Args) -> c_int`, what the C library starts, with no
/// Rust runtime before it, and lets a panic say where it was before it aborts.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        #[unsafe(export_name = "main")]
        unsafe extern "C" fn c_main(
            argc: core::ffi::c_int,
            argv: *const *const core::ffi::c_char,
        ) -> core::ffi::c_int {
            $main(unsafe { $crate::c::Args::new(argc, argv) })
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo) -> ! {
            use core::fmt::Write;
            let _ = writeln!($crate::iostream::cerr(), "{info}");
            $crate::c::abort()
        }
    };
}
