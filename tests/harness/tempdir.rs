//! A directory of a test's own, with a space in its path.

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use crate::harness::preflight::reason;
use crate::say;

/// Removed with this value.
pub struct TempDir(PathBuf);

/// Those that are there now.
static ALL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// From now on Ctrl-C, too, removes them. Called before other threads are started, which inherit what it blocks.
pub fn remove_when_interrupted() {
    unsafe {
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(&raw mut signals, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut());
        std::thread::spawn(move || {
            let mut signal = 0;
            libc::sigwait(&raw const signals, &raw mut signal);
            for path in ALL.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let _ = std::fs::remove_dir_all(path);
            }
            // The signal ends this process, as it would have before.
            libc::signal(signal, libc::SIG_DFL);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const signals, std::ptr::null_mut());
            libc::raise(signal);
        });
    }
}

impl TempDir {
    pub fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tcp {} {}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}", unusable(&path, &error)));
        ALL.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
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
