//! Several things at a time, where each of them mostly waits.

use std::panic::resume_unwind;
use std::sync::Mutex;

/// What comes of each, so many at a time, in their order.
pub fn parallel<T: Sync, R: Send>(many: usize, all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let waiting = Mutex::new(all.iter().enumerate());
    let next = || waiting.lock().expect("nobody panics with it").next();
    let work = || Vec::from_iter(std::iter::from_fn(next).map(|(place, one)| (place, each(one))));
    let mut done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..many).map(|_| scope.spawn(work)).collect();
        let done = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Vec::from_iter(done)
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
