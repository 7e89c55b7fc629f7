//! Whether this machine has room for the tests: a writable temporary directory, and descriptors.
//!
//! Checked once, before the first test: otherwise each would fail by itself, with a message about a file.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use crate::say;

/// Bytes that must be free in the temporary directory: compilers and the lessons' programs use it.
const FREE: libc::off_t = 16 << 20;
/// A test with 200 clients has 200 sockets, beside the pipes and terminals of all others.
const DESCRIPTORS: libc::rlim_t = 1024;

/// One line that says what to do, if something is missing.
pub fn check() -> Result<(), String> {
    raise_descriptors()?;
    temporary_directory(&std::env::temp_dir())
}

/// Raises the soft limit of open files, as far as the hard one lets it.
fn raise_descriptors() -> Result<(), String> {
    let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == -1
        || limit.rlim_cur >= DESCRIPTORS
    {
        return Ok(());
    }
    let most = limit.rlim_max;
    limit.rlim_cur = most.min(DESCRIPTORS);
    if most < DESCRIPTORS || unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } == -1 {
        return Err(say!(
            "only {most} files may be open at a time: {DESCRIPTORS} are needed (ulimit -Hn)",
            "最多只能同时打开 {most} 个文件：需要 {DESCRIPTORS} 个（ulimit -Hn）"
        ));
    }
    Ok(())
}

/// Whether that much room can be had there.
pub fn temporary_directory(directory: &Path) -> Result<(), String> {
    let probe = directory.join(format!("tcp probe {}", std::process::id()));
    let room = |file: File| match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, FREE) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    };
    let written = File::create(&probe).and_then(room);
    let _ = std::fs::remove_file(&probe);
    written.map_err(|error| {
        let (directory, mb) = (directory.display(), FREE >> 20);
        say!(
            "the temporary directory {directory} can't be used ({}): set TMPDIR to one with {mb} MB free",
            "临时目录 {directory} 无法使用（{}）：请把 TMPDIR 设为有 {mb} MB 空间的目录",
            reason(&error)
        )
    })
}

/// An error as the system words it, without Rust's number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}
