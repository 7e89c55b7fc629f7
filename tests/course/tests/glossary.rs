//! The glossary: words that pages, help texts, messages, comments and test names do not use, and the standard term.
//!
//! Blocks of a page are not checked: they show what programs print and what is typed.

use std::path::{Path, PathBuf};

use crate::harness::builds::root;

/// What is not written, in lower case, and what is written instead. A `_` is the edge of a word.
const ENGLISH: &[(&str, &str)] = &[
    ("_mended_", "fixed"),
    ("_conversation_", "session"),
    ("_for_ever_", "forever"),
    ("_anew_", "again"),
    ("_whoever_", "a client that, anyone who"),
    ("_nobody_looks_at", "is not checked"),
    ("_what_comes_of_", "consequence"),
    ("_finds_no_room_", "does not fit"),
    ("_one_processor_full_", "100 % CPU"),
    ("_the_other_end_", "the peer"),
    ("_a_promise_", "a check"),
    ("_promise_kept", "check passed"),
    ("_in_a_new_dress", "in a new form"),
    ("_no_more_than_that_", "nothing else"),
    ("_nobody_listens", "no process listens"),
    ("_by_hand_", "manually, yourself"),
    ("_it_never_came_to_this", "timed out after 20 s waiting until"),
];

/// What the pages do not write; elsewhere it also means "at the same time".
const ON_PAGES: (&str, &str) = ("_at_once_", "immediately");

const CHINESE: &[(&str, &str)] = &[
    ("照抄文章的代码", "原文版"),
    ("承诺", "检查项"),
    ("打发走", "只放弃这个连接"),
    ("分组（", "报文段"),
    ("（child）", "only the Chinese term"),
    ("（parent）", "only the Chinese term"),
    ("（socket）", "*套接字*（socket） once, in lesson 1"),
    ("（buffer）", "only the Chinese term"),
    ("（signal）", "only the Chinese term"),
    ("（zombie）", "only the Chinese term"),
    ("（trace）", "only the Chinese term"),
    ("（file descriptor）", "only the Chinese term"),
    ("1,500", "1500"),
    ("20,000", "20000"),
    ("退出状态为", "退出码为"),
];

/// Where the Chinese term is explained with the English one.
const EXPLAINED: &[(&str, &str)] = &[("tests/lessons/zh-CN/01-listening-socket.md", "（socket）")];

/// All files below `directory` with one of these endings.
fn files(directory: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("a directory of the project can be read");
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            files(&path, endings, found);
        } else if endings.iter().any(|ending| name.ends_with(ending)) && name != "glossary.rs" {
            found.push(path);
        }
    }
}

/// The prose of a page, or the comments, messages and names of a source file, each with its line number.
fn lines(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).expect("a file of the project is UTF-8");
    let is_page = path.extension().is_some_and(|extension| extension == "md");
    let mut in_block = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if is_page && line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            lines.push((index + 1, line.to_string()));
        }
    }
    lines
}

/// A line in lower case, with one space for whatever separates words; an identifier is one word.
fn words(line: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || "%_-".contains(c) { c } else { ' ' };
    let spaced: String = line.to_lowercase().chars().map(letter).collect();
    format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn the_glossary_is_kept() {
    let mut paths: Vec<PathBuf> =
        ["README.md", "README.zh-CN.md", "Makefile"].map(|name| root().join(name)).into();
    files(&root().join("src"), &[".rs"], &mut paths);
    files(&root().join("tests"), &[".rs", ".md", ".sh", ".txt", ".c"], &mut paths);
    let mut found = Vec::new();
    for path in paths {
        let name = path.strip_prefix(root()).expect("it is below").display().to_string();
        // Recorded output is what programs printed.
        if name.contains("/traces/") || name.contains("recorded") {
            continue;
        }
        for (number, line) in lines(&path) {
            let words = words(&line);
            let on_pages = name.ends_with(".md").then_some(&ON_PAGES);
            for (old, new) in ENGLISH.iter().chain(on_pages) {
                let old = old.replace('_', " ");
                if words.contains(&old) {
                    found.push(format!("{name}:{number}: \"{}\": write: {new}", old.trim()));
                }
            }
            for (old, new) in CHINESE {
                if name.contains("zh-CN") && line.contains(old) && !EXPLAINED.contains(&(&name, old)) {
                    found.push(format!("{name}:{number}: {old}: write: {new}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}
