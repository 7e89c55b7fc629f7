//! Plays one session after another to the C++ and to the port, several at a time, until a difference is found.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::fuzz::generate::session;
use crate::fuzz::shrink::shrink;
use crate::harness::diff::unified;
use crate::harness::lockstep::play::{ProgramSet, play};
use crate::harness::lockstep::session::LockstepSession;
use crate::harness::net::namespace::in_own_network;
use crate::harness::net::ports::free_long_port;
use crate::harness::trace::normalise::Process;

/// Sessions that are played at the same time: they mostly wait.
const AT_ONCE: usize = 16;
/// How long a session that shows a difference is made smaller, as a rule.
pub const SHRINKING: Duration = Duration::from_secs(60);

/// The article's C++ and the port, both fixed or both as printed.
pub struct Pair {
    pub name: &'static str,
    pub cpp: ProgramSet,
    pub port: ProgramSet,
}

pub struct FuzzFinding {
    /// How many sessions, by the name of the pair.
    pub played: BTreeMap<&'static str, usize>,
    /// Sessions that differed, but not three times in a row: their seeds.
    pub unstable: Vec<u64>,
    /// The smallest session that still differs, and how.
    pub difference: Option<String>,
    /// How long it took to find it, before it was made smaller.
    pub after: Duration,
}

/// What the workers have found so far.
#[derive(Default)]
struct SearchProgress {
    played: BTreeMap<&'static str, usize>,
    unstable: Vec<u64>,
    found: Option<(usize, LockstepSession, String, Duration)>,
}

/// Plays the sessions from that seed on to every pair until the time is over or a difference is found.
pub fn search(pairs: &[Pair], first_seed: u64, time: Duration, shrinking: Duration) -> FuzzFinding {
    let port = free_long_port();
    in_own_network(|| search_with(pairs, port, first_seed, time, shrinking))
}

fn search_with(
    pairs: &[Pair],
    port: u16,
    first_seed: u64,
    time: Duration,
    shrinking: Duration,
) -> FuzzFinding {
    let started = Instant::now();
    let next = AtomicU64::new(first_seed);
    let progress = Mutex::new(SearchProgress::default());
    let locked = || progress.lock().expect("no worker panics with it");
    let work = || {
        while started.elapsed() < time && locked().found.is_none() {
            let seed = next.fetch_add(1, Relaxed);
            let session = session(seed);
            for (at, pair) in pairs.iter().enumerate() {
                let difference = difference(pair, &session, port);
                *locked().played.entry(pair.name).or_default() += 1;
                let Some(first) = difference else { continue };
                // A difference that does not come again is the machine's doing.
                if (0..2).all(|_| self::difference(pair, &session, port).is_some()) {
                    locked().found.get_or_insert((at, session.clone(), first, started.elapsed()));
                } else {
                    locked().unstable.push(seed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let SearchProgress { played, unstable, found } =
        progress.into_inner().expect("no worker panics with it");
    let after = found.as_ref().map_or(started.elapsed(), |(.., after)| *after);
    let difference = found.map(|(at, session, first, _)| {
        let pair = &pairs[at];
        let differs = |session: &LockstepSession| difference(pair, session, port).is_some();
        let smallest = shrink(&session, shrinking, differs);
        let shown = difference(pair, &smallest, port).unwrap_or(first);
        format!("{smallest}\n--- C++, {}\n+++ port\n{shown}", pair.name)
    });
    FuzzFinding { played, unstable, difference, after }
}

/// Plays the session to both; what differs, by process.
fn difference(pair: &Pair, session: &LockstepSession, port: u16) -> Option<String> {
    let [cpp, ours] = [&pair.cpp, &pair.port].map(|programs| text(&play(session, programs, port)));
    (cpp != ours).then(|| unified(&cpp, &ours).join("\n"))
}

/// All that was seen of a session.
pub fn text(processes: &[Process]) -> String {
    let process = |Process { name, rows }: &Process| format!("{name}\n    {}\n", rows.join("\n    "));
    processes.iter().map(process).collect()
}
