//! A session: a program, and what its peers do, step by step. It is written in the language of
//! `tests/compare/scenarios.txt`.

use std::fmt;

use crate::harness::builds::SERVERS;
use crate::harness::trace::normalise::quoted;

/// A server's clients, or the client's server.
pub const CLIENTS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
pub const SERVER: &str = "server";

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Connects(&'static str),
    Sends(&'static str, Vec<u8>),
    /// Takes all that has come.
    Reads(&'static str),
    ClosesHalf(&'static str),
    Resets(&'static str),
    Leaves(&'static str),
    /// All processes of the program stop, and go on.
    Stop,
    Continue,
    /// The client's user.
    Types(Vec<u8>),
    EndsInput,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub seed: u64,
    pub program: &'static str,
    pub steps: Vec<Step>,
}

impl Session {
    pub fn is_of_a_server(&self) -> bool {
        SERVERS.contains(&self.program)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Step::Connects(name) => write!(out, "{name} connects"),
            Step::Sends(name, bytes) => write!(out, "{name} sends {}", quoted(bytes)),
            Step::Reads(name) => write!(out, "{name} reads"),
            Step::ClosesHalf(name) => write!(out, "{name} closes-half"),
            Step::Resets(name) => write!(out, "{name} resets"),
            Step::Leaves(name) => write!(out, "{name} leaves"),
            Step::Stop => write!(out, "stop"),
            Step::Continue => write!(out, "continue"),
            Step::Types(bytes) => write!(out, "types {}", quoted(bytes)),
            Step::EndsInput => write!(out, "ends-input"),
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Session { seed, program, steps } = self;
        writeln!(out, "== seed-{seed}: A random session.\n随机会话。\nfor {program}\n    lockstep")?;
        writeln!(out, "    {}", if self.is_of_a_server() { "listen" } else { "called" })?;
        steps.iter().try_for_each(|step| writeln!(out, "    {step}"))?;
        writeln!(out, "    ends")
    }
}
