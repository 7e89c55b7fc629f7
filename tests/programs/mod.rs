//! Tests of the programs that belong to no tool: standard streams, concurrency, log lines, formatter, quick start.

mod client;
mod concurrency;
mod failures;
mod formatter;
mod log;
mod machine;
mod quickstart;
mod stdio;
