//! What the page shows, before it is HTML: for each listing its rows, in blocks of one file of `src/` each.

use std::collections::HashMap;

use crate::page::rows::{Row, rows};
use crate::page::source_map::{Part, SHARED, beside, files, parts};
use crate::page::which_build::{Build, builds};

/// A listing in its two forms; the same text twice where the fixes could not be applied.
pub struct Listing {
    /// As `article` names it: `version one`.
    pub name: &'static str,
    pub printed: String,
    pub fixed: String,
}

pub struct Section {
    pub name: &'static str,
    /// The file's name: `tcpServer_v1.cc`.
    pub file: &'static str,
    /// Whether the reader's copy has the listing.
    pub found: bool,
    pub printed: Vec<String>,
    pub fixed: Vec<String>,
    pub blocks: Vec<Block>,
    /// Files of `src/` that follow, each alone.
    pub library: Vec<String>,
}

/// Rows beside one file of `src/`.
pub struct Block {
    pub right: String,
    /// It repeats the first listing, and the right file was shown there.
    pub repeats: bool,
    /// Each row's right line is one of the right file.
    pub rows: Vec<Row>,
}

pub struct Document {
    pub sections: Vec<Section>,
    /// Files of `src/` that belong to no listing.
    pub library: Vec<String>,
    pub sources: HashMap<String, Vec<String>>,
    pub builds: HashMap<String, Vec<Build>>,
}

/// The name under which a reader types a listing in.
pub fn file_name(listing: &str) -> &'static str {
    match listing {
        "tcp.hpp" => "tcp.hpp",
        "logMessage.hpp" => "logMessage.hpp",
        "tcpServer.cc" => "tcpServer.cc",
        "tcpClient.cc" => "tcpClient.cc",
        "version one" => "tcpServer_v1.cc",
        _ => "tcpServer_v2.cc",
    }
}

impl Document {
    /// All listings in the article's order, those that were `found` with their text, and all of `src/`.
    pub fn of(names: &[&'static str], found: &[Listing], sources: &[(String, String)]) -> Self {
        let text = |file: &str| {
            let source = sources.iter().find(|(name, _)| name == file);
            source.map_or(String::new(), |(_, text)| text.clone())
        };
        let mut sections = Vec::new();
        let mut shown: Vec<String> = Vec::new();
        for name in names {
            let listing = found.iter().find(|listing| listing.name == *name);
            let (printed, fixed) = listing.map_or(("", ""), |listing| (&listing.printed, &listing.fixed));
            let mut blocks = blocks(printed, fixed, &parts(name, text), text);
            // What the three servers share is shown with the first of them that the copy has.
            let later = names.iter().skip_while(|other| *other != name).skip(1);
            let later = later.filter(|other| files(other).0.contains(&SHARED));
            let waits = listing.is_none()
                && later.clone().any(|later| found.iter().any(|found| found.name == *later));
            for block in &mut blocks {
                block.repeats = shown.contains(&block.right) || block.right == SHARED && waits;
            }
            blocks.retain_mut(|block| {
                if block.repeats {
                    block.rows.retain(|row| row.printed.is_some() || row.fixed.is_some());
                }
                !block.rows.is_empty()
            });
            shown.extend(blocks.iter().filter(|block| !block.repeats).map(|block| block.right.clone()));
            let library: Vec<String> = files(name).1.into_iter().map(str::to_string).collect();
            shown.extend(library.iter().cloned());
            sections.push(Section {
                name,
                file: file_name(name),
                found: listing.is_some(),
                printed: printed.lines().map(str::to_string).collect(),
                fixed: fixed.lines().map(str::to_string).collect(),
                blocks,
                library,
            });
        }
        let rest = sources.iter().map(|(name, _)| name.clone()).filter(|name| !shown.contains(name));
        let lines =
            |(name, text): &(String, String)| (name.clone(), text.lines().map(str::to_string).collect());
        Document {
            sections,
            library: rest.collect(),
            sources: sources.iter().map(lines).collect(),
            builds: builds(sources),
        }
    }
}

/// The rows of a listing, a block for each part of `src/` beside it.
pub fn blocks(printed: &str, fixed: &str, parts: &[Part], text: impl Fn(&str) -> String) -> Vec<Block> {
    let right = beside(parts, text);
    let mut places = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        places.extend(part.lines.clone().map(|index| (number, index)));
    }
    let mut blocks: Vec<Block> = Vec::new();
    for part in parts {
        blocks.push(Block { right: part.file.clone(), repeats: false, rows: Vec::new() });
    }
    let mut current = 0;
    for mut row in rows(printed, fixed, &right) {
        if let Some(line) = row.right {
            let (part, index) = places[line];
            current = part;
            row.right = Some(index);
        }
        blocks[current].rows.push(row);
    }
    blocks
}
