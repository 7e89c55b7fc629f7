//! Mirrors the article's `logMessage.hpp`: one line of log, printf-style.
//!
//! C does not check varargs. [`log_message!`](crate::log_message!) checks
//! them at compile time. This line has its arguments:
//!
//! ```
//! use tcp::{DEBUG, log_message};
//! let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! log_message!(DEBUG, "Client has quited:[%s:%d]", client_ip, client_port);
//! ```
//!
//! Erratum 2: as printed, the arguments are inside the format string, and the line
//! does not compile. Nor does a conversion without its letter, nor a wrong type:
//!
//! ```compile_fail
//! # let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! tcp::log_message!(tcp::DEBUG, "Client has quited:[%s:%d],clientIP,clientPort");
//! ```
//! ```compile_fail
//! tcp::log_message!(tcp::DEBUG, "100%", 1);
//! ```
//! ```compile_fail,E0277
//! # let (client_ip, client_port) = (c"127.0.0.1", 40000_u16);
//! tcp::log_message!(tcp::DEBUG, "Client has quited:[%s:%d]", client_port, client_ip);
//! ```

use crate::vsnprintf::{Value, va_end, va_start, vsnprintf};
use crate::*;

/// Debugging detail.
pub const DEBUG: c_int = 0;
/// Used by no listing.
pub const NOTICE: c_int = 1;
/// A call failed and will be retried. The article's spelling.
pub const WARINING: c_int = 2;
/// A fatal error; the only level on standard error.
pub const FATAL: c_int = 3;

const LOG_LEVEL: [&CStr; 4] = [c"DEBUG", c"NOTICE", c"WARINING", c"FATAL"];

/// The article's `logMessage(level, format, ...)`.
#[macro_export]
macro_rules! log_message {
    ($level:expr, $format:expr $(, $argument:expr)*) => {
        $crate::log_message::log_message($level, $format, $crate::values!([], 0, $format $(, $argument)*, ()))
    };
}

/// Writes one line: level, local time, `USER`, message. A line that cannot be
/// written is lost. Like stdio, it blocks if the reader is slow.
pub fn log_message(level: c_int, format: &str, arguments: &[Value]) {
    assert!(level >= DEBUG);
    assert!(level <= FATAL);

    let name = getenv(c"USER");
    // The article passes 1024 - 1 to vsnprintf, which keeps one byte for its NUL.
    let mut log_info = Buffer::<{ 1024 - 1 - 1 }>::EMPTY;
    let mut ap = va_start(arguments);
    vsnprintf(&mut log_info, format, &mut ap);
    va_end(ap);
    let out = if level == FATAL { STDERR_FILENO } else { STDOUT_FILENO };
    let tm = time();
    let local_tm = localtime(&tm);
    let mut local_tm_str = asctime(&local_tm);
    let n_c = strstr(&local_tm_str, c"\n");
    if let Some(n_c) = n_c {
        local_tm_str.truncate(n_c);
    }
    let (level, name) = (LOG_LEVEL[level as usize], name.unwrap_or(c"unknow"));
    crate::fprintf!(out, "%s | %s | %s | %s\n", level, local_tm_str, name, log_info); // Errata 14, 15
}
