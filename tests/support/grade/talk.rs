//! The grader's end of a connection: no wait is longer than the check, and what is wrong is said in a line.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use super::super::peer::reset;
use crate::say;

pub struct Peer {
    pub stream: TcpStream,
    pub until: Instant,
}

impl Peer {
    pub fn to(port: u16, until: Instant) -> Result<Self, String> {
        match TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), left(until)) {
            Ok(stream) => Ok(Peer { stream, until }),
            Err(error) => Err(say!("nobody can connect: {error}", "无法连接：{error}")),
        }
    }

    pub fn say(&mut self, words: &[u8]) -> Result<(), String> {
        self.stream.set_write_timeout(Some(left(self.until))).expect("a timeout is set");
        self.stream
            .write_all(words)
            .map_err(|error| say!("it takes no more: {error}", "无法继续发送：{error}"))
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
            let then = match self.next((all - at).min(1 << 16)) {
                Ok(came) if came.is_empty() => say!("the end", "连接关闭"),
                Ok(came) if words[at..].starts_with(&came) => {
                    at += came.len();
                    continue;
                }
                Ok(came) => {
                    at += came.iter().zip(&words[at..]).take_while(|(is, should)| is == should).count();
                    say!("another byte than was sent", "与发送的不同的字节")
                }
                Err(error) if waited(&error) => say!("nothing more", "再无数据"),
                Err(error) => error.to_string(),
            };
            return Err(say!(
                "{at} of {all} bytes came back, then {then}",
                "收到 {at}/{all} 字节，之后：{then}"
            ));
        }
        Ok(())
    }

    /// Says words without small letters: they come back as they are, whether or not a server knows its letters.
    pub fn talks(&mut self, words: &[u8]) -> Result<(), String> {
        self.say(words)?;
        self.hears(words)
    }

    /// Whether the other side ends it within `patience`; what comes before does not matter.
    pub fn ended(&mut self, patience: Duration) -> bool {
        let whole = self.until;
        self.until = whole.min(Instant::now() + patience);
        let ended = loop {
            match self.next(1 << 16) {
                Ok(came) if came.is_empty() => break true,
                Ok(_) if Instant::now() < self.until => {}
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
