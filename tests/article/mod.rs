//! The article's listings, taken from the copy that a reader has of it, and known by what they say.
//!
//! The copy is a saved web page, a Markdown file or a folder of the files as typed in. It is never
//! part of the project: `ARTICLE` says where it lies.

pub mod build;
mod classify;
mod html;
mod markdown;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::harness::builds::root;
use crate::say;
pub use build::program;
use classify::{Found, known};

/// The listings that have a program or a header, in the article's order.
pub const LISTINGS: [&str; 6] =
    ["tcp.hpp", "logMessage.hpp", "tcpServer.cc", "tcpClient.cc", "version one", "version two"];

/// The files of a folder that are looked at, and how deep its folders go.
const ENDINGS: [&str; 11] = ["hpp", "h", "hh", "hxx", "cc", "cpp", "cxx", "txt", "md", "html", "htm"];
const DEPTH: usize = 3;

/// What was found in a copy, in its order; of two that may be the same listing, the one with more of its words counts.
pub struct Listings(Vec<Found>);

impl Listings {
    /// The listings of a copy, or one line that says why there are none.
    pub fn read(copy: &Path) -> Result<Self, String> {
        let name = copy.display();
        let files = files(copy, DEPTH).map_err(|error| format!("{name}: {error}"))?;
        let (mut all, mut looked_at) = (Vec::new(), format!("its {} files", files.len()));
        for file in &files {
            let text = text(file)?;
            let (pre, blocks) = (html::blocks(&text), markdown::blocks(&text));
            if text.contains("Content-Type: multipart/related") {
                looked_at = "a web archive: save the page as HTML".to_string();
            } else if files.len() == 1 {
                looked_at = format!("{} <pre> and {} Markdown blocks", pre.len(), blocks.len());
            }
            let readings = [vec![text], blocks, pre];
            let found = readings.map(|blocks| blocks.iter().filter_map(|block| known(block)).collect());
            all.extend(found.into_iter().max_by_key(Vec::len).unwrap_or_default());
        }
        if all.is_empty() {
            let wanted = LISTINGS.join(", ");
            return Err(format!("{name}: looked for {wanted}; found none in {looked_at}"));
        }
        Ok(Listings(all))
    }

    /// A listing that the copy is known to have.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("the article's copy has no {name}"))
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        assert!(LISTINGS.contains(&name), "there is no listing {name:?}");
        let same = self.0.iter().rev().filter(|found| found.name == name);
        same.max_by_key(|found| found.words).map(|found| found.text.as_str())
    }
}

/// The copy that the environment names, from the project's directory on.
pub fn article() -> Option<PathBuf> {
    let named = std::env::var_os("ARTICLE").filter(|name| !name.is_empty())?;
    Some(root().join(named))
}

/// The same, or one line that asks for it.
pub fn given() -> Result<PathBuf, String> {
    let asks = || say!("say where the article lies: ARTICLE=file.md", "请指出文章的位置：ARTICLE=file.md");
    article().ok_or_else(asks)
}

/// The listings of the article as the copy has them.
pub fn listings(article: &Path) -> Listings {
    Listings::read(article).unwrap_or_else(|line| panic!("{line}"))
}

/// The file, or those of the folder, by name.
fn files(path: &Path, depth: usize) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<PathBuf>>>()?;
    entries.sort();
    let is_looked_at = |file: &PathBuf| {
        let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
        file.is_file() && ENDINGS.iter().any(|known| ending == *known)
    };
    entries.retain(|entry| entry.is_dir() && depth > 1 || is_looked_at(entry));
    let found = entries.iter().map(|entry| files(entry, depth - 1));
    Ok(found.collect::<std::io::Result<Vec<_>>>()?.concat())
}

/// The file's text: lines end with `\n`, spaces are spaces.
fn text(file: &Path) -> Result<String, String> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| format!("{name}: {error}"))?;
    // GB 18030 is what a Chinese page is in otherwise, and holds GBK and GB 2312.
    let text = String::from_utf8(text).map_err(|_| {
        format!("{name}: not UTF-8; make it so: iconv -f gb18030 -t utf-8 '{name}' >article.html")
    })?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\u{a0}', " ");
    Ok(text.replace(['\u{feff}', '\u{200b}'], ""))
}
