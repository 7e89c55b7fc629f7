//! `make lessons`: the list; with `RECORD=1` every trace block recorded again. `make lesson N=3`: one lesson, run now.

use std::io::{BufRead, IsTerminal};

use crate::course::ask;
use crate::course::fixes::with_fixes;
use crate::course::lessons::{self, Lesson};
use crate::course::pages::{PAGES, PrintedPage, printed_again};
use crate::course::reflow::{Style, lines};
use crate::course::runs;
use crate::course::views::{fitted, legend};
use crate::harness::builds::root;
use crate::harness::diff::unified;
use crate::harness::switches::is_on;
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
            written(&page.path, &page.text, &with_fixes(&page.with(&measured)));
        }
    }
    for page in PAGES.iter().filter(|_| words.is_empty()) {
        let PrintedPage { old, new, lacking, .. } = printed_again(page);
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
    let lesson = chosen(words)?.remove(0).translated();
    let width = wide_columns("lesson", WIDEST)?;
    may_trace()?;
    let asks = is_on("ASK");
    if asks {
        ask(&lesson, width);
    }
    let measured = runs::run(lesson.number);
    assert_eq!(
        lesson.traces().len(),
        measured.len(),
        "{}: trace blocks, and those of the run",
        lesson.place()
    );
    print(&lesson, &measured, width, asks);
    Ok(true)
}

/// The question before the lesson; Enter shows the answer.
fn ask(lesson: &Lesson, width: usize) {
    let questions = ask::all();
    let question = questions.iter().find(|question| question.number == lesson.number);
    let question =
        question.unwrap_or_else(|| panic!("questions.txt has none for lesson {}", lesson.number));
    show_page(&format!("# {}. {}\n\n{}", lesson.number, lesson.title, question.text()), width);
    wait_for_enter();
    show_page(&format!("{}\n", question.answer()), width);
}

/// On a terminal the reader thinks first.
fn wait_for_enter() {
    println!("\n{}", say!("(Enter shows the answer.)", "（按回车键看答案。）"));
    if std::io::stdin().is_terminal() {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
    }
}

/// Markdown on the terminal.
fn show_page(page: &str, width: usize) {
    for (style, line) in lines(page, width) {
        let ink = match style {
            Style::Heading => "1",
            Style::Trace => "36",
            Style::Command | Style::Block => "33",
            Style::Prose | Style::Fence => "",
        };
        match colours() && !ink.is_empty() {
            true => println!("\x1b[{ink}m{line}\x1b[0m"),
            false => println!("{line}"),
        }
    }
}

fn print(lesson: &Lesson, measured: &[Option<String>], width: usize, asks: bool) {
    let fitted: Vec<_> =
        measured.iter().map(|text| text.as_deref().map(|text| fitted(text, width))).collect();
    let text = lesson.with(&fitted);
    // On the page the answer to the last question is folded.
    let (shown, answer) = text.split_once("<details>").expect("a lesson ends with its answer");
    let title = shown.find("\n# ").map_or(0, |at| at + 1);
    show_page(&shown[title..], width);
    if asks {
        wait_for_enter();
        let (_, answer) = answer.split_once("</summary>").unwrap_or(("", answer));
        show_page(answer.trim_start().trim_end().trim_end_matches("</details>"), width);
    } else {
        let n = lesson.number;
        println!("{}", say!("(The answer: make lesson N={n} ASK=1)", "（答案：make lesson N={n} ASK=1）"));
    }
    if raw() && !legend().is_empty() {
        println!("{}", say!("In this run: {}", "这次运行中：{}", legend()));
    }
    for (trace, measured) in lesson.traces().iter().zip(measured) {
        let (first, needs) = (trace.first, lacking(trace.kind, lesson.number));
        match measured {
            None => {
                assert!(trace.kind.contains(' '), "{}:{first}: not measured", lesson.place());
                println!(
                    "\n{}",
                    say!(
                        "The trace in line {first} is as it was recorded: {needs}.",
                        "第 {first} 行的跟踪是以前记录的：{needs}。"
                    )
                );
            }
            Some(measured) if measured != trace.text && !raw() => {
                println!(
                    "\n{}",
                    say!(
                        "The trace in line {first} is not as it was recorded:",
                        "第 {first} 行的跟踪与记录的不同："
                    )
                );
                println!("--- {}\n+++ {}", say!("recorded", "已记录"), say!("this run", "这次运行"));
                unified(trace.text, measured).iter().for_each(|line| println!("{line}"));
            }
            Some(_) => {}
        }
    }
}

/// What would have to be there for a block to be run.
fn lacking(kind: &str, number: usize) -> String {
    match kind.trim_start_matches("trace").trim_start() {
        "article" => say!("ARTICLE=file.html runs it here", "给出 ARTICLE=文件 就能在这里运行"),
        "unshare" => say!("this machine lets nobody be process 1", "这台机器不允许成为 1 号进程"),
        "tcpdump" => say!(
            "it needs tcpdump and the right to capture: `sudo make lesson N={number}`",
            "需要 tcpdump 和抓包的权限：`sudo make lesson N={number}`"
        ),
        needs => say!("it needs {needs}", "需要 {needs}"),
    }
}
