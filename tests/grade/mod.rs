//! `make grade`: what a program owes its peer, check by check, and its score.
//!
//! A program is judged by what it does, as its peer and the kernel see it, never by what its log says. A check does only
//! what a client, another process or a limit of the system can do: no process is stopped, none is attached to. A check asks
//! exactly what its text says, and is skipped, with the reason, where that cannot be seen.

mod checks {
    //! By what they are about. `checks.txt` names each function, what it requires and who has to pass it.

    pub mod client;
    pub mod echo;
    pub mod failing_calls;
    pub mod log;
    pub mod processes;
    pub mod sessions;
    pub mod start;
}
mod client;
pub mod command;
mod grading;
mod intercept;
mod manner;
mod outcome;
mod patience;
mod peer;
mod report;
mod schedule;
mod server;
mod startable;
mod subject;
mod submissions;
mod table;
#[cfg(test)]
mod tests;
