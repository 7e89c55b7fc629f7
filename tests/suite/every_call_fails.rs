//! Every call of the four programs fails in every way its manual page lists: no server ends, no client hangs.
//!
//! `make faults` prints the same matrix as a table, beside the article's C++ if `ARTICLE` is given.

use crate::support::matrix::{Kind, Subject, cases, run};
use crate::support::programs::SERVERS;

/// All faults of these kinds must end well in these programs.
fn end_well(programs: &[&'static str], kinds: &[Kind]) {
    let mut met = 0;
    let mut told = Vec::new();
    for name in programs {
        let subject = Subject::port(name);
        let mut cases = cases(&subject);
        cases.retain(|case| kinds.contains(&case.kind));
        met += cases.len();
        let failed = run(&subject, &cases, 4, 5);
        told.extend(failed.iter().map(|(case, how)| format!("{name}: {case}: {how}")));
    }
    assert!(met > 0, "no program makes such a call");
    assert!(told.is_empty(), "of {met}: {told:#?}");
}

/// A server that can't start says which call failed and why, and ends with that call's status.
#[test]
fn a_server_that_cannot_start_says_why() {
    end_well(&SERVERS, &[Kind::Start, Kind::Limit]);
}

/// A log line that can't be written is lost, and nothing else.
#[test]
fn a_lost_log_line_is_all_that_is_lost() {
    end_well(&SERVERS, &[Kind::Log]);
}

/// A failed accept is logged and tried again, calmly; the client that waits is served.
#[test]
fn a_failed_accept_loses_nobody() {
    end_well(&SERVERS, &[Kind::Accept]);
}

/// An interrupted read or write is made again; any other failure closes this connection, and no other.
#[test]
fn a_failed_conversation_ends_alone() {
    end_well(&SERVERS, &[Kind::Read, Kind::Write]);
}

/// A refused fork, of the parent or of the child, costs one client, a failed waitpid none.
#[test]
fn a_refused_fork_costs_one_client() {
    end_well(&SERVERS[1..], &[Kind::Fork, Kind::InnerFork, Kind::Wait]);
}

/// A close that fails, even for ever, leaves nobody waiting.
#[test]
fn a_failed_close_leaves_nobody_waiting() {
    end_well(&SERVERS, &[Kind::Close]);
}

/// The client says what failed and ends with a status other than 0; it shows no echo of its own making.
#[test]
fn the_client_says_what_failed() {
    let conversation = [Kind::Read, Kind::Write, Kind::Close];
    let terminal = [Kind::TerminalRead, Kind::TerminalWrite];
    end_well(&["tcp_client"], &[Kind::Start, Kind::Limit, Kind::Log]);
    end_well(&["tcp_client"], &conversation);
    end_well(&["tcp_client"], &terminal);
}
