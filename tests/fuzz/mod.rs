//! `make fuzz`: random sessions, played to the article's C++ and to the port, whose calls, bytes, log lines and exit
//! statuses must be the same.

pub mod command;
mod generate;
mod mutants;
mod record;
mod search;
mod shrink;
#[cfg(test)]
mod tests;
