//! The page is taken apart: both texts are whole, links lead somewhere, nothing is loaded, colours can be read.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::article::fixes;
use crate::article::{LISTINGS, Listings, article};
use crate::harness::builds::{SERVERS, program, root, run_make};
use crate::harness::diff::unified;
use crate::harness::net::ports::free_port;
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;
use crate::harness::trace::diagram::draw;
use crate::harness::trace::parse;
use crate::harness::{builds::Build, session};
use crate::page::document::names;
use crate::page::html::{LARGEST, session_path};
use crate::page::source_map::sources;
use crate::page::tests::markup::MarkupElement;

/// The page of the article that is given, or of no article, made once for each language.
pub fn page(language: &str, article: &str) -> (String, MarkupElement) {
    static MADE: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = format!("{language} {article}");
    if !made.iter().any(|(name, _)| *name == wanted) {
        let words = ["page", &format!("ARTICLE={article}"), &format!("LC_ALL={language}")];
        let (status, path, why) = run_make(&words);
        assert_eq!(status, 0, "{why}");
        let page = std::fs::read_to_string(path.trim()).unwrap_or_else(|error| panic!("{path}: {error}"));
        made.push((wanted.clone(), page));
    }
    let page =
        made.iter().find(|(name, _)| *name == wanted).map_or(String::new(), |(_, page)| page.clone());
    let element = MarkupElement::read(&page).unwrap_or_else(|why| panic!("not well-formed: {why}"));
    (page, element)
}

/// The lines of a file on the page: the elements whose id is its name and a number, in their order.
fn lines(page: &MarkupElement, file: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for element in page.all() {
        if element.attribute("id") == format!("{file}-{}", lines.len() + 1) {
            lines.push(element.text());
        }
    }
    lines
}

/// The lines of the left column in one form: what the switch hides is left out.
fn left_column(section: &MarkupElement, hidden: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let code = |cell: &MarkupElement| {
        let code = cell.elements().into_iter().find(|child| child.name == "code");
        code.map_or_else(|| cell.text(), MarkupElement::text)
    };
    for element in section.all() {
        let is_row = element.name == "tr" && !element.has_class("t") && !element.has_class(hidden);
        if is_row && !element.named("td").is_empty() {
            let cells = element.elements();
            let left = cells[..cells.len() - 1].iter().filter(|cell| !cell.has_class(hidden));
            // A cell without text is a line only if something in it has an id.
            let has_id =
                |cell: &MarkupElement| cell.all().iter().any(|element| !element.attribute("id").is_empty());
            let is_line = |cell: &&&MarkupElement| !code(cell).is_empty() || has_id(cell);
            lines.extend(left.filter(is_line).map(|cell| code(cell)));
        } else if element.name == "pre" && element.has_class("left") {
            let shown = element.elements().into_iter().filter(|line| !line.has_class(hidden));
            lines.extend(shown.map(code));
        }
    }
    lines
}

fn check_same(actual: &[String], expected: &str, what: &str) {
    let actual: String = actual.iter().map(|line| line.clone() + "\n").collect();
    let expected: String = expected.lines().map(|line| line.to_string() + "\n").collect();
    assert!(actual == expected, "{what}\n{}", unified(&expected, &actual).join("\n"));
}

fn section<'a>(page: &'a MarkupElement, file: &str) -> &'a MarkupElement {
    let has =
        |section: &&MarkupElement| section.named("h2").iter().any(|title| title.attribute("id") == file);
    page.named("section").into_iter().find(has).unwrap_or_else(|| panic!("no section {file}"))
}

/// Both columns are their sources, byte for byte, in both forms; each line of `src/` is there once.
#[test]
fn both_texts_are_whole() {
    let Some(article) = article() else { return skip("the page's left column: no ARTICLE") };
    let (text, page) = page("C", &article.display().to_string());
    assert!(text.len() <= LARGEST, "{} bytes", text.len());
    let listings = Listings::read(&article).expect("the article is read");
    let fixed = fixes::apply(&listings, &fixes::all());
    for name in LISTINGS {
        let file = names(name).0;
        check_same(&lines(&page, file), listings.get(name), file);
        let section = section(&page, file);
        check_same(&left_column(section, "f"), listings.get(name), &format!("{file}: as printed"));
        let corrected = fixed.text(name).unwrap_or_default();
        check_same(&left_column(section, "p"), &corrected, &format!("{file}: fixed"));
    }
    for (file, text) in sources() {
        check_same(&lines(&page, &file), &text, &file);
    }
}

/// Without an article all of `src/` is shown, and the header says what is missing; so does it for a part of one.
#[test]
fn what_there_is_is_shown() {
    let (text, page_of_src) = page("C", "");
    assert!(text.contains("No article: this page shows src/ only."), "{}", &text[..4000]);
    for (file, text) in sources() {
        check_same(&lines(&page_of_src, &file), &text, &file);
    }
    check_links(&page_of_src);
    let (status, shown, said) = run_make(&["page", "ARTICLE=no/such/file"]);
    assert!(status != 0 && shown.trim().is_empty() && said.contains("no/such/file"), "{shown}{said}");

    let Some(article) = article() else { return skip("a page of one listing: no ARTICLE") };
    let folder = TempDir::empty();
    let listings = Listings::read(&article).expect("the article is read");
    folder.write("server_v1.cc", listings.get("version one"));
    let (text, one) = page("C", &folder.display().to_string());
    for name in LISTINGS.iter().filter(|name| **name != "version one") {
        assert!(text.contains(&format!("{name}: not in this copy")), "{name}");
    }
    check_same(&lines(&one, "tcpServer_v1.cc"), listings.get("version one"), "version one");
    for (file, text) in sources() {
        check_same(&lines(&one, &file), &text, &file);
    }
    check_links(&one);
}

/// Ids are unique and every link has a target; nothing is loaded, and there is no script.
fn check_links(page: &MarkupElement) {
    let mut ids = HashSet::new();
    for element in page.all() {
        let id = element.attribute("id");
        assert!(id.is_empty() || ids.insert(id), "{id} twice");
    }
    for element in page.all() {
        for attribute in ["href", "for"] {
            let Some(target) = element.attributes.get(attribute) else { continue };
            match target.strip_prefix('#').or((attribute == "for").then_some(target)) {
                Some(id) => assert!(ids.contains(id), "{attribute} {target}"),
                None => assert!(root().join("target").join(target).is_file(), "no file {target}"),
            }
        }
        for attribute in ["src", "srcset", "data", "action", "poster", "background"] {
            assert!(!element.attributes.contains_key(attribute), "{} {attribute}", element.name);
        }
        let loads =
            ["script", "link", "img", "iframe", "object", "embed", "base", "audio", "video", "source"];
        assert!(!loads.contains(&element.name.as_str()), "{}", element.name);
        assert!(!element.attributes.keys().any(|name| name.starts_with("on")), "{}", element.name);
    }
    for word in ["@import", "url(", "@font-face", "expression("] {
        assert!(!page.text().contains(word), "{word}");
    }
}

#[test]
fn links_lead_somewhere_and_nothing_is_loaded() {
    let Some(article) = article() else { return skip("the page's links: no ARTICLE") };
    for language in ["C", "zh_CN.UTF-8"] {
        let (text, page) = page(language, &article.display().to_string());
        assert!(text.len() <= LARGEST, "{language}: {} bytes", text.len());
        check_links(&page);
        assert_eq!(page.attribute("lang"), if language == "C" { "en" } else { "zh-CN" });
        // Each erratum has its row, and a mark on both sides.
        for number in 1..=17 {
            let link = format!("#erratum-{number}");
            let marks: Vec<&MarkupElement> =
                page.named("a").into_iter().filter(|a| a.attribute("href") == link).collect();
            let has = |sign: char| marks.iter().any(|mark| mark.text() == format!("{sign}{number}"));
            assert!(has('✗') && has('✓'), "erratum {number}: {language}");
        }
        // Tables have headers for screen readers.
        for table in page.named("table") {
            assert!(table.named("th").iter().any(|th| th.attribute("scope") == "col"));
        }
    }
}

/// A line that makes a call shows what strace recorded, and its lesson; the same on either side of the switch.
#[test]
fn calls_are_those_that_strace_recorded() {
    let Some(article) = article() else { return skip("the page's calls: no ARTICLE") };
    let (_, page) = page("C", &article.display().to_string());
    let folder = std::fs::read_dir(root().join("tests/compare/traces")).expect("traces are recorded");
    let traces = folder.flatten().map(|file| std::fs::read_to_string(file.path()).unwrap_or_default());
    let traces: String = traces.collect();
    let mut shown = Vec::new();
    for row in page.named("tr").into_iter().filter(|row| row.has_class("t")) {
        let link = row.named("a")[0];
        let text = row.text().replace(&format!(" {}", link.text()), "");
        assert!(traces.contains(&format!("    {text}\n")), "{text}");
        assert!(link.attribute("href").starts_with("#lesson-"), "{text}");
        shown.push(text);
    }
    for call in [
        "socket(AF_INET, SOCK_STREAM, ",
        "bind(3, ",
        "listen(3, 5) = 0",
        "accept(3, ",
        "connect(3, ",
        "read(4, ",
        "write(4, ",
        "close(3) = 0",
        "close(4) = 0",
        "fork() = child 1",
        "fork() = grandchild 1",
        "wait4(child 1, ",
        "rt_sigaction(SIGCHLD, ",
        "exit_group(2)",
        "read(0, ",
        "write(1, \"Please enter\")",
        "write(1, \"DEBUG | ",
    ] {
        assert!(shown.iter().any(|text| text.starts_with(call)), "{call} is not shown");
    }
}

/// The diagram below a server is that of a session held now.
#[test]
fn diagrams_are_of_a_session_as_it_is() {
    for server in SERVERS {
        let bin = program(Build::Fixed, server);
        let bin = bin.parent().expect("a program is in a folder");
        let now = draw(&session::run(bin, server, 1, free_port()), 200, false);
        let recorded = std::fs::read_to_string(session_path(server)).expect("a session is recorded");
        let recorded = draw(&parse::read(&recorded), 200, false);
        assert_eq!(recorded, now, "make page RECORD=1 records it again\n{now}");
    }
}

/// Every text colour can be read on every background, in light, in dark, and in print, which is light.
#[test]
fn every_colour_can_be_read() {
    let css = include_str!("../style.css");
    let (light, rest) =
        css.split_once("@media screen and (prefers-color-scheme: dark)").expect("dark colours");
    let (dark, rest) = rest.split_once("\n}\n").expect("their end");
    for (mode, css) in [("light", light), ("dark", dark)] {
        let colours = colours(css);
        let of = |kind: &str| colours.iter().filter(|(name, _)| name.starts_with(kind)).collect::<Vec<_>>();
        assert!(of("--f-").len() > 10 && of("--b-").len() > 5, "{mode}: {colours:?}");
        for (text, front) in of("--f-") {
            for (background, back) in of("--b-") {
                let contrast = contrast(*front, *back);
                assert!(contrast >= 4.5, "{mode}: {text} on {background}: {contrast:.2}");
            }
        }
    }
    // All other rules use these colours, text the f- and backgrounds the b-; the switches are b- on f-.
    let (_, rules) = light.split_once("\n}\n").expect("the colours end");
    for line in rules.lines().chain(rest.lines()) {
        assert!(!line.contains("rgb(") && !line.contains("hsl("), "{line}");
        for (at, _) in line.match_indices('#') {
            let word: String = line[at + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
            let is_colour = [3, 6].contains(&word.len()) && word.chars().all(|c| c.is_ascii_hexdigit());
            assert!(!is_colour, "{line}");
        }
    }
    // The same for the diagram as a file of its own.
    let css = include_str!("../../harness/trace/diagram.css");
    let (light, dark) = css.split_once("@media").expect("dark colours");
    for css in [light, dark] {
        let colour = |name: &str| {
            let (_, value) = css.split_once(name).unwrap_or_else(|| panic!("{name}"));
            parsed(value.trim_start())
        };
        let background = colour("background:");
        for name in [
            " color:",
            "fill: #b",
            "fill: #f",
            ".c { stroke:",
            ".s { stroke:",
            ".h { stroke:",
            ".g { stroke:",
        ] {
            let Some((_, value)) = css.split_once(name) else { continue };
            let value = if let Some(start) = name.strip_prefix("fill: ") {
                format!("{start}{value}")
            } else {
                value.trim_start().to_string()
            };
            let contrast = contrast(parsed(&value), background);
            assert!(contrast >= 4.5, "diagram: {name}: {contrast:.2}");
        }
    }
}

type Colour = [f64; 3];

fn colours(css: &str) -> HashMap<String, Colour> {
    let mut colours = HashMap::new();
    for (at, _) in css.match_indices("--") {
        if let Some((name, value)) =
            css[at..].split_once(':').filter(|(_, value)| value.trim_start().starts_with('#'))
        {
            colours.insert(name.to_string(), parsed(value.trim_start()));
        }
    }
    colours
}

/// `#fff`, `#ffffff`.
fn parsed(value: &str) -> Colour {
    let digits: Vec<u32> = value[1..].chars().map_while(|c| c.to_digit(16)).collect();
    let channel = |at: usize| match digits.len() {
        3 => digits[at] * 17,
        _ => digits[2 * at] * 16 + digits[2 * at + 1],
    };
    [0, 1, 2].map(|at| f64::from(channel(at)) / 255.0)
}

/// As WCAG 2 defines it.
fn contrast(one: Colour, other: Colour) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let luminance = |[r, g, b]: Colour| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}
