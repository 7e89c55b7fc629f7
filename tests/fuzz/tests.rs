//! The port does in random sessions what was recorded of the article's C++.

use std::time::{Duration, Instant};

use crate::fuzz::command::of_the_port;
use crate::fuzz::generate::session;
use crate::fuzz::mutants::mutants;
use crate::fuzz::record::{RecordedLine, played, recorded};
use crate::fuzz::shrink::shrink;
use crate::harness::lockstep::session::LockstepStep;
use crate::harness::net::namespace::in_own_network;
use crate::harness::net::ports::free_long_port;
use crate::harness::pool::parallel;
use crate::harness::report::Failure;
use crate::needs_strace;

/// No more of them are played after this.
const LONG_ENOUGH: Duration = Duration::from_secs(8);

#[test]
fn random_sessions_go_as_recorded() {
    needs_strace!();
    let sets = [true, false].map(of_the_port);
    let (port, started) = (free_long_port(), Instant::now());
    let plays = |line: &RecordedLine| {
        if started.elapsed() > LONG_ENOUGH {
            return None;
        }
        let programs = &sets[usize::from(line.build != "as-printed")];
        let (text, sum) = played(line.seed, programs, port);
        (sum != line.sum).then(|| (line.build.clone(), line.seed, text))
    };
    let differ = in_own_network(|| parallel(2, &recorded(), plays));
    if let Some((build, seed, text)) = differ.into_iter().flatten().next() {
        Failure::new("the port does not do what was recorded of the C++")
            .case(format!("{build}, seed {seed}"))
            .note(format!("{}\n{text}", session(seed)))
            .rerun(format!("make fuzz ARTICLE=file SECONDS=1 SEED={seed}"))
            .record("make fuzz ARTICLE=file RECORD=1")
            .fail();
    }
}

/// Every kind of step is among the first sessions, and a seed is always the same session.
#[test]
fn sessions_are_of_many_kinds() {
    let sessions: Vec<_> = (1..=400).map(session).collect();
    assert!((1..).zip(&sessions).all(|(seed, one)| *one == session(seed)));
    let steps = || sessions.iter().flat_map(|session| &session.steps);
    let kinds: [fn(&LockstepStep) -> bool; 12] = [
        |step| matches!(step, LockstepStep::Connects(_)),
        |step| matches!(step, LockstepStep::Reads(_)),
        |step| matches!(step, LockstepStep::ClosesHalf(_)),
        |step| matches!(step, LockstepStep::Resets(_)),
        |step| matches!(step, LockstepStep::Leaves(_)),
        |step| matches!(step, LockstepStep::Stop),
        |step| matches!(step, LockstepStep::EndsInput),
        |step| matches!(step, LockstepStep::Sends(_, bytes) if bytes.len() > 50_000),
        |step| matches!(step, LockstepStep::Sends(_, bytes) if bytes.eq_ignore_ascii_case(b"quit")),
        |step| matches!(step, LockstepStep::Sends(_, bytes) if bytes.contains(&0)),
        |step| matches!(step, LockstepStep::Sends(_, bytes) if (1020..1030).contains(&bytes.len())),
        |step| matches!(step, LockstepStep::Types(bytes) if bytes.len() > 1023),
    ];
    for (at, kind) in kinds.iter().enumerate() {
        assert!(steps().any(kind), "no step of kind {at}");
    }
    // A client connects again, and six are connected at the same time.
    let connections = |name: &str, steps: &[LockstepStep]| {
        steps.iter().filter(|step| matches!(step, LockstepStep::Connects(one) if *one == name)).count()
    };
    assert!(sessions.iter().any(|session| connections("a", &session.steps) > 1));
    assert!(sessions.iter().any(|session| connections("f", &session.steps) == 1));
}

/// Of a session only what makes the difference is left.
#[test]
fn a_session_shrinks_to_what_differs() {
    let large = (1..).map(session).find(|session| {
        session.steps.len() > 15
            && session
                .steps
                .iter()
                .any(|step| matches!(step, LockstepStep::Sends(_, bytes) if bytes.contains(&0)))
    });
    let differs = |step: &LockstepStep| matches!(step, LockstepStep::Sends(_, bytes) if bytes.contains(&0));
    let small = shrink(&large.expect("one has a NUL"), Duration::from_secs(20), |session| {
        session.steps.iter().any(differs)
    });
    assert!(matches!(&small.steps[..], [LockstepStep::Sends(_, bytes)] if bytes == b"\0"), "{small}");
}

/// Every mutant still is a change of the source: `make fuzz MUTANTS=1` builds them.
#[test]
fn each_mutant_changes_the_source() {
    let wrong: Vec<String> = mutants().iter().filter_map(|mutant| mutant.source().err()).collect();
    assert!(wrong.is_empty(), "tests/fuzz/mutants.txt: {}", wrong.join("\n"));
}
