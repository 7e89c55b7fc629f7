//! What each part of the suite proves stands in its first line.

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
