//! `make faults`: fault injection. Each call of the four programs fails, or takes less than it was given.
//!
//! A run without faults shows which of a process's calls is which: its second `write` is a log line, its third goes
//! to the client. The port and the article's C++ go through the same cases.

pub mod case;
pub mod command;
pub mod injection;
pub mod matrix;
pub mod observation;
pub mod oracle;
pub mod quiescence;
pub mod target;
#[cfg(test)]
mod tests;
