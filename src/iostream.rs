//! Mirrors what the listings use of `<iostream>`: `cout` and `cerr`, over C's stdio as there.

use crate::errata::*;

/// An output stream.
pub struct Ostream {
    file: File,
    /// Something could not be written, [`errno`] says why; nothing more will be.
    pub bad: bool,
}

/// Standard output.
pub fn cout() -> Ostream {
    Ostream { file: stdout(), bad: false }
}

/// Standard error.
pub fn cerr() -> Ostream {
    Ostream { file: stderr(), bad: false }
}

impl Ostream {
    /// The article's `<<`.
    pub fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.bad = self.bad || fwrite(bytes, &self.file) < bytes.len();
        self
    }

    /// The article's `<< endl`.
    pub fn endl(&mut self) -> &mut Self {
        self.put(b"\n").flush()
    }

    /// Writes what was put.
    pub fn flush(&mut self) -> &mut Self {
        self.bad = self.bad || fflush(&self.file) != 0;
        self
    }
}
