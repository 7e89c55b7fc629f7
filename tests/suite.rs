//! All tests, as one program: they share the harness and a pool of threads.
//!
//! `cargo test grade::` runs one part. `make test` uses more threads than there are processors: tests mostly wait.

#![cfg_attr(test, allow(dead_code))] // the tools use the rest

#[cfg(test)]
mod article;
#[cfg(test)]
#[path = "bench/tests.rs"]
mod bench;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod course;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod grade;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod page;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod soak;

/// Cargo builds an example as a program too.
#[cfg(not(test))]
fn main() {}
