//! Tests of the programs that no tool makes: their standard streams, concurrency, log lines, formatter, first use.

mod concurrency;
mod formatter;
mod log;
mod quickstart;
mod stdio;
