//! Several things at a time, where each of them mostly waits.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// What comes of each, so many at a time, in their order.
pub fn parallel<T: Sync, R: Send>(many: usize, all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (waiting, done) = (Mutex::new(all.iter().enumerate()), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let next = waiting.lock().expect("nobody panics with it").next();
            let Some((place, one)) = next else { break };
            let result = each(one);
            done.lock().expect("nobody panics with it").insert(place, result);
        }
    };
    std::thread::scope(|scope| (0..many).for_each(|_| _ = scope.spawn(work)));
    let done = done.into_inner().expect("nobody panics with it");
    assert_eq!(done.len(), all.len(), "what is left out would look like what is well");
    done.into_values().collect()
}
