//! Several things at a time, where each of them mostly waits.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::thread::{self, Builder};

use crate::harness::report::{context, set_context};

/// The results of `each`, in order, from `count` threads. A panic in one of them leaves the others running;
/// the first is passed on when all are done.
pub fn parallel<T: Sync, R: Send>(count: usize, all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let waiting = Mutex::new(all.iter().enumerate());
    let done = Mutex::new(Vec::new());
    // A report names the test and what it does.
    let (name, context) = (thread::current().name().unwrap_or_default().to_string(), context());
    thread::scope(|scope| {
        for _ in 0..count.min(all.len()) {
            let work = || {
                set_context(context.clone());
                loop {
                    let next = waiting.lock().expect("no thread panics while it takes one").next();
                    let Some((place, one)) = next else { break };
                    let result = catch_unwind(AssertUnwindSafe(|| each(one)));
                    done.lock().expect("no thread panics while it adds one").push((place, result));
                }
            };
            Builder::new().name(name.clone()).spawn_scoped(scope, work).expect("a thread can be started");
        }
    });
    let mut done = done.into_inner().expect("all threads have ended");
    done.sort_by_key(|(place, _)| *place);
    let mut results = Vec::new();
    for (_, result) in done {
        results.push(result.unwrap_or_else(|panic| resume_unwind(panic)));
    }
    results
}
