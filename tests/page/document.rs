//! What the page shows, before it is HTML: for each listing its rows, in blocks of one file of `src/` each.

use std::collections::{HashMap, HashSet};

use crate::page::errata::named;
use crate::page::rows::{PageRow, rows};
use crate::page::source_map::{Part, SHARED, beside, files, parts};
use crate::page::statement::without_comment;
use crate::page::which_build::{BuildOf, builds};

/// A listing in its two forms.
pub struct Listing {
    /// As `article` names it: `version one`.
    pub name: &'static str,
    pub printed: String,
    pub fixed: Vec<FixedLine>,
    /// Where in the printed form each erratum is.
    pub errata: Errata,
}

/// A line of a corrected listing.
#[derive(Clone, Debug, Default)]
pub struct FixedLine {
    pub text: String,
    /// The line of the printed listing that it is, or that it replaces, from 0.
    pub from: Option<usize>,
    /// The erratum whose fix has inserted or changed it.
    pub fix: Option<u32>,
}

/// Line indices, each with its errata.
pub type Errata = HashMap<usize, Vec<u32>>;

pub struct PageSection {
    pub name: &'static str,
    /// The file's name: `tcpServer_v1.cc`.
    pub file: &'static str,
    /// The program of `src/bin/`, if the listing is one.
    pub program: Option<&'static str>,
    /// Whether the reader's copy has the listing.
    pub found: bool,
    pub printed: Vec<String>,
    pub fixed: Vec<FixedLine>,
    pub printed_errata: Errata,
    pub blocks: Vec<PageBlock>,
    /// Files of `src/` that follow, each alone.
    pub library: Vec<String>,
    /// The printed lines that the first server's listing does not have, in the versions after it.
    pub new: HashSet<usize>,
}

/// Rows beside one file of `src/`.
pub struct PageBlock {
    pub right: String,
    /// It repeats the first listing, and the right file is shown there.
    pub repeats: bool,
    /// Each row's right line is one of the right file.
    pub rows: Vec<PageRow>,
}

pub struct PageDocument {
    pub sections: Vec<PageSection>,
    /// Files of `src/` that belong to no listing.
    pub library: Vec<String>,
    pub sources: HashMap<String, Vec<String>>,
    pub builds: HashMap<String, Vec<BuildOf>>,
    /// The lines of a server's file that the first server's file does not have.
    pub new: HashMap<String, HashSet<usize>>,
}

/// The file name and the program of a listing.
pub fn names(listing: &str) -> (&'static str, Option<&'static str>) {
    match listing {
        "tcp.hpp" => ("tcp.hpp", None),
        "logMessage.hpp" => ("logMessage.hpp", None),
        "tcpServer.cc" => ("tcpServer.cc", Some("tcp_server")),
        "tcpClient.cc" => ("tcpClient.cc", Some("tcp_client")),
        "version one" => ("tcpServer_v1.cc", Some("tcp_server_fork")),
        _ => ("tcpServer_v2.cc", Some("tcp_server_double_fork")),
    }
}

impl PageSection {
    /// The errata of corrected lines: of the first of those that a fix inserts in one place.
    pub fn fixed_errata(&self) -> Errata {
        let mut errata = Errata::new();
        for (at, line) in self.fixed.iter().enumerate() {
            let before = self.fixed[..at].iter().rfind(|line| !line.text.is_empty());
            let continues = before.is_some_and(|before| before.fix == line.fix);
            if let Some(fix) = line.fix.filter(|_| !continues && !line.text.is_empty()) {
                add(&mut errata, at, fix);
            }
        }
        errata
    }
}

/// The errata whose place cannot be told from the corrected listing: another fix has changed what is around it.
pub fn unclear(fixed: &[FixedLine]) -> HashSet<u32> {
    let mut unclear = HashSet::new();
    for run in fixed.chunk_by(|one, next| one.fix.is_some() == next.fix.is_some()) {
        let errata: HashSet<u32> = run.iter().filter_map(|line| line.fix).collect();
        if errata.len() > 1 {
            unclear.extend(errata);
        }
    }
    unclear
}

/// The printed lines that a fix alone replaces; where it only inserts, the next one.
pub fn places(fixed: &[FixedLine], erratum: u32) -> HashSet<usize> {
    let mut places = HashSet::new();
    let mut at = 0;
    while at < fixed.len() {
        let run = fixed[at..].iter().take_while(|line| line.fix == Some(erratum)).count();
        if run > 0 {
            let replaced = fixed[at..at + run].iter().find_map(|line| line.from);
            places.extend(replaced.or(fixed[at + run..].iter().find_map(|line| line.from)));
        }
        at += run.max(1);
    }
    places
}

pub fn add(errata: &mut Errata, line: usize, erratum: u32) {
    let errata = errata.entry(line).or_default();
    if !errata.contains(&erratum) {
        errata.push(erratum);
    }
}

impl PageDocument {
    /// All listings in the article's order, those that were `found` with their text, and all of `src/`.
    pub fn of(listings: &[&'static str], found: &[Listing], sources: &[(String, String)]) -> Self {
        let text = |file: &str| {
            let source = sources.iter().find(|(name, _)| name == file);
            source.map_or(String::new(), |(_, text)| text.clone())
        };
        let find = |name: &str| found.iter().find(|listing| listing.name == name);
        let is_server = |name: &str| files(name).0.contains(&SHARED);
        // What the servers share is shown with the first of them that the copy has.
        let servers = listings.iter().filter(|name| is_server(name));
        let home = servers.clone().find(|name| find(name).is_some()).or(servers.clone().next());
        let first_server = home.and_then(|name| find(name));

        let mut sections = Vec::new();
        let mut shown: HashSet<String> = HashSet::new();
        for name in listings {
            let listing = find(name);
            let printed = listing.map_or("", |listing| &listing.printed);
            let fixed = listing.map_or(Vec::new(), |listing| listing.fixed.clone());
            let fixed_text: String = fixed.iter().map(|line| line.text.clone() + "\n").collect();
            let mut blocks = blocks(printed, &fixed_text, &parts(name, text), text);
            for block in blocks.iter_mut().filter(|block| block.right == SHARED && Some(name) != home) {
                block.repeats = true;
                block.rows.retain(|row| row.printed.is_some() || row.fixed.is_some());
            }
            blocks.retain(|block| !block.rows.is_empty());
            let library: Vec<String> = files(name).1.into_iter().map(str::to_string).collect();
            shown.extend(blocks.iter().map(|block| block.right.clone()).chain(library.iter().cloned()));
            let first = first_server.filter(|first| is_server(name) && first.name != *name);
            let (file, program) = names(name);
            sections.push(PageSection {
                name,
                file,
                program,
                found: listing.is_some(),
                printed: printed.lines().map(str::to_string).collect(),
                fixed,
                printed_errata: listing.map_or(Errata::new(), |listing| listing.errata.clone()),
                blocks,
                library,
                new: first.map_or(HashSet::new(), |first| new_lines(printed, &first.printed)),
            });
        }

        let mut new = HashMap::new();
        for name in listings.iter().filter(|name| is_server(name) && Some(*name) != home) {
            let own = |name: &str| files(name).0[1];
            let first = home.map_or(String::new(), |home| text(own(home)));
            new.insert(own(name).to_string(), new_lines(&text(own(name)), &first));
        }
        let rest = sources.iter().map(|(name, _)| name.clone()).filter(|name| !shown.contains(name));
        let lines =
            |(name, text): &(String, String)| (name.clone(), text.lines().map(str::to_string).collect());
        PageDocument {
            sections,
            library: rest.collect(),
            sources: sources.iter().map(lines).collect(),
            builds: builds(sources),
            new,
        }
    }

    /// The errata that the comments of a line of `src/` name.
    pub fn source_errata(&self, file: &str, line: usize) -> Vec<u32> {
        self.sources[file].get(line).map_or(Vec::new(), |text| named(text))
    }
}

/// The lines of a text whose code is nowhere in another one, spaces and comments aside.
fn new_lines(text: &str, other: &str) -> HashSet<usize> {
    let code = |line: &str| without_comment(line).split_whitespace().collect::<String>();
    let known: HashSet<String> = other.lines().map(code).collect();
    let lines = text.lines().map(code).enumerate();
    lines.filter(|(_, code)| !code.is_empty() && !known.contains(code)).map(|(line, _)| line).collect()
}

/// The rows of a listing, a block for each part of `src/` beside it.
pub fn blocks(printed: &str, fixed: &str, parts: &[Part], text: impl Fn(&str) -> String) -> Vec<PageBlock> {
    let right = beside(parts, text);
    let mut places = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        places.extend(part.lines.clone().map(|index| (number, index)));
    }
    let mut blocks: Vec<PageBlock> = Vec::new();
    for part in parts {
        blocks.push(PageBlock { right: part.file.clone(), repeats: false, rows: Vec::new() });
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
