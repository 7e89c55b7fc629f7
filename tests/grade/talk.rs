//! The grader's end of a connection: no wait is without a bound, and what is wrong is said in a line.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::{CHECK, WHOLE_CHECK};
use crate::harness::net::test_client::reset;
use crate::say;

pub struct Peer {
    pub stream: TcpStream,
    /// The end of all waiting. Each wait is at most `CHECK`: on a busy machine bytes come slowly.
    until: Instant,
}

impl Peer {
    pub fn of(stream: TcpStream) -> Self {
        Peer { stream, until: Instant::now() + WHOLE_CHECK }
    }

    pub fn to(port: u16) -> Result<Self, String> {
        let stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), CHECK);
        stream.map(Peer::of).map_err(|error| say!("nobody can connect: {error}", "无法连接：{error}"))
    }

    /// Its own port.
    pub fn port(&self) -> u16 {
        self.stream.local_addr().map_or(0, |address| address.port())
    }

    /// Sets the size of `SO_SNDBUF` or `SO_RCVBUF`.
    pub fn set_room(&self, buffer: libc::c_int, bytes: libc::c_int) {
        let size = size_of_val(&bytes) as u32;
        let bytes = (&raw const bytes).cast();
        unsafe { libc::setsockopt(self.stream.as_raw_fd(), libc::SOL_SOCKET, buffer, bytes, size) };
    }

    pub fn say(&mut self, words: &[u8]) -> Result<(), String> {
        self.stream.set_write_timeout(Some(left(self.until))).expect("a timeout is set");
        let said = self.stream.write_all(words);
        said.map_err(|error| say!("it takes no more: {error}", "无法继续发送：{error}"))
    }

    /// What comes next, at most `most` bytes; nothing at the end.
    pub fn next(&mut self, most: usize) -> std::io::Result<Vec<u8>> {
        self.next_until(self.until, most)
    }

    fn next_until(&mut self, end: Instant, most: usize) -> std::io::Result<Vec<u8>> {
        self.stream.set_read_timeout(Some(left(end.min(self.until)))).expect("a timeout is set");
        let mut buffer = vec![0; most];
        let came = self.stream.read(&mut buffer)?;
        buffer.truncate(came);
        Ok(buffer)
    }

    /// Waits for these bytes, and for no others.
    pub fn hears(&mut self, words: &[u8]) -> Result<(), String> {
        let (mut at, all) = (0, words.len());
        let then = loop {
            if at == all {
                return Ok(());
            }
            match self.next((all - at).min(1 << 16)) {
                Ok(came) if came.is_empty() => break say!("the end", "连接关闭"),
                Ok(came) if words[at..].starts_with(&came) => at += came.len(),
                Ok(came) => {
                    at += came.iter().zip(&words[at..]).take_while(|(is, should)| is == should).count();
                    break say!("another byte than was sent", "与发送的不同的字节");
                }
                Err(error) if waited(&error) => break say!("nothing more", "再无数据"),
                Err(error) => break error.to_string(),
            }
        };
        Err(say!("{at} of {all} bytes came back, then {then}", "收到 {at}/{all} 字节，之后：{then}"))
    }

    /// Says words without small letters: they come back as they are, whether or not a server knows its letters.
    pub fn talks(&mut self, words: &[u8]) -> Result<(), String> {
        self.say(words)?;
        self.hears(words)
    }

    /// Whether the other side ends it within `patience`; what comes before does not matter.
    pub fn ended(&mut self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        loop {
            match self.next_until(end, 1 << 16) {
                Ok(came) if came.is_empty() => return true,
                Ok(_) if Instant::now() < end => {}
                Ok(_) => return false,
                Err(error) => return !waited(&error),
            }
        }
    }

    /// Is gone, with a reset.
    pub fn vanishes(self) {
        reset(self.stream);
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), CHECK)
}

fn waited(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
