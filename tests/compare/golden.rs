//! The recorded traces: what the article's C++ did, kept as text.
//!
//! A file a program and build under `tests/compare/traces`; only `make compare RECORD=1` writes them.

use std::process::{Command, Stdio};

use crate::compare::scenario::Scenario;
use crate::harness::builds::root;
use crate::harness::trace::normalise::Process;

/// Where the record of a program stands.
fn path(program: &str, printed: bool) -> String {
    format!("tests/compare/traces/{}/{program}.txt", if printed { "as-printed" } else { "fixed" })
}

/// Writes what was seen of a program, and says where.
pub fn write(scenarios: &[(&Scenario, &Vec<Process>)], printed: bool) -> Result<String, String> {
    // The versions that a measurement depends on: compiler, C library, kernel, strace.
    const ASK: &str = "for program in g++ ldd strace; do $program --version | head -n 1; done; uname -sr";
    let versions = Command::new("sh").args(["-c", ASK]).stderr(Stdio::null()).output();
    let versions = versions.map_or(Vec::new(), |said| said.stdout);
    let program = scenarios[0].0.program;
    let build = if printed { "as printed (errata 2 and 3 mended)" } else { "mended (errata 1 to 4)" };
    let mut text = format!(
        "What {program} does, the article's C++, {build}, seen by strace.\n\
        TIME: when; me: USER; PORT: the server's, PORT1: that of the first client it accepts;\n\
        \"a\"*1023: so many; (INJECTED): strace let the call fail.\n\
        Written by make compare RECORD=1, and by nobody else.\n\n{}",
        String::from_utf8_lossy(&versions)
    );
    for (scenario, processes) in scenarios {
        text += &format!("\n== {}: {}\n", scenario.name, scenario.says[0]);
        for Process { name, rows } in *processes {
            text += &format!("{name}\n    {}\n", rows.join("\n    "));
        }
    }
    let path = path(program, printed);
    std::fs::write(root().join(&path), text).map_err(|error| format!("{path}: {error}"))?;
    Ok(path)
}

/// What is recorded of one scenario.
pub fn recorded(scenario: &Scenario, printed: bool) -> Vec<Process> {
    let path = path(scenario.program, printed);
    let text =
        std::fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let heading = format!("\n== {}: {}\n", scenario.name, scenario.says[0]);
    let (_, record) = text.split_once(&heading).unwrap_or_else(|| panic!("{path}: {scenario} is not recorded; record all: make compare ARTICLE=file RECORD=1, and with AS_PRINTED=1"));
    let mut processes: Vec<Process> = Vec::new();
    for line in record.lines().take_while(|line| !line.is_empty()) {
        match line.strip_prefix("    ") {
            Some(row) => processes
                .last_mut()
                .unwrap_or_else(|| panic!("{path}: {scenario}: no process is named above {row:?}"))
                .rows
                .push(row.to_string()),
            None => processes.push(Process { name: line.to_string(), rows: Vec::new() }),
        }
    }
    processes
}
