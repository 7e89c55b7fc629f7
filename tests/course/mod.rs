//! The course: its lessons as Markdown pages, the sessions behind their traces, and a student's terminal.

pub mod ask;
pub mod command;
pub mod fixes;
pub mod grading;
pub mod lessons;
pub mod pages;
pub mod reflow;
pub mod runs;
pub mod sessions;
pub mod shell;
pub mod sockets;
pub mod transcript;
pub mod views;

#[cfg(test)]
mod tests;
