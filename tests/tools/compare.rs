//! `make compare`: the article's C++ and the port in the same scenarios, their calls in two columns.
//!
//! `ARTICLE` names the saved copy, `AS_PRINTED` the build, `RECORD` writes what was seen
//! of the C++ to `tests/traces`. Words choose programs or scenarios by name.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::{Command, ExitCode, Stdio};

use crate::support::article::article;
use crate::support::article::build::{Built, built, mends};
use crate::support::programs::{Build, program, root};
use crate::support::sameness::conduct::{Process, Row};
use crate::support::sameness::differences::{Line, Pair, Why, compared, expected};
use crate::support::sameness::records;
use crate::support::sameness::scenarios::{Part, four_at_a_time, parts};
use crate::support::sameness::scene::Cast;

/// A row's share of 120 columns: twice this, two marks and a bar.
const WIDTH: usize = 55;

pub fn main(words: &[String]) -> ExitCode {
    match compare(words) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(line) => {
            eprintln!("{line}");
            ExitCode::from(2)
        }
    }
}

/// How many differences have no explanation, or one line that says why nothing is compared.
fn compare(words: &[String]) -> Result<usize, String> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let (printed, record) = (is_set("AS_PRINTED"), is_set("RECORD"));
    let article = article().ok_or("say where the article lies: make compare ARTICLE=file.md")?;
    let strace = Command::new("strace").arg("--version").stdout(Stdio::null()).status();
    strace.map_err(|error| format!("strace is missing, install it ({error})"))?;
    let Built { directory: cpp, without } = built(&article, printed)?;
    let port = program(if printed { Build::AsPrinted } else { Build::Mended }, "");

    for mend in mends(printed) {
        println!("mended in the article: {mend}");
    }
    for (program, why) in &without {
        println!("left out: {program}: {why}");
    }
    println!("A number marks what an erratum of that number changes, !! what nothing explains,");
    println!("* the one call that asks whether the log has a limit.");
    let chosen = |part: &Part| {
        let named = |word: &String| word == part.program || word == part.scenario.name;
        let is_there = without.iter().all(|(program, _)| *program != part.program);
        is_there && (words.is_empty() || words.iter().any(named))
    };
    let parts: Vec<Part> = parts().into_iter().filter(chosen).collect();
    if parts.is_empty() {
        return Err("ONLY= takes programs and scenarios by name, as the summary lines do".to_string());
    }
    let played = four_at_a_time(&parts, |part| {
        let cpp = part.play(Cast { directory: &cpp, printed, port: false });
        let port = part.play(Cast { directory: &port, printed, port: true });
        (cpp, port)
    });

    let colour = std::io::stdout().is_terminal() && !is_set("NO_COLOR");
    let mut total = Tally::default();
    for (part, (cpp, port)) in parts.iter().zip(&played) {
        println!("\n{part}: {}", part.scenario.says);
        let mut tally = Tally::default();
        let expected = expected(cpp, !printed, part.difference());
        for pair in compared(expected, port) {
            show(&pair, colour);
            pair.lines.iter().for_each(|line| tally.add(line));
        }
        println!("{part}: {tally}");
        total.merge(&tally);
    }
    if record && words.is_empty() {
        write_records(&parts, &played, printed)?;
    }
    let build = if printed { "as printed" } else { "mended" };
    let total_line = total.to_string().replacen(" (", "\n(", 1);
    println!("\n{} scenarios, {build}: {total_line}", parts.len());
    Ok(total.count(Why::Unexplained))
}

fn write_records(
    parts: &[Part],
    played: &[(Vec<Process>, Vec<Process>)],
    printed: bool,
) -> Result<(), String> {
    let mut programs: BTreeMap<&str, Vec<(Part, &[Process])>> = BTreeMap::new();
    for (part, (cpp, _)) in parts.iter().zip(played) {
        programs.entry(part.program).or_default().push((*part, cpp));
    }
    for (program, parts) in programs {
        let path = records::path(program, printed);
        let text = records::written(program, printed, &parts);
        std::fs::create_dir_all(path.parent().expect("it stands in a directory"))
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        println!("recorded: {}", path.strip_prefix(root()).unwrap_or(&path).display());
    }
    Ok(())
}

/// A process: what differs is marked, with the erratum's number or with `!!`.
fn show(pair: &Pair, colour: bool) {
    println!("     {:WIDTH$} | the port", format!("{}: C++", pair.name));
    for line in &pair.lines {
        let mark = match line.why {
            Why::Same => String::new(),
            Why::Erratum(number) => number.to_string(),
            Why::Limit => "*".to_string(),
            Why::Unexplained => "!!".to_string(),
        };
        let (cpp, port) = columns(line);
        let row = format!("{mark:>4} {cpp:WIDTH$} | {port}");
        match line.why {
            Why::Unexplained if colour => println!("\x1b[31m{row}\x1b[m"),
            Why::Erratum(_) | Why::Limit if colour => println!("\x1b[33m{row}\x1b[m"),
            _ => println!("{}", row.trim_end()),
        }
    }
}

/// Both rows, cut to fit, so that the end stays and what is different shows. What every
/// line of the log begins with is left out.
fn columns(line: &Line) -> (String, String) {
    let shown = |row: &Option<Row>| {
        let text = row.as_ref().map_or(String::new(), Row::to_string);
        text.replacen(" | TIME | me | ", "… ", 1).chars().collect()
    };
    let (cpp, port): (Vec<char>, Vec<char>) = (shown(&line.cpp), shown(&line.port));
    let differs = cpp.iter().zip(&port).position(|(one, other)| one != other);
    (cut(&cpp, differs), cut(&port, differs))
}

fn cut(row: &[char], differs: Option<usize>) -> String {
    const HEAD: usize = 27;
    if row.len() <= WIDTH {
        return row.iter().collect();
    }
    let tail = WIDTH - HEAD - 1;
    let from = match differs {
        Some(at) if at + tail / 2 > HEAD => (at - at.min(tail / 2)).clamp(HEAD, row.len() - tail),
        Some(_) => HEAD,
        None => row.len() - tail,
    };
    let skipped = if from > HEAD { "…" } else { "" };
    let head: String = row[..HEAD].iter().collect();
    let tail: String = row[from..].iter().take(tail).collect();
    format!("{head}{skipped}{tail}")
}

/// How many rows there are of each kind.
#[derive(Default)]
struct Tally(BTreeMap<(u8, u32), usize>);

impl Tally {
    fn key(why: Why) -> (u8, u32) {
        match why {
            Why::Same => (0, 0),
            Why::Erratum(number) => (1, number),
            Why::Limit => (2, 0),
            Why::Unexplained => (3, 0),
        }
    }

    fn add(&mut self, line: &Line) {
        *self.0.entry(Self::key(line.why)).or_default() += 1;
    }

    fn merge(&mut self, other: &Tally) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    fn count(&self, why: Why) -> usize {
        self.0.get(&Self::key(why)).copied().unwrap_or(0)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (same, unexplained) = (self.count(Why::Same), self.count(Why::Unexplained));
        let explained = self.0.values().sum::<usize>() - same - unexplained;
        write!(out, "{same} rows the same, {explained} explained")?;
        let mut sign = " (";
        for ((kind, number), count) in &self.0 {
            match kind {
                1 => write!(out, "{sign}{number}: {count}")?,
                2 => write!(out, "{sign}*: {count}")?,
                _ => continue,
            }
            sign = ", ";
        }
        let end = if explained > 0 { ")" } else { "" };
        write!(out, "{end}, {unexplained} unexplained")
    }
}
