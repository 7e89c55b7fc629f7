//! The tables at the end of the page: the errata, and the lessons.

use crate::page::document::PageDocument;
use crate::page::errata::{self, Erratum};
use crate::page::lessons::{self, LessonLink, of_erratum};
use crate::page::statement::Language;
use crate::page::syntax::{coloured, escaped};
use crate::say;

/// The longest C++ that is shown whole; of a longer one its first lines.
const LONGEST: usize = 6;

pub fn errata(document: &PageDocument) -> String {
    let title = say!("The 17 errata", "17 处勘误");
    let heads = [
        say!("No.", "编号"),
        say!("As printed, and the consequence", "原文及后果"),
        say!("The fix in C++", "C++ 的修正"),
        say!("What strace shows", "strace 的记录"),
    ];
    let mut html =
        format!("<section>\n<h2 id=\"errata\">{title}</h2>\n<table class=\"errata\">\n<thead><tr>");
    for head in heads {
        html += &format!("<th scope=\"col\">{head}</th>");
    }
    html += "</tr></thead>\n<tbody>\n";
    let lessons = lessons::lessons();
    for erratum in errata::errata() {
        html += &row(document, &erratum, &lessons);
    }
    html + "</tbody>\n</table>\n</section>\n"
}

fn row(document: &PageDocument, erratum: &Erratum, lessons: &[LessonLink]) -> String {
    let number = erratum.number;
    let cell = |at: usize| erratum.cells.get(at).map_or("", String::as_str);
    let lesson = of_erratum(lessons, number);
    let mut html = format!("<tr id=\"erratum-{number}\"><th scope=\"row\">{number}</th>\n<td>");
    let consequence = say!("Consequence:", "后果：");
    html += &format!("<strong>{}:</strong> {}.<br/>{consequence} {}.<br/>", cell(0), cell(1), cell(2));
    let places = places(document, number);
    if !places.is_empty() {
        html += &format!("{} {}<br/>", say!("Where:", "位置："), places.join(", "));
    }
    if let Some(lesson) = lesson {
        let says = say!("lesson {}", "第 {} 课", lesson.number);
        html += &format!("<a href=\"#lesson-{}\">{says}</a>: {}", lesson.number, escaped(&lesson.title));
    }
    html += "</td>\n<td>";
    html += &fix(document, number);
    html += "</td>\n<td>";
    html += &shown(number, lesson);
    html + "</td></tr>\n"
}

/// Links to lines that have an erratum: up to two of a listing, one of a file of `src/`.
fn places(document: &PageDocument, number: u32) -> Vec<String> {
    let mut places = Vec::new();
    let link = |id: &str, line: usize| format!("<a href=\"#{id}-{0}\">{id}:{0}</a>", line + 1);
    for section in &document.sections {
        let errata = &section.printed_errata;
        let mut lines: Vec<usize> =
            errata.keys().copied().filter(|line| errata[line].contains(&number)).collect();
        lines.sort();
        // Where a version repeats the first listing, its own place says nothing new.
        let repeated = |line: &usize| {
            let repeats = section.blocks.iter().filter(|block| block.repeats);
            repeats.flat_map(|block| &block.rows).any(|row| row.printed == Some(*line))
        };
        let own = lines.iter().filter(|line| !repeated(line));
        places.extend(own.take(2).map(|line| link(section.file, *line)));
    }
    let mut files: Vec<&String> = document.sources.keys().collect();
    files.sort();
    for file in files {
        let lines = 0..document.sources[file].len();
        let lines = lines.filter(|line| document.source_errata(file, *line).contains(&number));
        // The line that names it alone, if there is one.
        let line = lines.min_by_key(|line| document.source_errata(file, *line).len());
        places.extend(line.map(|line| link(file, line)));
    }
    places
}

/// The C++ of a fix, from the corrected listings.
fn fix(document: &PageDocument, number: u32) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut html = String::new();
    for section in &document.sections {
        let mut at = 0;
        while at < section.fixed.len() {
            let run = section.fixed[at..].iter().take_while(|line| line.fix == Some(number)).count();
            if run == 0 {
                at += 1;
                continue;
            }
            // Without the comments that say which erratum it is.
            let is_title = |text: &str| {
                let text = text.trim_start();
                text.starts_with("// Errat") || text.starts_with("// 勘误")
            };
            let lines = section.fixed[at..at + run].iter().map(|line| line.text.as_str());
            let lines: Vec<&str> = lines.filter(|text| !is_title(text)).collect();
            let indent = lines.iter().filter(|line| !line.trim().is_empty());
            let indent = indent.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
            let lines: Vec<&str> = lines.into_iter().map(|line| line.get(indent..).unwrap_or("")).collect();
            let text = lines.join("\n");
            if !lines.is_empty() && !shown.contains(&text) {
                let most = if lines.len() > LONGEST { 3 } else { lines.len() };
                let code: Vec<String> =
                    lines[..most].iter().map(|line| coloured(line, Language::Cpp)).collect();
                html += &format!("<pre>{}</pre>", code.join("\n"));
                if most < lines.len() {
                    let blank = section.fixed[at..].iter().take_while(|line| line.text.is_empty()).count();
                    let id = format!("fixed/{}-{}", section.file, at + blank + 1);
                    let more = say!("all {run} lines", "全部 {run} 行");
                    html += &format!("<a href=\"#{id}\">{more}</a>");
                }
                shown.push(text);
            }
            at += run;
        }
    }
    html
}

/// What strace recorded of an erratum, in both forms; or the traces of its lesson.
fn shown(number: u32, lesson: Option<&LessonLink>) -> String {
    let mut html = String::new();
    for [printed, fixed] in errata::shown(number) {
        for (form, text) in [(say!("as printed", "原文"), printed), (say!("fixed", "修正"), fixed)] {
            html += &format!("{form}<pre>{}</pre>", escaped(&text));
        }
    }
    if html.is_empty() {
        for trace in lesson.iter().flat_map(|lesson| &lesson.traces) {
            html += &format!("<pre>{}</pre>", escaped(trace.trim_end()));
        }
    }
    html
}

pub fn lessons() -> String {
    let title = say!("The lessons", "课程");
    let heads =
        [say!("No.", "编号"), say!("Question", "问题"), say!("Run it", "运行"), say!("Page", "页面")];
    let mut html =
        format!("<section>\n<h2 id=\"lessons\">{title}</h2>\n<table class=\"lessons\">\n<thead><tr>");
    for head in heads {
        html += &format!("<th scope=\"col\">{head}</th>");
    }
    html += "</tr></thead>\n<tbody>\n";
    for LessonLink { number, title, path, .. } in lessons::lessons() {
        let title = escaped(&title).replace('`', "");
        let name = path.rsplit('/').next().unwrap_or(&path);
        html += &format!(
            "<tr id=\"lesson-{number}\"><th scope=\"row\">{number}</th><td>{title}</td>\
            <td><a href=\"../{path}\">{name}</a></td></tr>\n"
        );
    }
    html + "</tbody>\n</table>\n</section>\n"
}
