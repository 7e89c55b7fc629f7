//! What is printed: the lines of one program, or a class as a table, CSV or JSON.

use std::io::Write;

use crate::grade::outcome::{Finding, Verdict, score};
use crate::grade::table::{Check, checks};
use crate::harness::text::display_width;
use crate::say;

#[derive(Clone, Copy, PartialEq)]
pub enum Format {
    Table,
    Csv,
    Json,
}

/// One program's findings, or why it cannot be judged.
pub type Graded = Result<Vec<Finding>, String>;

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(display_width(text))))
}

/// The columns of one program's lines.
pub struct LineColumns {
    name: usize,
    requirement: usize,
}

impl LineColumns {
    pub fn of(like: &str) -> Self {
        let checks = checks(like);
        let widest = |text: fn(&Check) -> &str| {
            checks.iter().map(|check| display_width(text(check))).max().unwrap_or(0)
        };
        let heading = display_width(&say!("check", "检查项"));
        LineColumns {
            name: widest(|check| check.name).max(heading),
            requirement: widest(Check::requirement),
        }
    }

    pub fn header(&self) -> String {
        let (name, requirement) = (say!("check", "检查项"), say!("requirement", "要求"));
        let rest = say!("observation, lesson", "观察结果、课程");
        format!("      {}  {}  {rest}\n", padded(&name, self.name), padded(&requirement, self.requirement))
    }

    /// `FAIL  10  continues when a client vanishes  it was killed by SIGPIPE  make lesson N=13`, and the calls that prove it.
    pub fn line(&self, finding: &Finding) -> String {
        let Finding { verdict, name, requirement, seen, lesson, proof, .. } = finding;
        let rest = match verdict {
            Verdict::Passed => String::new(),
            Verdict::Failed => format!("{seen}  make lesson N={lesson}"),
            Verdict::Skipped => say!("({seen})", "（{seen}）"),
        };
        let (name, requirement) = (padded(name, self.name), padded(requirement, self.requirement));
        let line = format!("{:4}  {name}  {requirement}  {rest}", verdict.text());
        let mut shown = format!("{}\n", line.trim_end());
        proof.lines().for_each(|call| shown += &format!("          {call}\n"));
        shown
    }
}

/// The columns of a class.
pub struct ClassTable {
    format: Format,
    checks: Vec<&'static Check>,
    /// The widest name of a program.
    name: usize,
    rows: usize,
}

impl ClassTable {
    pub fn new<'a>(format: Format, like: &str, names: impl Iterator<Item = &'a str>) -> Self {
        let heading = display_width(&say!("program", "程序"));
        let name = names.map(display_width).max().unwrap_or(0).max(heading);
        ClassTable { format, checks: checks(like), name, rows: 0 }
    }

    fn width(check: &Check) -> usize {
        check.name.len().max(4)
    }

    pub fn header(&self) -> String {
        match self.format {
            Format::Json => "[".to_string(),
            Format::Csv => {
                let names: String = self.checks.iter().map(|check| format!(",{}", check.name)).collect();
                format!("program,score,max_score,reason{names}\n")
            }
            Format::Table => {
                let name = |check: &&Check| format!("  {}", padded(check.name, ClassTable::width(check)));
                let names: String = self.checks.iter().map(name).collect();
                let (program, rest) = (say!("program", "程序"), say!("score  reason", "得分   原因"));
                format!("{}{names}  {rest}\n", padded(&program, self.name))
            }
        }
    }

    pub fn footer(&self) -> &'static str {
        if self.format == Format::Json { "\n]\n" } else { "" }
    }

    pub fn row(&mut self, name: &str, graded: &Graded) -> String {
        self.rows += 1;
        let none = Vec::new();
        let findings = graded.as_ref().unwrap_or(&none);
        let reason = graded.as_ref().err().map_or("", String::as_str);
        let (passed, all) = score(findings);
        let verdict = |check: &Check| {
            let finding = findings.iter().find(|finding| finding.name == check.name);
            finding.map_or("", |finding| finding.verdict.text())
        };
        match self.format {
            Format::Csv => {
                let verdicts: String =
                    self.checks.iter().map(|check| format!(",{}", verdict(check))).collect();
                let points = if graded.is_ok() { format!("{passed},{all}") } else { ",".to_string() };
                format!("{},{points},{}{verdicts}\n", quoted_csv(name), quoted_csv(reason))
            }
            Format::Table => {
                let cell =
                    |check: &&Check| format!("  {}", padded(verdict(check), ClassTable::width(check)));
                let cells: String = self.checks.iter().map(cell).collect();
                let points = if graded.is_ok() { format!("{passed}/{all}") } else { "-".to_string() };
                let row = format!("{}{cells}  {points:5}  {reason}", padded(name, self.name));
                format!("{}\n", row.trim_end())
            }
            Format::Json => {
                let tests: Vec<String> = findings.iter().map(test).collect();
                let first = if self.rows == 1 { "" } else { "," };
                format!(
                    "{first}\n  {{\"program\": {}, \"score\": {passed}, \"max_score\": {all}, \"output\": {}, \"tests\": [{}\n  ]}}",
                    quoted_json(name),
                    quoted_json(reason),
                    tests.join(",")
                )
            }
        }
    }
}

/// A test in Gradescope's form. One that was skipped counts neither way.
fn test(finding: &Finding) -> String {
    let Finding { verdict, name, requirement, seen, lesson, .. } = finding;
    let (score, most, status) = match verdict {
        Verdict::Passed => (1, 1, "\"status\": \"passed\", "),
        Verdict::Failed => (0, 1, "\"status\": \"failed\", "),
        Verdict::Skipped => (0, 0, ""),
    };
    let output = match verdict {
        Verdict::Passed => requirement.to_string(),
        Verdict::Failed => {
            say!("{requirement}: {seen} (lesson {lesson})", "{requirement}：{seen}（第 {lesson} 课）")
        }
        Verdict::Skipped => say!("{requirement} ({seen})", "{requirement}（{seen}）"),
    };
    format!(
        "\n    {{\"name\": {}, \"score\": {score}, \"max_score\": {most}, {status}\"output\": {}, \"extra_data\": {{\"verdict\": {}}}}}",
        quoted_json(name),
        quoted_json(&output),
        quoted_json(verdict.text())
    )
}

fn quoted_csv(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

fn quoted_json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter < ' ' => quoted += &format!("\\u{:04x}", letter as u32),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// Prints at once: what is known is not to wait in a buffer.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        // A reader that has gone, `| head`, needs no message.
        std::process::exit(2);
    }
}
