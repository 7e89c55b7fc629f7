//! Pages with examples: the block below `<!-- printed by: make demo -->` is the output of that command.
//!
//! What differs from run to run has one form there: a time of the log is [`TIME`], the first port that is
//! shown beside 127.0.0.1 is 8080, the others are 40001, 40002 and so on, the user is `student`.

use std::process::Command;

use crate::article::article;
use crate::course::lessons::replaced;
use crate::course::views::substituted;
use crate::harness::builds::{MAKE_VARIABLES, root};

/// The pages, from the project's directory.
pub const PAGES: [&str; 4] = ["README.md", "README.zh-CN.md", "tests/README.md", "tests/bench/README.md"];

const TIME: &str = "Sun Nov 22 14:13:23 2026";

/// A page whose commands were run.
pub struct PrintedPage {
    pub old: String,
    /// With what the commands print now.
    pub new: String,
    /// The commands that could not be run.
    pub lacking: Vec<String>,
    /// What commands said on standard error.
    pub errors: Vec<String>,
}

/// Runs the commands of a page.
pub fn printed_again(page: &str) -> PrintedPage {
    let old = std::fs::read_to_string(root().join(page)).expect("the page can be read");
    let (mut lacking, mut errors) = (Vec::new(), Vec::new());
    let new = replaced(&old, |block| {
        let line = block.above.lines().next_back()?;
        let command = line.strip_prefix("<!-- printed by: ")?.strip_suffix(" -->")?;
        let Some((printed, error)) = printed(command, page.contains("zh-CN")) else {
            lacking.push(format!("{page}: {command}: no ARTICLE is given"));
            return None;
        };
        if !error.is_empty() {
            errors.push(format!("{command}: {error}"));
        }
        Some(printed)
    });
    PrintedPage { old, new, lacking, errors }
}

/// What a command prints, and on standard error. `None`: it needs the article, and there is none.
fn printed(command: &str, chinese: bool) -> Option<(String, String)> {
    let article = article();
    if command.contains("compare") && article.is_none() {
        return None;
    }
    let mut shell = Command::new("sh");
    MAKE_VARIABLES.split(' ').for_each(|variable| _ = shell.env_remove(variable));
    shell.args(["-c", command]).current_dir(root()).env("MAKEFLAGS", "s").env("USER", "student");
    shell.env("LC_ALL", if chinese { "zh_CN.UTF-8" } else { "C.UTF-8" });
    shell.env("ARTICLE", article.unwrap_or_default());
    let output = shell.output().expect("sh is installed");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    // The status is that of a pipe's last command: the others only say what failed.
    assert!(output.status.success(), "{command}: {error}");
    Some((normalised(String::from_utf8_lossy(&output.stdout).trim_end()), error))
}

/// `text` as any run would print it.
fn normalised(text: &str) -> String {
    let text = text.lines().map(with_one_time).collect::<Vec<_>>().join("\n");
    // A port is the number before or after the address.
    let mut names: Vec<(u16, String)> = Vec::new();
    for (at, ip) in text.match_indices("127.0.0.1") {
        let before = text[..at].strip_suffix(' ').and_then(|before| before.rsplit(' ').next());
        let after = text[at + ip.len()..].trim_start_matches([':', ' ']);
        let after = after.split(|c: char| !c.is_ascii_digit()).next();
        for port in [before, after].into_iter().flatten().filter_map(|word| word.parse().ok()) {
            if names.iter().all(|(known, _)| *known != port) {
                let name = if names.is_empty() { 8080 } else { 40_000 + names.len() };
                names.push((port, name.to_string()));
            }
        }
    }
    substituted(&text, &names)
}

/// A line of log, `DEBUG | Sun Nov 22 14:13:23 2026 | …`, with another time.
fn with_one_time(line: &str) -> String {
    let is_time = |word: &str| word.len() == TIME.len() && word.matches(':').count() == 2;
    let words = line.split(" | ").map(|word| if is_time(word) { TIME } else { word });
    words.collect::<Vec<_>>().join(" | ")
}
