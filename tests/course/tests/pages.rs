//! Each page has its parts, and the commands that show lessons work.

use crate::article;
use crate::course::fixes::with_fixes;
use crate::course::lessons;
use crate::course::pages::{PAGES, PrintedPage, printed_again};
use crate::course::reflow::{self, Style};
use crate::harness::builds::{make_command, run_make};
use crate::harness::report::{Failure, end_test};
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;
use crate::harness::text::{display_width, without_colours};

/// What a lesson is made of, in order.
const PARTS: [&str; 8] = [
    "## What to type",
    "## What you see",
    "## In the article",
    "## Try",
    "## A question",
    "<details>",
    "<summary>Answer</summary>",
    "</details>",
];

/// Lines of prose; the blocks of what is typed and seen are not counted.
const LONGEST: usize = 50;

/// A lesson says what to type, shows a trace, names the article's section, has something to try and a
/// question with its answer folded away, and no more text than that takes.
#[test]
fn each_lesson_has_all_its_parts() {
    for lesson in lessons::all() {
        let name = lesson.place();
        assert!(!lesson.traces().is_empty(), "{name}: no trace");
        let live = format!("## What to type\n\n```sh\nmake lesson N={}\n", lesson.number);
        assert!(lesson.text.contains(&live), "{name}: `make lesson` is not the first command");
        let mut rest = lesson.text.as_str();
        for part in PARTS {
            rest = rest.split_once(part).unwrap_or_else(|| panic!("{name}: no {part} here")).1;
        }
        // A command stays on one line, however long.
        let prose: Vec<&str> = lesson.text.split("```").step_by(2).flat_map(str::lines).collect();
        if let Some(line) = prose.iter().find(|line| line.chars().count() > 120) {
            panic!("{name}: longer than 120 characters: {line}");
        }
        let lines = prose.iter().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= LONGEST, "{name}: {lines} lines of text, {LONGEST} at most");
    }
}

/// Each of the 17 errata has a lesson that shows its fix, in C++ as `make fixed` applies it and in Rust as it is in `src/`.
#[test]
fn each_erratum_has_a_lesson_with_its_fix() {
    let lessons = lessons::all();
    for erratum in article::fixes::all() {
        for language in ["cpp", "rust"] {
            let fence = format!("\n```{language} fix {erratum}\n");
            assert!(lessons.iter().any(|lesson| lesson.text.contains(&fence)), "no lesson has {fence}");
        }
    }
    let mut failed = false;
    for lesson in lessons {
        let fixed = with_fixes(&lesson.text);
        if lesson.text != fixed {
            let record = format!("make lessons RECORD=1 N={}", lesson.number);
            let failure = Failure::new("the fix is not the one that runs").case(lesson.place());
            failure.diff(&lesson.text, &fixed).record(record).print();
            failed = true;
        }
    }
    if failed {
        end_test();
    }
}

/// `make lessons` lists every lesson with its title; with N only that one.
#[test]
fn the_list_has_every_title() {
    let (_, list, _) = run_make(&["lessons"]);
    for lesson in lessons::all() {
        assert!(list.contains(&format!("{:2}  {}", lesson.number, lesson.title)), "{list}");
    }
    let (_, three, _) = run_make(&["lessons", "N=3"]);
    assert!(three.starts_with(" 3  ") && three.lines().count() == 3, "{three}");
}

/// A lesson that does not exist, and no right to trace: one line that says what to do, and a status other than 0.
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

/// A terminal that is too narrow: one line. RAW=1: the true numbers of one run, with the names of the text.
#[test]
fn a_narrow_terminal_is_reported_and_raw_shows_one_run() {
    let on_terminal =
        |words: &[&str], columns| make_command(words).env("NO_COLOR", "1").terminal(columns).start();
    let mut narrow = on_terminal(&["lesson", "N=9"], 59);
    narrow.screen().wait_for("the terminal has 59 columns; make it 60 or wider", 1);
    assert_eq!(narrow.wait(), 2);

    let mut raw = on_terminal(&["lesson", "N=7", "RAW=1"], 160);
    assert_eq!(raw.wait(), 0);
    raw.screen().wait_for("In this run: ", 1);
    let text = raw.screen().text().replace('\r', "");
    let number = |before: &str| {
        let found =
            text.split(before).nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
        let number = found.and_then(|number| number.parse::<u32>().ok());
        number.unwrap_or_else(|| panic!("no number after {before:?}:\n{text}"))
    };
    // The diagram, the sockets and the names are of one run.
    assert_eq!(number("fork() = child "), number("CHILD = "), "{text}");
    assert_eq!(number("pid="), number("PARENT = "), "{text}");
    assert_eq!(number("connect(3, 127.0.0.1:"), number("8080 = "), "{text}");
}

/// On a terminal of 60 columns prose is filled and a diagram drawn again; the same trace is no difference.
#[test]
fn a_lesson_fits_the_terminal() {
    let mut make = make_command(&["lesson", "N=10"]).env("TERM", "xterm").terminal(60).start();
    assert_eq!(make.wait(), 0);
    make.screen().wait_for("(The answer: make", 1);
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
        | a | b |\n\n```trace\naccept(3, {sa_family=AF_INET}) = 4\n```\n\n```sh\necho one 'two words and more' three\n```\n\n中文\n中文\n";
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
        (Style::Fence, "```sh"),
        (Style::Command, "echo one \\"),
        (Style::Command, "'two words and more' \\"),
        (Style::Command, "three"),
        (Style::Fence, "```"),
        (Style::Prose, ""),
        (Style::Prose, "中文中文"),
    ];
    let shown = reflow::lines(page, 23);
    assert_eq!(shown, expected.map(|(style, line)| (style, line.to_string())));
}

/// The examples of the pages are what their commands print.
#[test]
fn the_pages_show_what_runs_print() {
    let mut failure = Failure::new("an example is not what its command prints");
    let mut differ = false;
    for page in PAGES {
        let PrintedPage { old, new, lacking, errors } = printed_again(page);
        lacking.iter().for_each(|what| skip(what));
        if old != new {
            differ = true;
            failure = failure.note(page).diff(&old, &new).note(errors.concat());
        }
    }
    if differ {
        failure.record("make lessons ARTICLE=file RECORD=1").fail();
    }
}
