//! Mirrors what the listings use of `<iostream>`: `cin`, `cout` and `cerr` are C's streams, as in C++.

use crate::c::*;
pub use crate::c::{stderr as cerr, stdin as cin, stdout as cout};

impl File {
    /// The article's `<<`. Like C++, it writes no more after a failure.
    pub fn put(&self, bytes: &[u8]) -> &Self {
        if !ferror(self) {
            fwrite(bytes, self);
        }
        self
    }

    /// The article's `<< endl`.
    pub fn endl(&self) -> &Self {
        self.put(b"\n").flush()
    }

    /// C++'s `<< flush`. In the article, reading `cin` does it.
    pub fn flush(&self) -> &Self {
        if !ferror(self) {
            fflush(self);
        }
        self
    }
}
