//! The fixes: the switch between the printed and the fixed form, and the functions that fix.
//!
//! `grep -rnE 'Errat(um|a)|AS_PRINTED' src` lists the places, each with its number from the README's table. Three
//! errata have no second form: 2 does not compile here, 3 is a constant, 14 needs C's stdio.

use core::fmt::Write;

use crate::vsnprintf::{Value, va_start, vprintf};
use crate::*;

/// `true`: as the article prints it. `false`: with all errata fixed.
pub const AS_PRINTED: bool = cfg!(feature = "as_printed");

/// Erratum 10: as printed, a write to a peer that has disappeared kills the process with SIGPIPE.
pub fn ignore_sigpipe() {
    if !AS_PRINTED {
        signal(SIGPIPE, SIG_IGN);
    }
}

/// Erratum 12: as printed, a failed `accept` is retried immediately.
pub fn pause_before_retry() {
    if !AS_PRINTED {
        usleep(20_000);
    }
}

/// Erratum 9: as printed, a message ends at its first NUL.
pub fn c_str(bytes: &[u8]) -> &[u8] {
    if AS_PRINTED { &bytes[..strlen(bytes)] } else { bytes }
}

/// Erratum 16: as printed, the program's name and its first argument are joined.
pub const SPACE: &[u8] = if AS_PRINTED { b"" } else { b" " };

/// Erratum 9: `write` until all of `buffer` is written. Returns its length, or -1.
pub fn writen(fd: c_int, buffer: &[u8]) -> isize {
    let mut done = 0;
    loop {
        match write(fd, &buffer[done..]) {
            -1 => return -1,
            0 if done < buffer.len() => {
                set_errno(EIO);
                return -1;
            }
            written => done += written as usize,
        }
        if done == buffer.len() {
            return done as isize;
        }
    }
}

/// Erratum 8: `read` until `buffer` holds `n` bytes or more. Returns how many, fewer if the peer has closed; or -1.
pub fn read_at_least(fd: c_int, buffer: &mut [u8], n: usize) -> isize {
    let mut done = 0;
    while done < n {
        match read(fd, &mut buffer[done..]) {
            -1 => return -1,
            0 => break,
            received => done += received as usize,
        }
    }
    done as isize
}

/// Erratum 8: how many of the `left` bytes of a line are sent next: at most `longest`, which
/// one read of the server takes, and never so many that 4 are left, which could read as `quit`.
pub fn chunk(left: usize, longest: usize) -> usize {
    if left == longest + 4 { longest - 1 } else { left.min(longest) }
}

fn bad(what: &[u8], argument: &CStr) -> bool {
    cerr().put(b"bad ").put(what).put(b": ").put(argument.to_bytes()).endl();
    false
}

/// Erratum 13: whether `ip` is what `inet_aton` accepts as a whole. As printed, anything is accepted.
pub fn check_ip(ip: &CStr) -> bool {
    let mut address = zeroed().sin_addr;
    // inet_aton stops at a space.
    let is_whole = strspn(ip, c"0123456789abcdefABCDEFxX.") == strlen(ip.to_bytes());
    AS_PRINTED || (is_whole && inet_aton(ip, &mut address) != 0) || bad(b"ip", ip)
}

/// Erratum 13: whether `port` is 1 to 65535 in decimal, with nothing around it.
pub fn check_port(port: &CStr) -> bool {
    let is_number = strspn(port, c"0123456789") == strlen(port.to_bytes());
    let number = strtoul(port, 10);
    AS_PRINTED || (is_number && number > 0 && number < 65536) || bad(b"port", port)
}

/// A socket above 2. If a shell has closed a standard stream (`>&-`), `socket` returns 0 to 2, and
/// log lines would go to the peer: `/dev/null` takes that descriptor instead. As printed, it does not.
pub fn socket(domain: c_int, r#type: c_int, protocol: c_int) -> c_int {
    let sock = crate::c::socket(domain, r#type, protocol);
    if AS_PRINTED || sock == -1 || sock > STDERR_FILENO {
        return sock;
    }
    close(sock);
    if open(c"/dev/null", O_RDWR, 0) == -1 {
        return -1;
    }
    socket(domain, r#type, protocol)
}

/// The backslash, and Unicode's control, format and separator characters except the space.
fn is_escaped(c: char) -> bool {
    matches!(u32::from(c), 0x5c | 0..=0x1f | 0x7f..=0xa0 | 0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891
        | 0x8e2 | 0x1680 | 0x180e | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x2064 | 0x2066..=0x206f | 0x3000
        | 0xfeff | 0xfff9..=0xfffb | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0001 | 0xe0020..=0xe007f)
}

/// Erratum 15: as printed, what a client sends reaches the operator's terminal unchanged.
fn escape(line: &mut Buffer<PIPE_BUF>, text: &[u8]) {
    // Most messages are plain, and need not be taken apart.
    let plain = text.iter().position(|c| !matches!(c, b' '..=b'[' | b']'..=b'~')).unwrap_or(text.len());
    line.put(&text[..plain]);
    for chunk in text[plain..].utf8_chunks() {
        for c in chunk.valid().chars() {
            let _ = if is_escaped(c) { write!(line, "{}", c.escape_debug()) } else { line.write_char(c) };
        }
        let _ = write!(line, "{}", chunk.invalid().escape_ascii());
    }
}

/// `fprintf` of a line; its format and arguments are checked as those of `log_message!`.
#[macro_export]
macro_rules! fprintf {
    ($out:expr, $format:expr $(, $argument:expr)*) => {
        $crate::errata::write_line($out, $format, $crate::values!([], 0, $format $(, $argument)*, ()))
    };
}

/// Writes one line of the log. Erratum 14: in one `write`, which a pipe takes as a whole. Erratum 15: escaped.
pub fn write_line(out: c_int, format: &str, values: &[Value]) {
    let mut line = Buffer::<PIPE_BUF>::EMPTY;
    vprintf(format.trim_end_matches('\n'), &mut va_start(values), &mut |text| {
        if !AS_PRINTED {
            escape(&mut line, text);
        } else if line.len() + text.len() < PIPE_BUF {
            line.put(text);
        } else {
            // Any length is printed: like stdio, what does not fit is written first.
            writen(out, &line);
            line.truncate(0);
            writen(out, text);
        }
    });
    line.truncate(PIPE_BUF - 1);
    line.put(b"\n");
    writen(out, &line);
}
