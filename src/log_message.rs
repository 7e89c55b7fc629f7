//! Mirrors the article's `logMessage.hpp`: one line of log, printf-style.
//!
//! What C's varargs could not check, [`log_message!`](crate::log_message!) has
//! checked before the program runs. This line has its arguments:
//!
//! ```
//! use tcp::{DEBUG, log_message};
//! let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! log_message!(DEBUG, "Client has quited:[%s:%d]", client_ip, client_port);
//! ```
//!
//! Erratum 2: as the article prints it, they stand inside the format, and the
//! line does not compile:
//!
//! ```compile_fail
//! use tcp::{DEBUG, log_message};
//! let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! log_message!(DEBUG, "Client has quited:[%s:%d],clientIP,clientPort");
//! ```
//!
//! Nor does a number where the format wants a string:
//!
//! ```compile_fail
//! use tcp::{DEBUG, log_message};
//! let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! log_message!(DEBUG, "Client has quited:[%s:%d]", client_port, client_ip);
//! ```

use core::ffi::c_int;
use core::fmt::Write;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use crate::errata::*;
use crate::vsnprintf::{Value, va_start, vsnprintf};

/// What is worth knowing when something is wrong.
pub const DEBUG: c_int = 0;
/// Used by no listing.
pub const NOTICE: c_int = 1;
/// A call failed and will be made again. The article's spelling.
pub const WARINING: c_int = 2;
/// A call failed, and with it what it was for. The one level that goes to standard error.
pub const FATAL: c_int = 3;

const LOG_LEVEL: [&str; 4] = ["DEBUG", "NOTICE", "WARINING", "FATAL"];

/// The article's `logMessage(level, format, ...)`: the format is checked against
/// the arguments that follow it when it is compiled.
#[macro_export]
macro_rules! log_message {
    (@list) => { () };
    (@list $first:expr $(, $rest:expr)*) => { (&$first, $crate::log_message!(@list $($rest),*)) };
    ($level:expr, $format:expr $(, $argument:expr)*) => {{
        struct Printed;
        impl $crate::vsnprintf::Format for Printed {
            const TEXT: &'static str = $format;
        }
        // Here, so that the compiler names the line that is wrong.
        const _: () = assert!(
            $crate::vsnprintf::conversions($format) == <[&str]>::len(&[$(stringify!($argument)),*]),
            "the format asks for another number of arguments"
        );
        let arguments = $crate::log_message!(@list $($argument),*);
        let ap = $crate::vsnprintf::values::<Printed, _>(&arguments);
        $crate::log_message::log_message($level, $format, &ap);
    }};
}

/// The last second and its text: each child would map the C library's pages for it anew.
static KEPT: (AtomicUsize, [AtomicU8; 26]) = (AtomicUsize::new(0), [const { AtomicU8::new(0) }; 26]);

/// Writes one line: level, local time, `USER`, message. A line that can't be
/// written is lost; for a reader that does not read it waits, as stdio would.
pub fn log_message(level: c_int, format: &str, arguments: &[Value]) {
    assert!(level >= DEBUG);
    assert!(level <= FATAL);

    let name = getenv(c"USER");
    // The article gives 1024 - 1 bytes to vsnprintf, which takes one for its NUL.
    let mut log_info = Buffer::<{ 1024 - 1 - 1 }>::EMPTY;
    let ap = va_start(arguments);
    vsnprintf(&mut log_info, format, ap);
    let out = if level == FATAL { STDERR_FILENO } else { STDOUT_FILENO };
    let tm = time();
    if KEPT.0.load(Relaxed) != tm as usize {
        let local_tm = localtime(&tm);
        let mut local_tm_str = asctime(&local_tm);
        let n_c = strstr(&mut local_tm_str, c"\n");
        if let Some(n_c) = n_c {
            *n_c = b'\0';
        }
        KEPT.0.store(tm as usize, Relaxed);
        KEPT.1.iter().zip(local_tm_str).for_each(|(kept, c)| kept.store(c, Relaxed));
    }
    let local_tm_str = KEPT.1.each_ref().map(|kept| kept.load(Relaxed));
    // Erratum 14: one write a line, nothing left in a buffer for a child to write again.
    let mut line = Buffer::<PIPE_BUF>::EMPTY; // a pipe takes as much in one piece
    line.put(LOG_LEVEL[level as usize].as_bytes()).put(b" | ");
    line.put(&local_tm_str[..strlen(&local_tm_str)]).put(b" | ");
    put_visible(&mut line, name.unwrap_or(c"unknow").to_bytes());
    put_visible(line.put(b" | "), &log_info);
    line.truncate(PIPE_BUF - 1);
    writen(out, line.put(b"\n"));
}

/// Erratum 15: as printed, what a client sends reaches the terminal as it is.
fn put_visible(line: &mut Buffer<PIPE_BUF>, text: &[u8]) {
    let plain = |c: &u8| matches!(c, b' '..=b'[' | b']'..=b'~');
    if AS_PRINTED || text.iter().all(plain) {
        line.put(text);
        return;
    }
    for chunk in text.utf8_chunks() {
        let mut escaped = chunk.valid().escape_debug().peekable();
        while let Some(c) = escaped.next() {
            // Quotes do no harm, and stay as they are.
            if c != '\\' || !matches!(escaped.peek(), Some('"' | '\'')) {
                let _ = line.write_char(c);
            }
        }
        let _ = write!(line, "{}", chunk.invalid().escape_ascii());
    }
}
