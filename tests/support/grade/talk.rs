//! The grader's end of a connection: no wait is longer than the check, and what is wrong is said in a line.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use super::super::peer::reset;
use crate::say;

pub struct Peer {
    pub stream: TcpStream,
    until: Instant,
}

impl Peer {
    pub fn to(port: u16, until: Instant) -> Result<Self, String> {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        match TcpStream::connect_timeout(&address, left(until)) {
            Ok(stream) => Ok(Peer { stream, until }),
            Err(error) => Err(say!("nobody can connect: {error}", "无法连接：{error}")),
        }
    }

    pub fn of(stream: TcpStream, until: Instant) -> Self {
        Peer { stream, until }
    }

    pub fn port(&self) -> u16 {
        self.stream.local_addr().map_or(0, |address| address.port())
    }

    /// The same connection, for another thread.
    pub fn also(&self) -> Self {
        Peer::of(self.stream.try_clone().expect("a descriptor is left"), self.until)
    }

    pub fn say(&mut self, words: &[u8]) -> Result<(), String> {
        self.stream.set_write_timeout(Some(left(self.until))).expect("a timeout is set");
        self.stream
            .write_all(words)
            .map_err(|error| say!("nothing more can be sent: {error}", "无法继续发送：{error}"))
    }

    /// What comes next, at most `most` bytes; nothing at the end.
    pub fn next(&mut self, most: usize) -> std::io::Result<Vec<u8>> {
        self.stream.set_read_timeout(Some(left(self.until))).expect("a timeout is set");
        let mut buffer = vec![0; most];
        let came = self.stream.read(&mut buffer)?;
        buffer.truncate(came);
        Ok(buffer)
    }

    /// Waits for these bytes, and for no others.
    pub fn hears(&mut self, words: &[u8]) -> Result<(), String> {
        let (mut at, all) = (0, words.len());
        while at < all {
            let came = match self.next((all - at).min(1 << 16)) {
                Ok(came) if came.is_empty() => {
                    return Err(say!(
                        "the connection ended after {at} of {all} bytes",
                        "收到 {at}/{all} 字节后连接关闭"
                    ));
                }
                Ok(came) => came,
                Err(error) if waited(&error) => {
                    return Err(say!(
                        "{at} of {all} bytes came back, then nothing more",
                        "只收到 {at}/{all} 字节，之后再无数据"
                    ));
                }
                Err(error) => {
                    return Err(say!(
                        "after {at} of {all} bytes: {error}",
                        "收到 {at}/{all} 字节后：{error}"
                    ));
                }
            };
            if let Some(wrong) = (0..came.len()).find(|&index| came[index] != words[at + index]) {
                let (is, should) = (came[wrong], words[at + wrong]);
                let at = at + wrong;
                return Err(say!(
                    "byte {at} of {all} came back as {is:#04x}, not {should:#04x}",
                    "第 {at} 字节（共 {all}）是 {is:#04x}，应为 {should:#04x}"
                ));
            }
            at += came.len();
        }
        Ok(())
    }

    /// Says words without small letters: they come back as they are, whether or not a server knows its letters.
    pub fn talks(&mut self, words: &[u8]) -> Result<(), String> {
        self.say(words)?;
        self.hears(words)
    }

    /// Whether the other side has ended it by `until`; what comes before does not matter.
    pub fn ended(&mut self, until: Instant) -> bool {
        let sooner = until.min(self.until);
        let whole = std::mem::replace(&mut self.until, sooner);
        let ended = loop {
            match self.next(1 << 16) {
                Ok(came) if came.is_empty() => break true,
                Ok(_) if Instant::now() < until => {}
                Ok(_) => break false,
                Err(error) => break !waited(&error),
            }
        };
        self.until = whole;
        ended
    }

    /// Is gone, with a reset.
    pub fn vanishes(self) {
        reset(self.stream);
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

fn waited(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
