//! The article's errata: the switch between the printed and the mended form, and the calls that mend.
//!
//! `grep -rnE 'Errat(um|a)|AS_PRINTED' src` lists the places, each under its number from the README's table. Three
//! have no second form: erratum 2 does not compile here, 3 is a constant, 14 lived in C's stdio.

use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub use crate::c::*;

/// `true`: as the article prints it. `false`: as the article means it.
pub const AS_PRINTED: bool = cfg!(feature = "as_printed");

/// Erratum 10: as printed, a client that vanishes ends its server by SIGPIPE.
pub fn ignore_sigpipe() {
    if !AS_PRINTED {
        signal(SIGPIPE, SIG_IGN);
    }
}

/// A shell may have closed the standard streams (`>&-`). Left so, a client's socket
/// would be one of them and get the log; here `/dev/null` takes their places.
pub fn socket(domain: c_int, r#type: c_int, protocol: c_int) -> c_int {
    let new = crate::c::socket(domain, r#type, protocol);
    if AS_PRINTED || new == -1 || new > STDERR_FILENO {
        return new;
    }
    close(new);
    if open(c"/dev/null", O_RDWR) == -1 {
        return -1;
    }
    socket(domain, r#type, protocol)
}

/// Erratum 12: as printed, a failed `accept` returns at once. Here, from the second on, after a pause.
pub fn accept(socket: c_int, address: &mut sockaddr_in) -> c_int {
    static FAILED: AtomicBool = AtomicBool::new(false);
    let accepted = crate::c::accept(socket, address);
    let failed = accepted == -1;
    if failed != FAILED.load(Relaxed) {
        FAILED.store(failed, Relaxed);
    } else if failed && !AS_PRINTED {
        usleep(20_000);
    }
    accepted
}

/// Erratum 9: as printed, a string ends at its first NUL.
pub fn c_str(bytes: &[u8]) -> &[u8] {
    if AS_PRINTED { &bytes[..strlen(bytes)] } else { bytes }
}

/// Erratum 9: `write` until all of `buf` is written. Its length, or -1.
pub fn writen(fd: c_int, buf: &[u8]) -> isize {
    let mut done = 0;
    loop {
        match write(fd, &buf[done..]) {
            -1 => return -1,
            0 if done < buf.len() => {
                set_errno(EIO);
                return -1;
            }
            written => done += written as usize,
        }
        if done == buf.len() {
            return done as isize;
        }
    }
}

/// Erratum 8: `read` until `n` bytes or more have come. Fewer: the other end has closed. Or -1.
pub fn readn(fd: c_int, buf: &mut [u8], n: usize) -> isize {
    let mut done = 0;
    while done < n {
        match read(fd, &mut buf[done..]) {
            -1 => return -1,
            0 => break,
            came => done += came as usize,
        }
    }
    done as isize
}

/// Erratum 8: a line in pieces that one read of the server can take, `longest`
/// bytes. None is of four bytes unless the line is: it might spell `quit`.
pub fn pieces(line: &[u8], longest: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    core::iter::from_fn(move || {
        let line = rest?;
        let longest = if line.len() == longest + 4 { longest - 1 } else { longest };
        let (piece, left) = line.split_at(line.len().min(longest));
        rest = Some(left).filter(|left| !left.is_empty());
        Some(piece)
    })
}

/// Erratum 13: the first word that is bad, and what it should be. A port is 1 to 65535,
/// decimal, nothing around it; an address is what `inet_aton` takes whole.
pub fn bad_word<'a>(ip: Option<&'a CStr>, port: &'a CStr) -> Option<(&'a str, &'a CStr)> {
    // glibc's inet_aton looks no further than a space, and `parse` takes a sign.
    let spaced = |ip: &CStr| ip.to_bytes().iter().any(|&c| c <= b' ');
    let bad_ip = ip.filter(|ip| spaced(ip) || inet_aton(ip, &mut zeroed().sin_addr) == 0);
    let digits = port.to_str().ok().filter(|port| port.bytes().all(|c| c.is_ascii_digit()));
    let good_port = digits.and_then(|digits| digits.parse::<u16>().ok()).is_some_and(|port| port > 0);
    bad_ip.map(|ip| ("ip", ip)).or((!good_port).then_some(("port", port))).filter(|_| !AS_PRINTED)
}
