//! How a server answers: whether it waits for the end of a line, and what it adds to an echo. Found out once, so that a
//! check about something else does not depend on it, and one about the echo can say what it cannot see.

use crate::grade::outcome::{Observed, Outcome};
use crate::grade::peer::Peer;
use crate::say;

/// What has to follow a message before a server answers it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ending {
    #[default]
    Nothing,
    Newline,
    /// The end of the client's input.
    Close,
    /// It never answers.
    Never,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Reply {
    #[default]
    Echo,
    /// An echo, and more: a greeting, a prefix, a line end.
    Decorated,
    /// Something else.
    Other,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    pub ending: Ending,
    pub reply: Reply,
}

/// Messages without lower case letters: an echo is the same, whether or not a server knows its letters.
pub const HELLO: &[u8] = b"HELLO 1!";
const AGAIN: &[u8] = b"HELLO 2?";

impl Manner {
    /// Finds out how the server answers a first client, which stays.
    pub fn of(client: &mut Peer) -> Self {
        let Some((ending, received)) = first_answer(client) else {
            return Manner { ending: Ending::Never, reply: Reply::Other };
        };
        let mut manner = Manner { ending, reply: Reply::Echo };
        let decorated = |text: &[u8]| text.iter().all(|&byte| byte >= b' ' || byte.is_ascii_whitespace());
        let sent = manner.message(HELLO);
        let sent = if ending == Ending::Newline { &sent[..] } else { HELLO };
        if !contains(&received, HELLO) {
            manner.reply = Reply::Other;
        } else if received != sent
            && decorated(&received)
            && !(sent.starts_with(&received) && ending == Ending::Nothing)
        {
            manner.reply = Reply::Decorated;
        } else if ending != Ending::Close {
            // What it adds may come late.
            let again = manner.message(AGAIN);
            let second = client.send(&again).ok().map(|()| client.read_until(|got| contains(got, AGAIN)));
            if second.is_some_and(|second| {
                contains(&second, AGAIN) && !again.starts_with(&second) && decorated(&second)
            }) {
                manner.reply = Reply::Decorated;
            }
        }
        manner
    }

    /// `text`, and what has to follow it.
    pub fn message(self, text: &[u8]) -> Vec<u8> {
        let mut message = text.to_vec();
        if self.ending == Ending::Newline {
            message.push(b'\n');
        }
        message
    }

    /// Whether bytes can be compared; otherwise the reason why not.
    pub fn needs_echo(self) -> Outcome {
        let why = match (self.ending, self.reply) {
            (Ending::Nothing, Reply::Echo) => return Ok(()),
            (Ending::Newline, Reply::Decorated) => {
                say!("it needs a newline and answers with a prefix", "它需要换行符，且应答带有前缀")
            }
            (Ending::Newline, _) => say!("it needs a newline", "它需要换行符"),
            (Ending::Close | Ending::Never, _) => {
                say!("it answers at the end of input", "它在输入结束后才应答")
            }
            (_, Reply::Decorated) => say!("it answers with a prefix", "它的应答带有前缀"),
            (_, Reply::Other) => say!("its answer is not an echo", "它的应答不是回显"),
        };
        Err(Observed::Skip(why))
    }
}

pub fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What has to follow a message until the server answers, and the answer.
fn first_answer(client: &mut Peer) -> Option<(Ending, Vec<u8>)> {
    let mut other = None;
    let mut received = Vec::new();
    for ending in [Ending::Nothing, Ending::Newline, Ending::Close] {
        let sent = match ending {
            Ending::Nothing => client.send(HELLO),
            Ending::Newline => client.send(b"\n"),
            _ => client.stream.shutdown(std::net::Shutdown::Write).map_err(|error| error.to_string()),
        };
        let more = match sent {
            Ok(()) => client.read_briefly(|got| contains(&[&received[..], got].concat(), HELLO)),
            Err(_) => break,
        };
        received.extend_from_slice(&more);
        if contains(&received, HELLO) {
            return Some((ending, received));
        }
        if !more.is_empty() {
            other = Some((ending, received.clone()));
        }
    }
    other
}
