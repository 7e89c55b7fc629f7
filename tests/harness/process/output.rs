//! A program's streams: lines, a terminal's screen. No wait on them is without a bound.

use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::harness::process::wait::TIMEOUT;

/// How much of what a program says is kept; the rest is read and forgotten.
const ENOUGH: usize = 8 << 20;

#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    /// No more will come.
    over: bool,
}

/// What has come from a stream so far, and a sign when there is more.
pub struct Stream(Arc<(Mutex<Said>, Condvar)>);

impl Stream {
    /// A thread reads `source` until it ends: a program whose output is not read would wait.
    fn of(mut source: Option<File>) -> Self {
        let stream = Stream(Arc::default());
        let reader = Stream(stream.0.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while !reader.said().over {
                // A terminal that nobody holds any more gives an error, not an end.
                let length = source.as_mut().map_or(0, |source| source.read(&mut buffer).unwrap_or(0));
                let mut said = reader.said();
                let room = ENOUGH - said.bytes.len();
                said.bytes.extend_from_slice(&buffer[..length.min(room)]);
                said.over = length == 0;
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
        assert_eq!(opened, 0, "a terminal is left");
        let [master, slave] = ends.map(|end| unsafe {
            // No other test's programs inherit it.
            libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
            File::from_raw_fd(end)
        });
        (Stream::of(master.try_clone().ok()), master, slave)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.0.lock().expect("no reader panics")
    }

    /// Waits until that is `enough`, or all, or it is too late.
    fn wait(&self, until: Instant, enough: impl Fn(&[u8]) -> bool) -> MutexGuard<'_, Said> {
        let left = until.saturating_duration_since(Instant::now());
        let lacks = |said: &mut Said| !said.over && !enough(&said.bytes);
        self.0.1.wait_timeout_while(self.said(), left, lacks).expect("no reader panics").0
    }

    /// All that has come so far, as it came.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.said().bytes).into_owned()
    }

    /// Waits until `text` has come `times` times in all. Panics when it does not.
    pub fn wait_for(&self, text: &str, times: usize) {
        let enough = |shown: &str| shown.matches(text).count() >= times;
        assert!(self.wait_until(enough), "no {text:?} ({times}) came; {}", self.text());
    }

    /// Waits until what has come is `enough`; whether it ever was.
    pub fn wait_until(&self, enough: impl Fn(&str) -> bool) -> bool {
        let enough = |bytes: &[u8]| enough(&String::from_utf8_lossy(bytes));
        enough(&self.wait(Instant::now() + TIMEOUT, enough).bytes)
    }
}

/// Lines that arrive while the test goes on.
pub struct Lines {
    stream: Stream,
    taken: usize,
    /// All that were taken so far.
    pub seen: Vec<String>,
}

impl Lines {
    pub fn of(source: Option<File>) -> Self {
        Lines { stream: Stream::of(source), taken: 0, seen: Vec::new() }
    }

    /// The next line, or none at the end.
    pub fn line(&mut self) -> Option<String> {
        self.next(Instant::now() + TIMEOUT, "line")
    }

    /// Waits for a line with `text` in it, and returns it. Panics when none comes.
    pub fn wait_for(&mut self, text: &str) -> String {
        let until = Instant::now() + TIMEOUT;
        let found = std::iter::from_fn(|| self.next(until, text)).find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("ended without {text:?}; {:#?}", self.last_seen()))
    }

    /// Waits for the end, and returns all lines from the first on.
    pub fn all(&mut self) -> Vec<String> {
        let until = Instant::now() + TIMEOUT;
        while self.next(until, "end").is_some() {}
        self.seen.clone()
    }

    fn next(&mut self, until: Instant, wanted: &str) -> Option<String> {
        let said = self.stream.wait(until, |bytes| bytes[self.taken..].contains(&b'\n'));
        let line = said.bytes[self.taken..].split_inclusive(|&byte| byte == b'\n').next();
        let Some(line) = line.filter(|line| said.over || line.ends_with(b"\n")) else {
            assert!(said.over, "no {wanted:?} came; {:#?}", self.last_seen());
            return None;
        };
        self.taken += line.len();
        self.seen.push(String::from_utf8_lossy(line).trim_end_matches('\n').to_string());
        self.seen.last().cloned()
    }

    fn last_seen(&self) -> &[String] {
        &self.seen[self.seen.len().saturating_sub(40)..]
    }
}
