//! All tests, as one program: they share the harness, and threads, which mostly wait.
//!
//! `cargo test limits` runs one part. `make test` runs all of them in more threads than there are processors.

#[cfg(test)]
#[path = "suite/mod.rs"]
mod suite;
#[cfg(test)]
#[allow(dead_code)] // the tools use the rest
mod support;

/// Cargo builds an example as a program too.
#[cfg(not(test))]
fn main() {}
