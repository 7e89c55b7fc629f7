//! A directory of a test's own, with a space in its path.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::net::ports::free_port;

/// It goes with this value.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn empty() -> Self {
        let path = std::env::temp_dir().join(format!("tcp {} {}", std::process::id(), free_port()));
        std::fs::create_dir_all(&path).expect("a directory");
        TempDir(path)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        std::fs::write(&path, text).expect("it is written");
        path
    }

    /// A program of `sh`, by another process: what this one writes to, a program started meanwhile holds open.
    pub fn script(&self, name: &str, text: &str) {
        let script = "printf '#!/bin/sh\n%s\n' \"$1\" >\"$0\" && chmod 755 \"$0\"";
        let written = Command::new("sh").args(["-c", script, name, text]).current_dir(&**self).status();
        assert!(written.expect("there is a shell").success());
    }
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
    }
}
