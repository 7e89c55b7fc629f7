//! The table of all checks: `checks.txt`, with the functions that it names.

use crate::grade::checks::{client, echo, failing_calls, log, processes, sessions, start};
use crate::grade::outcome::Outcome;
use crate::grade::server::GradedServer;
use crate::grade::subject::Subject;
use crate::harness::i18n::chinese;

/// Who has to pass a check.
#[derive(Clone, Copy, PartialEq)]
pub enum Who {
    Servers,
    Single,
    Forking,
    DoubleForking,
    Client,
}

impl Who {
    pub fn includes(self, like: &str) -> bool {
        match self {
            Who::Servers => like != "tcp_client",
            Who::Single => like == "tcp_server",
            Who::Forking => like.contains("fork"),
            Who::DoubleForking => like == "tcp_server_double_fork",
            Who::Client => like == "tcp_client",
        }
    }
}

/// What has to hold before a check can be made: that another check has passed, or what its first session has shown.
#[derive(Clone, Copy, PartialEq)]
pub enum Need {
    Answer,
    Port,
    First,
    Leaving,
    Next,
    Descriptors,
    Connected,
}

impl Need {
    /// The check that shows it.
    pub fn check(self) -> &'static str {
        match self {
            Need::Answer => "upper",
            Need::Port => "bind",
            Need::First => "4",
            Need::Leaving => "2",
            Need::Next => "next",
            Need::Descriptors => "fd",
            Need::Connected => "1",
        }
    }
}

#[derive(Clone, Copy)]
enum Function {
    Program(fn(&Subject) -> Outcome),
    Started(fn(&mut GradedServer) -> Outcome),
}

pub struct Check {
    pub name: &'static str,
    pub lesson: u8,
    pub who: Who,
    pub needs: &'static [Need],
    function: Function,
    /// English, Chinese.
    texts: [&'static str; 2],
}

impl Check {
    /// What it requires, in the user's language.
    pub fn requirement(&self) -> &'static str {
        self.texts[usize::from(chinese())]
    }

    pub fn run(&self, subject: &Subject) -> Outcome {
        match self.function {
            Function::Program(function) => function(subject),
            Function::Started(function) => {
                let mut server = GradedServer::new(subject)?;
                let seen = function(&mut server);
                seen.map_err(|seen| server.explain(seen))
            }
        }
    }
}

const fn check(
    name: &'static str,
    lesson: u8,
    who: Who,
    needs: &'static [Need],
    function: Function,
    english: &'static str,
    chinese: &'static str,
) -> Check {
    Check { name, lesson, who, needs, function, texts: [english, chinese] }
}

const fn program(function: fn(&Subject) -> Outcome) -> Function {
    Function::Program(function)
}

const fn started(function: fn(&mut GradedServer) -> Outcome) -> Function {
    Function::Started(function)
}

static CHECKS: &[Check] = {
    use Need::{Answer, Connected, Descriptors, First, Leaving, Next, Port};
    use Who::{Client, DoubleForking, Forking, Servers, Single};
    &include!("checks.txt")
};

/// Those of all servers, or of clients, that a program like `like` is asked; the others of its kind are shown as skipped.
pub fn checks(like: &str) -> Vec<&'static Check> {
    let is_client = like == "tcp_client";
    let asked = |check: &&Check| match check.who {
        Who::Client => is_client,
        // The two that go by this name are the same for a reader.
        Who::Single | Who::Forking if check.name == "next" => check.who.includes(like),
        _ => !is_client,
    };
    CHECKS.iter().filter(asked).collect()
}
