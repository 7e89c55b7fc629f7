//! The Makefile's variables, which reach the tools through the environment.

/// A variable's value; an empty one counts as not given.
pub fn value(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether a switch is on: `RECORD=1`. Empty and `0` mean off.
pub fn is_on(name: &str) -> bool {
    value(name).is_some_and(|value| value != "0")
}
