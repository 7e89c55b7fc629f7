//! A client's conversation with a server that may fail it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How a conversation went.
#[derive(Debug, PartialEq)]
pub enum Talk {
    Served,
    /// The server closed before its time; what came until then was right.
    Closed,
    Hung,
    Wrong(String),
}

/// Two messages and `quit`, as every client here says them.
pub fn talk(port: u16, patience: Duration) -> Talk {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return Talk::Wrong("is refused".into());
    };
    goes_on(&mut stream, patience, &[("one", "ONE"), ("two", "TWO")])
}

/// What is left of a conversation.
pub fn goes_on(stream: &mut TcpStream, patience: Duration, words: &[(&str, &str)]) -> Talk {
    stream.set_read_timeout(Some(patience)).expect("a timeout is set");
    for (word, answer) in words {
        // A server that has closed is seen by the read.
        let _ = stream.write_all(word.as_bytes());
        let mut reply = Vec::new();
        while reply.len() < answer.len() {
            match more(stream, &mut reply) {
                More::Bytes => {}
                More::End if answer.as_bytes().starts_with(&reply) => return Talk::Closed,
                More::Nothing => return Talk::Hung,
                More::End => break,
            }
        }
        if reply != answer.as_bytes() {
            return Talk::Wrong(format!("gets {:?}", String::from_utf8_lossy(&reply)));
        }
    }
    let _ = stream.write_all(b"quit");
    let mut reply = Vec::new();
    match more(stream, &mut reply) {
        More::End => Talk::Served,
        More::Nothing => Talk::Hung,
        More::Bytes => Talk::Wrong("gets an answer to quit".into()),
    }
}

enum More {
    Bytes,
    End,
    Nothing,
}

fn more(stream: &mut TcpStream, reply: &mut Vec<u8>) -> More {
    let mut bytes = [0; 64];
    match stream.read(&mut bytes) {
        Ok(0) => More::End,
        Ok(count) => {
            reply.extend_from_slice(&bytes[..count]);
            More::Bytes
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => More::Nothing,
        Err(_) => More::End,
    }
}
