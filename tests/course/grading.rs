//! `make grade` as a student types it: a C program of `tests/lessons/`, compiled and graded.

use std::path::Path;

use crate::course::sessions::sh;
use crate::harness::builds::run_make;
use crate::harness::tempdir::TempDir;

/// What `make grade` says of a program.
pub struct Grade {
    /// `15 of 17`.
    pub score: String,
    /// The failed checks: name and text, without what was seen.
    pub failed: Vec<String>,
    /// Everything that was printed.
    pub output: String,
}

/// Compiles a program of `tests/lessons/` with these options of `cc`, and grades it as a server like `like`.
pub fn grade(source: &str, options: &str, like: &str) -> Grade {
    let directory = TempDir::empty();
    let built =
        sh(&directory, &format!(r#"cc -Wall -Wextra {options} -o server "$ROOT"/tests/lessons/{source}"#));
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && errors.is_empty(), "cc {options} {source}:\n{errors}");
    grade_program(&directory.join("server"), like)
}

fn grade_program(program: &Path, like: &str) -> Grade {
    let (_, output, errors) =
        run_make(&["grade", &format!("SERVER_BIN={}", program.display()), &format!("LIKE={like}")]);
    let mut failed = Vec::new();
    for line in output.lines() {
        if let Some(check) = line.strip_prefix("FAIL") {
            let (name, text) = check.trim_start().split_once("  ").expect("a name and a text");
            let text = text.trim_start().split(": ").next().unwrap_or_default();
            failed.push(format!("{name}\t{}", text.split("  ").next().unwrap_or_default()));
        }
    }
    let score = output.lines().find_map(|line| line.strip_prefix("Score: "));
    let score =
        score.unwrap_or_else(|| panic!("make grade prints no score:\n{output}{errors}")).to_string();
    Grade { score, failed, output: output + &errors }
}
