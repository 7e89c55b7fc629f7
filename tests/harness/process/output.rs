//! The captured output of a program: as lines, or as a terminal's screen. Every wait for it is bounded.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::FromRawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::harness::process::wait::TIMEOUT;

/// How many bytes of a program's output are kept; the rest is read and dropped.
const KEPT: usize = 8 << 20;
/// How many lines a failure shows.
const LAST_LINES: usize = 40;

#[derive(Default)]
struct Captured {
    bytes: Vec<u8>,
    /// The end of the stream was read.
    at_end: bool,
}

/// What a stream has delivered so far, and a condition variable that tells of more.
pub struct Stream(Arc<(Mutex<Captured>, Condvar)>);

impl Stream {
    /// A thread reads `source` until it ends: a program whose output is not read would block.
    fn of(mut source: Option<File>) -> Self {
        let stream = Stream(Arc::default());
        let reader = Stream(stream.0.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while !reader.captured().at_end {
                // A terminal whose other end is closed gives an error, not an end.
                let length = source.as_mut().map_or(0, |source| source.read(&mut buffer).unwrap_or(0));
                let mut captured = reader.captured();
                let room = KEPT - captured.bytes.len();
                captured.bytes.extend_from_slice(&buffer[..length.min(room)]);
                captured.at_end = length == 0;
                reader.0.1.notify_all();
            }
        });
        stream
    }

    /// A terminal of that many columns: what it shows, and its two ends, the test's and the program's.
    pub fn of_terminal(columns: u16) -> (Self, File, File) {
        let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let (mut ends, none) = ([0; 2], std::ptr::null_mut());
        let [master, slave] = &mut ends;
        let opened = unsafe { libc::openpty(master, slave, none, none.cast(), &raw const size) };
        assert_eq!(opened, 0, "a terminal can't be opened: {}", io::Error::last_os_error());
        let [master, slave] = ends.map(|end| unsafe {
            // No other test's programs inherit it.
            libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
            File::from_raw_fd(end)
        });
        (Stream::of(master.try_clone().ok()), master, slave)
    }

    fn captured(&self) -> MutexGuard<'_, Captured> {
        self.0.0.lock().expect("the reading thread does not panic")
    }

    /// Waits until the bytes are `enough`, the stream has ended, or it is `until`.
    fn wait(&self, until: Instant, enough: impl Fn(&[u8]) -> bool) -> MutexGuard<'_, Captured> {
        let left = until.saturating_duration_since(Instant::now());
        let more = |captured: &mut Captured| !captured.at_end && !enough(&captured.bytes);
        self.0
            .1
            .wait_timeout_while(self.captured(), left, more)
            .expect("the reading thread does not panic")
            .0
    }

    /// All that has come so far, as it came.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.captured().bytes).into_owned()
    }

    /// Waits until `text` has come `times` times in all. Panics when it does not.
    pub fn wait_for(&self, text: &str, times: usize) {
        let came = self.wait_until(|shown| shown.matches(text).count() >= times);
        assert!(came, "{}", self.not_shown(text, times));
    }

    /// Waits until what has come is `enough`; whether it ever was.
    pub fn wait_until(&self, enough: impl Fn(&str) -> bool) -> bool {
        let enough = |bytes: &[u8]| enough(&String::from_utf8_lossy(bytes));
        enough(&self.wait(Instant::now() + TIMEOUT, enough).bytes)
    }

    fn not_shown(&self, text: &str, times: usize) -> String {
        let screen = self.text();
        let count = screen.matches(text).count();
        let lines: Vec<String> = screen.lines().map(str::to_string).collect();
        let why = if self.captured().at_end { "the output ended" } else { "it did not come in time" };
        format!("{text:?} was shown {count} times, not {times}: {why}; {}", last(&lines))
    }
}

/// A program's lines, which arrive while the test goes on.
pub struct Lines {
    stream: Stream,
    /// Bytes that were handed out as lines.
    taken: usize,
    /// All lines that were taken so far.
    pub seen: Vec<String>,
}

impl Lines {
    pub fn of(source: Option<File>) -> Self {
        Lines { stream: Stream::of(source), taken: 0, seen: Vec::new() }
    }

    /// The next line, or none at the end.
    pub fn line(&mut self) -> Option<String> {
        self.next(Instant::now() + TIMEOUT, "another line")
    }

    /// Waits for a line with `text` in it, and returns it. Panics when none comes.
    pub fn wait_for(&mut self, text: &str) -> String {
        let until = Instant::now() + TIMEOUT;
        let wanted = format!("a line with {text:?}");
        let found = std::iter::from_fn(|| self.next(until, &wanted)).find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("the output ended without {wanted}; {}", last(&self.seen)))
    }

    /// Waits for the end, and returns all lines from the first on.
    pub fn all(&mut self) -> Vec<String> {
        let until = Instant::now() + TIMEOUT;
        while self.next(until, "the end of the output").is_some() {}
        self.seen.clone()
    }

    fn next(&mut self, until: Instant, wanted: &str) -> Option<String> {
        let captured = self.stream.wait(until, |bytes| bytes[self.taken..].contains(&b'\n'));
        let line = captured.bytes[self.taken..].split_inclusive(|&byte| byte == b'\n').next();
        let Some(line) = line.filter(|line| captured.at_end || line.ends_with(b"\n")) else {
            assert!(captured.at_end, "{wanted} did not come in time; {}", last(&self.seen));
            return None;
        };
        self.taken += line.len();
        self.seen.push(String::from_utf8_lossy(line).trim_end_matches('\n').to_string());
        self.seen.last().cloned()
    }
}

/// The end of an output, for a message.
fn last(lines: &[String]) -> String {
    match &lines[lines.len().saturating_sub(LAST_LINES)..] {
        [] => "it printed nothing".to_string(),
        lines => format!("it printed\n{}", lines.join("\n")),
    }
}
