//! Every call of the four programs fails: no server ends, no client hangs; and as printed, all comes out as in the article.
//!
//! `make faults` prints the same matrix as a table.

use crate::article::article;
use crate::faults::oracle::judged;
use crate::faults::{as_printed, recorded};

#[test]
fn every_fault_ends_well() {
    assert!(judged(None).iter().all(|[well, all]| well == all), "those above");
}

/// What was recorded of the C++ is what comes of the port, and of the C++ where it is given.
#[test]
fn every_fault_ends_as_printed() {
    assert_eq!(as_printed(None), recorded());
    if let Some(copy) = article() {
        assert_eq!(as_printed(Some(&copy)), recorded(), "the article's C++");
    }
}
