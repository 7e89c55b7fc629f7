//! What differs between two lists of lines: their longest common part, and a unified diff for a reader.
//!
//! `diff -u` would do for texts in files. Failure reports must work with a full disk and without free
//! descriptors, and long lines are cut here where they differ.

use std::ops::Range;

/// Unchanged lines shown before and after a change.
const CONTEXT: usize = 3;
/// A longer line is cut.
pub const WIDTH: usize = 160;
/// Above this many comparisons the middle counts as changed as a whole.
const LARGEST: usize = 4_000_000;

/// The pairs of equal items, in order, of the longest common subsequence.
pub fn common<T: PartialEq>(left: &[T], right: &[T]) -> Vec<(usize, usize)> {
    let head = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let (left_rest, right_rest) = (&left[head..], &right[head..]);
    let tail = left_rest.iter().rev().zip(right_rest.iter().rev()).take_while(|(l, r)| l == r).count();
    let (left_rest, right_rest) =
        (&left_rest[..left_rest.len() - tail], &right_rest[..right_rest.len() - tail]);

    let mut pairs = Vec::from_iter((0..head).map(|at| (at, at)));
    let (rows, columns) = (left_rest.len(), right_rest.len());
    if rows * columns <= LARGEST {
        // longest[i][j]: how many pairs there are at most from i and j on.
        let mut longest = vec![vec![0_u32; columns + 1]; rows + 1];
        for i in (0..rows).rev() {
            for j in (0..columns).rev() {
                longest[i][j] = match left_rest[i] == right_rest[j] {
                    true => longest[i + 1][j + 1] + 1,
                    false => longest[i + 1][j].max(longest[i][j + 1]),
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < rows && j < columns {
            if left_rest[i] == right_rest[j] {
                pairs.push((head + i, head + j));
                (i, j) = (i + 1, j + 1);
            } else if longest[i + 1][j] >= longest[i][j + 1] {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    pairs.extend((0..tail).map(|at| (left.len() - tail + at, right.len() - tail + at)));
    pairs
}

/// A unified diff without its two title lines; empty if the texts are equal.
pub fn unified(expected: &str, actual: &str) -> Vec<String> {
    let left: Vec<&str> = expected.lines().collect();
    let right: Vec<&str> = actual.lines().collect();
    let mut shown = Vec::new();
    for hunk in hunks(&changes(&left, &right)) {
        let (first, last) = (&hunk[0], &hunk[hunk.len() - 1]);
        let start = [first.0.start.saturating_sub(CONTEXT), first.1.start.saturating_sub(CONTEXT)];
        let end = [left.len().min(last.0.end + CONTEXT), right.len().min(last.1.end + CONTEXT)];
        let range = |side: usize| format!("{},{}", start[side] + 1, end[side] - start[side]);
        shown.push(format!("@@ -{} +{} @@", range(0), range(1)));
        let mut at = start[0];
        for (removed, added) in hunk {
            shown.extend(left[at..removed.start].iter().map(|line| format!(" {}", cut(line, 0))));
            let (old, new) = (&left[removed.clone()], &right[added.clone()]);
            shown.extend(marked('-', old, new));
            shown.extend(marked('+', new, old));
            at = removed.end;
        }
        shown.extend(left[at..end[0]].iter().map(|line| format!(" {}", cut(line, 0))));
    }
    shown
}

/// Lines removed on the left, and those added in their place.
type Change = (Range<usize>, Range<usize>);

fn changes(left: &[&str], right: &[&str]) -> Vec<Change> {
    let mut changes = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (next_i, next_j) in common(left, right).into_iter().chain([(left.len(), right.len())]) {
        if next_i > i || next_j > j {
            changes.push((i..next_i, j..next_j));
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    changes
}

/// Changes whose context would touch, together.
fn hunks(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    changes.chunk_by(|one, next| next.0.start - one.0.end <= 2 * CONTEXT)
}

fn marked(sign: char, lines: &[&str], others: &[&str]) -> Vec<String> {
    let mut marked = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let other = others.get(at).copied().unwrap_or("");
        let same = line.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
        marked.push(format!("{sign}{}", cut(line, same)));
    }
    marked
}

/// A line without control characters; if it is long, its start and what is around character `at`.
pub fn cut(line: &str, at: usize) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let text = |part: &[char]| part.iter().copied().map(show).collect::<String>();
    let line: Vec<char> = line.chars().collect();
    if line.len() <= WIDTH {
        return text(&line);
    }
    if at < WIDTH - 20 {
        return text(&line[..WIDTH - 1]) + "…";
    }
    let from = (at - 20).min(line.len() - WIDTH / 2);
    let to = line.len().min(from + WIDTH / 2);
    let rest = if to < line.len() { "…" } else { "" };
    format!("{}…{}{rest}", text(&line[..WIDTH / 2 - 2]), text(&line[from..to]))
}
