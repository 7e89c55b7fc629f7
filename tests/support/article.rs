//! The article's listings, taken from the copy that a reader has of it, and known by what they say.
//!
//! The copy is a saved web page, a Markdown file or a folder of the files as typed in. It is never
//! part of the project: `ARTICLE` says where it lies.

pub mod build;
mod html;
mod known;
mod markdown;

use std::path::{Path, PathBuf};

pub use build::program;

use super::programs::root;
use known::Found;

/// The listings that have a program or a header, in the article's order.
pub const LISTINGS: [&str; 6] =
    ["tcp.hpp", "logMessage.hpp", "tcpServer.cc", "tcpClient.cc", "version one", "version two"];

/// The files of a folder that are looked at, and how deep its folders go.
const ENDINGS: [&str; 11] = ["hpp", "h", "hh", "hxx", "cc", "cpp", "cxx", "txt", "md", "html", "htm"];
const DEPTH: usize = 3;

/// The text of each listing that a copy has.
pub struct Listings([Option<Found>; 6]);

impl Listings {
    /// The listings of a copy, or one line that says why there are none.
    pub fn read(copy: &Path) -> Result<Self, String> {
        let mut listings = Listings([const { None }; 6]);
        let mut files = Vec::new();
        gather(copy, DEPTH, &mut files).map_err(|error| format!("{}: {error}", copy.display()))?;
        let mut looked_at = format!("its {} files", files.len());
        for file in &files {
            let text = text(file)?;
            let readings = [html::blocks(&text), markdown::blocks(&text), vec![text.clone()]];
            let blocks = readings.each_ref().map(Vec::len);
            let [mut page, markdown, whole] = readings.map(known);
            for other in [markdown, whole] {
                if other.0.iter().flatten().count() > page.0.iter().flatten().count() {
                    page = other;
                }
            }
            listings.merge(page);
            if files.len() == 1 {
                looked_at = match text.contains("Content-Type: multipart/related") {
                    true => "a web archive: save the page as HTML".to_string(),
                    false => format!("{} <pre> and {} Markdown blocks", blocks[0], blocks[1]),
                };
            }
        }
        if listings.missing().len() == LISTINGS.len() {
            let wanted = LISTINGS.join(", ");
            return Err(format!("{}: looked for {wanted}; found none in {looked_at}", copy.display()));
        }
        Ok(listings)
    }

    /// A listing that the copy is known to have.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("the article's copy has no {name}"))
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        let index = LISTINGS.iter().position(|listing| *listing == name);
        let index = index.unwrap_or_else(|| panic!("there is no listing {name:?}"));
        self.0[index].as_ref().map(|found| found.text.as_str())
    }

    pub fn missing(&self) -> Vec<&'static str> {
        LISTINGS.into_iter().filter(|name| self.find(name).is_none()).collect()
    }

    /// Of two that may be the same listing, the one with more of its words stays.
    fn merge(&mut self, other: Listings) {
        for (mine, other) in self.0.iter_mut().zip(other.0) {
            let words = |found: &Option<Found>| found.as_ref().map_or(0, |found| found.words);
            if words(&other) > words(mine) {
                *mine = other;
            }
        }
    }
}

fn known(blocks: Vec<String>) -> Listings {
    let mut listings = Listings([const { None }; 6]);
    for found in blocks.iter().filter_map(|block| known::known(block)) {
        let mut one = Listings([const { None }; 6]);
        let index = found.listing;
        one.0[index] = Some(found);
        listings.merge(one);
    }
    listings
}

/// The copy that the environment names, from the project's directory on.
pub fn article() -> Option<PathBuf> {
    let named = std::env::var_os("ARTICLE").filter(|name| !name.is_empty())?;
    Some(root().join(named))
}

/// The listings of the article as the copy has them.
pub fn listings(article: &Path) -> Listings {
    Listings::read(article).unwrap_or_else(|line| panic!("{line}"))
}

/// The file, or those of the folder, by name.
fn gather(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path)? {
        entries.push(entry?.path());
    }
    entries.sort();
    for entry in entries {
        let ending = entry.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        if entry.is_dir() && depth > 1 {
            gather(&entry, depth - 1, files)?;
        } else if entry.is_file() && ENDINGS.contains(&ending.to_lowercase().as_str()) {
            files.push(entry);
        }
    }
    Ok(())
}

/// The file's text: lines end with `\n`, spaces are spaces.
fn text(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let start = String::from_utf8_lossy(error.as_bytes()).to_lowercase();
        let named =
            start.split_once("charset=").map_or("", |(_, rest)| rest.trim_start_matches(['"', '\'']));
        let named = named.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or("");
        let charset = if named.is_empty() || named == "utf-8" { "gb18030" } else { named };
        let name = file.display();
        format!("{name}: not UTF-8; make it so: iconv -f {charset} -t utf-8 '{name}' >article.html")
    })?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\u{a0}', " ");
    Ok(text.replace(['\u{feff}', '\u{200b}'], ""))
}
