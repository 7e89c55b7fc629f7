//! The article's errata: the switch between the printed and the mended form, and what mending needs.
//!
//! `grep -rnE 'Erratum|AS_PRINTED' src` lists the places, each under its number
//! from the README's table. Three have no second form: erratum 2 does not compile
//! here, erratum 3 is [`WAIT_ERR`](crate::WAIT_ERR), erratum 14 lived in C's stdio.

use core::ffi::{CStr, c_int};

use crate::c::{self, *};
use crate::iostream::cerr;
use crate::log_message::FATAL;
use crate::{BUFFER_SIZE, SOCKET_ERR, log_message};

/// `true`: as the article prints it. `false`: as the article means it.
pub const AS_PRINTED: bool = cfg!(feature = "as_printed");

/// Erratum 10: the default of SIGPIPE ends a server whose client has vanished.
pub fn ignore_sigpipe() {
    if !AS_PRINTED {
        signal(SIGPIPE, SIG_IGN);
    }
}

/// [`c::signal`]; a server that it is refused to does not start.
pub fn signal(signum: c_int, handler: Disposition) {
    if c::signal(signum, handler) == SIG_ERR && !AS_PRINTED {
        log_message!(FATAL, "signal() failed::%s : %d", strerror(errno()), signum);
        exit(SOCKET_ERR);
    }
}

/// Erratum 12: as printed, a signal ends what it interrupts. A call that is
/// interrupted a hundred times in a row will not come through either.
fn again(mut call: impl FnMut() -> isize) -> isize {
    for _ in 0..100 {
        let result = call();
        if AS_PRINTED || result != -1 || errno() != EINTR {
            return result;
        }
    }
    -1
}

/// [`c::read`], made again when interrupted.
pub fn read(fd: c_int, buf: &mut [u8]) -> isize {
    again(|| c::read(fd, buf))
}

/// [`c::waitpid`], made again when interrupted.
pub fn waitpid(pid: pid_t, mut status: Option<&mut c_int>, options: c_int) -> pid_t {
    again(|| c::waitpid(pid, status.as_deref_mut(), options) as isize) as pid_t
}

/// Erratum 9: [`c::write`] until nothing is left. The length of `buf`, or -1.
pub fn write(fd: c_int, buf: &[u8]) -> isize {
    if AS_PRINTED {
        return c::write(fd, buf);
    }
    let mut done = 0;
    loop {
        let written = again(|| c::write(fd, &buf[done..]));
        if written == -1 || written == 0 && !buf.is_empty() {
            return -1;
        }
        done += written as usize;
        if done == buf.len() {
            return done as isize;
        }
    }
}

/// Erratum 8: reads until `len` bytes of `buf` came back. How many came, 0 if
/// the other end has closed before, or -1.
pub fn read_back(fd: c_int, buf: &mut [u8], len: usize) -> isize {
    let mut done = 0;
    loop {
        let came = read(fd, &mut buf[done..]);
        if AS_PRINTED || came <= 0 {
            return came;
        }
        done += came as usize;
        if done >= len {
            return done as isize;
        }
    }
}

/// [`c::close`], and no client that waits for ever if it fails. Linux lets go of
/// the descriptor even then, and the second close finds nothing; a failure that
/// was injected leaves it open, and the end of the conversation is sent without it.
pub fn close(fd: c_int) -> c_int {
    let closed = c::close(fd);
    if AS_PRINTED || closed == 0 || c::close(fd) == 0 {
        return closed;
    }
    shutdown(fd, SHUT_WR)
}

/// `socket`, safe from what a shell can do to a program: close its standard
/// streams, so that the log would go to a client, or limit the size of its log,
/// so that SIGXFSZ would end it. -1 on failure.
pub fn shell_proof(socket: c_int) -> c_int {
    if AS_PRINTED || socket == -1 {
        return socket;
    }
    if getrlimit(RLIMIT_FSIZE) != RLIM_INFINITY {
        signal(SIGXFSZ, SIG_IGN);
    }
    if socket > STDERR_FILENO {
        return socket;
    }
    let above = fcntl_dupfd(socket, STDERR_FILENO + 1);
    c::close(socket);
    if above == -1 {
        return -1;
    }
    for stream in STDIN_FILENO..=STDERR_FILENO {
        if fcntl_getfd(stream) == -1 {
            open(c"/dev/null", O_RDWR);
        }
    }
    above
}

/// Erratum 9: as printed, a string ends at its first NUL.
pub fn c_str(bytes: &[u8]) -> &[u8] {
    if AS_PRINTED { &bytes[..strlen(bytes)] } else { bytes }
}

/// Erratum 8: a line in pieces that one read of the server can take. None is of
/// four bytes unless the line is: it might spell `quit`.
pub fn pieces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    const ONE_READ: usize = BUFFER_SIZE - 1;
    let mut rest = Some(line);
    core::iter::from_fn(move || {
        let line = rest?;
        let len = match line.len() {
            len if AS_PRINTED || len <= ONE_READ => len,
            len if len == ONE_READ + 4 => ONE_READ - 1,
            _ => ONE_READ,
        };
        let (piece, left) = line.split_at(len);
        rest = Some(left).filter(|left| !left.is_empty());
        Some(piece)
    })
}

/// Erratum 13: a port is 1 to 65535, decimal, nothing around it. A bad one is named.
pub fn port(word: &CStr) -> Option<u16> {
    if AS_PRINTED {
        return Some(atoi(word) as u16);
    }
    // `parse` takes a sign, too.
    let digits = word.to_str().ok().filter(|word| word.bytes().all(|c| c.is_ascii_digit()));
    let port = digits.and_then(|digits| digits.parse().ok()).filter(|&port| port > 0);
    if port.is_none() {
        cerr().put(b"bad port: ").put(word.to_bytes()).endl();
    }
    port
}

/// Erratum 13: an address is what `inet_aton` takes whole. A bad one is named.
pub fn is_address(word: &CStr) -> bool {
    // glibc's looks no further than a space.
    let spaceless = word.to_bytes().iter().all(|&c| c > b' ');
    let good = AS_PRINTED || spaceless && inet_aton(word, &mut zeroed().sin_addr) != 0;
    if !good {
        cerr().put(b"bad ip: ").put(word.to_bytes()).endl();
    }
    good
}
