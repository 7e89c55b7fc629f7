//! The course: its lessons as files, the runs behind their traces, and a student's terminal.

pub mod beyond;
pub mod command;
pub mod lessons;
pub mod pages;
pub mod reflow;
pub mod shell;
pub mod stage;
pub mod traces;
pub mod transcript;

#[cfg(test)]
mod tests {
    mod languages;
    mod shown;
    mod typed;
}
