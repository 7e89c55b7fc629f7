//! Lesson 25: what `make grade` says of each step from an empty file to full marks.

use crate::course::grading::grade;
use crate::course::views::{Blocks, table};
use crate::harness::builds::SERVERS;
use crate::harness::pool::parallel;

/// The steps of `tests/lessons/my_server.c`.
const STEPS: [usize; 7] = [1, 2, 3, 4, 5, 6, 7];

pub fn steps() -> Blocks {
    let graded = |step: &usize| {
        let like = SERVERS[step.saturating_sub(4).div_ceil(2)];
        let grade = grade("my_server.c", &format!("-DSTEP={step}"), like);
        let failed = grade.failed.iter().map(|check| format!("\tFAIL\t{check}\n"));
        format!("{step}\t{like}\t{}\n", grade.score) + &failed.collect::<String>()
    };
    let steps = parallel(STEPS.len(), &STEPS, graded).concat();
    vec![Some(table(&format!("step\tLIKE\tscore\n{steps}")))]
}
