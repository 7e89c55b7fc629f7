//! Golden files: what the article's C++ did in each scenario, as printed and fixed.
//!
//! A file for each program under `traces/`, written by `make compare RECORD=1` alone. A line is of both versions;
//! one that begins with `-` is of the article as printed, with `+` of the corrected article.

use std::process::{Command, Stdio};

use super::scenario::Scenario;
use crate::article::build::{VERSIONS, Version};
use crate::harness::builds::root;
use crate::harness::diff::common;
use crate::harness::trace::normalise::Process;

/// The mark of a line that only one version has.
fn mark(version: Version) -> &'static str {
    if version == Version::AsPrinted { "- " } else { "+ " }
}

fn path(program: &str) -> String {
    format!("tests/compare/traces/{program}.txt")
}

/// Writes what was seen of a program in its scenarios, in both versions, and returns the file's path.
pub fn write(program: &str, seen: &[(&Scenario, [Vec<Process>; 2])]) -> Result<String, String> {
    let mut text = format!(
        "What {program} does, the article's C++ as printed (errata 2 and 3 fixed) and corrected, as strace shows it.\n\
        `- `: as printed only; `+ `: corrected only. TIME: the date; me: USER; PORT: the server's port, PORT1: that of the\n\
        first client it accepts; \"a\"*1023: so many; (INJECTED): strace let the call fail.\n\
        Written by make compare RECORD=1.\n\n{}",
        versions()
    );
    for (scenario, processes) in seen {
        text += &format!("\n== {}: {}\n{}", scenario.name, scenario.says[0], merged(processes));
    }
    let path = path(program);
    std::fs::write(root().join(&path), text).map_err(|error| format!("{path}: {error}"))?;
    Ok(path)
}

/// What a measurement depends on: compiler, C library, strace, kernel.
fn versions() -> String {
    const QUERY: &str = "for program in g++ ldd strace; do $program --version | head -n 1; done; uname -sr";
    let output = Command::new("sh").args(["-c", QUERY]).stderr(Stdio::null()).output();
    output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A process is a line with its name, and a line for each row.
fn lines(processes: &[Process]) -> Vec<String> {
    let mut lines = Vec::new();
    for Process { name, rows } in processes {
        lines.push(name.clone());
        lines.extend(rows.iter().map(|row| format!("    {row}")));
    }
    lines
}

/// The lines of both versions, each once.
pub fn merged(processes: &[Vec<Process>; 2]) -> String {
    let sides = processes.each_ref().map(|processes| lines(processes));
    let (mut text, mut at) = (String::new(), [0, 0]);
    let end = (sides[0].len(), sides[1].len());
    for (left, right) in common(&sides[0], &sides[1]).into_iter().chain([end]) {
        for (version, next) in [(0, left), (1, right)] {
            for line in &sides[version][at[version]..next] {
                text += &format!("{}{line}\n", mark(VERSIONS[version]));
            }
            at[version] = next + 1;
        }
        text += &sides[0].get(left).map_or(String::new(), |line| format!("  {line}\n"));
    }
    text
}

/// One version of [`merged`] lines.
pub fn version_of<'a>(lines: impl Iterator<Item = &'a str>, version: Version) -> Vec<Process> {
    let mut processes: Vec<Process> = Vec::new();
    for line in lines {
        let Some(line) = line.strip_prefix("  ").or(line.strip_prefix(mark(version))) else { continue };
        match (line.strip_prefix("    "), processes.last_mut()) {
            (Some(row), Some(process)) => process.rows.push(row.to_string()),
            _ => processes.push(Process { name: line.to_string(), rows: Vec::new() }),
        }
    }
    processes
}

/// What is recorded of a scenario.
pub fn recorded(scenario: &Scenario, version: Version) -> Result<Vec<Process>, String> {
    let path = path(scenario.program);
    let text = std::fs::read_to_string(root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
    let heading = format!("\n== {}: {}\n", scenario.name, scenario.says[0]);
    let (_, record) =
        text.split_once(&heading).ok_or_else(|| format!("{path}: {} is not recorded", scenario.name))?;
    Ok(version_of(record.lines().take_while(|line| !line.is_empty()), version))
}
