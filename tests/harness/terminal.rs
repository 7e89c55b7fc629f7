//! The terminal that a tool prints on: its width, and whether it shows colours.

use std::io::IsTerminal;

use crate::say;

/// The narrowest terminal that two columns or a diagram fit on.
pub const NARROWEST: usize = 60;

/// Colours on a terminal, unless `NO_COLOR` is set or the terminal has none.
pub fn colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && !is_set("NO_COLOR") && !dumb
}

/// The columns of the terminal, `most` at most; without a terminal those of `COLUMNS`, or `most`.
pub fn columns(most: usize) -> usize {
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    let told = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size) };
    if told == 0 && size.ws_col > 0 {
        return most.min(size.ws_col.into());
    }
    let variable = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    most.min(variable.filter(|&columns| columns > 0).unwrap_or(most))
}

/// The same; or, below [`NARROWEST`], one line that asks for a wider terminal.
pub fn wide_columns(tool: &str, most: usize) -> Result<usize, String> {
    let columns = columns(most);
    if columns >= NARROWEST {
        return Ok(columns);
    }
    Err(say!(
        "{tool}: the terminal has {columns} columns; make it {NARROWEST} or wider",
        "{tool}：终端只有 {columns} 列，请加宽到 {NARROWEST} 列以上"
    ))
}
