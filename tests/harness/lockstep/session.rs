//! A session: a program, and what its peers do, step by step. It is written in the language of
//! `tests/compare/scenarios.txt`.

use std::fmt;

use crate::harness::builds::SERVERS;
use crate::harness::trace::normalise::quoted;

/// A server's clients, or the client's server.
pub const CLIENTS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
pub const SERVER: &str = "server";

#[derive(Clone, Debug, PartialEq)]
pub enum LockstepStep {
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
pub struct LockstepSession {
    /// The name of the scenario.
    pub name: String,
    pub program: &'static str,
    pub steps: Vec<LockstepStep>,
}

impl LockstepSession {
    pub fn is_of_a_server(&self) -> bool {
        SERVERS.contains(&self.program)
    }
}

impl fmt::Display for LockstepStep {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            LockstepStep::Connects(name) => write!(out, "{name} connects"),
            LockstepStep::Sends(name, bytes) => write!(out, "{name} sends {}", quoted(bytes)),
            LockstepStep::Reads(name) => write!(out, "{name} reads"),
            LockstepStep::ClosesHalf(name) => write!(out, "{name} closes-half"),
            LockstepStep::Resets(name) => write!(out, "{name} resets"),
            LockstepStep::Leaves(name) => write!(out, "{name} leaves"),
            LockstepStep::Stop => write!(out, "stop"),
            LockstepStep::Continue => write!(out, "continue"),
            LockstepStep::Types(bytes) => write!(out, "types {}", quoted(bytes)),
            LockstepStep::EndsInput => write!(out, "ends-input"),
        }
    }
}

impl fmt::Display for LockstepSession {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let LockstepSession { name, program, steps } = self;
        writeln!(out, "== {name}: A random session.\n随机会话。\nfor {program}\n    lockstep")?;
        writeln!(out, "    {}", if self.is_of_a_server() { "listen" } else { "called" })?;
        steps.iter().try_for_each(|step| writeln!(out, "    {step}"))?;
        writeln!(out, "    ends")
    }
}
