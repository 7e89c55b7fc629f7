//! All cases of the four programs, and what was recorded of the article's C++.

use std::path::Path;

use crate::faults::case::Case;
use crate::faults::injection;
use crate::faults::observation::Outcome;
use crate::faults::target::Target;
use crate::harness::builds::{PROGRAMS, root};
use crate::harness::pool::parallel;

/// What the C++ does in each case, as printed; `make faults RECORD=1` writes it.
pub const RECORD: &str = "tests/faults/recorded.txt";

/// All that can happen to a program, and the outcomes.
pub fn outcomes(target: &Target) -> Vec<(Case, Outcome)> {
    let cases = injection::cases(target);
    let outcomes = parallel(4, &cases, |case| Outcome::of(target, case));
    cases.into_iter().zip(outcomes).collect()
}

/// A line for each case of all programs as printed: of the port, or of the article's C++.
pub fn as_printed(article: Option<&Path>) -> Vec<String> {
    let mut lines = Vec::new();
    for name in PROGRAMS {
        let outcomes = outcomes(&Target::new(article, true, name));
        lines.extend(
            outcomes.iter().map(|(case, outcome)| format!("{name}, {}: {}", case.name, outcome.line(case))),
        );
    }
    lines
}

pub fn recorded() -> Vec<String> {
    let text = std::fs::read_to_string(root().join(RECORD));
    let text = text
        .unwrap_or_else(|error| panic!("{RECORD}: {error}; make faults ARTICLE=file RECORD=1 writes it"));
    text.lines().map(str::to_string).collect()
}
