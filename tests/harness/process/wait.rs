//! Waiting until something holds, with a bound: the one place that polls.

use std::time::{Duration, Instant};

/// How long anything may take before it counts as hanging.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Waits until `condition` holds; `what` names it: "the server listens". Panics after [`TIMEOUT`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for_some(what, || condition().then_some(()));
}

/// Waits until `find` finds something, and returns it.
pub fn wait_for_some<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    wait_at_most(TIMEOUT, || {
        found = find();
        found.is_some()
    });
    found.unwrap_or_else(|| panic!("timed out after {} s waiting until {what}", TIMEOUT.as_secs()))
}

/// Waits until `condition` holds, but no longer than `timeout`; whether it does.
pub fn wait_at_most(timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !condition() {
        let waited = began.elapsed();
        if waited > timeout {
            return false;
        }
        // Looking takes time from the processes that are waited for: the longer it lasts, the less often.
        std::thread::sleep((waited / 8).clamp(Duration::from_millis(2), Duration::from_millis(30)));
    }
    true
}
