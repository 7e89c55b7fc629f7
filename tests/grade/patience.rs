//! Waiting for a program: as long as it does something, and a while longer.

use std::time::{Duration, Instant};

use crate::harness::process::procfs::{Activity, activity};

/// A program that has done nothing for so long will do nothing more. Longer than the pauses that programs make.
const QUIET: Duration = Duration::from_millis(2500);
/// No wait is longer than this, whatever the program does.
const LIMIT: Duration = Duration::from_secs(15);
/// A program that has used so much CPU meanwhile, in clock ticks of 10 ms, loops. More than any needs to start.
const SPINNING: u64 = 1000;
/// How often it is looked at.
const SAMPLE: Duration = Duration::from_millis(25);

/// How long a program is waited for: until it has been idle for a while, or busy for too long. A busy machine, or one
/// that was suspended, does not shorten it.
pub struct Patience {
    supervisor: u32,
    quiet: Duration,
    limit: Duration,
    idle: Duration,
    total: Duration,
    looked: Instant,
    ticks: u64,
    /// The CPU time at the first look.
    ticks_before: Option<u64>,
    spinning: u64,
}

impl Patience {
    pub fn new(supervisor: u32) -> Self {
        Patience {
            supervisor,
            quiet: QUIET,
            limit: LIMIT,
            idle: Duration::ZERO,
            total: Duration::ZERO,
            looked: Instant::now(),
            ticks: 0,
            ticks_before: None,
            spinning: SPINNING,
        }
    }

    /// With other bounds than usual.
    pub fn bounds(mut self, quiet: Duration, limit: Duration) -> Self {
        (self.quiet, self.limit) = (quiet, limit);
        self
    }

    /// For a program that has started, and has little to do before it answers.
    pub fn for_an_answer(mut self) -> Self {
        self.spinning = SPINNING / 4;
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
            self.ticks_before.get_or_insert(ticks);
        }
        let used = self.ticks_before.map_or(0, |before| self.ticks.saturating_sub(before));
        self.idle >= self.quiet || self.total >= self.limit || used >= self.spinning
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
