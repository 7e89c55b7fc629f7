//! A program's streams: lines, a terminal's screen, what is typed. No wait on them is without a bound.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::kernel::PATIENCE;

/// How much of what a program says is kept; the rest is read and forgotten.
const ENOUGH: usize = 64 << 20;

/// Lines that arrive while the test goes on.
pub struct Lines {
    receiver: Receiver<String>,
    /// All that were taken so far.
    pub seen: Vec<String>,
}

impl Lines {
    /// The lines of `source`, read by a thread until it ends.
    pub fn of(source: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut source = BufReader::new(source);
            let (mut line, mut left) = (Vec::new(), ENOUGH as u64);
            while matches!(source.by_ref().take(left).read_until(b'\n', &mut line), Ok(1..)) {
                left -= line.len() as u64;
                let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_string();
                line.clear();
                if sender.send(text).is_err() {
                    break;
                }
            }
            // A program whose output is not read would wait.
            let _ = io::copy(&mut source, &mut io::sink());
        });
        Lines { receiver, seen: Vec::new() }
    }

    /// The next line, or none at the end.
    pub fn line(&mut self) -> Option<String> {
        match self.next_until(Instant::now() + PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("neither a line nor an end; {}", self.end_of_seen()),
        }
    }

    /// Waits for a line with `text` in it, and returns it. Panics when none comes.
    pub fn wait_for(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.next_until(until) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("no {text:?} came; {}", self.end_of_seen()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without {text:?}; {}", self.end_of_seen())
                }
            }
        }
    }

    /// Waits for the end, and returns all lines from the first on.
    pub fn all(&mut self) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.next_until(until) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.seen.clone(),
                Err(RecvTimeoutError::Timeout) => panic!("no end came; {}", self.end_of_seen()),
            }
        }
    }

    fn next_until(&mut self, until: Instant) -> Result<String, RecvTimeoutError> {
        // An endless stream is no reason to wait longer.
        let left = until.checked_duration_since(Instant::now()).ok_or(RecvTimeoutError::Timeout)?;
        let line = self.receiver.recv_timeout(left)?;
        self.seen.push(line.clone());
        Ok(line)
    }

    fn end_of_seen(&self) -> String {
        let start = self.seen.len().saturating_sub(40);
        format!("{:#?}", &self.seen[start..])
    }
}

/// What a program has shown on its terminal.
#[derive(Clone)]
pub struct Screen(Arc<Shown>);

#[derive(Default)]
struct Shown {
    so_far: Mutex<Text>,
    more: Condvar,
}

#[derive(Default)]
struct Text {
    text: String,
    /// Nobody is left to show more.
    over: bool,
}

impl Screen {
    /// A terminal of that many columns and rows: what it shows, and its two ends, the test's and the program's.
    pub fn open(columns: u16, rows: u16) -> (Self, File, File) {
        // Both ends by std's open: then no other test's programs inherit them.
        let mut open = File::options();
        open.read(true).write(true).custom_flags(libc::O_NOCTTY);
        let master = open.open("/dev/ptmx").expect("a terminal is left");
        let mut name = [0; 64];
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        unsafe {
            assert_eq!(libc::unlockpt(master.as_raw_fd()), 0, "its other end opens");
            assert_eq!(libc::ptsname_r(master.as_raw_fd(), name.as_mut_ptr(), name.len()), 0);
            assert_eq!(libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size), 0);
        }
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().expect("a path");
        let slave = open.open(name).expect("its other end opens");
        let screen = Screen(Arc::default());
        let (shown, mut source) = (screen.0.clone(), master.try_clone().expect("a descriptor is left"));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            let mut bytes = Vec::new();
            loop {
                // A terminal that nobody holds any more gives an error, not an end.
                let length = source.read(&mut buffer).unwrap_or(0);
                bytes.extend_from_slice(&buffer[..length]);
                // A letter of several bytes may come in two pieces.
                let whole = match std::str::from_utf8(&bytes) {
                    Err(error) if error.error_len().is_none() => error.valid_up_to(),
                    _ => bytes.len(),
                };
                let mut so_far = shown.so_far.lock().expect("no reader panics");
                if so_far.text.len() < ENOUGH {
                    so_far.text += &String::from_utf8_lossy(&bytes[..whole]);
                }
                bytes.drain(..whole);
                so_far.over = length == 0;
                shown.more.notify_all();
                if length == 0 {
                    break;
                }
            }
        });
        (screen, master, slave)
    }

    /// All that it has shown so far, as it came.
    pub fn text(&self) -> String {
        self.0.so_far.lock().expect("no reader panics").text.clone()
    }

    /// Waits until `text` has been shown `times` times in all. Panics when it is not.
    pub fn wait_for(&self, text: &str, times: usize) {
        let enough = |shown: &str| shown.matches(text).count() >= times;
        assert!(self.wait_until(enough), "no {text:?} ({times}) came; {}", self.text());
    }

    /// Waits until what it has shown is `enough`; whether it ever was.
    pub fn wait_until(&self, enough: impl Fn(&str) -> bool) -> bool {
        let until = Instant::now() + PATIENCE;
        let mut shown = self.0.so_far.lock().expect("no reader panics");
        while !enough(&shown.text) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || shown.over {
                return false;
            }
            shown = self.0.more.wait_timeout(shown, left).expect("no reader panics").0;
        }
        true
    }
}

/// What a program reads: a pipe, or a terminal's keyboard.
pub struct Input(File);

impl Input {
    pub fn of(descriptor: impl Into<OwnedFd>) -> Self {
        Input(File::from(descriptor.into()))
    }
}

impl Write for Input {
    /// So much at a time as a pipe that has room takes at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        match unsafe { libc::poll(&raw mut room, 1, PATIENCE.as_millis() as i32) } {
            0 => Err(io::ErrorKind::TimedOut.into()),
            -1 => Err(io::Error::last_os_error()),
            _ => self.0.write(&bytes[..bytes.len().min(libc::PIPE_BUF)]),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
