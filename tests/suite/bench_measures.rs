//! Proves what a start and a message cost in system calls, and that the bench measures at all.

#[path = "../bench/contenders.rs"]
#[allow(dead_code)] // the bench uses the rest
mod contenders;
#[path = "../bench/cost.rs"]
mod cost;
#[path = "../bench/load.rs"]
mod load;
#[path = "../bench/results.rs"]
#[allow(dead_code)]
mod results;

use std::path::PathBuf;
use std::time::Duration;

use crate::support::programs::{Build, SERVERS, eventually};
use crate::support::strace::{calls, pids};
use contenders::{Contender, FLOOR, FLOOR_STATIC, RAW};
use results::{Measure, Results};

/// Before its first call of the article a server makes the calls that the floor makes, and `signal` (erratum 10);
/// a message costs one read, two lines of log, one write and nothing else, where no time zone is set either.
#[test]
fn a_start_and_a_message_cost_what_they_cost_in_c() {
    let calls = |mut contender: Contender| {
        contender.command.splice(0..0, ["env", "-u", "TZ"].map(PathBuf::from));
        cost::calls(&contender).expect("it serves")
    };
    for (build, floor) in [(Build::Mended, FLOOR), (Build::Static, FLOOR_STATIC)] {
        let [most, _] = calls(Contender::in_c(floor).expect("cc builds it"));
        for (listing, name) in SERVERS.iter().enumerate() {
            let [before_socket, a_message] = calls(Contender::port(build, listing));
            assert!(before_socket <= most + 1.0, "{name}, {build:?}: {before_socket}, {most}");
            assert!((a_message - 4.0).abs() < 0.1, "{name}, {build:?}: {a_message}");
        }
    }
}

/// The server without any library makes no call that is not the shape's own.
#[test]
fn the_server_without_a_library_makes_its_own_calls_alone() {
    let server = Contender::in_c(RAW).expect("cc builds it");
    let trace = cost::traced(&server, 2).expect("it serves");
    let made = |pid| calls(&trace, pid).iter().map(|call| call.name.clone()).collect::<Vec<_>>();
    let pids = pids(&trace);
    let start =
        ["execve", "socket", "setsockopt", "bind", "listen", "rt_sigaction", "accept", "clone", "close"];
    assert_eq!(made(pids[0])[..start.len()], start);
    let two_messages = ["close", "read", "write", "read", "write", "read", "close", "exit_group"];
    assert_eq!(made(*pids.last().expect("a child")), two_messages);
}

/// The bench's clients find a server's rates, and its processes, memory and page faults.
#[test]
fn the_bench_measures() {
    let server = Contender::port(Build::Mended, 1).start(|launch| launch);
    let slice = Duration::from_millis(20);
    for clients in [1, 8] {
        assert!(load::connections(server.port, clients, slice).expect("it serves") > 0.0);
    }
    let together = || load::round_trips(server.port, 1023, slice);
    assert!(load::on_one_processor(server.pid(), together).expect("it serves") > 0.0);
    eventually("its children have ended", || cost::processes(&server).len() == 1);
    let held = load::held(server.port, 10).expect("it serves");
    assert_eq!(cost::processes(&server).len(), 11);
    held.into_iter().try_for_each(load::quit).expect("they quit");
    eventually("the idle have gone", || cost::processes(&server).len() == 1);

    // The kernel need not let us look.
    let memory = cost::pss_a_connection(&server).expect("it serves");
    assert!(memory.is_none_or(|kb| kb > 4.0), "{memory:?}");
    let work = cost::work_a_connection(&server).expect("it serves");
    assert!(work.is_none_or(|[page_faults, microseconds]| page_faults > 4.0 && microseconds > 4.0));
}

/// A ratio is the median of the rounds' own ratios; the spread is half the distance of the quartiles.
#[test]
fn medians_ratios_and_spread_are_what_they_are_called() {
    let mut results = Results::default();
    let measure = Measure::Pss;
    for (ours, theirs) in [(2.0, 1.0), (30.0, 10.0), (400.0, 100.0)] {
        results.add(measure, "ours", ours);
        results.add(measure, "theirs", theirs);
    }
    assert_eq!(results.median(measure, "ours"), Some(30.0));
    assert_eq!(results.ratio(measure, "ours", "theirs"), Some(3.0));
    assert_eq!(results.spread(measure, "theirs"), Some((55.0 - 5.5) / 2.0 / 10.0));
    assert_eq!(results.median(Measure::Idle, "ours"), None);
}
