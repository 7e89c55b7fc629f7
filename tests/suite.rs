//! All tests, as one program: they share the harness, and threads, which mostly wait.
//!
//! `cargo test limits` runs one part. `make test` runs all of them in more threads than there are processors.

#[cfg(test)]
mod suite {
    //! What each part proves stands in its first line.

    mod article_is_read;
    mod bench_measures;
    mod course_is_shown;
    mod course_is_typed;
    mod drawings;
    mod every_call_fails;
    mod first_look;
    mod format;
    mod grader;
    mod harness;
    mod hostile;
    mod limits;
    mod log;
    mod same_calls;
    mod same_statements;
    mod two_languages;
}
#[cfg(test)]
#[allow(dead_code)] // the tools use the rest
mod support;

/// Cargo builds an example as a program too.
#[cfg(not(test))]
fn main() {}
