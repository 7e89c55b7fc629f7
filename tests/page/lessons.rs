//! The lessons for the page: their titles and files, and which explains an erratum first.

use std::path::PathBuf;

use crate::harness::builds::root;
use crate::harness::i18n::chinese;
use crate::page::errata::named;

pub struct LessonLink {
    pub number: u32,
    pub title: String,
    /// From the project's directory.
    pub path: String,
    /// What its trace blocks show.
    pub traces: Vec<String>,
    /// The errata that its English page names.
    errata: Vec<u32>,
}

/// All lessons, with their titles in the user's language.
pub fn lessons() -> Vec<LessonLink> {
    let folder = root().join("tests/lessons");
    let files = std::fs::read_dir(&folder).expect("the lessons are part of the checkout");
    let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let mut lessons = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.strip_suffix(".md").and_then(|name| name.split('-').next()?.parse().ok());
        let Some(number) = number else { continue };
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let english = read(&path);
        let translated = if chinese() { format!("zh-CN/{name}") } else { name };
        let text = read(&folder.join(&translated));
        let title = text.lines().find_map(|line| line.strip_prefix(&format!("# {number}. "))).unwrap_or("");
        let errata = english.lines().flat_map(named).collect();
        lessons.push(LessonLink {
            number,
            title: title.to_string(),
            path: format!("tests/lessons/{translated}"),
            traces: traces(&text),
            errata,
        });
    }
    lessons
}

/// The blocks of a page that a run has written.
fn traces(page: &str) -> Vec<String> {
    let mut traces = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match &mut block {
            None if line.starts_with("```trace") => block = Some(String::new()),
            None => {}
            Some(_) if line == "```" => traces.extend(block.take()),
            Some(text) => *text = format!("{text}{line}\n"),
        }
    }
    traces
}

/// The first lesson that names an erratum.
pub fn of_erratum(lessons: &[LessonLink], erratum: u32) -> Option<&LessonLink> {
    lessons.iter().find(|lesson| lesson.errata.contains(&erratum))
}
