//! What was measured, round by round, and what can be said of it.

use std::collections::BTreeMap;

/// Something that is measured of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Conversations a second: so many clients at once.
    Clients(usize),
    /// Conversations a second of one client while a thousand others are connected and idle.
    Idle,
    /// Round trips a second of so many bytes.
    Trips(usize),
    Pss,
    PageFaults,
    /// Microseconds of processor a connection.
    Processor,
    CallsBeforeSocket,
    CallsAMessage,
}

/// The values of each contender, one a round.
#[derive(Default)]
pub struct Results(BTreeMap<(Measure, usize), Vec<f64>>);

impl Results {
    /// Adds the value of a round.
    pub fn add(&mut self, measure: Measure, contender: usize, value: f64) {
        self.0.entry((measure, contender)).or_default().push(value);
    }

    pub fn median(&self, measure: Measure, contender: usize) -> Option<f64> {
        self.0.get(&(measure, contender)).map(|values| quantile(values, 0.5))
    }

    /// How far the middle half of the rounds lies around the median, as a part of it.
    pub fn spread(&self, measure: Measure, contender: usize) -> Option<f64> {
        let values = self.0.get(&(measure, contender))?;
        Some((quantile(values, 0.75) - quantile(values, 0.25)) / 2.0 / quantile(values, 0.5))
    }

    /// The median of each round's own ratio: both were measured in the same moment.
    pub fn ratio(&self, measure: Measure, contender: usize, to: usize) -> Option<f64> {
        let pairs = self.0.get(&(measure, contender))?.iter().zip(self.0.get(&(measure, to))?);
        Some(quantile(&pairs.map(|(value, base)| value / base).collect::<Vec<_>>(), 0.5))
    }
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() - 1) as f64 * part;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}
