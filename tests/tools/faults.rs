//! The fault matrix as a table: how many faults end well, in the article's C++ and in the port.
//!
//! `ARTICLE` names a saved copy of the article; without it the port stands alone. Both as printed, they are
//! compared; `RECORD=1` keeps what the C++ comes to.

use std::process::ExitCode;

use crate::say;
use crate::support::article::article;
use crate::support::language::{chinese, columns};
use crate::support::matrix::rules::ends_well;
use crate::support::matrix::{PROGRAMS, Subject, lines, outcomes, record, recorded};

/// A line each: the kinds of calls, of servers or of the client; what fails, and what must come of it, in both languages.
const ROWS: &str = include_str!("../support/matrix/rows.txt");

fn rows() -> Vec<Vec<&'static str>> {
    ROWS.lines().map(|row| row.split(" | ").collect()).collect()
}

/// Of each row, how many faults end well, and how many there are.
fn judged(subject: impl Fn(&'static str) -> Subject) -> Vec<[usize; 2]> {
    let rows = rows();
    let mut counts = vec![[0, 0]; rows.len()];
    for name in PROGRAMS {
        let subject = subject(name);
        for (case, outcome) in outcomes(&subject) {
            let kind = format!("{:?}", case.kind);
            let its = |row: &Vec<&str>| {
                let mut kinds = row[0].split(' ');
                row[0].starts_with("client ") == subject.is_client() && kinds.any(|known| known == kind)
            };
            let [well, all] = &mut counts[rows.iter().position(its).expect("every kind has a row")];
            *all += 1;
            match ends_well(&subject, &case, &outcome) {
                Ok(()) => *well += 1,
                Err(how) => eprintln!("  {name}, {case}: {how}"),
            }
        }
    }
    counts
}

/// As printed: the port's outcomes beside the C++'s, or beside the record; whether all are alike.
fn compared() -> bool {
    let (mut alike, mut all, mut kept) = (0, 0, String::new());
    for name in PROGRAMS {
        let port = lines(&Subject::port(true, name));
        let of_article = |copy: std::path::PathBuf| lines(&Subject::article(&copy, true, name));
        let cpp = article().map_or_else(|| recorded(name), of_article);
        alike += port.iter().filter(|line| cpp.contains(line)).count();
        all += port.len().max(cpp.len());
        for (sign, these, others) in [('-', &cpp, &port), ('+', &port, &cpp)] {
            these.iter().filter(|line| !others.contains(line)).for_each(|line| println!("{sign} {line}"));
        }
        kept += &(cpp.join("\n") + "\n");
    }
    if article().is_some() && std::env::var("RECORD").is_ok_and(|word| !word.is_empty()) {
        std::fs::write(record(), kept).expect("the record is written");
    }
    println!(
        "{}",
        say!(
            "as printed, {alike} of {all} end as in the article's C++",
            "按原文构建：{all} 个故障中有 {alike} 个的结局与原文的 C++ 相同"
        )
    );
    alike == all
}

pub fn main(_words: &[String]) -> ExitCode {
    let cpp = article().map(|copy| {
        let mended = say!("the article's C++, errata 1 to 4 mended:", "原文的 C++（已改正勘误 1 至 4）：");
        eprintln!("{mended}");
        judged(|name| Subject::article(&copy, false, name))
    });
    eprintln!("{}", say!("the port:", "移植版："));
    let port = judged(|name| Subject::port(false, name));

    let wide = |text: &str, width| text.to_string() + &" ".repeat(width - columns(text));
    let shown = |[well, all]: [usize; 2]| wide(&format!("{well}/{all}"), 7);
    println!("{} {} {}", wide("", 18), wide("C++", 7), say!("port", "移植版"));
    for (index, row) in rows().iter().enumerate() {
        let cpp = cpp.as_ref().map_or(wide("-", 7), |cpp| shown(cpp[index]));
        let (what, must) = if chinese() { (row[2], row[4]) } else { (row[1], row[3]) };
        println!("{} {cpp} {} {must}", wide(what, 18), shown(port[index]));
    }
    let alike = compared();
    if alike && port.iter().all(|[well, all]| well == all) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
