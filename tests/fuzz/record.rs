//! What the article's C++ does in the first sessions, as one number for each: `recorded.txt`.

use std::path::PathBuf;

use crate::fuzz::generate::session;
use crate::fuzz::search::text;
use crate::harness::builds::root;
use crate::harness::lockstep::play::{ProgramSet, play};
use crate::harness::pool::parallel;

/// How many sessions are recorded of each build.
pub const RECORDED: u64 = 20;

/// A session of `make test`: the build's name, the seed, and what it came to.
#[derive(Debug, PartialEq)]
pub struct RecordedLine {
    pub build: String,
    pub seed: u64,
    pub sum: String,
}

fn path() -> PathBuf {
    root().join("tests/fuzz/recorded.txt")
}

pub fn recorded() -> Vec<RecordedLine> {
    let text = std::fs::read_to_string(path()).expect("tests/fuzz/recorded.txt is readable");
    let line = |line: &str| {
        let [build, seed, _, sum] = Vec::from_iter(line.split(' '))[..] else { return None };
        Some(RecordedLine { build: build.to_string(), seed: seed.parse().ok()?, sum: sum.to_string() })
    };
    text.lines().filter_map(line).collect()
}

/// Plays what is to be recorded to the C++ of these builds, and writes it.
pub fn record(builds: &[(&'static str, ProgramSet)], port: u16) -> Result<(), String> {
    let mut lines = vec![
        "What the article's C++ does in a random session: build, seed, program, a sum of all that was seen.".into(),
        "Written by make fuzz ARTICLE=file RECORD=1, and by nobody else.".into(),
    ];
    for (build, programs) in builds {
        let seeds = Vec::from_iter(1..=RECORDED);
        lines.extend(parallel(6, &seeds, |seed| {
            format!("{build} {seed} {} {}", session(*seed).program, played(*seed, programs, port).1)
        }));
    }
    std::fs::write(path(), lines.join("\n") + "\n")
        .map_err(|error| format!("{}: {error}", path().display()))
}

/// All that was seen in a session, and its sum.
pub fn played(seed: u64, programs: &ProgramSet, port: u16) -> (String, String) {
    let text = text(&play(&session(seed), programs, port));
    let sum = sum(text.as_bytes());
    (text, sum)
}

/// FNV-1a, 64 bits.
fn sum(bytes: &[u8]) -> String {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}
