//! `make soak`: many clients of every kind; a server's descriptors, processes, zombies and memory stay the same.

mod clients;
pub mod command;
mod run;
#[cfg(test)]
mod tests;
