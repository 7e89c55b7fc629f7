//! Two texts in two columns of a terminal: every line of both, numbered; a line that is too long is wrapped.

use crate::harness::text::end_column;
use crate::harness::wrap::pieces;
use crate::page::document::PageBlock;

/// Columns of a line number with the space after it, and of the sign between the two texts.
const NUMBER: usize = 5;
const SIGN: usize = 3;

/// The rows of a block as lines of a terminal.
pub fn lines(
    block: &PageBlock,
    left: &[&str],
    right: &[String],
    width: usize,
    colour: bool,
) -> Vec<String> {
    let half = (width - SIGN) / 2;
    let mut lines = Vec::new();
    for row in &block.rows {
        let (left, right) =
            (row.printed.map(|line| (line, left[line])), row.right.map(|line| (line, &*right[line])));
        let (sign, ink) = match (left, right) {
            (None, _) => ('>', "32"),
            (_, None) => ('<', "31"),
            _ => ('│', ""),
        };
        let left = numbered(left, 0, half);
        let right = numbered(right, half + SIGN, width);
        for line in 0..left.len().max(right.len()) {
            let left = left.get(line).map_or("", String::as_str);
            let room = " ".repeat(half.saturating_sub(end_column(left, 0)));
            let mut text = format!("{left}{room} {sign}");
            if let Some(right) = right.get(line) {
                text += &format!(" {right}");
            }
            lines.push(if colour && !ink.is_empty() { format!("\x1b[{ink}m{text}\x1b[m") } else { text });
        }
    }
    lines
}

/// A line between two columns of the terminal, its number before its first piece.
fn numbered(line: Option<(usize, &str)>, start: usize, end: usize) -> Vec<String> {
    let Some((index, text)) = line else { return Vec::new() };
    let mut lines = Vec::new();
    for (piece, text) in pieces(text, start + NUMBER, end).into_iter().enumerate() {
        let number = if piece == 0 { (index + 1).to_string() } else { String::new() };
        lines.push(format!("{number:>4} {text}"));
    }
    lines
}
