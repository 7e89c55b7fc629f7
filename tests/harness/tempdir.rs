//! A directory of a test's own, with a space in its path.

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI32, AtomicU32};
use std::sync::{Mutex, PoisonError};

use crate::harness::preflight::reason;
use crate::say;

/// Removed with this value.
pub struct TempDir(PathBuf);

/// Those that are there now.
static ALL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Where [`interrupted`] writes which signal has come.
static INTERRUPTED: AtomicI32 = AtomicI32::new(-1);

/// From now on Ctrl-C, too, removes them. (Blocked signals would stay blocked in programs that are started.)
pub fn remove_when_interrupted() {
    let mut ends = [0; 2];
    unsafe {
        assert_ne!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), -1, "a pipe for signals");
        INTERRUPTED.store(ends[1], Relaxed);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            let handler = interrupted as extern "C" fn(libc::c_int);
            // In the background of a shell it is ignored.
            if libc::signal(signal, handler as libc::sighandler_t) == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
    }
    std::thread::spawn(move || unsafe {
        let mut signal = 0u8;
        while libc::read(ends[0], (&raw mut signal).cast(), 1) != 1 {}
        // Held until the end, so that no other is made.
        let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        for path in all.iter() {
            let _ = std::fs::remove_dir_all(path);
        }
        // The signal ends this process, as it would have before.
        libc::signal(libc::c_int::from(signal), libc::SIG_DFL);
        libc::raise(libc::c_int::from(signal));
    });
}

/// Only passes the signal on: little else is allowed in a handler.
extern "C" fn interrupted(signal: libc::c_int) {
    let signal = signal as u8;
    unsafe { libc::write(INTERRUPTED.load(Relaxed), (&raw const signal).cast(), 1) };
}

impl TempDir {
    pub fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tcp {} {}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}", unusable(&path, &error)));
        all.push(path.clone());
        TempDir(path)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        let parent = path.parent().expect("a file in a directory has a parent");
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written.unwrap_or_else(|error| panic!("{}", unusable(&path, &error)));
        path
    }

    /// An executable script of `sh`, written by another process: a program that is started while this one writes
    /// would inherit the open file, and the script could not be run.
    pub fn script(&self, name: &str, text: &str) {
        let script = "printf '#!/bin/sh\n%s\n' \"$1\" >\"$0\" && chmod 755 \"$0\"";
        let written = Command::new("sh").args(["-c", script, name, text]).current_dir(&**self).status();
        assert!(
            written.is_ok_and(|status| status.success()),
            "{name} can't be written in {}",
            self.display()
        );
    }
}

fn unusable(path: &Path, error: &io::Error) -> String {
    let (path, reason) = (path.display(), reason(error));
    say!(
        "{path} can't be written ({reason}): set TMPDIR to a directory with room",
        "无法写入 {path}（{reason}）：请把 TMPDIR 设为有空间的目录"
    )
}

impl Deref for TempDir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
        ALL.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}
