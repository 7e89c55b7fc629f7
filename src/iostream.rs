//! Mirrors what the listings use of `<iostream>` and `<string>`: `cin`, `cout`, `cerr`, `getline`.

use core::ffi::c_int;
use core::fmt;
use core::ops::{Deref, Range};

use crate::c::{Buffer, Memory, STDERR_FILENO, STDIN_FILENO, STDOUT_FILENO};
use crate::errata::{read, write};

/// An output stream. What is put there leaves in one write, at the end of the
/// line, at a flush, or when 4096 bytes are full.
pub struct Ostream {
    fd: c_int,
    buffer: Buffer<4096>,
}

/// Standard output.
pub fn cout() -> Ostream {
    Ostream { fd: STDOUT_FILENO, buffer: Buffer::new() }
}

/// Standard error.
pub fn cerr() -> Ostream {
    Ostream { fd: STDERR_FILENO, buffer: Buffer::new() }
}

impl Ostream {
    /// The article's `<<`. What has no room left goes out first.
    pub fn put(&mut self, bytes: &[u8]) -> &mut Self {
        for part in bytes.chunks(1024) {
            if self.buffer.len() + part.len() > 4096 {
                self.flush();
            }
            self.buffer.put(part);
        }
        self
    }

    /// The article's `<< endl`. -1 if the line did not leave.
    pub fn endl(&mut self) -> isize {
        self.put(b"\n").flush()
    }

    /// Writes what was put. -1 on failure.
    pub fn flush(&mut self) -> isize {
        let written = write(self.fd, &self.buffer);
        self.buffer.truncate(0);
        written
    }
}

/// For the words of a panic: a write for every piece.
impl fmt::Write for Ostream {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if self.put(s.as_bytes()).flush() == -1 { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Standard input.
pub struct Istream {
    buffer: [u8; 4096],
    unread: Range<usize>,
    ended: bool,
}

/// Standard input.
pub fn cin() -> Istream {
    Istream { buffer: [0; 4096], unread: 0..0, ended: false }
}

/// Appends a line, without its end, to `message`. 1 for a line, 0 at the end of
/// input, -1 if it can't be read or memory is short.
pub fn getline(cin: &mut Istream, message: &mut String) -> isize {
    loop {
        let unread = &cin.buffer[cin.unread.clone()];
        let newline = unread.iter().position(|&c| c == b'\n');
        let line = &unread[..newline.unwrap_or(unread.len())];
        if !message.append(line) {
            return -1;
        }
        cin.unread.start += line.len();
        if newline.is_some() {
            cin.unread.start += 1;
            return 1;
        }
        // A terminal's end of input is not asked for twice.
        let came = if cin.ended { 0 } else { read(STDIN_FILENO, &mut cin.buffer) };
        if came <= 0 {
            cin.ended = true;
            return if came == 0 && !message.is_empty() { 1 } else { came };
        }
        cin.unread = 0..came as usize;
    }
}

/// A string of bytes that grows.
#[derive(Default)]
pub struct String {
    memory: Memory,
    len: usize,
}

impl String {
    /// Empties the string; its memory is kept.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// `false`, and no change, if memory is short.
    pub fn append(&mut self, bytes: &[u8]) -> bool {
        let len = self.len + bytes.len();
        if len > self.memory.len() && !self.memory.realloc(2 * len) {
            return false;
        }
        self.memory[self.len..len].copy_from_slice(bytes);
        self.len = len;
        true
    }
}

impl Deref for String {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}
