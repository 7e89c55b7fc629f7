//! The page as HTML: one file without scripts, which loads nothing.

use std::collections::HashMap;

use crate::harness::builds::root;
use crate::harness::trace::{parse, svg};
use crate::page::calls::{Finder, Recorded, constants};
use crate::page::document::{Errata, PageBlock, PageDocument, PageSection};
use crate::page::records::{Form, Record, records};
use crate::page::rows::PageRow;
use crate::page::statement::Language;
use crate::page::syntax::{coloured, escaped, only_comments};
use crate::page::tables;
use crate::page::which_build::BuildOf;
use crate::say;

const STYLE: &str = include_str!("style.css");

/// The largest that the page may be, in bytes.
pub const LARGEST: usize = 250_000;

/// The whole page. `missing` says what could not be shown.
pub fn page(document: &PageDocument, missing: &[String]) -> String {
    let constants = all_constants(document);
    let mut html = head(missing) + &bar(document) + "<main>\n";
    for section in &document.sections {
        html += &SectionWriter::of(document, section, &constants).html();
    }
    html += &library(document);
    html += &tables::errata(document);
    html += &tables::lessons();
    html += "</main>\n</body>\n</html>\n";
    // A copy with longer comments goes without the colours of keywords.
    if html.len() > LARGEST { html.replace("<b>", "").replace("</b>", "") } else { html }
}

fn head(missing: &[String]) -> String {
    let language = say!("en", "zh-CN");
    let title =
        say!("The article's C++ and its port to Rust, side by side", "文章的 C++ 与 Rust 移植版，逐行对照");
    let (printed, fixed) = (say!("only as printed", "仅原文版"), say!("only fixed", "仅修正版"));
    let says = say!(
        "Left: the article's listings, from your copy. Right: src/. ⤷ is what strace recorded of a line, with the \
        lesson that explains it. A number marks one of the 17 errata and leads to its row at the end. Lines of src/ \
        that only one of the two builds has are marked at the right edge. Add #tcpServer.cc-41 to the address to \
        point at a line.",
        "左侧：文章的代码，取自你的副本。右侧：src/。⤷ 之后是 strace 对这一行的记录，以及讲解它的课程。带编号的标记是 17 处勘误之一，\
        点击可跳到文末的对应行。只属于一种构建的 src/ 代码行在右边缘有标记。在网址后加 #tcpServer.cc-41 可指向某一行。"
    );
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
        <meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
        <title>{title}</title>\n<style>\n:root {{ --printed: \"{printed}\"; --only-fixed: \"{fixed}\"; }}\n{}</style>\n\
        </head>\n<body>\n\
        <input class=\"switch\" type=\"radio\" name=\"form\" id=\"as-printed\" checked=\"checked\"/>\n\
        <input class=\"switch\" type=\"radio\" name=\"form\" id=\"fixed\"/>\n\
        <input class=\"switch\" type=\"checkbox\" id=\"calls\" checked=\"checked\"/>\n\
        <input class=\"switch\" type=\"radio\" name=\"side\" id=\"both\" checked=\"checked\"/>\n\
        <input class=\"switch\" type=\"radio\" name=\"side\" id=\"only-left\"/>\n\
        <input class=\"switch\" type=\"radio\" name=\"side\" id=\"only-right\"/>\n\
        <header>\n<h1>{title}</h1>\n<p>{says}</p>\n",
        minified(STYLE)
    );
    for line in missing {
        html += &format!("<p class=\"missing\">{}</p>\n", escaped(line));
    }
    html + "</header>\n"
}

/// A style sheet without comments and indents.
fn minified(css: &str) -> String {
    let mut lines = String::new();
    for line in css.lines().map(str::trim).filter(|line| !line.starts_with("/*") && !line.is_empty()) {
        lines += &line.replace(": ", ":").replace(" {", "{").replace(", ", ",").replace("; ", ";");
        lines.push('\n');
    }
    lines
}

fn bar(document: &PageDocument) -> String {
    let mut links = String::new();
    for section in &document.sections {
        links += &format!("<a href=\"#{0}\">{0}</a>\n", section.file);
    }
    let rest = [
        ("library", say!("library", "库")),
        ("errata", say!("errata", "勘误")),
        ("lessons", say!("lessons", "课程")),
    ];
    for (id, name) in rest {
        links += &format!("<a href=\"#{id}\">{name}</a>\n");
    }
    let label = |id: &str, text: String| format!("<label for=\"{id}\">{text}</label>");
    let forms =
        [label("as-printed", say!("as printed", "原文")), label("fixed", say!("fixed", "修正"))].concat();
    let calls = label("calls", say!("system calls", "系统调用"));
    let sides = [
        label("both", say!("both", "两侧")),
        label("only-left", say!("left", "左侧")),
        label("only-right", say!("right", "右侧")),
    ];
    let (article, select) = (say!("The article:", "文章："), say!("Select and copy:", "选择和复制："));
    format!(
        "<div class=\"bar\"><nav>\n{links}</nav>\n<span>{article} {forms}</span> <span>{calls}</span> \
        <span class=\"sides\">{select} {}</span></div>\n",
        sides.concat()
    )
}

/// The constants of both sides, for exit statuses.
fn all_constants(document: &PageDocument) -> HashMap<String, String> {
    let mut all = HashMap::new();
    for lines in document.sources.values() {
        all.extend(constants(&lines.join("\n")));
    }
    for section in &document.sections {
        all.extend(constants(&section.printed.join("\n")));
    }
    all
}

/// A form of a listing: its lines, their errata, and what strace recorded of it.
struct Side {
    lines: Vec<String>,
    errata: Errata,
    calls: Vec<Vec<Recorded>>,
    form: Form,
    /// Before a line's number in its id.
    id: String,
}

impl Side {
    fn of(section: &PageSection, form: Form, constants: &HashMap<String, String>) -> Self {
        let (lines, errata, id) = match form {
            Form::Printed => {
                (section.printed.clone(), section.printed_errata.clone(), section.file.to_string())
            }
            Form::Fixed => {
                let lines = section.fixed.iter().map(|line| line.text.clone()).collect();
                (lines, section.fixed_errata(), format!("fixed/{}", section.file))
            }
        };
        let recorded: Vec<Record> = section.program.map_or(Vec::new(), |program| records(program, form));
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut finder = Finder::new(&texts, section.program == Some("tcp_client"), &recorded, constants);
        let calls = texts.iter().map(|line| finder.calls(line)).collect();
        Side { lines, errata, calls, form, id }
    }
}

struct SectionWriter<'a> {
    document: &'a PageDocument,
    section: &'a PageSection,
    printed: Side,
    fixed: Side,
}

impl<'a> SectionWriter<'a> {
    fn of(
        document: &'a PageDocument,
        section: &'a PageSection,
        constants: &HashMap<String, String>,
    ) -> Self {
        let side = |form| Side::of(section, form, constants);
        SectionWriter { document, section, printed: side(Form::Printed), fixed: side(Form::Fixed) }
    }

    fn html(&self) -> String {
        let mut html = format!("<section>\n<h2 id=\"{0}\">{0}</h2>\n", self.section.file);
        if !self.section.found {
            let why =
                say!("This copy of the article does not have this listing.", "这份副本中没有这份代码。");
            html += &format!("<p class=\"missing\">{why}</p>\n");
        }
        html += &self.what_is_new();
        for block in &self.section.blocks {
            html += &if block.repeats { self.folded(block) } else { self.table(block) };
        }
        for file in &self.section.library {
            html += &one_file(self.document, file);
        }
        if let Some(program) = self.section.program.filter(|program| *program != "tcp_client") {
            html += &diagram(program);
        }
        html + "</section>\n"
    }

    /// Links to the lines that a version has and the first listing has not.
    fn what_is_new(&self) -> String {
        let mut new: Vec<usize> = self.section.new.iter().copied().collect();
        new.sort();
        if new.is_empty() {
            return String::new();
        }
        let mut links = Vec::new();
        for run in new.chunk_by(|one, next| next - one <= 2) {
            let (first, last) = (run[0] + 1, run[run.len() - 1] + 1);
            let range = if first == last { first.to_string() } else { format!("{first}–{last}") };
            links.push(format!("<a href=\"#{}-{first}\">{range}</a>", self.section.file));
        }
        let links = links.join(", ");
        let says = say!(
            "New here, with a green edge: lines {links}. What repeats tcpServer.cc is folded.",
            "这一版新增的行（绿色边缘）：{links}。与 tcpServer.cc 相同的部分已折叠。"
        );
        format!("<p>{says}</p>\n")
    }

    /// Lines that repeat the first listing. Their counterparts and calls are there.
    fn folded(&self, block: &PageBlock) -> String {
        let lines: Vec<usize> =
            block.rows.iter().filter_map(|row| row.printed).map(|line| line + 1).collect();
        let (first, last) = (lines.first().unwrap_or(&0), lines.last().unwrap_or(&0));
        let says = say!(
            "Lines {first} to {last} repeat tcpServer.cc; the port has them once, in {0}",
            "第 {first} 至 {last} 行与 tcpServer.cc 相同；移植版只写一次，在 {0} 中",
            block.right
        );
        let p = block.rows.iter().find_map(|row| row.printed).unwrap_or(0);
        let f = block.rows.iter().find_map(|row| row.fixed).unwrap_or(0);
        let mut html = format!(
            "<details><summary>{says}</summary>\n<pre class=\"one left\" style=\"--p:{p};--f:{f}\">"
        );
        let line = |side: &Side, line: Option<usize>, class: &str| {
            line.map_or(String::new(), |line| side.element("i", line, class))
        };
        for row in &block.rows {
            let same = row.printed.map(|line| &self.printed.lines[line])
                == row.fixed.map(|line| &self.fixed.lines[line]);
            html += &line(&self.printed, row.printed, if same { "" } else { "p" });
            html += &line(&self.fixed, row.fixed.filter(|_| !same), "f");
        }
        html + "</pre></details>\n"
    }

    fn table(&self, block: &PageBlock) -> String {
        let p = block.rows.iter().find_map(|row| row.printed).unwrap_or(0);
        let f = block.rows.iter().find_map(|row| row.fixed).unwrap_or(0);
        let r = block.rows.iter().find_map(|row| row.right).unwrap_or(0);
        let mut html = format!(
            "<table class=\"both\" style=\"--p:{p};--f:{f};--r:{r}\">\n<thead><tr><th scope=\"col\">\
            <span class=\"p\">{0}</span><span class=\"f\">target/fixed/{0}</span></th>\
            <th scope=\"col\">{1}</th></tr></thead>\n",
            self.section.file, block.right
        );
        // A pair of several rows is a group of its own.
        for rows in block.rows.chunk_by(|_, next| next.continues) {
            let lines: String = rows.iter().map(|row| self.row(block, row)).collect();
            html += &match rows.len() {
                1 => lines,
                _ => format!("<tbody class=\"g\">{lines}</tbody>"),
            };
        }
        html + "</table>\n"
    }

    fn row(&self, block: &PageBlock, row: &PageRow) -> String {
        let printed = row.printed.map(|line| &self.printed.lines[line]);
        let fixed = row.fixed.map(|line| &self.fixed.lines[line]);
        let is_new = row.printed.is_some_and(|line| self.section.new.contains(&line));
        let new = if is_new { "new" } else { "" };
        let p = |class: &str| self.printed.cell(row.printed, class);
        let f = |class: &str| self.fixed.cell(row.fixed, class);
        let both = if is_new { "new p" } else { "p" };
        let (class, left) = match () {
            () if printed == fixed => ("", p(new)),
            () if row.right.is_some() => ("", p(both) + &f("f")),
            () if printed.is_some() => (" class=\"p\"", p(new)),
            () => (" class=\"f\"", f("")),
        };
        format!("<tr{class}>{left}{}</tr>{}", self.right_cell(block, row.right), self.calls(row))
    }

    fn right_cell(&self, block: &PageBlock, line: Option<usize>) -> String {
        let Some(line) = line else { return "<td></td>".to_string() };
        let file = &block.right;
        let build = build_class(self.document, file, line);
        let is_new = self.document.new.get(file).is_some_and(|new| new.contains(&line));
        let class = if is_new { format!("new {build}") } else { build };
        let errata = self.document.source_errata(file, line);
        let text = &self.document.sources[file][line];
        // What no listing has is only looked up.
        let text =
            if file == "src/errata.rs" { only_comments(text) } else { coloured(text, Language::Rust) };
        element("td", class.trim(), &format!("{file}-{}", line + 1), &text, &errata, '✓')
    }

    /// What strace recorded of the left line of a row, in both forms where they differ.
    fn calls(&self, row: &PageRow) -> String {
        let of =
            |side: &Side, line: Option<usize>| line.map_or(Vec::new(), |line| side.calls[line].clone());
        let (printed, fixed) = (of(&self.printed, row.printed), of(&self.fixed, row.fixed));
        if printed == fixed {
            return calls("", &printed);
        }
        calls(" p", &printed) + &calls(" f", &fixed)
    }
}

fn calls(class: &str, calls: &[Recorded]) -> String {
    let mut html = String::new();
    for Recorded { text, lesson } in calls {
        html += &format!(
            "<tr class=\"t{class}\"><td colspan=\"2\">{} <a href=\"#lesson-{lesson}\">{}</a></td></tr>",
            escaped(text),
            say!("lesson {lesson}", "第 {lesson} 课")
        );
    }
    html
}

impl Side {
    /// A line; of a corrected listing only the start of a fix has an id.
    fn element(&self, tag: &str, line: usize, class: &str) -> String {
        let none = Vec::new();
        let errata = self.errata.get(&line).unwrap_or(&none);
        let id = match self.form {
            // An empty one has an id, too: otherwise it would be no line.
            Form::Fixed if errata.is_empty() && !self.lines[line].is_empty() => String::new(),
            _ => format!("{}-{}", self.id, line + 1),
        };
        let sign = if self.form == Form::Printed { '✗' } else { '✓' };
        element(tag, class, &id, &coloured(&self.lines[line], Language::Cpp), errata, sign)
    }

    fn cell(&self, line: Option<usize>, class: &str) -> String {
        line.map_or(element("td", class, "", "", &[], ' '), |line| self.element("td", line, class))
    }
}

/// A line, which alone is the text of the element with its id; before it its errata.
fn element(tag: &str, class: &str, id: &str, text: &str, errata: &[u32], sign: char) -> String {
    let attribute = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!(" {name}=\"{value}\""),
    };
    let (class, id) = (attribute("class", class), attribute("id", id));
    if errata.is_empty() {
        return format!("<{tag}{class}{id}>{text}</{tag}>");
    }
    let mut marks = String::new();
    for number in errata {
        marks += &format!("<a href=\"#erratum-{number}\">{sign}{number}</a>");
    }
    format!("<{tag}{class}>{marks}<code{id}>{text}</code></{tag}>")
}

/// The class of a line that one build has only, and of the first of several.
fn build_class(document: &PageDocument, file: &str, line: usize) -> String {
    let builds = &document.builds[file];
    let class = match builds[line] {
        BuildOf::Both => return String::new(),
        BuildOf::Printed => "o",
        BuildOf::Fixed => "n",
    };
    let first = if line == 0 || builds[line - 1] != builds[line] { " h" } else { "" };
    format!("{class}{first}")
}

/// A file of `src/` that no listing is beside.
fn one_file(document: &PageDocument, file: &str) -> String {
    let mut html = format!("<details><summary>{file}</summary>\n<pre class=\"one\">");
    for (index, line) in document.sources[file].iter().enumerate() {
        let (class, id) = (build_class(document, file, index), format!("{file}-{}", index + 1));
        html += &element("i", &class, &id, &only_comments(line), &[], ' ');
    }
    html + "</pre></details>\n"
}

fn library(document: &PageDocument) -> String {
    let title =
        say!("What the article takes from the C and C++ libraries", "文章取自 C 和 C++ 标准库的部分");
    let files: String = document.library.iter().map(|file| one_file(document, file)).collect();
    format!("<section>\n<h2 id=\"library\">{title}</h2>\n{files}</section>\n")
}

/// Where the trace of a session of a server and a client is kept, for its diagram.
pub fn session_path(program: &str) -> std::path::PathBuf {
    root().join(format!("tests/page/sessions/{program}.strace"))
}

fn diagram(program: &str) -> String {
    let path = session_path(program);
    let trace =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let says = say!(
        "A session of the fixed server: make lanes SERVER={program}",
        "修正版服务端的一次会话：make lanes SERVER={program}"
    );
    let svg = svg::inline(&parse::read(&trace));
    format!("<h3>{says}</h3>\n<div class=\"scroll\" tabindex=\"0\">{svg}</div>\n")
}
