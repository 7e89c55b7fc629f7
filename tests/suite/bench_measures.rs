//! Proves what a start and a message cost in system calls, and that the bench measures at all.

#[path = "../bench/contenders.rs"]
#[allow(dead_code)] // the bench uses the rest
mod contenders;
#[path = "../bench/cost.rs"]
#[allow(dead_code)]
mod cost;
#[path = "../bench/load.rs"]
#[allow(dead_code)]
mod load;
#[path = "../bench/processor.rs"]
mod processor;
#[path = "../bench/results.rs"]
#[allow(dead_code)]
mod results;
use std::process::Command;
use std::time::Duration;

use crate::support::programs::{self, *};
use crate::support::strace::{Call, calls, pids};
use contenders::{Contender, Kind};
use results::{Measure, Results};

fn contender(build: Build, listing: usize) -> Contender {
    let program = program(build, SERVERS[listing]).display().to_string();
    Contender {
        name: program.clone(),
        listing,
        kind: Kind::Port,
        command: vec![program, "PORT".into(), "127.0.0.1".into()],
    }
}

fn every_server() -> impl Iterator<Item = (Build, Contender)> {
    let builds = [Build::Mended, Build::Static].into_iter();
    builds.flat_map(|build| (0..SERVERS.len()).map(move |listing| (build, contender(build, listing))))
}

/// A message costs one read, two lines of log, one write and nothing else, where no time zone is set either.
#[test]
fn a_message_costs_four_calls() {
    for (_, mut server) in every_server() {
        server.command.splice(0..0, ["env", "-u", "TZ"].map(String::from));
        let trace = cost::traced(&server, 5).expect("it serves");
        let said = |call: &Call, word: &[u8]| call.name == "read" && call.bytes(1).as_deref() == Some(word);
        let hellos = |pid| calls(&trace, pid).iter().filter(|call| said(call, b"hello")).count();
        let pid = pids(&trace).into_iter().max_by_key(|&pid| hellos(pid)).expect("a process serves");
        let made = calls(&trace, pid);
        let quit = made.iter().rposition(|call| said(call, b"quit")).expect("it reads");
        let made = &made[quit - 20..quit];
        let socket = made[0].fd();
        for message in made.chunks(4) {
            let names: Vec<_> = message.iter().map(|call| (call.name.as_str(), call.fd())).collect();
            let log = ("write", Some(1));
            assert_eq!(names, [("read", socket), log, log, ("write", socket)], "{}", server.name);
        }
    }
}

/// Before its first call of the article a server makes no more calls than a C program.
#[test]
fn a_start_costs_no_more_than_in_c() {
    for (build, server) in every_server() {
        let calls = cost::calls(&server).expect("it serves").expect("strace is installed");
        let most = if build == Build::Static { 14.0 } else { 30.0 };
        assert!(calls.before_socket <= most, "{}: {}", server.name, calls.before_socket);
        assert_eq!(calls.a_message, 4.0, "{}", server.name);
    }
}

/// A child that has inherited its parent's time of day writes the time of its own lines.
#[test]
fn a_line_has_the_time_of_its_second() {
    // The clock that the servers read: it may lag behind a better one.
    let time = || unsafe { libc::time(std::ptr::null_mut()) };
    let date = |time| {
        let mut date = Command::new("date");
        date.args([format!("--date=@{time}").as_str(), "+%a %b %e %H:%M:%S %Y"]).env("LC_ALL", "C");
        let said = date.output().expect("date runs").stdout;
        String::from_utf8_lossy(&said).trim().to_string()
    };
    let mut server = programs::Server::start("tcp_server_fork");
    let mut client = server.connect();
    let began = time();
    for word in ["one", "two"] {
        let before = time();
        said(&mut client, word.as_bytes());
        let after = time();
        let line = server.running.stdout.wait_for(&word.to_uppercase());
        let stamp = line.split(" | ").nth(1).expect("a time").to_string();
        assert!((before..=after).map(date).any(|date| date == stamp), "{stamp}");
        eventually("the next second comes", || time() > began);
    }
}

/// The bench's clients find a server's rates, and its processes, memory and page faults.
#[test]
fn the_bench_measures() {
    let server = contenders::Server::start(&contender(Build::Mended, 1).command);
    let slice = Duration::from_millis(20);
    for clients in [1, 8] {
        let rate = load::connections(server.port, clients, slice).expect("it serves");
        assert!(rate > 0.0);
        let _together = (clients == 1).then(|| processor::OneProcessor::with(server.group()));
        let trips = load::round_trips(server.port, clients, 1023, slice).expect("it serves");
        assert!(trips.a_second > 0.0 && trips.p50 <= trips.p99);
    }
    assert!(load::one_way(server.port, 1 << 20).expect("it serves") > 0.0);

    eventually("its children have ended", || cost::processes(server.group()).len() == 1);
    let mut held = load::Held::none();
    held.grow(server.port, 10).expect("it serves");
    assert_eq!(cost::processes(server.group()).len(), 11);
    held.release().expect("they quit");
    eventually("the idle have gone", || cost::processes(server.group()).len() == 1);

    // The kernel need not let us look.
    let memory = cost::pss_a_connection(&server).expect("it serves");
    assert!(memory.is_none_or(|kb| kb > 4.0), "{memory:?}");
    let work = cost::work_a_connection(&server).expect("it serves");
    assert!(work.is_none_or(|work| work.page_faults > 4.0 && work.microseconds > 4.0));
}

/// A ratio is the median of the rounds' own ratios; the spread is half the distance of the quartiles.
#[test]
fn medians_ratios_and_spread_are_what_they_are_called() {
    let mut results = Results::default();
    let measure = Measure::OneWay;
    for (ours, theirs) in [(2.0, 1.0), (30.0, 10.0), (400.0, 100.0)] {
        results.add(measure, 0, ours);
        results.add(measure, 1, theirs);
    }
    assert_eq!(results.median(measure, 0), Some(30.0));
    assert_eq!(results.ratio(measure, 0, 1), Some(3.0));
    assert_eq!(results.spread(measure, 1), Some(100.0 * (55.0 - 5.5) / 2.0 / 10.0));
    assert_eq!(results.median(Measure::Pss, 0), None);
}
