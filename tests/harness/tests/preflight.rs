//! A machine without room for the tests is told so in one line, before the first of them.

use std::path::Path;

use crate::harness::preflight::temporary_directory;
use crate::harness::process::launch::{Launch, Limit};

/// What the suite says when it is started so; its status is not 0.
fn refused(suite: Launch) -> Vec<String> {
    let mut suite = suite.arg("no_such_test").env("LC_ALL", "C").start();
    assert_eq!(suite.wait(), 1);
    suite.stderr.all()
}

fn suite() -> Launch {
    Launch::new(std::env::current_exe().expect("the suite has a path"))
}

#[test]
fn an_unusable_temporary_directory_is_one_line() {
    let said = refused(suite().env("TMPDIR", "/no/such"));
    let line = "the temporary directory /no/such can't be used (No such file or directory): \
                set TMPDIR to one with 16 MB free";
    assert_eq!(said, [line]);
    assert_eq!(
        temporary_directory(Path::new("/dev/null")).map_err(|line| line.contains("Not a directory")),
        Err(true)
    );
}

#[test]
fn too_few_descriptors_are_one_line() {
    let said = refused(suite().limit(Limit::Descriptors, 40));
    assert_eq!(said, ["only 40 files may be open at a time: 1024 are needed (ulimit -Hn)"]);
}
