//! The 17 fixes of the article's C++: reads the files in `fixes/` and applies them to a reader's copy.
//!
//! A fix is a semantic patch: `-` lines are removed, `+` lines inserted, all other lines find the place. It is
//! matched token by token, so spacing, line breaks and comments of the copy do not matter. `$name` matches an
//! expression, `"$name"` a string literal, `...` anything up to the next bracket that closes; `$name...` does so
//! and keeps it. A name has one meaning in a listing. An empty line starts a new search from the listing's start.
//! `@@` names the listings; `with N`, `without N`: only if erratum N is fixed too, or is not. `unless` is what a
//! copy contains that has this fix already.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::edit::{SourceLine, SourceText};
use super::pattern::{Bindings, Hunk, is_in};
use crate::article::listings::Listings;
use crate::harness::builds::root;
use crate::say;

/// The three servers' listings.
const SERVERS: [&str; 3] = ["tcpServer.cc", "version one", "version two"];
/// Without these the servers do not compile, or end at their first client.
pub const TO_RUN: [u32; 3] = [2, 3, 4];

/// The numbers of all errata.
pub fn all() -> BTreeSet<u32> {
    (1..=17).collect()
}

/// A file of `fixes/`.
struct Fix {
    /// One erratum, or those that need what the file inserts.
    errata: Vec<u32>,
    /// `Erratum 9`, `Errata 8, 9 and 14`.
    title: String,
    /// What it fixes, in English and in Chinese, each with the title.
    says: [String; 2],
    sections: Vec<FixSection>,
}

struct FixSection {
    listings: Vec<&'static str>,
    with: Option<u32>,
    without: Option<u32>,
    unless: Vec<String>,
    hunks: Vec<Hunk>,
}

/// What is to be reported of a fix in a listing.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The copy contains it already.
    Already { erratum: u32, listing: &'static str },
    /// It did not find its place: what it looked for.
    NotFound { erratum: u32, listing: &'static str, wanted: String },
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let line = match self {
            Note::Already { erratum, listing } => say!(
                "erratum {erratum}, {listing}: fixed in your copy already, left as it is",
                "勘误 {erratum}，{listing}：你的文件已经改好，保持原样"
            ),
            Note::NotFound { erratum, listing, wanted } => say!(
                "erratum {erratum}, {listing}: not fixed, found no place that matches: {wanted}",
                "勘误 {erratum}，{listing}：未修正，没有找到匹配的位置：{wanted}"
            ),
        };
        out.write_str(&line)
    }
}

/// The listings of a copy with some of the fixes.
pub struct Fixed {
    listings: BTreeMap<&'static str, Vec<SourceLine>>,
    pub notes: Vec<Note>,
}

impl Fixed {
    /// The lines of a listing, if the copy has it.
    pub fn lines(&self, listing: &str) -> Option<&[SourceLine]> {
        self.listings.get(listing).map(Vec::as_slice)
    }

    /// The text of a listing, if the copy has it.
    pub fn text(&self, listing: &str) -> Option<String> {
        let lines = self.lines(listing)?.iter();
        Some(lines.map(|line| line.text.clone() + "\n").collect())
    }
}

/// The listings of a copy with the fixes of these errata.
pub fn apply(listings: &Listings, errata: &BTreeSet<u32>) -> Fixed {
    let mut fixed = Fixed { listings: BTreeMap::new(), notes: Vec::new() };
    let fixes = in_order(errata);
    for listing in crate::article::classify::LISTINGS {
        let Some(text) = listings.find(listing) else { continue };
        let mut document = SourceText::of(text);
        for fix in &fixes {
            if let Some(note) = fix.apply(listing, errata, &mut document) {
                fixed.notes.push(note);
            }
        }
        fixed.listings.insert(listing, document.lines);
    }
    fixed
}

/// The C++ that a fix inserts, as a reader of the article can understand it: one block a place.
pub fn cpp(erratum: u32) -> String {
    let mut blocks: Vec<String> = Vec::new();
    for fix in fixes().iter().filter(|fix| fix.errata == [erratum]) {
        for section in fix.sections.iter().filter(|section| section.without.is_none()) {
            for block in section.hunks.iter().filter_map(Hunk::inserted) {
                if !blocks.contains(&block) {
                    blocks.push(block);
                }
            }
        }
    }
    blocks.join("\n")
}

/// What a fix is for, in English and in Chinese: `Erratum 9: …`.
pub fn says(erratum: u32) -> [String; 2] {
    let fix = fixes().into_iter().find(|fix| fix.errata == [erratum]);
    fix.unwrap_or_else(|| panic!("tests/article/fixes: none for erratum {erratum}")).says
}

/// All files of `fixes/`, by name.
fn fixes() -> Vec<Fix> {
    let directory = root().join("tests/article/fixes");
    let entries =
        std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a directory can be read").path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Fix::parse(&text).unwrap_or_else(|why| panic!("{}:{why}", path.display()))
    };
    paths.iter().map(read).collect()
}

/// The chosen fixes, each after those that its sections name.
fn in_order(errata: &BTreeSet<u32>) -> Vec<Fix> {
    let mut waiting = fixes();
    waiting.retain(|fix| fix.errata.iter().any(|erratum| errata.contains(erratum)));
    let mut ordered: Vec<Fix> = Vec::new();
    while !waiting.is_empty() {
        let numbers: Vec<u32> = waiting.iter().flat_map(|fix| fix.errata.clone()).collect();
        let is_next = |fix: &Fix| {
            fix.sections.iter().all(|section| section.with.is_none_or(|other| !numbers.contains(&other)))
        };
        let next = waiting.iter().position(is_next).expect("no two fixes wait for each other");
        ordered.push(waiting.remove(next));
    }
    ordered
}

impl Fix {
    /// A file's text, or `line: what is wrong`.
    fn parse(text: &str) -> Result<Fix, String> {
        let mut lines = (1..).zip(text.lines()).peekable();
        let mut says = || lines.next().map_or(String::new(), |(_, line)| line.to_string());
        let says = [says(), says()];
        let (title, _) = says[0].split_once(": ").ok_or("1: it starts with `Erratum N: `")?;
        let title = title.to_string();
        let numbers = title.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
        let errata = numbers.map(|number| number.parse().expect("digits")).collect();
        let mut sections: Vec<FixSection> = Vec::new();
        let mut hunk: Vec<&str> = Vec::new();
        for (number, line) in lines {
            let failed = |why: &str| format!("{number}: {why}: {line}");
            if let Some(heading) = line.strip_prefix("@@ ") {
                finish(&mut sections, &mut hunk);
                sections.push(FixSection::parse(heading).ok_or_else(|| failed("no such heading"))?);
            } else if let Some(unless) = line.strip_prefix("unless ") {
                let section = sections.last_mut().ok_or_else(|| failed("before the first @@"))?;
                section.unless.push(unless.to_string());
            } else if line.is_empty() {
                finish(&mut sections, &mut hunk);
            } else if line == "+" || ["  ", "- ", "+ "].iter().any(|mark| line.starts_with(mark)) {
                hunk.push(line);
            } else {
                return Err(failed("neither `- `, `+ `, two spaces, `@@ ` nor `unless `"));
            }
        }
        finish(&mut sections, &mut hunk);
        Ok(Fix { errata, title, says, sections })
    }

    /// Changes a listing, all of it or nothing.
    fn apply(
        &self,
        listing: &'static str,
        errata: &BTreeSet<u32>,
        document: &mut SourceText,
    ) -> Option<Note> {
        let applies = |section: &&FixSection| {
            section.listings.contains(&listing)
                && section.with.is_none_or(|other| errata.contains(&other))
                && section.without.is_none_or(|other| !errata.contains(&other))
        };
        let erratum = self.errata[0];
        let (mut changed, mut bindings) = (document.clone(), Bindings::new());
        let (mut places, mut already) = (0, 0);
        for section in self.sections.iter().filter(applies) {
            if section.unless.iter().any(|pattern| is_in(pattern, document)) {
                already += 1;
                continue;
            }
            for hunk in &section.hunks {
                if hunk.changes() && hunk.is_done(document, &bindings) {
                    already += 1;
                    continue;
                }
                let Some(edits) = hunk.find(&changed, &mut bindings) else {
                    return Some(Note::NotFound { erratum, listing, wanted: hunk.wanted() });
                };
                let both = self.says.each_ref().map(|says| format!("// {says}"));
                let title = [format!("// {}", self.title)];
                let first: &[String] = if places == 0 { &both } else { &title };
                places += edits.len();
                changed.change(edits, first, &title, erratum);
            }
        }
        *document = changed;
        (already > 0 && places == 0).then_some(Note::Already { erratum, listing })
    }
}

/// What was collected is a hunk of the last section.
fn finish(sections: &mut [FixSection], lines: &mut Vec<&str>) {
    if let (Some(section), false) = (sections.last_mut(), lines.is_empty()) {
        section.hunks.push(Hunk::parse(lines));
    }
    lines.clear();
}

impl FixSection {
    /// `tcpServer.cc, version one, with 8`.
    fn parse(heading: &str) -> Option<FixSection> {
        let mut section = FixSection {
            listings: Vec::new(),
            with: None,
            without: None,
            unless: Vec::new(),
            hunks: Vec::new(),
        };
        for part in heading.split(", ") {
            if let Some(number) = part.strip_prefix("with ") {
                section.with = Some(number.parse().ok()?);
            } else if let Some(number) = part.strip_prefix("without ") {
                section.without = Some(number.parse().ok()?);
            } else if part == "servers" {
                section.listings.extend(SERVERS);
            } else {
                section
                    .listings
                    .extend(crate::article::classify::LISTINGS.iter().find(|listing| **listing == part));
            }
        }
        (!section.listings.is_empty()).then_some(section)
    }
}
