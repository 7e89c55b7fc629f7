//! The recorded traces: what the article's C++ did, kept as text.
//!
//! A file a program and build under `tests/traces`; only `make compare RECORD=1` writes them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::conduct::Process;
use super::scenarios::Part;
use crate::support::programs::root;

/// Where the record of a program stands.
pub fn path(program: &str, printed: bool) -> PathBuf {
    let build = if printed { "as-printed" } else { "mended" };
    root().join("tests/traces").join(build).join(format!("{program}.txt"))
}

/// The versions that a measurement depends on: compiler, C library, kernel, strace.
fn versions() -> String {
    const ASK: &str = "for program in g++ ldd strace; do $program --version | head -n 1; done; uname -sr";
    let said = Command::new("sh").args(["-c", ASK]).stderr(Stdio::null()).output();
    said.map_or(String::new(), |said| String::from_utf8_lossy(&said.stdout).into_owned())
}

/// The record of a program's parts, as it is kept.
pub fn written(program: &str, printed: bool, parts: &[(&Part, &Vec<Process>)]) -> String {
    let build = if printed { "as printed (errata 2 and 3 mended)" } else { "mended (errata 1 to 4)" };
    let mut text = format!(
        "What {program} does, the article's C++, {build}, seen by strace.\n\
        TIME: when; me: USER; PORT: the server's, PORT1: that of the first client it accepts;\n\
        \"a\"*1023: so many; (INJECTED): strace let the call fail.\n\
        Written by make compare RECORD=1, and by nobody else.\n\n{}",
        versions()
    );
    for (part, processes) in parts {
        text += &format!("\n== {}: {}\n", part.name, part.says[0]);
        for process in *processes {
            text += &format!("{}\n", process.name);
            for row in &process.rows {
                text += &format!("    {row}\n");
            }
        }
    }
    text
}

/// The record of a program as it stands there.
pub fn text(program: &str, printed: bool) -> String {
    let text = std::fs::read_to_string(path(program, printed));
    text.unwrap_or_else(|error| panic!("{program} has no record; make compare RECORD=1 makes one: {error}"))
}

/// What is recorded of one part.
pub fn recorded(part: &Part, printed: bool) -> Vec<Process> {
    let text = text(part.program, printed);
    let mut lines = text.lines();
    let heading = format!("== {}: ", part.name);
    assert!(lines.any(|line| line.starts_with(&heading)), "{part} is not recorded");
    let mut processes: Vec<Process> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        match line.strip_prefix("    ") {
            Some(row) => processes.last_mut().expect("a process comes first").rows.push(row.to_string()),
            None => processes.push(Process { name: line.to_string(), rows: Vec::new() }),
        }
    }
    processes
}
