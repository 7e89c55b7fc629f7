//! `make lanes`: the sequence diagram of one session, or of any trace.

pub mod command;

#[cfg(test)]
mod foreign;
#[cfg(test)]
mod tests;
