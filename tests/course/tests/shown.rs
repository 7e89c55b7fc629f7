//! Every lesson's traces are what a run shows, and every lesson has all of its parts.

use crate::course::lessons::{self, Lesson};
use crate::course::pages::{PAGES, printed_anew};
use crate::course::reflow::{self, Style};
use crate::course::traces::COURSE;
use crate::harness::builds::{exclusive, make_command, run_make};
use crate::harness::pool::parallel;
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;
use crate::harness::text::{display_width, without_colours};

/// What a lesson is made of, in order.
const PARTS: &str = "## What to type; ## What you see; ## In the article; ## Try; ## A question; \
                     <details>; <summary>Answer</summary>; </details>";

/// Lines of text; what is typed and seen is as long as it is.
const LONGEST: usize = 45;

/// A lesson's trace blocks are what a run shows now, character by character; otherwise the place, and both.
fn differs(lesson: &Lesson) -> Option<String> {
    let (traces, measured) = (lesson.traces(), lesson.run());
    assert_eq!(traces.len(), measured.len(), "{}: blocks", lesson.path.display());
    traces.iter().zip(measured).find_map(|(trace, measured)| {
        let line = format!("{}, line {}", lesson.path.display(), trace.first);
        let Some(measured) = measured else {
            assert!(trace.kind.contains(' '), "{line}: it needs nothing, and was not measured");
            return None;
        };
        let told = format!("{line}\n--- recorded\n{}\n--- now\n{measured}\n", trace.text);
        (trace.text != measured).then(|| told + "--- `make lessons RECORD=1` writes it anew\n")
    })
}

/// Numbered from 0 without a gap, every lesson shows what a run shows.
#[test]
fn every_lesson_shows_what_a_run_shows() {
    let mut lessons = lessons::all();
    assert!(lessons.iter().map(|lesson| lesson.number).eq(0..COURSE.len()));
    // The last one grades.
    let last = lessons.pop().expect("there are some");
    let mut differ = parallel(4, &lessons, differs);
    let _turn = exclusive();
    differ.push(differs(&last));
    let differ: String = differ.into_iter().flatten().collect();
    assert!(differ.is_empty(), "{differ}");
}

/// A lesson asks, says what to type, shows a trace, names the article's section, has something to
/// try and a question with its answer folded away, and no more text than that takes.
#[test]
fn each_lesson_has_all_its_parts() {
    for lesson in lessons::all() {
        let name = lesson.path.display();
        assert!(lesson.question.contains('?'), "{name}: the title asks");
        assert!(!lesson.traces().is_empty(), "{name}: a trace is shown");
        let live = format!("## What to type\n\n```sh\nmake lesson N={}\n", lesson.number);
        assert!(lesson.text.contains(&live), "{name}: its own command comes first");
        let mut rest = lesson.text.as_str();
        for part in PARTS.split("; ") {
            let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{name}: {part} in its place"));
            rest = after;
        }
        // A command stays on a line of its own, however long.
        let mut prose = lesson.text.split("```").step_by(2).flat_map(str::lines);
        assert_eq!(prose.find(|line| line.chars().count() > 120), None, "{name}: a line is too wide");
        let prose = lesson.text.split("```").step_by(2).flat_map(str::lines);
        let lines = prose.filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= LONGEST, "{name}: {lines} lines of text, {LONGEST} at most");
    }
}

/// `make lessons` lists every lesson with its question; with N that one alone.
#[test]
fn the_list_has_every_question() {
    let (_, list, _) = run_make(&["lessons"]);
    for lesson in lessons::all() {
        assert!(list.contains(&format!("{:2}  {}", lesson.number, lesson.question)), "{list}");
    }
    let (_, three, _) = run_make(&["lessons", "N=3"]);
    assert!(three.contains("port?") && three.lines().count() == 3, "{three}");
}

/// What is no lesson, and no right to trace, is one line that says what to do, and a status that is not 0.
#[test]
fn bad_input_is_one_line() {
    let directory = TempDir::empty();
    directory.script("strace", "echo strace: Operation not permitted >&2; exit 1");
    let path = format!("PATH={}:{}", directory.display(), std::env::var("PATH").unwrap_or_default());
    for (words, line) in [
        (&["lesson", "N=99"][..], "there is no lesson 99: N=0 to N="),
        (&["lesson", "N=abc"], "there is no lesson abc: N=0 to N="),
        (&["lesson"], "which lesson? make lesson N=1"),
        (&["lessons", "N=99"], "there is no lesson 99"),
        (&["lesson", "N=99", "LC_ALL=zh_CN.UTF-8"], "没有第 99 课"),
        (&["lesson", "N=1", &path], "strace may not trace here (strace: Operation not permitted)"),
    ] {
        let (status, _, said) = run_make(words);
        let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("make: ***")).collect();
        assert!(status != 0 && lines.len() == 1 && lines[0].starts_with(line), "{words:?}: {said}");
    }
}

/// A terminal that is too narrow is told so; one that is wide enough is asked for Enter, then shown the run itself.
#[test]
fn a_lesson_asks_first_and_shows_real_numbers() {
    let on_terminal =
        |words: &[&str], columns| make_command(words).env("NO_COLOR", "1").terminal(columns).start();
    let mut narrow = on_terminal(&["lesson", "N=9"], 59);
    narrow.screen().wait_for("the terminal has 59 columns; make it 60 or wider", 1);
    assert_eq!(narrow.wait(), 2);

    let mut asks = on_terminal(&["lesson", "N=7", "ASK=1", "RAW=1"], 120);
    asks.screen().wait_for("Enter shows it", 1);
    let before = asks.screen().text();
    let asked = ["a second process", "accept(3) = ?", "fork() = ?", "┬ ?", "Who is whose child?"];
    assert!(asked.iter().all(|text| before.contains(text)), "{before}");
    assert!(!before.contains("= 4") && !before.contains("HELLO\" ◀"), "{before}");
    asks.type_in(b"\n");
    assert_eq!(asks.wait(), 0);
    asks.screen().wait_for("(The answer:", 1);
    let after = asks.screen().text();
    let pid = after.split("fork() = child ").nth(1).and_then(|rest| rest.split(' ').next());
    assert!(pid.is_some_and(|pid| pid.parse::<u32>().is_ok()), "{after}");
    assert!(!after.contains("pid=PARENT"), "{after}");
}

/// On a terminal of 60 columns prose is filled and a diagram drawn again; the same trace is no difference.
#[test]
fn a_lesson_fits_the_terminal() {
    let mut make = make_command(&["lesson", "N=10"]).env("TERM", "xterm").terminal(60).start();
    assert_eq!(make.wait(), 0);
    make.screen().wait_for("(The answer:", 1);
    let text = without_colours(&make.screen().text().replace('\r', ""));
    assert!(text.lines().all(|line| display_width(line) <= 60), "{text}");
    assert!(text.contains("fork() ──") && text.contains("╵ exit(0)"), "{text}");
    assert!(!text.contains("not as it was recorded"), "{text}");
    // The prose is that of the page.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = lessons::all().remove(10).text;
    let (page, _) = page.split_once("<details>").expect("an answer follows");
    let paragraphs = page.split("\n\n").skip(1).filter(|text| !text.contains("```"));
    for paragraph in paragraphs {
        assert!(words(&text).contains(&words(paragraph)), "{paragraph}\n{text}");
    }
}

/// Headings, lists, tables, blocks and Chinese, each in its own way.
#[test]
fn a_page_is_reflowed() {
    let page = "# A title\n\nOne line of\nprose, and\nanother.\n\n- an item that\n  goes on\n- one more\n\n\
        | a | b |\n\n```trace\naccept(3, {sa_family=AF_INET}) = 4\n```\n\n中文\n中文\n";
    let expected = [
        (Style::Heading, "# A title"),
        (Style::Prose, ""),
        (Style::Prose, "One line of prose, and"),
        (Style::Prose, "another."),
        (Style::Prose, ""),
        (Style::Prose, "- an item that goes on"),
        (Style::Prose, "- one more"),
        (Style::Prose, ""),
        (Style::Prose, "| a | b |"),
        (Style::Prose, ""),
        (Style::Fence, "```trace"),
        (Style::Trace, "accept(3, {sa_family=AF"),
        (Style::Trace, "_INET}) = 4"),
        (Style::Fence, "```"),
        (Style::Prose, ""),
        (Style::Prose, "中文中文"),
    ];
    let shown = reflow::lines(page, 23);
    assert_eq!(shown, expected.map(|(style, line)| (style, line.to_string())));
}

/// What a page shows as printed by a command is what it prints.
#[test]
fn the_pages_show_what_runs_print() {
    for page in PAGES {
        let (old, new, lacking) = printed_anew(page);
        lacking.iter().for_each(|what| skip(what));
        let differs = old.lines().zip(new.lines()).find(|(old, new)| old != new);
        assert!(old == new, "{page}: {differs:?}; `make lessons ARTICLE=file RECORD=1` writes it anew");
    }
}
