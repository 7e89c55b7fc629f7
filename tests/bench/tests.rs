//! What a start and a message cost in system calls, and that the bench measures.

#[path = "cost.rs"]
mod cost;
#[path = "load.rs"]
mod load;
#[path = "results.rs"]
#[allow(dead_code)]
mod results;
#[path = "subjects.rs"]
#[allow(dead_code)] // the bench uses the rest
mod subjects;

use std::time::Duration;

use crate::harness::builds::{Build, SERVERS};
use crate::harness::process::wait::wait_until;
use results::Measure::{PageFaults, Pss};
use results::Results;
use subjects::{BASELINE, BASELINE_STATIC, BenchSubject};

/// Before its first call of the article a server makes the calls that the baseline makes, and `signal` (erratum 10);
/// a message costs one read, two lines of log, one write and nothing else, where no time zone is set either.
#[test]
fn a_start_and_a_message_cost_what_they_cost_in_c() {
    crate::needs_strace!();
    for (build, baseline) in [(Build::Fixed, BASELINE), (Build::Static, BASELINE_STATIC)] {
        let baseline = BenchSubject::in_c(baseline).expect("cc builds it");
        let [most, _] = cost::calls(&baseline);
        for server in (0..SERVERS.len()).map(|listing| BenchSubject::port(build, listing)) {
            let [before_socket, a_message] = cost::calls(&server);
            assert!(before_socket <= most + 1.0, "{}: {before_socket}, {most}", server.name);
            assert!((a_message - 4.0).abs() < 0.1, "{}: {a_message}", server.name);
        }
    }
}

/// The bench measures a server's rates, processes, memory and page faults.
#[test]
fn the_bench_measures() {
    let server = BenchSubject::port(Build::Fixed, 1).start(None);
    let slice = Duration::from_millis(20);
    assert!(load::rate(slice, || load::session(server.port, 1)) > 0.0);
    assert!(load::on_one_processor(server.pid(), || load::round_trips(server.port, 1023, slice)) > 0.0);
    wait_until("the server's children have ended", || cost::processes(&server).len() == 1);
    let idle = load::idle(server.port, 10);
    assert_eq!(cost::processes(&server).len(), 11);
    idle.into_iter().for_each(load::quit);
    wait_until("the processes of idle connections have ended", || cost::processes(&server).len() == 1);

    // The kernel may not let us read them.
    let memory = cost::pss_per_connection(&server);
    assert!(memory.is_none_or(|kb| kb > 4.0), "{memory:?}");
    let page_faults = cost::page_faults_per_connection(&server);
    assert!(page_faults.is_none_or(|page_faults| page_faults > 4.0), "{page_faults:?}");
}

/// A ratio is the median of the rounds' own ratios; the spread is half the interquartile range.
#[test]
fn medians_ratios_and_spreads() {
    let mut results = Results::default();
    for (ours, theirs) in [(2.0, 1.0), (30.0, 10.0), (400.0, 100.0)] {
        results.add(Pss, "ours", Some(ours));
        results.add(Pss, "theirs", Some(theirs));
    }
    assert_eq!(results.median(Pss, "ours"), Some(30.0));
    assert_eq!(results.ratio(Pss, "ours", "theirs"), Some(3.0));
    assert_eq!(results.spread(Pss, "theirs"), Some((55.0 - 5.5) / 2.0 / 10.0));
    assert_eq!(results.median(PageFaults, "ours"), None);
}
