//! `make soak`: many clients of every kind; a server's descriptors, processes, zombies and memory stay the same.

#[cfg(test)]
mod bad_network;
mod clients;
pub mod command;
mod run;
#[cfg(test)]
mod tests;
