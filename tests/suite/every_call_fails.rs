//! Every call of the four programs fails: no server ends, no client hangs; and as printed, all comes out as in the article.
//!
//! `make faults` prints the same matrix as a table.

use crate::support::article::article;
use crate::support::matrix::rules::ends_well;
use crate::support::matrix::{Subject, cases, lines, recorded, run};

/// How many cases run at once; the tests do too.
const SIDE_BY_SIDE: usize = 2;

fn all_end_well(name: &'static str) {
    let subject = Subject::port(false, name);
    let cases = cases(&subject);
    let outcomes = run(&subject, &cases, SIDE_BY_SIDE);
    let bad = cases.iter().zip(&outcomes).filter_map(|(case, outcome)| {
        let how = ends_well(&subject, case, outcome).err()?;
        Some(format!("{name}, {case}: {how}; {}", outcome.line(case)))
    });
    let bad: Vec<String> = bad.collect();
    assert!(bad.is_empty(), "of {}: {bad:#?}", cases.len());
}

/// What was recorded of the C++ is what comes of the port, and of the C++ where it is given.
fn all_end_as_in_the_article(name: &'static str) {
    let recorded = recorded(name);
    assert_eq!(lines(&Subject::port(true, name), SIDE_BY_SIDE), recorded);
    if let Some(copy) = article() {
        assert_eq!(
            lines(&Subject::article(&copy, true, name), SIDE_BY_SIDE),
            recorded,
            "the article's C++"
        );
    }
}

#[test]
fn faults_of_one_process_end_well() {
    all_end_well("tcp_server");
}

#[test]
fn faults_of_the_fork_end_well() {
    all_end_well("tcp_server_fork");
}

#[test]
fn faults_of_the_double_fork_end_well() {
    all_end_well("tcp_server_double_fork");
}

#[test]
fn faults_of_the_client_end_well() {
    all_end_well("tcp_client");
}

#[test]
fn faults_of_one_process_end_as_printed() {
    all_end_as_in_the_article("tcp_server");
}

#[test]
fn faults_of_the_fork_end_as_printed() {
    all_end_as_in_the_article("tcp_server_fork");
}

#[test]
fn faults_of_the_double_fork_end_as_printed() {
    all_end_as_in_the_article("tcp_server_double_fork");
}

#[test]
fn faults_of_the_client_end_as_printed() {
    all_end_as_in_the_article("tcp_client");
}
