//! Waiting for a program: as long as it does something, and a while longer.

use std::time::{Duration, Instant};

use crate::harness::process::procfs::{Activity, activity};

/// A program that has done nothing for so long will do nothing more. Longer than the pauses that programs make.
const QUIET: Duration = Duration::from_millis(2500);
/// No wait is longer than this, whatever the program does.
const LIMIT: Duration = Duration::from_secs(15);
/// How often it is looked at.
const SAMPLE: Duration = Duration::from_millis(25);

/// How long a program is waited for: until it has been idle for a while. A busy machine, or one that was suspended,
/// does not shorten it.
pub struct Patience {
    supervisor: u32,
    quiet: Duration,
    limit: Duration,
    idle: Duration,
    total: Duration,
    looked: Instant,
    ticks: u64,
}

impl Patience {
    pub fn new(supervisor: u32) -> Self {
        let (idle, looked, ticks) = (Duration::ZERO, Instant::now(), 0);
        Patience { supervisor, quiet: QUIET, limit: LIMIT, idle, total: Duration::ZERO, looked, ticks }
    }

    /// With other bounds than usual.
    pub fn bounds(mut self, quiet: Duration, limit: Duration) -> Self {
        (self.quiet, self.limit) = (quiet, limit);
        self
    }

    /// To be asked often, between looks at what is waited for.
    pub fn is_over(&mut self) -> bool {
        let passed = self.looked.elapsed();
        if passed >= SAMPLE {
            self.looked = Instant::now();
            // Time in which this process did not run is not counted.
            let counted = passed.min(2 * SAMPLE);
            self.total += counted;
            let Activity { running, ticks } = activity(self.supervisor);
            // A tick is 10 ms of CPU: more than a program uses that wakes up now and then.
            let idle = !running && ticks <= self.ticks + 1;
            self.idle = if idle { self.idle + counted } else { Duration::ZERO };
            self.ticks = ticks;
        }
        self.idle >= self.quiet || self.total >= self.limit
    }
}

/// Waits until what runs below a supervisor does nothing more for the moment. False: it does not stop.
pub fn settle(supervisor: u32) -> bool {
    let (quiet, limit) = (Duration::from_millis(80), Duration::from_secs(3));
    let mut patience = Patience { quiet, limit, ..Patience::new(supervisor) };
    while !patience.is_over() {
        std::thread::sleep(Duration::from_millis(5));
    }
    patience.idle >= patience.quiet
}
