//! Each page in Chinese says what its English one says: the same blocks, headings, tables, links and folded answers.

use std::path::Path;

use crate::support::programs::root;

/// Every English page and its Chinese one, from the project's directory. None before there is any in Chinese.
fn pairs() -> Vec<(String, String)> {
    if !root().join("tests/lessons/zh-CN").exists() {
        return Vec::new();
    }
    let pages = std::fs::read_dir(root().join("tests/lessons")).expect("the lessons are there").flatten();
    let names = pages.filter_map(|page| page.file_name().into_string().ok());
    let lessons = names.filter(|name| name.ends_with(".md"));
    let lessons =
        lessons.map(|name| (format!("tests/lessons/{name}"), format!("tests/lessons/zh-CN/{name}")));
    lessons.chain([("README.md".to_string(), "README.zh-CN.md".to_string())]).collect()
}

fn text(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// FNV-1a: enough to know one state of a page from another.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What of a page does not depend on its language, line by line; where its links lead, from the project's directory.
fn skeleton(page: &str) -> Vec<String> {
    let text = text(page);
    let directory = Path::new(page).parent().expect("it is a file");
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
        for link in line.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            skeleton.push(format!("a link to {}", same(&directory.join(target))));
        }
    }
    skeleton
}

/// A path without `..`, and the same for a page and its translation.
fn same(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.iter().filter_map(|part| part.to_str()) {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            _ => parts.push(part),
        }
    }
    parts.retain(|part| *part != "zh-CN");
    parts.join("/").replace(".zh-CN.md", ".md")
}

#[test]
fn both_languages_say_the_same() {
    for (english, chinese) in pairs() {
        let (ours, theirs) = (skeleton(&english), skeleton(&chinese));
        let differs = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        assert_eq!(differs, None, "{english} and {chinese}");
        assert_eq!(ours.len(), theirs.len(), "{english} and {chinese}: one goes on");
    }
}

/// A page that was changed in one language alone is named, with what to write once both say the same again.
#[test]
fn a_translation_is_not_older_than_its_page() {
    let mut stale = Vec::new();
    for (english, chinese) in pairs() {
        let name = english.rsplit('/').next().unwrap_or_default();
        let page = text(&chinese);
        let (first, rest) = page.split_once('\n').unwrap_or_default();
        // What stands in blocks is compared, or printed by runs.
        let prose: String = rest.split("\n```").step_by(2).collect();
        let mark =
            format!("<!-- follows: {name} {:08x}, as {:08x} -->", hash(&text(&english)), hash(&prose));
        if first != mark {
            stale.push(format!(
                "{english} or {chinese} was changed alone; where both say the same, its first line is {mark}"
            ));
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

/// Each page leads to the other language before its title.
#[test]
fn each_page_leads_to_the_other_language() {
    for (page, other) in pairs().into_iter().flat_map(|(one, two)| [(one.clone(), two.clone()), (two, one)])
    {
        let text = text(&page);
        let head = text.split("\n# ").next().unwrap_or_default();
        let name = other.strip_prefix("tests/lessons/").unwrap_or(&other);
        let link = if page.contains("/zh-CN/") { format!("](../{name})") } else { format!("]({name})") };
        assert!(head.contains(&link), "{page}: no link to {other} above its title");
    }
}
