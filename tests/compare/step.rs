//! The steps of a scenario: parsed when the scenarios are loaded, so that a mistake in one is found there.

use crate::harness::trace::parse;

/// A step, and what it is only for.
#[derive(Clone)]
pub struct ScenarioStep {
    pub only: Only,
    pub action: Action,
    /// As it is written, and in which line of the file.
    pub text: &'static str,
    pub line: usize,
}

/// Whose step it is.
#[derive(Clone, Copy, PartialEq)]
pub enum Only {
    Everyone,
    /// `port:`, the port, fixed.
    Port,
    /// `article:`, the C++, and the port as printed.
    Article,
    /// `alive:`, all but version two as printed, which ends at its first client (erratum 4).
    Alive,
}

#[derive(Clone)]
pub enum Action {
    /// In strace's syntax; in effect from the start on.
    Fault(&'static str),
    /// The same, but not in the first process.
    FaultBelow(&'static str),
    NoUser,
    Taken,
    Start(Vec<&'static str>),
    Listen,
    Call,
    Called,
    Hear(usize, String),
    ServerSays(usize, String),
    /// After so many prompts.
    Types(usize, Vec<u8>),
    EndsInput(usize),
    Stop,
    Continue,
    /// With so many zombies.
    Ends(usize),
    EndsItself,
    CutShort,
    /// What a peer of that name does.
    Peer(&'static str, PeerAction),
}

#[derive(Clone)]
pub enum PeerAction {
    Connects,
    Says(Vec<u8>),
    Sends(Vec<u8>),
    Takes(usize),
    IsLeft,
    ClosesHalf,
    Resets,
    Leaves,
}

impl ScenarioStep {
    /// The step that is written in that line, or what is wrong with it.
    pub fn parse(text: &'static str, line: usize) -> Result<Self, String> {
        let (only, rest) = match text.split_once(": ") {
            Some(("port", rest)) => (Only::Port, rest),
            Some(("article", rest)) => (Only::Article, rest),
            Some(("alive", rest)) => (Only::Alive, rest),
            _ => (Only::Everyone, text),
        };
        let action = action(rest).map_err(|why| format!("{text:?}: {why}"))?;
        Ok(ScenarioStep { only, action, text, line })
    }
}

fn action(text: &'static str) -> Result<Action, String> {
    let (words, quoted) = text.split_at(text.find('"').unwrap_or(text.len()));
    let words: Vec<&str> = words.split_whitespace().collect();
    let bytes = || {
        if quoted.is_empty() { Err("a text in quotes is missing".to_string()) } else { repeated(quoted) }
    };
    let string = || bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let number = |word: &str| word.parse().map_err(|_| format!("{word:?} is not a number"));
    let peer = |name, action| Ok(Action::Peer(name, action));
    match words[..] {
        ["fault", spec] => Ok(Action::Fault(spec)),
        ["fault-below", spec] => Ok(Action::FaultBelow(spec)),
        ["no-user"] => Ok(Action::NoUser),
        ["taken"] => Ok(Action::Taken),
        ["start", ref args @ ..] => Ok(Action::Start(args.to_vec())),
        ["listen"] => Ok(Action::Listen),
        ["call"] => Ok(Action::Call),
        ["called"] => Ok(Action::Called),
        ["hear", times] => Ok(Action::Hear(number(times)?, string()?)),
        ["server-says", times] => Ok(Action::ServerSays(number(times)?, string()?)),
        ["types", prompt] => Ok(Action::Types(number(prompt)?, bytes()?)),
        ["ends-input", prompt] => Ok(Action::EndsInput(number(prompt)?)),
        ["stop"] => Ok(Action::Stop),
        ["continue"] => Ok(Action::Continue),
        ["ends", zombies] => Ok(Action::Ends(number(zombies)?)),
        ["ends-itself"] => Ok(Action::EndsItself),
        ["cut-short"] => Ok(Action::CutShort),
        [name, "connects"] => peer(name, PeerAction::Connects),
        [name, "says"] => peer(name, PeerAction::Says(bytes()?)),
        [name, "sends"] => peer(name, PeerAction::Sends(bytes()?)),
        [name, "takes", count] => peer(name, PeerAction::Takes(number(count)?)),
        [name, "is-left"] => peer(name, PeerAction::IsLeft),
        [name, "closes-half"] => peer(name, PeerAction::ClosesHalf),
        [name, "resets"] => peer(name, PeerAction::Resets),
        [name, "leaves"] => peer(name, PeerAction::Leaves),
        _ => Err("there is no such step".to_string()),
    }
}

/// Texts, each of which may be repeated: `"a"*1500 "b"`.
fn repeated(mut quoted: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while !quoted.is_empty() {
        let (piece, rest) = parse::unquoted(quoted).ok_or(format!("{quoted:?} is not a text in quotes"))?;
        let (count, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let count = match count.strip_prefix('*') {
            Some(count) => count.parse().map_err(|_| format!("{count:?} is not a number"))?,
            None if count.is_empty() => 1,
            None => return Err(format!("{count:?} after a text")),
        };
        bytes.extend(piece.repeat(count));
        quoted = rest;
    }
    Ok(bytes)
}
