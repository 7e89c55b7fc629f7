//! Two complete texts as rows of lines: a paired statement in the same rows, every other line in a row of its own.
//!
//! The left text has two forms, as printed and fixed. A row says which of its lines belongs to which form, so that
//! either form can be read from top to bottom; each line of the right text is in exactly one row.

use std::ops::Range;

use crate::harness::diff::common;
use crate::page::align::Alignment;

/// Line indices, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PageRow {
    pub printed: Option<usize>,
    pub fixed: Option<usize>,
    pub right: Option<usize>,
    /// It continues the pair of the row before it.
    pub continues: bool,
}

/// The rows of a left text in its two forms; of a text that has one form, given twice.
pub fn rows(printed: &str, fixed: &str, right: &str) -> Vec<PageRow> {
    let (p, f) = (Places::of(printed, right), Places::of(fixed, right));
    let mut rows = Vec::new();
    for at in 0..=right.lines().count() {
        let pairs = common(&p.texts(&p.before[at]), &f.texts(&f.before[at]));
        for (one, other) in interleaved(&p.before[at], &f.before[at], &pairs) {
            let continues =
                one.is_some_and(|line| p.continued[line]) || other.is_some_and(|line| f.continued[line]);
            rows.push(PageRow { printed: one, fixed: other, right: None, continues });
        }
        if let (Some(&one), Some(&other)) = (p.beside.get(at), f.beside.get(at)) {
            let continues = p.pairs.iter().chain(&f.pairs).any(|pair| pair.start < at && at < pair.end);
            rows.push(PageRow { printed: one, fixed: other, right: Some(at), continues });
        }
    }
    rows
}

/// Where the lines of a left text go, seen from the lines of the right one.
struct Places<'a> {
    lines: Vec<&'a str>,
    /// The left line in the same row as each right line.
    beside: Vec<Option<usize>>,
    /// The left lines that have rows of their own before each right line, and after the last.
    before: Vec<Vec<usize>>,
    /// The left lines that continue a pair whose right lines are fewer.
    continued: Vec<bool>,
    /// The right lines of each pair.
    pairs: Vec<Range<usize>>,
}

impl<'a> Places<'a> {
    fn of(left: &'a str, right: &str) -> Self {
        let rights: Vec<&str> = right.lines().collect();
        let lines: Vec<&str> = left.lines().collect();
        let mut places = Places {
            beside: vec![None; rights.len()],
            before: vec![Vec::new(); rights.len() + 1],
            continued: vec![false; lines.len()],
            pairs: Vec::new(),
            lines,
        };
        let (mut i, mut j) = (0, 0);
        for (statement, counterpart) in Alignment::of(left, right).pairs {
            let Some(run) = counterpart else { continue };
            places.gap(i..statement.lines.start, j..run.start, &rights);
            for (at, line) in statement.lines.clone().enumerate() {
                if at < run.len() {
                    places.beside[run.start + at] = Some(line);
                } else {
                    places.before[run.end].push(line);
                    places.continued[line] = true;
                }
            }
            (i, j) = (statement.lines.end, run.end);
            places.pairs.push(run);
        }
        places.gap(i..places.lines.len(), j..rights.len(), &rights);
        places
    }

    fn texts(&self, lines: &[usize]) -> Vec<&'a str> {
        lines.iter().map(|&line| self.lines[line]).collect()
    }

    /// Lines between two pairs: closing brackets and empty lines are paired with their like.
    fn gap(&mut self, left: Range<usize>, right: Range<usize>, rights: &[&str]) {
        let closers = |lines: Range<usize>, text: &[&str]| {
            let mut closers = Vec::new();
            for (at, line) in lines.enumerate() {
                let text = text[line].trim().trim_end_matches(';');
                closers.extend(is_closer(text).then(|| (at, text.to_string())));
            }
            closers
        };
        let (ones, others) = (closers(left.clone(), &self.lines), closers(right.clone(), rights));
        let texts =
            |closers: &[(usize, String)]| Vec::from_iter(closers.iter().map(|(_, text)| text.clone()));
        let mut pairs = common(&texts(&ones), &texts(&others));
        pairs.iter_mut().for_each(|pair| *pair = (ones[pair.0].0, others[pair.1].0));
        // Left lines come before the right ones that follow the same pair.
        let mut next = right.start;
        for (one, other) in interleaved(&Vec::from_iter(left), &Vec::from_iter(right), &pairs) {
            match (one, other) {
                (Some(line), Some(place)) => {
                    self.beside[place] = Some(line);
                    next = place + 1;
                }
                (Some(line), None) => self.before[next].push(line),
                (None, _) => {}
            }
        }
    }
}

/// Closing brackets only, or nothing.
fn is_closer(text: &str) -> bool {
    text.chars().all(|c| "})]".contains(c))
}

/// Two lists as one: each pair together, before it the left items without pair, then the right ones.
fn interleaved(
    left: &[usize],
    right: &[usize],
    pairs: &[(usize, usize)],
) -> Vec<(Option<usize>, Option<usize>)> {
    let mut both = Vec::new();
    let (mut i, mut j) = (0, 0);
    for &(next_i, next_j) in pairs.iter().chain([&(left.len(), right.len())]) {
        both.extend(left[i..next_i].iter().map(|&item| (Some(item), None)));
        both.extend(right[j..next_j].iter().map(|&item| (None, Some(item))));
        if let (Some(&one), Some(&other)) = (left.get(next_i), right.get(next_j)) {
            both.push((Some(one), Some(other)));
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    both
}
