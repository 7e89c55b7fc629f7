//! The corrected C++ passes every check, and with all fixes but one it fails the checks of that erratum.

use super::{fails, fails_only};
use crate::article::article;
use crate::article::build::program_with;
use crate::article::fixes::all;
use crate::harness::builds::PROGRAMS;
use crate::harness::skip::skip;

#[test]
fn the_corrected_article_passes_every_check() {
    let Some(article) = article() else { return skip("the corrected C++, graded: no ARTICLE") };
    for name in PROGRAMS {
        fails_only(&program_with(&article, &all(), name), name, "");
    }
}

crate::cases! { fails_without:
    erratum_1, erratum_2, erratum_3, erratum_4, erratum_5, erratum_6, erratum_7, erratum_8, erratum_9, erratum_10,
    erratum_11, erratum_12, erratum_13, erratum_14, erratum_15, erratum_16, erratum_17,
}

#[test]
fn each_fix_is_left_out_once() {
    CASES.assert_are("tests/article/fixes", all().iter().map(|erratum| format!("erratum_{erratum}")));
}

/// The program that shows most of an erratum, and the checks that it fails without the fix.
const EXPECTED: [(&str, &str); 17] = [
    ("tcp_client", "1/4"),
    ("tcp_server", "2/12"),
    // The fix of erratum 11 removes the only use of the missing constant.
    ("tcp_server_double_fork", ""),
    // With that fix the server survives the failed waitpid(), which then reaps nobody.
    ("tcp_server_double_fork", "zombie/9"),
    ("tcp_client", "5/15"),
    ("tcp_client", "6/14"),
    ("tcp_client", "7/19"),
    ("tcp_client", "8/14"),
    ("tcp_server", "9 nul/14 9 short/20"),
    ("tcp_server", "10/13"),
    ("tcp_server_double_fork", "11 fork/18 11 wait/11"),
    ("tcp_server_fork", "12/18"),
    ("tcp_server_double_fork", "13/21"),
    ("tcp_server_fork", "14/16"),
    ("tcp_server", "15/21"),
    // What the messages say is not graded.
    ("tcp_server", ""),
    ("tcp_server_double_fork", "17/17"),
];

fn fails_without(test: &str) {
    let Some(article) = article() else { return skip("the corrected C++ without one fix: no ARTICLE") };
    let number = test.trim_start_matches("erratum_").parse().expect("the test's name ends in a number");
    let mut errata = all();
    errata.remove(&number);
    let (name, expected) = EXPECTED[number as usize - 1];
    fails(&program_with(&article, &errata, name), name, expected);
}
