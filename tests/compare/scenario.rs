//! The scenarios of `scenarios.txt`, which says itself how they are written, parsed into steps.

use std::fmt;

use crate::harness::builds::{PROGRAMS, SERVERS};
use crate::harness::lockstep::session::{CLIENTS, LockstepSession, LockstepStep, SERVER};
use crate::harness::trace::parse::unquoted;

/// The file, as a reader of a message finds it.
pub const FILE: &str = "tests/compare/scenarios.txt";

/// What one program goes through.
pub struct Scenario {
    pub program: &'static str,
    pub name: String,
    /// The line of its title in [`FILE`].
    pub line: usize,
    /// In English, and in Chinese.
    pub says: [String; 2],
    pub settings: Settings,
    pub steps: Vec<ScenarioStep>,
}

/// How the programs are started.
#[derive(Clone, Default)]
pub struct Settings {
    /// What strace injects.
    pub faults: Vec<String>,
    /// The first process is spared.
    pub below: bool,
    pub without_user: bool,
    /// After each step all processes block again.
    pub lockstep: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioStep {
    /// As it is written.
    pub text: String,
    pub line: usize,
    pub when: When,
    pub action: Action,
}

/// The programs for which a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    Always,
    /// Where this erratum is fixed.
    With(u32),
    /// Where it is not.
    Without(u32),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Start {
        arguments: Vec<String>,
    },
    Listen,
    Call,
    Taken,
    Called,
    Hear {
        text: String,
        times: usize,
    },
    ServerSays {
        text: String,
        times: usize,
    },
    /// Without a prompt: now.
    Types {
        prompt: Option<usize>,
        bytes: Vec<u8>,
    },
    EndsInput {
        prompt: Option<usize>,
    },
    Stop,
    Continue,
    /// Without a number of zombies, however many there are.
    Ends {
        zombies: Option<usize>,
    },
    EndsItself,
    CutShort,
    Peer {
        name: String,
        does: PeerAction,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum PeerAction {
    Connects,
    Says(Vec<u8>),
    Sends(Vec<u8>),
    Takes(usize),
    Reads,
    IsLeft,
    ClosesHalf,
    Resets,
    Leaves,
}

/// All scenarios, program by program.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = parse(include_str!("scenarios.txt")).unwrap_or_else(|why| panic!("{why}"));
    all.sort_by_key(|scenario| PROGRAMS.iter().position(|program| *program == scenario.program));
    all
}

/// The scenarios of a text; or its line that is wrong, and why: `tests/compare/scenarios.txt:12: …`.
pub fn parse(text: &str) -> Result<Vec<Scenario>, String> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    // Before the first title there are explanations.
    let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| !line.starts_with("== ")).peekable();
    while let Some((line, title)) = lines.next() {
        let wrong = |line: usize, why: &str, text: &str| format!("{FILE}:{line}: {why}: {text:?}");
        if title.is_empty() {
            continue;
        }
        let named = title.strip_prefix("== ").and_then(|title| title.split_once(": "));
        let (name, english) = named.ok_or_else(|| wrong(line, "not `== name: what happens`", title))?;
        let mut next = |what: &str| {
            let next = lines.next_if(|(_, text)| !text.is_empty());
            next.ok_or_else(|| wrong(line, what, title))
        };
        let (_, chinese) = next("no line with the same in Chinese follows")?;
        let (who_line, who) = next("no line `for …` follows")?;
        let programs = programs(who).ok_or_else(|| wrong(who_line, "not `for` and programs", who))?;
        let (mut settings, mut steps) = (Settings::default(), Vec::new());
        while let Some((line, text)) = lines.next_if(|(_, text)| !text.is_empty()) {
            let step = text.strip_prefix("    ").ok_or_else(|| wrong(line, "a step is indented", text))?;
            if !settings.set(step) {
                steps.push(ScenarioStep::parse(line, step).map_err(|why| wrong(line, &why, step))?);
            }
        }
        for program in programs {
            let same = |other: &&Scenario| other.program == program && other.name == name;
            if let Some(other) = scenarios.iter().find(same) {
                return Err(wrong(line, &format!("{other} is in line {} already", other.line), title));
            }
            let scenario = Scenario {
                program,
                name: name.to_string(),
                line,
                says: [english, chinese].map(str::to_string),
                settings: settings.clone(),
                steps: steps.clone(),
            };
            scenario.lockstep().transpose()?;
            let of_lockstep = scenario.steps.iter().find(|step| step.action.is_of_lockstep());
            if let Some(step) = of_lockstep.filter(|_| !scenario.settings.lockstep) {
                return Err(wrong(step.line, "only in lockstep", &step.text));
            }
            scenarios.push(scenario);
        }
    }
    Ok(scenarios)
}

/// `for servers`, `for forking`, `for tcp_server tcp_client`.
fn programs(who: &str) -> Option<Vec<&'static str>> {
    match who.strip_prefix("for ")? {
        "servers" => Some(SERVERS.to_vec()),
        "forking" => Some(SERVERS[1..].to_vec()),
        names => {
            names.split(' ').map(|name| PROGRAMS.into_iter().find(|program| *program == name)).collect()
        }
    }
}

impl Scenario {
    /// The session, if it is to be played in lockstep; or the step that no such session has.
    pub fn lockstep(&self) -> Option<Result<LockstepSession, String>> {
        if !self.settings.lockstep {
            return None;
        }
        let wrong = |step: &ScenarioStep| format!("{FILE}:{}: not in lockstep: {}", step.line, step.text);
        let [begins, steps @ .., ends] = &self.steps[..] else {
            return Some(Err(format!("{FILE}:{}: in lockstep it begins and ends", self.line)));
        };
        if !matches!(begins.action, Action::Listen | Action::Called) {
            return Some(Err(wrong(begins)));
        }
        if ends.action != (Action::Ends { zombies: None }) {
            return Some(Err(wrong(ends)));
        }
        let steps = steps.iter().map(|step| step.action.lockstep().ok_or_else(|| wrong(step)));
        let session = |steps| LockstepSession { name: self.name.clone(), program: self.program, steps };
        Some(steps.collect::<Result<_, _>>().map(session))
    }
}

impl Settings {
    /// Whether a line is one of them.
    fn set(&mut self, line: &str) -> bool {
        match line.split_once(' ') {
            Some(("fault", fault)) => self.faults.push(fault.to_string()),
            Some(("fault-below", fault)) => {
                self.faults.push(fault.to_string());
                self.below = true;
            }
            None if line == "no-user" => self.without_user = true,
            None if line == "lockstep" => self.lockstep = true,
            _ => return false,
        }
        true
    }
}

impl ScenarioStep {
    fn parse(line: usize, step: &str) -> Result<ScenarioStep, String> {
        let (condition, action) =
            step.split_once(": ").filter(|(start, _)| !start.contains('"')).unwrap_or(("", step));
        let number =
            |number: &str| number.parse().map_err(|_| format!("{condition}: not an erratum's number"));
        let when = match condition.split_once(' ') {
            None if condition.is_empty() => When::Always,
            Some(("with", erratum)) => When::With(number(erratum)?),
            Some(("without", erratum)) => When::Without(number(erratum)?),
            _ => return Err(format!("{condition}: neither `with N` nor `without N`")),
        };
        Ok(ScenarioStep { text: step.to_string(), line, when, action: Action::parse(action)? })
    }
}

impl Action {
    fn parse(action: &str) -> Result<Action, String> {
        let (words, text) = action.split_at(action.find('"').unwrap_or(action.len()));
        let words: Vec<&str> = words.split_whitespace().collect();
        let bytes = || match text {
            "" => Err("it needs a text in quotes".to_string()),
            text => repeated(text),
        };
        let string = || String::from_utf8(bytes()?).map_err(|_| "the text is not UTF-8".to_string());
        let number = |word: &str| word.parse::<usize>().map_err(|_| format!("{word}: not a number"));
        let first = |words: &[&str]| words.first().map(|word| number(word)).transpose();
        let action = match words[..] {
            ["hear", times] => return Ok(Action::Hear { text: string()?, times: number(times)? }),
            ["server-says", times] => {
                return Ok(Action::ServerSays { text: string()?, times: number(times)? });
            }
            ["types", ref prompt @ ..] if prompt.len() < 2 => {
                return Ok(Action::Types { prompt: first(prompt)?, bytes: bytes()? });
            }
            [name, "says"] => PeerAction::Says(bytes()?).of(name),
            [name, "sends"] => PeerAction::Sends(bytes()?).of(name),
            _ if !text.is_empty() => return Err("no such step with a text".to_string()),
            ["start", ref arguments @ ..] => {
                Action::Start { arguments: arguments.iter().map(|word| word.to_string()).collect() }
            }
            ["listen"] => Action::Listen,
            ["call"] => Action::Call,
            ["taken"] => Action::Taken,
            ["called"] => Action::Called,
            ["ends-input", ref prompt @ ..] if prompt.len() < 2 => {
                Action::EndsInput { prompt: first(prompt)? }
            }
            ["stop"] => Action::Stop,
            ["continue"] => Action::Continue,
            ["ends", ref zombies @ ..] if zombies.len() < 2 => Action::Ends { zombies: first(zombies)? },
            ["ends-itself"] => Action::EndsItself,
            ["cut-short"] => Action::CutShort,
            [name, "takes", count] => PeerAction::Takes(number(count)?).of(name),
            [name, "reads"] => PeerAction::Reads.of(name),
            [name, "connects"] => PeerAction::Connects.of(name),
            [name, "is-left"] => PeerAction::IsLeft.of(name),
            [name, "closes-half"] => PeerAction::ClosesHalf.of(name),
            [name, "resets"] => PeerAction::Resets.of(name),
            [name, "leaves"] => PeerAction::Leaves.of(name),
            _ => return Err("no such step".to_string()),
        };
        Ok(action)
    }
}

impl Action {
    /// Whether only scenarios in lockstep have it.
    fn is_of_lockstep(&self) -> bool {
        match self {
            Action::Types { prompt, .. } | Action::EndsInput { prompt } => prompt.is_none(),
            Action::Ends { zombies } => zombies.is_none(),
            Action::Peer { does, .. } => *does == PeerAction::Reads,
            _ => false,
        }
    }

    /// The same step of a session in lockstep, if that has it.
    fn lockstep(&self) -> Option<LockstepStep> {
        let step = match self {
            Action::Stop => LockstepStep::Stop,
            Action::Continue => LockstepStep::Continue,
            Action::Types { prompt: None, bytes } => LockstepStep::Types(bytes.clone()),
            Action::EndsInput { prompt: None } => LockstepStep::EndsInput,
            Action::Peer { name, does } => {
                let name = CLIENTS.into_iter().chain([SERVER]).find(|peer| peer == name)?;
                match does {
                    PeerAction::Connects => LockstepStep::Connects(name),
                    PeerAction::Sends(bytes) => LockstepStep::Sends(name, bytes.clone()),
                    PeerAction::Reads => LockstepStep::Reads(name),
                    PeerAction::ClosesHalf => LockstepStep::ClosesHalf(name),
                    PeerAction::Resets => LockstepStep::Resets(name),
                    PeerAction::Leaves => LockstepStep::Leaves(name),
                    PeerAction::Says(_) | PeerAction::Takes(_) | PeerAction::IsLeft => return None,
                }
            }
            _ => return None,
        };
        Some(step)
    }
}

/// Texts, each of which may be repeated: `"a"*1500 "b"`.
fn repeated(mut quoted: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while !quoted.is_empty() {
        let (text, rest) = unquoted(quoted).ok_or_else(|| format!("{quoted:?} is not a text in quotes"))?;
        let (count, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let count = match count.strip_prefix('*') {
            Some(count) => count.parse().map_err(|_| format!("{count}: not a number"))?,
            None if count.is_empty() => 1,
            None => return Err(format!("{count:?} after a text")),
        };
        bytes.extend(text.repeat(count));
        quoted = rest;
    }
    Ok(bytes)
}

impl PeerAction {
    fn of(self, name: &str) -> Action {
        Action::Peer { name: name.to_string(), does: self }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}, {}", self.program, self.name)
    }
}
