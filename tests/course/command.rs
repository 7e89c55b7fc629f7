//! `make lessons`: the list; with `RECORD=1` every trace block recorded again. `make lesson N=3`: one lesson, run now.

use std::io::{BufRead, IsTerminal};

use crate::course::lessons::{self, Lesson};
use crate::course::pages::{PAGES, printed_again};
use crate::course::reflow::{Style, lines};
use crate::course::runs;
use crate::course::views::{fitted, legend};
use crate::harness::builds::root;
use crate::harness::terminal::{colours, wide_columns};
use crate::harness::trace::may_trace;
use crate::harness::trace::render::raw;
use crate::say;

/// The widest that prose is set, and the width at which diagrams are recorded.
const WIDEST: usize = 100;

/// The lesson of that number, all without one; or one line that says which there are.
fn chosen(words: &[String]) -> Result<Vec<Lesson>, String> {
    let mut lessons = lessons::all();
    let Some(number) = words.first() else { return Ok(lessons) };
    let last = lessons.len() - 1;
    lessons.retain(|lesson| number.parse() == Ok(lesson.number));
    if lessons.is_empty() {
        return Err(say!(
            "there is no lesson {number}: N=0 to N={last}, `make lessons` lists them",
            "没有第 {number} 课：N=0 到 N={last}，`make lessons` 列出全部"
        ));
    }
    Ok(lessons)
}

pub fn list(words: &[String]) -> Result<bool, String> {
    for lesson in chosen(words)?.into_iter().map(Lesson::translated) {
        println!("{:2}  {}", lesson.number, lesson.title);
    }
    let more = say!(
        "make lesson N=0 runs the first; tests/lessons/README.md is the course's own page.",
        "make lesson N=0 运行第一课；课程的说明见 tests/lessons/zh-CN/README.md。"
    );
    println!("\n{more}");
    Ok(true)
}

/// Writes what a run shows into the lessons' files, and what commands print into the pages.
pub fn record(words: &[String]) -> Result<bool, String> {
    let written = |path: &std::path::Path, old: &str, new: &str| {
        let name = path.strip_prefix(root()).unwrap_or(path).display();
        if old == new {
            return println!("{}", say!("{name}: unchanged", "{name}：没有变化"));
        }
        std::fs::write(path, new).expect("the page can be written");
        println!("{}", say!("{name}: recorded", "{name}：已重新记录"));
    };
    may_trace()?;
    for lesson in chosen(words)? {
        let measured = runs::run(lesson.number);
        for page in [lesson.in_chinese(), Some(lesson)].into_iter().flatten() {
            written(&page.path, &page.text, &page.with(&measured));
        }
    }
    for page in PAGES.iter().filter(|_| words.is_empty()) {
        let (old, new, lacking) = printed_again(page);
        lacking.iter().for_each(|what| println!("{what}"));
        written(&root().join(page), &old, &new);
    }
    Ok(true)
}

/// Prints the lesson with what a run shows now.
pub fn show(words: &[String]) -> Result<bool, String> {
    if words.len() != 1 {
        return Err(say!(
            "which lesson? make lesson N=1; `make lessons` lists them",
            "哪一课？make lesson N=1；`make lessons` 列出全部"
        ));
    }
    let lesson = chosen(words)?.remove(0);
    let width = wide_columns("lesson", WIDEST)?;
    may_trace()?;
    let measured = runs::run(lesson.number);
    let lesson = lesson.translated();
    if std::env::var_os("ASK").is_some_and(|value| !value.is_empty()) {
        ask(&lesson, &measured, width);
    }
    print(&lesson, &measured, width);
    Ok(true)
}

/// The question with what leads to it, and the calls without what came back; Enter goes on.
fn ask(lesson: &Lesson, measured: &[Option<String>], width: usize) {
    let opening = lesson.text.split("\n## ").next().and_then(|head| head.split_once("\n# "));
    let opening = format!("# {}\n", opening.map_or("", |(_, opening)| opening.trim_end()));
    lines(&opening, width).iter().for_each(|(_, line)| println!("{line}"));
    println!();
    let recorded = lesson.traces();
    let texts =
        recorded.iter().zip(measured).map(|(trace, measured)| measured.as_deref().unwrap_or(trace.text));
    let texts: Vec<&str> = texts.collect();
    texts.iter().for_each(|text| println!("{}", without_results(&fitted(text, width))));
    if texts.iter().any(|text| text.contains("fork() = ") || text.contains("clone(")) {
        println!("{}", say!("Who is whose child?", "谁是谁的子进程？"));
    }
    let question =
        say!("What comes back from each call? Enter shows it.", "每个调用返回什么？按回车键看答案。");
    println!("{question}");
    if std::io::stdin().is_terminal() {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
    }
    println!();
}

/// Calls with `= ?`; of what is no call the first line alone.
fn without_results(text: &str) -> String {
    if !text.contains(" = ") {
        return format!("{}\n...\n", text.lines().next().unwrap_or_default());
    }
    text.lines().map(|line| without_result(line) + "\n").collect()
}

/// The line with a `?` for each result, each column where it was.
fn without_result(line: &str) -> String {
    let (mut hidden, mut rest) = (String::new(), line);
    while let Some((before, result)) = rest.split_once(" = ") {
        let quoted = result.strip_prefix('"').and_then(|text| {
            let ends = text.match_indices('"').find(|(at, _)| !text[..*at].ends_with('\\'));
            ends.map(|(at, _)| at + 2)
        });
        let plain = [" ─", " ◀", "  "].iter().filter_map(|end| result.find(end)).min();
        let end = quoted.or(plain).unwrap_or(result.len());
        let width = result[..end].chars().count();
        hidden += &format!("{before} = {:width$}", "?");
        rest = &result[end..];
    }
    hidden += rest;
    match hidden.find("┬ ") {
        Some(born) => hidden[..born].to_string() + "┬ ?",
        None => hidden.trim_end().to_string(),
    }
}

fn print(lesson: &Lesson, measured: &[Option<String>], width: usize) {
    let fitted: Vec<_> =
        measured.iter().map(|text| text.as_deref().map(|text| fitted(text, width))).collect();
    let text = lesson.with(&fitted);
    // Folded away in the file, and so here.
    let (shown, _answer) = text.split_once("<details>").expect("a lesson ends with its answer");
    let title = shown.find("\n# ").map_or(0, |at| at + 1);
    for (style, line) in lines(&shown[title..], width) {
        let ink = match style {
            Style::Heading => "1",
            Style::Trace => "36",
            Style::Block => "33",
            Style::Prose | Style::Fence => "",
        };
        match colours() && !ink.is_empty() {
            true => println!("\x1b[{ink}m{line}\x1b[0m"),
            false => println!("{line}"),
        }
    }
    let path = lesson.path.strip_prefix(root()).unwrap_or(&lesson.path).display();
    println!("{}", say!("(The answer: {path}.)", "（答案见 {path}。）"));
    if raw() && !legend().is_empty() {
        println!("{}", say!("In this run: {}", "这次运行中：{}", legend()));
    }
    for (trace, measured) in lesson.traces().iter().zip(measured) {
        let (first, needs) = (trace.first, lacking(trace.kind));
        let remark = match measured {
            None => say!("as it was recorded: {needs}", "是以前记录的：{needs}"),
            Some(measured) if measured != trace.text && !raw() => {
                say!("not as it was recorded", "与记录的不同")
            }
            _ => continue,
        };
        println!("\n{}", say!("The trace in line {first} is {remark}.", "第 {first} 行的跟踪{remark}。"));
    }
}

/// What would have to be there for a block to be run.
fn lacking(kind: &str) -> String {
    match kind.trim_start_matches("trace").trim_start() {
        "article" => say!("ARTICLE=file.md runs it here", "给出 ARTICLE=文件 就能在这里运行"),
        "unshare" => say!("this machine lets nobody be process 1", "这台机器不允许成为 1 号进程"),
        "tcpdump" => say!(
            "it needs tcpdump and the right to capture, `sudo make lesson`",
            "需要 tcpdump 和抓包的权限，`sudo make lesson`"
        ),
        needs => say!("it needs {needs}", "需要 {needs}"),
    }
}
