//! A machine without room for the tests, or a checkout that cannot be written to, is reported in one line.

use std::path::Path;

use crate::harness::builds::{MAKE_VARIABLES, root};
use crate::harness::preflight::temporary_directory;
use crate::harness::process::launch::{Launch, Limit};
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;

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

/// In a checkout that cannot be written to: one line, or the programs of `CARGO_TARGET_DIR`.
#[test]
fn a_read_only_checkout_is_used_or_refused_in_one_line() {
    const SCRIPT: &str = r#"mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && cd "$2" || { echo no mount; exit; }
        for tool in lesson compare grade faults lanes page; do make --silent $tool; echo "status $?"; done
        CARGO_TARGET_DIR=/elsewhere make --silent bin-directory"#;
    let directory = TempDir::empty();
    let mount = Launch::new("unshare").args(["-m", "sh", "-c", SCRIPT, "sh"]);
    let mount = mount.arg(root()).arg(&*directory).without_env(MAKE_VARIABLES);
    let mut made = mount.without_env("CARGO_TARGET_DIR").env("LC_ALL", "C").start();
    let status = made.wait();
    let seen = made.stdout.all().join("\n");
    if status != 0 || seen.starts_with("no mount") {
        return skip("a read-only checkout: this user may not mount");
    }
    assert_eq!(seen, "status 2\n".repeat(6) + "/elsewhere/release");
    let says = made.stderr.all();
    let line = "***  this checkout cannot be written to: give CARGO_TARGET_DIR=directory.  Stop.";
    assert!(says.len() == 6 && says.iter().all(|said| said.ends_with(line)), "{says:#?}");
}
