//! `make compare`: the article's C++ and the port in the same scenarios, call by call.

pub mod command;
mod golden;
pub mod runner;
pub mod scenario;

#[cfg(test)]
mod tests;
