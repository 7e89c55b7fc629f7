//! Every call of the four programs fails: no server ends, no client hangs; and as printed, all comes out as in the article.
//!
//! `make faults` prints the same matrix as a table.

use crate::support::article::article;
use crate::support::matrix::rules::ends_well;
use crate::support::matrix::{PROGRAMS, Subject, lines, outcomes, recorded};

#[test]
fn every_fault_ends_well() {
    for name in PROGRAMS {
        let subject = Subject::port(false, name);
        let outcomes = outcomes(&subject);
        let bad = outcomes.iter().filter_map(|(case, outcome)| {
            let how = ends_well(&subject, case, outcome).err()?;
            Some(format!("{name}, {case}: {how}; {}", outcome.line(case)))
        });
        let bad: Vec<String> = bad.collect();
        assert!(bad.is_empty(), "of {}: {bad:#?}", outcomes.len());
    }
}

/// What was recorded of the C++ is what comes of the port, and of the C++ where it is given.
#[test]
fn every_fault_ends_as_printed() {
    for name in PROGRAMS {
        assert_eq!(lines(&Subject::port(true, name)), recorded(name));
        if let Some(copy) = article() {
            assert_eq!(lines(&Subject::article(&copy, true, name)), recorded(name), "the article's C++");
        }
    }
}
