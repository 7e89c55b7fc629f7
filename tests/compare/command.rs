//! `make compare`: the article's C++ and the port in the same scenarios, their calls in two columns.
//!
//! Two pairs: both as printed, and both fixed. Without `ARTICLE` the recorded traces take the place of the C++.
//! `AS_PRINTED=1`: the first pair only. `ERRATUM=13`: the article as printed beside the article with that fix.
//! `RECORD=1` records what the C++ does. Words choose scenarios by a part of their program's name or their own.

use std::collections::BTreeSet;

use super::golden::{recorded, write};
use super::runner::{Implementation, run, run_as_far_as_possible};
use super::scenario::{Scenario, scenarios};
use crate::article::build::{VERSIONS, Version};
use crate::article::{article, fixes, given};
use crate::harness::diff::common;
use crate::harness::i18n::chinese;
use crate::harness::pool::parallel;
use crate::harness::switches::{is_on, value};
use crate::harness::terminal::{colours, wide_columns};
use crate::harness::text::display_width;
use crate::harness::trace::may_trace;
use crate::harness::trace::normalise::Process;
use crate::say;

/// The widest that two columns are shown; beside them are a mark and a bar.
const WIDEST: usize = 120;
const BESIDE: usize = 8;
/// Scenarios that run at a time: they mostly wait.
const AT_A_TIME: usize = 4;

/// Whether all rows are the same, or one line that says why nothing is compared.
pub fn compare(words: &[String]) -> Result<bool, String> {
    let chosen = chosen(words)?;
    let half = (wide_columns("compare", WIDEST)? - BESIDE) / 2;
    may_trace()?;
    if let Some(erratum) = value("ERRATUM") {
        return compare_fix(&erratum, &chosen, half);
    }
    if is_on("RECORD") {
        if !words.is_empty() {
            return Err(say!(
                "RECORD=1 records all: without ONLY",
                "RECORD=1 记录全部场景，不能同时用 ONLY"
            ));
        }
        return record(&chosen);
    }
    println!("{}", say!("!! marks rows that differ.", "!! 表示不同的行。"));
    let versions = if is_on("AS_PRINTED") { &VERSIONS[..1] } else { &VERSIONS[..] };
    let mut totals = Vec::new();
    for version in versions {
        totals.push(compare_pair(*version, &chosen, half)?);
    }
    println!();
    for (version, Total { scenarios, same, different }) in versions.iter().zip(&totals) {
        let build = match version {
            Version::AsPrinted => say!("as printed", "原文版"),
            Version::Fixed => say!("fixed", "修正版"),
        };
        let line = say!(
            "{scenarios} scenarios, {build}: {same} rows the same, {different} unexplained",
            "{scenarios} 个场景，{build}：{same} 行相同，{different} 行没有解释"
        );
        println!("{line}");
    }
    if totals.iter().any(|total| total.same + total.different == 0) {
        return Err(say!("nothing was compared", "没有比较任何内容"));
    }
    Ok(totals.iter().all(|total| total.different == 0))
}

/// The scenarios that a word is part of, all if there are none.
fn chosen(words: &[String]) -> Result<Vec<Scenario>, String> {
    let mut all = scenarios();
    let words: Vec<&str> =
        words.iter().flat_map(|word| word.split([' ', ','])).filter(|word| !word.is_empty()).collect();
    let has = |scenario: &Scenario, word: &str| scenario.program == word || scenario.name.contains(word);
    for word in &words {
        if !all.iter().any(|scenario| has(scenario, word)) {
            let names: BTreeSet<&str> =
                all.iter().flat_map(|scenario| [scenario.program, &scenario.name]).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(" ");
            return Err(say!(
                "ONLY={word}: it is part of none of: {names}",
                "ONLY={word}：不是下列任何名称的一部分：{names}"
            ));
        }
    }
    all.retain(|scenario| words.is_empty() || words.iter().any(|word| has(scenario, word)));
    Ok(all)
}

/// How many rows were the same, and how many not.
#[derive(Default)]
struct Total {
    scenarios: usize,
    same: usize,
    different: usize,
}

/// The C++, or what is recorded of it, and the port.
fn compare_pair(version: Version, chosen: &[Scenario], half: usize) -> Result<Total, String> {
    let port = Implementation::port(version);
    let (name, cpp, without) = match article() {
        Some(article) => {
            let name = match version {
                Version::AsPrinted => "the article's C++, as printed",
                Version::Fixed => "the article's C++, corrected",
            };
            let (cpp, without) = Implementation::cpp(&article, version.errata(), name)?;
            ("C++", Some(cpp), without)
        }
        None => {
            eprintln!(
                "{}",
                say!(
                    "no ARTICLE: the port is compared with the recorded traces",
                    "没有 ARTICLE：与已记录的跟踪对照"
                )
            );
            (say_static("C++, recorded", "C++（已记录）"), None, Vec::new())
        }
    };
    if version == Version::AsPrinted {
        for erratum in version.errata() {
            let [english, chinese] = fixes::says(erratum);
            println!(
                "{}",
                say!(
                    "fixed in the article as printed, too: {english}",
                    "原文版的文章中也已修正：{chinese}"
                )
            );
        }
    }
    for (program, why) in &without {
        println!("{}", say!("left out: {program}: {why}", "略去：{program}：{why}"));
    }
    let playable: Vec<&Scenario> = chosen
        .iter()
        .filter(|scenario| without.iter().all(|(program, _)| *program != scenario.program))
        .collect();
    let played = parallel(AT_A_TIME, &playable, |scenario| {
        let left = match &cpp {
            Some(cpp) => run(scenario, cpp),
            None => recorded(scenario, version).unwrap_or_else(|why| panic!("{why}")),
        };
        (left, run(scenario, &port))
    });
    let mut total = Total { scenarios: playable.len(), ..Total::default() };
    let port = say!("the port", "移植版");
    for (scenario, (left, right)) in playable.iter().zip(&played) {
        let title = match version {
            Version::AsPrinted => say!("{scenario}, as printed", "{scenario}，原文版"),
            Version::Fixed => say!("{scenario}, fixed", "{scenario}，修正版"),
        };
        show(&title, scenario, [name, &port], &beside(left, right), "!!", half, &mut total);
    }
    Ok(total)
}

fn say_static(english: &'static str, in_chinese: &'static str) -> &'static str {
    if chinese() { in_chinese } else { english }
}

/// The article as printed, and with one fix more.
fn compare_fix(erratum: &str, chosen: &[Scenario], half: usize) -> Result<bool, String> {
    let number = erratum.parse().ok().filter(|number| fixes::all().contains(number));
    let number = number
        .ok_or_else(|| say!("ERRATUM={erratum}: it is 1 to 17", "ERRATUM={erratum}：应为 1 至 17"))?;
    let article = given()?;
    let mut before = Version::AsPrinted.errata();
    before.remove(&number);
    let mut after = before.clone();
    after.insert(number);
    let (printed, mut without) = Implementation::cpp(&article, before, "the article as printed")?;
    let (fixed, without_too) = Implementation::cpp(&article, after, "the article with one fix")?;
    without.extend(without_too);
    for (program, why) in &without {
        println!("{}", say!("left out: {program}: {why}", "略去：{program}：{why}"));
    }
    let [english, in_chinese] = fixes::says(number);
    println!("{}", say!("{english}", "{in_chinese}"));
    println!(
        "{}",
        say!("{number} marks the rows that this fix changes.", "{number} 表示因这处修正而不同的行。")
    );
    let playable: Vec<&Scenario> = chosen
        .iter()
        .filter(|scenario| without.iter().all(|(program, _)| *program != scenario.program))
        .collect();
    // As printed a program may die before the scenario ends.
    let played = parallel(AT_A_TIME, &playable, |scenario| {
        [&printed, &fixed].map(|subject| run_as_far_as_possible(scenario, subject))
    });
    let mut total = Total { scenarios: playable.len(), ..Total::default() };
    let names = [say!("as printed", "原文版"), say!("erratum {number} fixed", "已修正勘误 {number}")];
    let names = names.each_ref().map(String::as_str);
    for (scenario, [(left, stopped), (right, stopped_too)]) in playable.iter().zip(&played) {
        let rows = beside(left, right);
        if rows.iter().all(|(_, rows)| rows.iter().all(ComparedRow::is_same)) {
            total.same += rows.iter().map(|(_, rows)| rows.len()).sum::<usize>();
            continue;
        }
        show(&scenario.to_string(), scenario, names, &rows, &number.to_string(), half, &mut total);
        for (step, name) in [(stopped, names[0]), (stopped_too, names[1])] {
            if let Some(step) = step {
                println!("{}", say!("{name}, it went no further than {step}", "{name}只进行到 {step}"));
            }
        }
    }
    let (same, different) = (total.same, total.different);
    println!(
        "\n{}",
        say!(
            "{same} rows the same, {different} changed by erratum {number}",
            "{same} 行相同，勘误 {number} 改变 {different} 行"
        )
    );
    if same + different == 0 {
        return Err(say!("nothing was compared", "没有比较任何内容"));
    }
    Ok(true)
}

/// Records what the C++ does in all scenarios, in both versions.
fn record(all: &[Scenario]) -> Result<bool, String> {
    let article = given()?;
    let mut subjects = Vec::new();
    for version in VERSIONS {
        let (cpp, without) = Implementation::cpp(&article, version.errata(), "the article's C++")?;
        if let Some((program, why)) = without.first() {
            return Err(say!("not recorded: {program}: {why}", "未记录：{program}：{why}"));
        }
        subjects.push(cpp);
    }
    let played =
        parallel(AT_A_TIME, all, |scenario| [run(scenario, &subjects[0]), run(scenario, &subjects[1])]);
    let seen: Vec<(&Scenario, [Vec<Process>; 2])> = all.iter().zip(played).collect();
    for seen in seen.chunk_by(|one, next| one.0.program == next.0.program) {
        let path = write(seen[0].0.program, seen)?;
        println!("{}", say!("recorded: {path}", "已记录：{path}"));
    }
    Ok(true)
}

/// A row of each side; one may be missing.
struct ComparedRow<'a>(Option<&'a str>, Option<&'a str>);

impl ComparedRow<'_> {
    fn is_same(&self) -> bool {
        self.0 == self.1
    }
}

/// The processes of both sides by name, their rows side by side.
fn beside<'a>(left: &'a [Process], right: &'a [Process]) -> Vec<(&'a str, Vec<ComparedRow<'a>>)> {
    let mut names: Vec<&str> = left.iter().map(|process| process.name.as_str()).collect();
    names.extend(right.iter().map(|process| process.name.as_str()));
    let mut known = BTreeSet::new();
    names.retain(|name| known.insert(*name));
    let rows_of = |processes: &'a [Process], name: &str| {
        processes.iter().find(|process| process.name == name).map_or(&[][..], |process| &process.rows)
    };
    names.into_iter().map(|name| (name, paired(rows_of(left, name), rows_of(right, name)))).collect()
}

fn paired<'a>(left: &'a [String], right: &'a [String]) -> Vec<ComparedRow<'a>> {
    let (mut rows, mut i, mut j) = (Vec::new(), 0, 0);
    for (next_i, next_j) in common(left, right).into_iter().chain([(left.len(), right.len())]) {
        for n in 0..(next_i - i).max(next_j - j) {
            let of = |side: &'a [String], at: usize, next: usize| side[at..next].get(n).map(String::as_str);
            rows.push(ComparedRow(of(left, i, next_i), of(right, j, next_j)));
        }
        if let Some(row) = left.get(next_i) {
            rows.push(ComparedRow(Some(row), Some(row)));
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    rows
}

/// A scenario in two columns; rows that differ have a mark.
fn show(
    title: &str,
    scenario: &Scenario,
    names: [&str; 2],
    processes: &[(&str, Vec<ComparedRow>)],
    mark: &str,
    half: usize,
    total: &mut Total,
) {
    let says = &scenario.says[usize::from(chinese())];
    println!("\n{}", say!("{title}: {says}", "{title}：{says}"));
    for (name, rows) in processes {
        let heading = format!("{name}: {}", names[0]);
        println!(
            "     {heading}{} | {}",
            " ".repeat(half.saturating_sub(display_width(&heading))),
            names[1]
        );
        for row in rows {
            let (mark, colour) = if row.is_same() { ("", "") } else { (mark, "\x1b[31m") };
            total.same += usize::from(row.is_same());
            total.different += usize::from(!row.is_same());
            // What each line of the log begins with is left out.
            let shown = |row: Option<&str>| row.unwrap_or("").replacen(" | TIME | me | ", "… ", 1);
            let sides = [row.0, row.1].map(|row| Vec::from_iter(shown(row).chars()));
            let differs = sides[0].iter().zip(&sides[1]).position(|(one, other)| one != other);
            let [left, right] = sides.map(|row| cut(&row, differs, half));
            let room = " ".repeat(half.saturating_sub(display_width(&left)));
            let line = format!("{mark:>4} {left}{room} | {right}");
            match colours() && !colour.is_empty() {
                true => println!("{colour}{line}\x1b[m"),
                false => println!("{}", line.trim_end()),
            }
        }
    }
}

/// A row cut to fit, so that its end stays and what is different shows.
fn cut(row: &[char], differs: Option<usize>, half: usize) -> String {
    let head = half / 2;
    let text = |part: &[char]| part.iter().collect::<String>();
    // Chinese letters take two columns.
    let wide = display_width(&text(row)) - row.len();
    if row.len() + wide <= half {
        return text(row);
    }
    let tail = (half - head - 1).saturating_sub(wide).min(row.len() - head);
    let last = row.len() - tail;
    let from = differs.map_or(last, |at| at.saturating_sub(tail / 2).clamp(head, last));
    let skipped = if from > head { "…" } else { "" };
    format!("{}{skipped}{}", text(&row[..head]), text(&row[from..from + tail]))
}
