//! `make compare`: the article's C++ and the port in the same scenarios, call by call.

pub mod command;
pub mod differences;
pub mod golden;
pub mod runner;
pub mod scenario;
pub mod step;

#[cfg(test)]
mod tests;
