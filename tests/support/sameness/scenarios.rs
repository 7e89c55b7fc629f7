//! The scenarios of `tests/traces/scenarios.txt`, which says itself how they are written.

use std::fmt;
use std::sync::OnceLock;

use super::differences::Difference;
use crate::support::programs::SERVERS;

/// What a program goes through.
pub struct Scenario {
    pub name: &'static str,
    pub says: &'static str,
    pub says_in_chinese: &'static str,
    /// Each of them plays it, by itself.
    programs: Vec<&'static str>,
    pub steps: Vec<&'static str>,
    /// What an erratum changes in this scenario alone: its number, the process, the rows.
    change: Option<(u32, &'static str, Vec<&'static str>)>,
}

/// All of them. A name stands once for a program.
fn scenarios() -> &'static [Scenario] {
    static READ: OnceLock<Vec<Scenario>> = OnceLock::new();
    READ.get_or_init(|| {
        include_str!("../../traces/scenarios.txt").split("\n== ").skip(1).map(read).collect()
    })
}

fn read(text: &'static str) -> Scenario {
    let mut lines = text.lines();
    let mut line = || lines.next().unwrap_or_else(|| panic!("a scenario is cut short: {text}"));
    let (name, says) = line().split_once(": ").expect("a name, and what happens");
    let says_in_chinese = line();
    let programs = match line().strip_prefix("for ").expect("who plays it") {
        "servers" => SERVERS.to_vec(),
        "forking" => SERVERS[1..].to_vec(),
        names => names.split(' ').collect(),
    };
    let mut scenario = Scenario { name, says, says_in_chinese, programs, steps: Vec::new(), change: None };
    for line in lines.filter(|line| !line.is_empty()) {
        if let Some(step) = line.strip_prefix("    ") {
            scenario.steps.push(step);
        } else if let Some(heading) = line.strip_prefix("erratum ") {
            let (number, process) = heading.split_once(", ").expect("a number, and a process");
            scenario.change = Some((number.parse().expect("a number"), process, Vec::new()));
        } else {
            scenario.change.as_mut().expect("an erratum's rows").2.push(line);
        }
    }
    scenario
}

/// A scenario as one program plays it.
#[derive(Clone, Copy)]
pub struct Part {
    pub scenario: &'static Scenario,
    pub program: &'static str,
}

/// All parts, program by program.
pub fn parts() -> Vec<Part> {
    let programs = SERVERS.into_iter().chain(["tcp_client"]);
    let of = |program| {
        let its = scenarios().iter().filter(move |scenario| scenario.programs.contains(&program));
        its.map(move |scenario| Part { scenario, program })
    };
    programs.flat_map(of).collect()
}

impl Part {
    /// What an erratum changes in this part alone.
    pub fn difference(&self) -> Option<Difference> {
        const IGNORE_SIGCHLD: &str = "rt_sigaction(SIGCHLD, {sa_handler=SIG_IGN, sa_flags=SA_RESTART}, \
            {sa_handler=SIG_DFL, sa_flags=0}) = 0";
        let (erratum, process, rows) = self.scenario.change.as_ref()?;
        let process = match (*process, self.program) {
            ("who serves", "tcp_server") => "server",
            ("who serves", "tcp_server_fork") => "child 1",
            ("who serves", _) => "grandchild 1",
            (process, _) => process,
        };
        let without = |other: &str| {
            let rows = rows.iter().map(|row| row.split_at(2)).filter(|(side, _)| *side != other);
            let its = rows.filter(|(_, row)| *row != "SIGCHLD" || self.program == "tcp_server_fork");
            let row = |row: &str| row.replace("PROGRAM", self.program).replace("SIGCHLD", IGNORE_SIGCHLD);
            its.map(|(_, text)| row(text)).collect()
        };
        Some(Difference { erratum: *erratum, process, cpp: without("+ "), port: without("- ") })
    }
}

/// Plays parts four at a time; their results come in order.
pub fn four_at_a_time<T: Send>(parts: &[Part], play: impl Fn(&Part) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let play = &play;
        let quarter =
            |first| scope.spawn(move || parts.iter().skip(first).step_by(4).map(play).collect::<Vec<T>>());
        let quarters = [0, 1, 2, 3].map(quarter);
        let mut played = quarters.map(|quarter| quarter.join().expect("all are played").into_iter());
        (0..parts.len()).filter_map(|index| played[index % 4].next()).collect()
    })
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}, {}", self.program, self.scenario.name)
    }
}
