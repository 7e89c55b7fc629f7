//! Text as a terminal shows it: how wide it is, without its colours, in columns.

/// How many columns of a terminal `text` takes: a Chinese character takes two.
pub fn display_width(text: &str) -> usize {
    end_column(text, 0)
}

/// The column that `text` ends in if it begins in column `start`; a tab goes to the next multiple of eight.
pub fn end_column(text: &str, start: usize) -> usize {
    text.chars().fold(start, |column, c| match c {
        '\t' => (column / 8 + 1) * 8,
        c if is_wide(c) => column + 2,
        _ => column + 1,
    })
}

pub fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3
        | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
}

/// `text` without the escape sequences of colours.
pub fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut plain = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        plain += piece.split_once('m').map_or(piece, |(_, rest)| rest);
    }
    plain
}

/// Cells with spaces, so that each column is as wide as its widest cell. Columns from `right` on are aligned right.
pub fn padded(rows: &[Vec<String>], right: usize) -> Vec<Vec<String>> {
    let mut widths = Vec::new();
    for (at, cell) in rows.iter().flat_map(|row| row.iter().enumerate()) {
        widths.resize(widths.len().max(at + 1), 0);
        widths[at] = widths[at].max(display_width(cell));
    }
    let pad = |(at, cell): (usize, &String)| {
        let room = " ".repeat(widths[at] - display_width(cell));
        if at < right { format!("{cell}{room}") } else { format!("{room}{cell}") }
    };
    rows.iter().map(|row| row.iter().enumerate().map(pad).collect()).collect()
}

/// Rows as a table on a terminal: two spaces between columns.
pub fn table(rows: &[Vec<String>]) -> String {
    padded(rows, usize::MAX).iter().map(|row| row.join("  ").trim_end().to_string() + "\n").collect()
}
