//! All cases of the four programs, and what was recorded of the article's C++.

use std::path::Path;

use crate::article::build::Version;
use crate::faults::case::Case;
use crate::faults::injection;
use crate::faults::observation::FaultOutcome;
use crate::faults::target::Target;
use crate::harness::builds::{PROGRAMS, root};
use crate::harness::pool::parallel;

/// What the C++ does in each case, as printed and corrected; `make faults RECORD=1` writes it.
pub const RECORD: &str = "tests/faults/recorded.txt";
/// Cases that run at a time: they mostly wait.
const AT_A_TIME: usize = 4;

/// A case of a program, and its outcome.
pub struct FaultObserved {
    pub program: &'static str,
    pub is_client: bool,
    pub case: Case,
    pub outcome: FaultOutcome,
}

impl FaultObserved {
    /// As it is recorded: `fixed: tcp_server, bind EACCES: status 2; …`.
    pub fn line(&self, version: Version) -> String {
        key(version, self.program, &self.case) + &self.outcome.line(&self.case)
    }
}

/// What the record of a case begins with.
pub fn key(version: Version, program: &str, case: &Case) -> String {
    format!("{}: {program}, {}: ", name(version), case.name)
}

fn name(version: Version) -> &'static str {
    match version {
        Version::AsPrinted => "as printed",
        Version::Fixed => "fixed",
    }
}

/// The cases with one of these words in their test's name, all if there are none: of the port, or of the article's C++.
pub fn observe(article: Option<&Path>, version: Version, words: &[String]) -> Vec<FaultObserved> {
    let mut all = Vec::new();
    for program in PROGRAMS {
        let target = Target::new(article, version, program);
        let mut cases = injection::cases(&target);
        cases.retain(|case| is_chosen(&case.test_name(program), words));
        let outcomes = parallel(AT_A_TIME, &cases, |case| FaultOutcome::of(&target, case));
        let is_client = target.is_client();
        let observed = cases.into_iter().zip(outcomes);
        all.extend(observed.map(|(case, outcome)| FaultObserved { program, is_client, case, outcome }));
    }
    all
}

fn is_chosen(name: &str, words: &[String]) -> bool {
    words.is_empty()
        || words.iter().any(|word| name.contains(&word.to_lowercase().replace([' ', '-'], "_")))
}

/// The recorded lines of a version, each with the number of its line.
pub fn recorded(version: Version) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(root().join(RECORD));
    let text = text
        .unwrap_or_else(|error| panic!("{RECORD}: {error}; make faults ARTICLE=file RECORD=1 writes it"));
    let start = format!("{}: ", name(version));
    let lines = (1..).zip(text.lines()).filter(|(_, line)| line.starts_with(&start));
    lines.map(|(number, line)| (number, line.to_string())).collect()
}

/// The test's name of a recorded line.
pub fn test_name(line: &str) -> String {
    let name = line.split(": ").nth(1).unwrap_or(line);
    name.replace(", ", "_").replace(' ', "_").to_lowercase()
}

/// The recorded lines of the cases that the words choose.
pub fn recorded_of(version: Version, words: &[String]) -> Vec<String> {
    let lines = recorded(version).into_iter().map(|(_, line)| line);
    lines.filter(|line| is_chosen(&test_name(line), words)).collect()
}
