//! Each page in Chinese says what its English one says: the same blocks, headings, tables, links and folded answers.

use std::path::PathBuf;

use crate::harness::builds::root;
use crate::harness::report::Failure;

/// Every English page and its Chinese one, from the project's directory.
fn pairs() -> Vec<(String, String)> {
    let pages = std::fs::read_dir(root().join("tests/lessons")).expect("the lessons are there").flatten();
    let names = pages.filter_map(|page| page.file_name().into_string().ok());
    let lessons = names.filter(|name| name.ends_with(".md"));
    let pairs =
        lessons.map(|name| (format!("tests/lessons/{name}"), format!("tests/lessons/zh-CN/{name}")));
    pairs.chain([("README.md".to_string(), "README.zh-CN.md".to_string())]).collect()
}

fn text(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// FNV-1a: enough to know one state of a page from another.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Where a page's links lead.
fn links<'a>(text: &'a str, page: &str) -> impl Iterator<Item = PathBuf> + use<'a> {
    let page = root().join(page);
    text.split("](").skip(1).map(move |link| {
        let target = page.with_file_name(link.split([')', '#']).next().unwrap_or_default());
        target.canonicalize().unwrap_or(target)
    })
}

/// What of a page does not depend on its language, line by line.
fn skeleton(page: &str) -> Vec<String> {
    let text = text(page);
    let mut skeleton = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            // What `make` prints into a README is in the page's language.
            let body = if kind.is_empty() { String::new() } else { body.join("\n") };
            skeleton.push(format!("```{kind}\n{body}"));
        } else if line.starts_with('#') {
            skeleton.push(line.split(' ').next().unwrap_or_default().to_string());
        } else if line.starts_with('|') {
            skeleton.push(format!("{} columns", line.replace("\\|", "").matches('|').count()));
        } else if ["<details>", "</details>"].contains(&line) || line.starts_with("<summary>") {
            skeleton.push(line.chars().take(5).collect());
        }
        // A page and its translation are the same.
        let targets = links(line, page).map(|target| target.display().to_string().replace("/zh-CN/", "/"));
        skeleton.extend(targets.map(|target| format!("a link to {}", target.replace(".zh-CN.md", ".md"))));
    }
    skeleton
}

#[test]
fn both_languages_say_the_same() {
    for (english, chinese) in pairs() {
        let (ours, theirs) = (skeleton(&english), skeleton(&chinese));
        if ours == theirs {
            continue;
        }
        let same = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
        let first = ours.get(same).and_then(|part| text(&english).find(part));
        let line = first.map_or(1, |at| 1 + text(&english)[..at].lines().count());
        Failure::new(format!(
            "{chinese} does not have the blocks, headings, tables and links of {english}"
        ))
        .place(&english, line)
        .note("expected: the English page; actual: the Chinese one")
        .diff(&ours.join("\n"), &theirs.join("\n"))
        .fail();
    }
}

/// A page that was changed in one language alone is named, with what to write once both say the same again.
#[test]
fn a_translation_is_not_older_than_its_page() {
    // What stands in blocks is compared, or printed by runs; the first line is the mark.
    let prose = |page: &String| text(page).split("\n```").step_by(2).collect::<String>();
    let state = |page: &String| hash(prose(page).split_once('\n').map_or("", |(_, rest)| rest));
    let stale = pairs().into_iter().filter_map(|(english, chinese)| {
        let name = english.rsplit('/').next().unwrap_or_default();
        let mark = format!("<!-- follows: {name} {:08x}, as {:08x} -->", state(&english), state(&chinese));
        let line = format!(
            "Only one of these two was changed: {english}\n{chinese}\nOnce both say the same, its first line is\n{mark}\n"
        );
        (text(&chinese).lines().next() != Some(&mark)).then_some(line)
    });
    let stale: String = stale.collect();
    assert!(stale.is_empty(), "{stale}");
}

/// The first link of each page, above its title, leads to the other language.
#[test]
fn each_page_leads_to_the_other_language() {
    for (page, other) in pairs().into_iter().flat_map(|(one, two)| [(one.clone(), two.clone()), (two, one)])
    {
        let text = text(&page);
        let head = text.split("\n# ").next().unwrap_or_default();
        assert_eq!(links(head, &page).next(), root().join(other).canonicalize().ok(), "{page}");
    }
}
