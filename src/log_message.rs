//! Mirrors the article's `logMessage.hpp`: one line of log, printf-style.
//!
//! What C's varargs could not check, [`log_message!`](crate::log_message!) has
//! checked before the program runs. This line has its arguments:
//!
//! ```
//! use tcp::{log_message, log_message::DEBUG};
//! let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! log_message!(DEBUG, "Client has quited:[%s:%d]", client_ip, client_port);
//! ```
//!
//! Erratum 2: as the article prints it, they stand inside the format, and the
//! line does not compile:
//!
//! ```compile_fail
//! use tcp::{log_message, log_message::DEBUG};
//! let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! log_message!(DEBUG, "Client has quited:[%s:%d],clientIP,clientPort");
//! ```
//!
//! Nor does a number where the format wants a string:
//!
//! ```compile_fail
//! use tcp::{log_message, log_message::DEBUG};
//! let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! log_message!(DEBUG, "Client has quited:[%s:%d]", client_port, client_ip);
//! ```

use core::ffi::c_int;

use crate::c::{
    Buffer, Kept, STDERR_FILENO, STDOUT_FILENO, Text, asctime, getenv, localtime, strstr, time, time_t,
};
use crate::errata::{AS_PRINTED, write};
use crate::vsnprintf::{Argument, vsnprintf};

/// What is worth knowing when something is wrong.
pub const DEBUG: c_int = 0;
/// Used by no listing.
pub const NOTICE: c_int = 1;
/// A call failed and will be made again. The article's spelling.
pub const WARINING: c_int = 2;
/// A call failed, and with it what it was for. The one level that goes to standard error.
pub const FATAL: c_int = 3;

const LOG_LEVEL: [&str; 4] = ["DEBUG", "NOTICE", "WARINING", "FATAL"];

static LOCAL_TM_STR: Kept<time_t, Text<26>> = Kept::new();

/// A longer `USER` is cut: it would leave no room for the message.
const LOGIN_NAME_MAX: usize = 256;

/// A pipe takes a line of so many bytes whole, whoever else writes to it.
const PIPE_BUF: usize = 4096;

/// The article's `logMessage(level, format, ...)`: the format is checked against
/// the arguments that follow it when it is compiled.
#[macro_export]
macro_rules! log_message {
    ($level:expr, $format:expr $(, $argument:expr)* $(,)?) => {{
        struct Printed;
        impl $crate::vsnprintf::Format for Printed {
            const TEXT: &'static str = $format;
        }
        let arguments = ($(&$argument,)*);
        let ap = $crate::vsnprintf::va_start::<Printed, _>(&arguments);
        $crate::log_message::log_message($level, $format, ap.as_ref());
    }};
}

/// Writes one line: level, local time, `USER`, message. A line that can't be
/// written is lost; for a reader that does not read it waits, as stdio would.
pub fn log_message(level: c_int, format: &str, ap: &[Argument]) {
    assert!(level >= DEBUG);
    assert!(level <= FATAL);

    let name = getenv(c"USER");

    // The article gives 1024 - 1 bytes to vsnprintf, which takes one for its NUL.
    let mut log_info = Buffer::<{ 1024 - 1 - 1 }>::new();
    vsnprintf(&mut log_info, format, ap);

    let out = if level == FATAL { STDERR_FILENO } else { STDOUT_FILENO };

    let tm = time();
    let local_tm_str = LOCAL_TM_STR.get(tm, || {
        let local_tm = localtime(&tm);
        let mut local_tm_str = asctime(&local_tm);
        let n_c = strstr(&local_tm_str, c"\n");
        if let Some(n_c) = n_c {
            local_tm_str[n_c] = b'\0';
        }
        local_tm_str
    });

    // Erratum 14: one write a line, nothing left in a buffer for a child to write again.
    let mut line = Buffer::<PIPE_BUF>::new();
    line.put(LOG_LEVEL[level as usize].as_bytes());
    line.put(b" | ");
    line.put(&local_tm_str);
    line.put(b" | ");
    let name = name.unwrap_or(c"unknow").to_bytes();
    put_visible(&mut line, &name[..name.len().min(LOGIN_NAME_MAX)]);
    line.put(b" | ");
    put_visible(&mut line, &log_info);
    line.truncate(PIPE_BUF - 1);
    line.put(b"\n");
    write(out, &line);
}

/// Erratum 15: as printed, what a client sends reaches the terminal as it is.
fn put_visible(line: &mut Buffer<PIPE_BUF>, text: &[u8]) {
    let plain = |c: &u8| (b' '..=b'~').contains(c);
    if AS_PRINTED || text.iter().all(plain) {
        return line.put(text);
    }
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).as_bytes();
            if c.is_control() { put_escaped(line, bytes) } else { line.put(bytes) }
        }
        put_escaped(line, chunk.invalid());
    }
}

fn put_escaped(line: &mut Buffer<PIPE_BUF>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for &c in bytes {
        match c {
            b'\n' => line.put(b"\\n"),
            b'\t' => line.put(b"\\t"),
            _ => line.put(&[b'\\', b'x', HEX[usize::from(c >> 4)], HEX[usize::from(c & 15)]]),
        }
    }
}
