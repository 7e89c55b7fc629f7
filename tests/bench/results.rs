//! The measured values, round by round, with medians, ratios and spreads.

use std::collections::BTreeMap;

use crate::say;

/// Something that is measured of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Sessions per second.
    Sessions,
    /// How long sessions take while so many clients are served, in two percentiles.
    Latency(usize),
    /// Microseconds that so many per cent of the sessions need at most, while so many clients are served.
    Percentile(usize, usize),
    /// Round trips a second of so many bytes.
    Trips(usize),
    Pss,
    PageFaults,
    CallsBeforeSocket,
    CallsPerMessage,
}

impl Measure {
    /// The head of its column.
    pub fn head(self) -> String {
        match self {
            Measure::Sessions => say!("sessions", "会话"),
            Measure::Latency(clients) => say!("latency, {clients} clients", "延迟，{clients} 个客户端"),
            Measure::Percentile(percent, 1) => say!("p{percent}, 1 client", "p{percent}，1 个客户端"),
            Measure::Percentile(percent, clients) => {
                say!("p{percent}, {clients}", "p{percent}，{clients} 个")
            }
            Measure::Trips(5) => say!("round trips, 5 bytes", "往返，5 字节"),
            Measure::Trips(size) => say!("{size} bytes", "{size} 字节"),
            Measure::Pss => say!("kB, idle", "空闲时 kB"),
            Measure::PageFaults => say!("page faults", "缺页次数"),
            Measure::CallsBeforeSocket => say!("calls before socket()", "socket() 之前的系统调用"),
            Measure::CallsPerMessage => say!("calls per message", "每条消息的系统调用"),
        }
    }
}

/// The values of each subject, by its name, one per round.
#[derive(Default)]
pub struct Results(BTreeMap<(Measure, String), Vec<f64>>);

impl Results {
    /// Adds the value of a round, if there is one.
    pub fn add(&mut self, measure: Measure, name: &str, value: Option<f64>) {
        self.0.entry((measure, name.to_string())).or_default().extend(value);
    }

    fn values(&self, measure: Measure, name: &str) -> &[f64] {
        self.0.get(&(measure, name.to_string())).map_or(&[], Vec::as_slice)
    }

    pub fn median(&self, measure: Measure, name: &str) -> Option<f64> {
        quantile(self.values(measure, name).to_vec(), 0.5)
    }

    /// Half of the interquartile range, as a fraction of the median.
    pub fn spread(&self, measure: Measure, name: &str) -> Option<f64> {
        let at = |part| quantile(self.values(measure, name).to_vec(), part);
        Some((at(0.75)? - at(0.25)?) / 2.0 / at(0.5)?)
    }

    /// The median of each round's own ratio: both were measured at the same time.
    pub fn ratio(&self, measure: Measure, name: &str, to: &str) -> Option<f64> {
        let pairs = self.values(measure, name).iter().zip(self.values(measure, to));
        quantile(pairs.map(|(value, base)| value / base).collect(), 0.5)
    }
}

pub fn quantile(mut values: Vec<f64>, part: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = values.len().checked_sub(1)? as f64 * part;
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}
