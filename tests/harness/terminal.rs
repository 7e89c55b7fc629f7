//! What a tool prints on: a terminal of some width, with colours or without.

use std::io::IsTerminal;

/// Colours on a terminal, unless `NO_COLOR` is set.
pub fn colours() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !unwanted
}

/// The columns of the terminal, `most` at most; `most` where there is none.
pub fn columns(most: usize) -> usize {
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    let told = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size) };
    if told == 0 && size.ws_col > 0 { most.min(size.ws_col.into()) } else { most }
}
