//! `make compare`: the article's C++ and the port in the same scenarios, their calls in two columns.
//!
//! `ARTICLE` names the saved copy, `AS_PRINTED` the build, `RECORD` writes what was seen
//! of the C++ to `tests/compare/traces`. Words choose programs or scenarios by name.

use std::collections::HashSet;

use crate::article::build::{Built, built, to_run};
use crate::article::fixes;
use crate::article::given;
use crate::compare::differences::{Pair, Reason, compared, expected};
use crate::compare::golden;
use crate::compare::runner::{Implementation, run};
use crate::compare::scenario::{Scenario, scenarios};
use crate::harness::i18n::chinese;
use crate::harness::pool::parallel;
use crate::harness::terminal::{colours, wide_columns};
use crate::harness::text::display_width;
use crate::say;

/// The widest that two columns are shown; beside them are a mark and a bar.
const WIDEST: usize = 120;
const BESIDE: usize = 8;

/// Whether all differences have an explanation, or one line that says why nothing is compared.
pub fn compare(words: &[String]) -> Result<bool, String> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let (printed, record) = (is_set("AS_PRINTED"), is_set("RECORD"));
    let mut chosen = chosen(words)?;
    let half = (wide_columns("compare", WIDEST)? - BESIDE) / 2;
    if record && !words.is_empty() {
        return Err(say!("RECORD=1 records all: without ONLY", "RECORD=1 记录全部场景，不能同时用 ONLY"));
    }
    let Built { directory, without, .. } = built(&given()?, &to_run(printed))?;
    let (cpp, port) = (Implementation { directory, printed, port: false }, Implementation::port(printed));

    for erratum in to_run(printed) {
        let [english, chinese] = fixes::says(erratum);
        println!("{}", say!("fixed in the article: {english}", "文章中已修正：{chinese}"));
    }
    for (program, why) in &without {
        println!("{}", say!("left out: {program}: {why}", "略去：{program}：{why}"));
    }
    let key = say!(
        "A number marks what an erratum of that number changes, !! what nothing explains.",
        "数字表示由该编号的勘误引起的差异，!! 表示没有解释的差异。"
    );
    println!("{key}");
    chosen.retain(|scenario| without.iter().all(|(program, _)| *program != scenario.program));
    let played = parallel(4, &chosen, |scenario| (run(scenario, &cpp), run(scenario, &port)));

    let mut all = Vec::new();
    for (scenario, (cpp, port)) in chosen.iter().zip(&played) {
        let says = scenario.says[usize::from(chinese())];
        println!("\n{}", say!("{scenario}: {says}", "{scenario}：{says}"));
        let pairs = compared(expected(cpp, !printed, scenario), port);
        pairs.iter().for_each(|pair| show(pair, half));
        let whys: Vec<Reason> = pairs.iter().flat_map(|pair| &pair.lines).map(|line| line.why).collect();
        let tally = tally(&whys);
        println!("{}", say!("{scenario}: {tally}", "{scenario}：{tally}"));
        all.extend(whys);
    }
    let seen: Vec<_> = chosen.iter().zip(played.iter().map(|(cpp, _)| cpp)).collect();
    let of_programs = seen.chunk_by(|one, next| one.0.program == next.0.program);
    for scenarios in of_programs.filter(|_| record) {
        let path = golden::write(scenarios, printed)?;
        println!("{}", say!("recorded: {path}", "已记录：{path}"));
    }
    let (count, total) = (chosen.len(), tally(&all));
    let build = if printed { say!("as printed", "原文版") } else { say!("mended", "修正版") };
    let total_line = say!("{count} scenarios, {build}: {total}", "{count} 个场景，{build}：{total}");
    println!("\n{}", total_line.replacen(" (", "\n(", 1).replacen('（', "\n（", 1));
    Ok(!all.contains(&Reason::Unexplained))
}

/// The parts that the words name, all if there are none.
fn chosen(words: &[String]) -> Result<Vec<Scenario>, String> {
    let (mut scenarios, mut known) = (scenarios()?, HashSet::new());
    let mut choices: Vec<&str> =
        scenarios.iter().flat_map(|scenario| [scenario.program, scenario.name]).collect();
    choices.retain(|choice| known.insert(*choice));
    if let Some(word) = words.iter().find(|word| !known.contains(&***word)) {
        let choices = choices.join(" ");
        return Err(say!(
            "ONLY={word}: it takes some of: {choices}",
            "ONLY={word}：可取下列名称：{choices}"
        ));
    }
    let named =
        |scenario: &Scenario| words.iter().any(|word| word == scenario.program || word == scenario.name);
    scenarios.retain(|scenario| words.is_empty() || named(scenario));
    Ok(scenarios)
}

/// A process: what differs is marked, with the erratum's number or with `!!`.
fn show(pair: &Pair, half: usize) {
    println!("     {:half$} | {}", format!("{}: C++", pair.name), say!("the port", "移植版"));
    for line in &pair.lines {
        let (mark, colour) = match line.why {
            Reason::Same => (String::new(), ""),
            Reason::Erratum(number) => (number.to_string(), "\x1b[33m"),
            Reason::Unexplained => ("!!".to_string(), "\x1b[31m"),
        };
        // What every line of the log begins with is left out.
        let shown =
            |row: &Option<String>| row.as_deref().unwrap_or("").replacen(" | TIME | me | ", "… ", 1);
        let [cpp, port] = [&line.cpp, &line.port].map(|row| Vec::from_iter(shown(row).chars()));
        let differs = cpp.iter().zip(&port).position(|(one, other)| one != other);
        let [cpp, port] = [cpp, port].map(|row| cut(&row, differs, half));
        let room = " ".repeat(half.saturating_sub(display_width(&cpp)));
        let row = format!("{mark:>4} {cpp}{room} | {port}");
        match colours() && !colour.is_empty() {
            true => println!("{colour}{row}\x1b[m"),
            false => println!("{}", row.trim_end()),
        }
    }
}

/// A row cut to fit, so that its end stays and what is different shows.
fn cut(row: &[char], differs: Option<usize>, half: usize) -> String {
    let head = half / 2;
    let text = |scenario: &[char]| scenario.iter().collect::<String>();
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

/// How many rows there are of each kind.
fn tally(whys: &[Reason]) -> String {
    let count = |why| whys.iter().filter(|other| **other == why).count();
    let (same, unexplained) = (count(Reason::Same), count(Reason::Unexplained));
    let explained = whys.len() - same - unexplained;
    let each =
        (1..100).map(|number| (number, count(Reason::Erratum(number)))).filter(|(_, count)| *count > 0);
    let each: Vec<String> = each.map(|(number, count)| format!("{number}: {count}")).collect();
    let each = match explained {
        0 => String::new(),
        _ => say!(" ({})", "（{}）", each.join(", ")),
    };
    say!(
        "{same} rows the same, {explained} explained{each}, {unexplained} unexplained",
        "{same} 行相同，{explained} 行有解释{each}，{unexplained} 行没有解释"
    )
}
