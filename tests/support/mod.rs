//! What the tests and the tools share: building and starting the programs, reading strace, drawing what it saw.

pub mod alignment;
pub mod article;
pub mod conversation;
pub mod counterpart;
pub mod course;
pub mod grade;
pub mod keeper;
pub mod kernel;
pub mod language;
pub mod lessons;
pub mod matrix;
pub mod paper;
pub mod peer;
pub mod programs;
pub mod random;
pub mod run;
pub mod sameness;
pub mod stage;
pub mod story;
pub mod strace;
pub mod streams;
pub mod swimlanes;
pub mod terminal;
pub mod typed;
pub mod words;
