//! The programs of "Beyond the article": short, without a warning, and with the grade that their page says.

use crate::course::grading::grade;
use crate::harness::builds::{exclusive, root};
use crate::harness::report::Failure;

/// The most lines of one of them.
const LONGEST: usize = 90;

crate::cases! { is_graded: thread, poll, epoll }

/// As a forking server it fails one check: there is no process for each client. Everything else that applies passes.
fn is_graded(name: &str) {
    let source = format!("{name}.c");
    let text =
        std::fs::read_to_string(root().join("tests/lessons").join(&source)).expect("the program is there");
    assert!(text.lines().count() <= LONGEST, "{source}: {} lines, {LONGEST} at most", text.lines().count());
    let _turn = exclusive();
    let options = if name == "thread" { "-pthread" } else { "" };
    let grade = grade(&source, options, "tcp_server_fork");
    let failed: Vec<&str> = grade.failed.iter().filter_map(|check| check.split('\t').next()).collect();
    if failed != ["proc"] {
        let failure = Failure::new("it fails other checks than `proc`").case(&source);
        failure.note(format!("failed: {failed:?}; score: {}", grade.score)).note(grade.output).fail();
    }
    for page in ["tests/lessons/beyond-the-article.md", "tests/lessons/zh-CN/beyond-the-article.md"] {
        let text = std::fs::read_to_string(root().join(page)).expect("a page is UTF-8 text");
        let line = text.lines().find(|line| line.contains(&source)).unwrap_or_default();
        assert!(
            line.contains(&grade.score),
            "{page}: its line about {source} has not the score {}: {line}",
            grade.score
        );
    }
}
