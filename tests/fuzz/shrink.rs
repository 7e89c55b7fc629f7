//! The smallest session that still shows a difference: steps are left out, then bytes, as long as it stays.

use std::time::{Duration, Instant};

use crate::harness::lockstep::session::{LockstepSession, LockstepStep};

/// `differs` plays a session to both sides.
pub fn shrink(
    session: &LockstepSession,
    patience: Duration,
    differs: impl Fn(&LockstepSession) -> bool,
) -> LockstepSession {
    let until = Instant::now() + patience;
    let mut smallest = session.clone();
    let mut tries = |smaller: LockstepSession, smallest: &mut LockstepSession| {
        let better = Instant::now() < until && differs(&smaller);
        if better {
            *smallest = smaller;
        }
        better
    };
    let mut before = None;
    while before.as_ref() != Some(&smallest) {
        before = Some(smallest.clone());
        // Halves, quarters, … of the steps.
        let mut length = smallest.steps.len() / 2;
        while length > 0 {
            let mut at = 0;
            while at < smallest.steps.len() {
                let mut smaller = smallest.clone();
                smaller.steps.drain(at..(at + length).min(smallest.steps.len()));
                if !tries(smaller, &mut smallest) {
                    at += length;
                }
            }
            length /= 2;
        }
        for at in 0..smallest.steps.len() {
            shrink_bytes(at, &mut smallest, &mut tries);
        }
    }
    smallest
}

/// Shortens what a step sends, and makes it plain.
fn shrink_bytes(
    at: usize,
    smallest: &mut LockstepSession,
    tries: &mut impl FnMut(LockstepSession, &mut LockstepSession) -> bool,
) {
    let Some(mut length) = bytes(&mut smallest.steps[at]).map(|bytes| bytes.len() / 2) else { return };
    while length > 0 {
        let mut from = 0;
        while from < bytes(&mut smallest.steps[at]).expect("it sends").len() {
            let mut smaller = smallest.clone();
            let its = bytes(&mut smaller.steps[at]).expect("it sends");
            its.drain(from..(from + length).min(its.len()));
            if its.is_empty() || !tries(smaller, smallest) {
                from += length;
            }
        }
        length /= 2;
    }
    let mut plain = smallest.clone();
    for byte in bytes(&mut plain.steps[at]).expect("it sends").iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b'a';
    }
    if plain != *smallest {
        tries(plain, smallest);
    }
}

fn bytes(step: &mut LockstepStep) -> Option<&mut Vec<u8>> {
    match step {
        LockstepStep::Sends(_, bytes) | LockstepStep::Types(bytes) => Some(bytes),
        _ => None,
    }
}
