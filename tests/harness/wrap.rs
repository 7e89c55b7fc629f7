//! Text in lines of a terminal: code wrapped without losing a character, prose filled.

use crate::harness::text::{display_width, end_column, is_wide};

/// `text` in pieces that fit between the columns `start` and `end`; together they are the whole text.
/// A piece ends before a space where the last third has one, and never after one.
pub fn pieces(text: &str, start: usize, end: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(most) = fitting(rest, start, end) {
        let before_spaces = |at: usize| rest[..at].trim_end_matches(' ').len();
        let space = if rest[most..].starts_with(' ') { Some(most) } else { rest[..most].rfind(' ') };
        let at_space = space.map(before_spaces);
        let near = |&at: &usize| 3 * (end_column(&rest[..at], start) - start) >= 2 * (end - start);
        let at = at_space.filter(near).unwrap_or(before_spaces(most));
        // Nothing but spaces fits.
        let at = if at == 0 { most } else { at };
        pieces.push(&rest[..at]);
        rest = &rest[at..];
    }
    pieces.push(rest);
    pieces
}

/// The length of the beginning of `text` that fits between two columns, at least one character; `None` if all fits.
fn fitting(text: &str, start: usize, end: usize) -> Option<usize> {
    let mut column = start;
    for (at, c) in text.char_indices() {
        column = end_column(c.encode_utf8(&mut [0; 4]), column);
        if column > end && at > 0 {
            return Some(at);
        }
    }
    None
}

/// Prose in lines of at most `width` columns, the second and later ones indented. Lines break at spaces, and
/// between Chinese letters, but not before closing punctuation.
pub fn filled(prose: &str, width: usize, indent: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for unit in units(prose) {
        let line = lines.last_mut().expect("there is a first line");
        let room = width.saturating_sub(display_width(line));
        if display_width(unit.trim_end()) <= room || line.trim().is_empty() {
            line.push_str(unit);
        } else {
            line.truncate(line.trim_end().len());
            lines.push(" ".repeat(indent) + unit);
        }
    }
    // A unit that is longer than a line.
    let cut = lines.iter().flat_map(|line| pieces(line.trim_end(), 0, width));
    cut.map(str::to_string).collect()
}

/// The parts of prose between which a line may end: each ends with a space, or is a Chinese letter.
fn units(prose: &str) -> Vec<&str> {
    const CLOSING: &str = "，。、；：？！）》」』”’…";
    const OPENING: &str = "（《「『“‘";
    let (mut units, mut first) = (Vec::new(), 0);
    let mut before = ' ';
    for (at, c) in prose.char_indices() {
        let between = (is_wide(before) || is_wide(c)) && !CLOSING.contains(c) && !OPENING.contains(before);
        let after_space = before == ' ' && c != ' ';
        if at > first && (after_space || between && c != ' ') {
            units.push(&prose[first..at]);
            first = at;
        }
        before = c;
    }
    units.push(&prose[first..]);
    units
}

/// Two lines of a paragraph as one: Chinese letters are not separated.
pub fn joined(paragraph: &str, line: &str) -> String {
    let wide = |c: Option<char>| c.is_some_and(is_wide);
    let space = if wide(paragraph.chars().next_back()) && wide(line.chars().next()) { "" } else { " " };
    format!("{paragraph}{space}{line}")
}
