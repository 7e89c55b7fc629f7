//! Which statements of a Rust source are the counterpart of which C++ statement, in order.
//!
//! The best pairing is found by dynamic programming: a C++ statement is paired with a run of Rust statements that
//! has at least half of its words, and no statement is used twice.

use std::ops::Range;

use crate::page::statement::{Language, RETURN, Statement, is_cpp_only, statements};

pub struct Alignment {
    /// The statements of the C++ side, and for each the lines of its counterpart, if it has one.
    pub pairs: Vec<(Statement, Option<Range<usize>>)>,
    /// Lines that only C++ has: no statements, not counted.
    pub cpp_only: usize,
    lines: Vec<String>,
}

impl Alignment {
    pub fn of(cpp: &str, rust: &str) -> Self {
        let right = statements(rust, Language::Rust);
        let left = statements(cpp, Language::Cpp);
        let runs = best_runs(&left, &right);
        let lines_of = |run: Range<usize>| right[run.start].lines.start..right[run.end - 1].lines.end;
        let pairs = left.into_iter().zip(runs).map(|(left, run)| (left, run.map(lines_of))).collect();
        let cpp_only = cpp.lines().filter(|line| is_cpp_only(line)).count();
        Alignment { pairs, cpp_only, lines: cpp.lines().map(str::to_string).collect() }
    }

    /// The number of C++ statements, and of those that have a counterpart.
    pub fn counts(&self) -> (usize, usize) {
        let (mut all, mut paired) = (0, 0);
        for (statement, counterpart) in &self.pairs {
            all += statement.count;
            paired += if counterpart.is_some() { statement.count } else { 0 };
        }
        (all, paired)
    }

    /// The statements without counterpart, each as one line, with its kind in both languages.
    pub fn unpaired(&self) -> Vec<(String, [&'static str; 2])> {
        let mut unpaired = Vec::new();
        for (statement, _) in self.pairs.iter().filter(|(_, counterpart)| counterpart.is_none()) {
            let text = self.lines[statement.lines.clone()].join(" ");
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let kind = kind(&text);
            unpaired.push((text, kind));
        }
        unpaired
    }
}

/// Why a statement may have no counterpart; the last kind explains nothing.
fn kind(statement: &str) -> [&'static str; 2] {
    let kinds = [
        ("sizeof", ["a length that the type knows", "类型自带的长度"]),
        ("(void)", ["a type conversion", "类型转换"]),
        ("va_", ["varargs", "可变参数"]),
        ("return", ["a return", "返回语句"]),
        ("break", ["a way out of a loop", "跳出循环"]),
        ("=false", ["a global variable", "全局变量"]),
        ("", ["a statement", "语句"]),
    ];
    kinds.into_iter().find(|(sign, _)| statement.contains(sign)).expect("the last matches").1
}

/// The longest run of Rust statements that one C++ statement may be paired with.
const LONGEST: usize = 12;

/// For each left statement the run of right statements paired with it.
fn best_runs(left: &[Statement], right: &[Statement]) -> Vec<Option<Range<usize>>> {
    // best[i][j]: the highest total for left[i..] and right[j..], and the first step towards it:
    // 0 skips a right statement, n > 0 pairs left[i] with n right ones; `None` leaves left[i] unpaired.
    let mut best = vec![vec![(0.0_f64, None); right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        let matches: Vec<Match> = right.iter().map(|right| Match::of(&left[i], right)).collect();
        for j in (0..=right.len()).rev() {
            let mut choice = (best[i + 1][j].0, None);
            if j < right.len() && best[i][j + 1].0 > choice.0 {
                choice = (best[i][j + 1].0, Some(0));
            }
            let mut run = Match::default();
            for length in 1..=LONGEST.min(right.len() - j) {
                run.add(&matches[j + length - 1]);
                let total = run.worth(&left[i], length).map(|worth| worth + best[i + 1][j + length].0);
                if total.is_some_and(|total| total >= choice.0) {
                    choice = (total.unwrap_or_default(), Some(length));
                }
            }
            best[i][j] = choice;
        }
    }
    let mut runs = Vec::new();
    let mut j = 0;
    while runs.len() < left.len() {
        match best[runs.len()][j].1 {
            None => runs.push(None),
            Some(0) => j += 1,
            Some(length) => {
                runs.push(Some(j..j + length));
                j += length;
            }
        }
    }
    runs
}

/// What one or more right statements have in common with a left one.
#[derive(Clone, Default)]
struct Match {
    /// The words of the left one that are found, one bit each, and their weight.
    found: u64,
    /// All words of the right ones.
    all: usize,
}

impl Match {
    fn of(left: &Statement, right: &Statement) -> Self {
        let mut found = 0;
        for (bit, word) in left.words.keys().take(64).enumerate() {
            found |= u64::from(right.words.contains_key(word)) << bit;
        }
        Match { found, all: right.words.len() }
    }

    fn add(&mut self, other: &Match) {
        self.found |= other.found;
        self.all += other.all;
    }

    /// Higher for more common words, for fewer others, and for a shorter run; `None` below half of the left's weight.
    fn worth(&self, left: &Statement, length: usize) -> Option<f64> {
        let weights = left.words.values().take(64).enumerate();
        let found: u32 =
            weights.filter(|(bit, _)| self.found >> bit & 1 == 1).map(|(_, weight)| weight).sum();
        let alike = f64::from(found) / f64::from(left.words.values().sum::<u32>());
        // What is returned must match, too.
        if self.found.count_ones() == 1 && found == RETURN && left.words.len() > 1 {
            return None;
        }
        let others = (self.all - self.found.count_ones() as usize) as f64;
        (alike >= 0.5).then_some(1.0 + alike - 0.001 * others - 0.05 * (length - 1) as f64)
    }
}
