//! `make grade DIR=…`: a row for each student, as a table, CSV and JSON.

use std::path::Path;
use std::process::Command;

use crate::grade::tests::{compiled, in_turn};
use crate::harness::builds::{Build, make_command, program};
use crate::harness::process::wait::TIMEOUT;
use crate::harness::tempdir::TempDir;

/// Copies a program into a class.
fn put(class: &TempDir, from: &Path, name: &str) {
    let to = class.join(name);
    std::fs::create_dir_all(to.parent().expect("it has one")).expect("a directory");
    let copied = Command::new("cp").arg(from).arg(to).status();
    assert!(copied.expect("cp is there").success());
}

/// A class with a right program, one with a mistake, and files that are no programs. `name`: a test's own, as tests that
/// run at the same time compile the program.
fn class(name: &str) -> TempDir {
    let class = TempDir::empty();
    put(&class, &program(Build::Fixed, "tcp_server"), "anna");
    let mistake = ["-DKIND=1".into(), "-DMISTAKE=STRLEN".into()];
    put(&class, &compiled("student_server.c", &format!("class.{name}"), &mistake), "bo,b");
    class.write("notes.txt", "no program");
    class.write("script.py", "#!/usr/bin/env python3\n");
    class
}

fn graded(class: &TempDir, format: &str) -> String {
    let directory = format!("DIR={}", class.display());
    let format = format!("FORMAT={format}");
    in_turn(|| {
        let mut make = make_command(&["grade", "LIKE=tcp_server", &directory, &format]).start();
        assert_eq!(make.wait_timeout(10 * TIMEOUT), Some(0));
        assert_eq!(make.stderr.all().join("\n"), "");
        make.stdout.all().join("\n")
    })
}

#[test]
fn a_class_is_a_table() {
    let class = class("table");
    class.script("hangs", "exec sleep 1000");
    let right = program(Build::Fixed, "tcp_server");
    put(&class, &right, "in a folder/build/server");
    class.write("in a folder/server.c", "");
    put(&class, &right, "two/a");
    put(&class, &right, "two/b");
    class.write("nothing/readme.txt", "");
    let table = graded(&class, "");
    let rows: Vec<&str> = table.lines().collect();
    let row = |name: &str| {
        rows.iter().find(|row| row.starts_with(name)).unwrap_or_else(|| panic!("{name}: {table}"))
    };
    assert!(
        rows[0].starts_with("program") && rows[0].contains("9 nul") && rows[0].ends_with("score  reason")
    );
    assert_eq!(rows.len(), 8, "{table}");
    assert!(row("anna").ends_with("18/18") && row("in a folder").ends_with("18/18"));
    assert!(row("bo,b").ends_with("17/18") && row("bo,b").matches("FAIL").count() == 1);
    assert!(row("hangs").contains("never listens"));
    assert!(row("nothing").ends_with("no executable"));
    assert!(row("script.py").contains("not executable"));
    assert!(row("two").ends_with("several executables: a b"));
}

#[test]
fn a_class_is_csv() {
    let csv = graded(&class("csv"), "csv");
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("program,score,max_score,reason,13,bind,use,upper,9 nul,"));
    assert!(rows[1].starts_with("anna,18,18,,OK,OK,OK,OK,OK,") && rows[1].contains(",-,"));
    assert!(rows[2].starts_with("\"bo,b\",17,18,,OK,OK,OK,OK,FAIL,"));
    let columns = |row: &str| row.replace("bo,b", "").matches(',').count();
    assert!(rows.iter().all(|row| columns(row) == columns(rows[0])), "{csv}");
}

#[test]
fn a_class_is_json_as_gradescope_reads_it() {
    let json = graded(&class("json"), "json");
    let pass = r#"{"name": "9 nul", "score": 1, "max_score": 1, "status": "passed", "output": "#;
    let fail = r#"{"name": "9 nul", "score": 0, "max_score": 1, "status": "failed", "output": "#;
    let skip = r#"{"name": "proc", "score": 0, "max_score": 0, "output": "#;
    assert_eq!([pass, fail, skip].map(|test| json.matches(test).count()), [1, 1, 2], "{json}");
    assert!(json.contains(r#""verdict": "-""#));
    assert!(json.contains(r#"{"program": "anna", "score": 18, "max_score": 18, "output": "", "tests": ["#));
    let parsed = Command::new("python3")
        .args(["-c", "import json,sys; print(len(json.loads(sys.argv[1])))", &json])
        .output();
    if let Ok(parsed) = parsed {
        assert_eq!(String::from_utf8_lossy(&parsed.stdout).trim(), "3");
    }
}
