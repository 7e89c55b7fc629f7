//! What a check has found.

/// Why a check has not passed.
pub enum Observed {
    /// What was seen; the lesson about that, if it is not the check's own; and whether other checks that need this one
    /// can be made all the same.
    Fail {
        seen: String,
        lesson: Option<u8>,
        usable: bool,
    },
    Skip(String),
}

impl Observed {
    pub fn fail(seen: String) -> Self {
        Observed::Fail { seen, lesson: None, usable: false }
    }

    pub fn of_lesson(seen: String, lesson: u8) -> Self {
        Observed::Fail { seen, lesson: Some(lesson), usable: false }
    }

    /// The same, with its observation put into other words.
    pub fn map(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Observed::Fail { seen, lesson, usable } => Observed::Fail { seen: words(seen), lesson, usable },
            skipped => skipped,
        }
    }
}

impl From<String> for Observed {
    fn from(seen: String) -> Self {
        Observed::fail(seen)
    }
}

pub type Outcome = Result<(), Observed>;

/// Fails with `seen` unless `good`.
pub fn require(good: bool, seen: String) -> Outcome {
    if good { Ok(()) } else { Err(Observed::fail(seen)) }
}

/// The check cannot be made unless `possible`.
pub fn skip_unless(possible: bool, why: String) -> Outcome {
    if possible { Ok(()) } else { Err(Observed::Skip(why)) }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Verdict {
    pub fn text(self) -> &'static str {
        match self {
            Verdict::Passed => "OK",
            Verdict::Failed => "FAIL",
            Verdict::Skipped => "-",
        }
    }
}

/// What one check has found.
#[derive(Clone)]
pub struct Finding {
    pub verdict: Verdict,
    pub name: &'static str,
    pub requirement: &'static str,
    /// Why it has not passed.
    pub seen: String,
    pub lesson: u8,
    /// Failed, but other checks can be made that need it.
    pub usable: bool,
    /// The calls that prove a failure, as strace writes them.
    pub proof: String,
}

/// How many checks a program has passed, of how many that were made.
pub fn score(findings: &[Finding]) -> (usize, usize) {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    (count(Verdict::Passed), count(Verdict::Passed) + count(Verdict::Failed))
}
