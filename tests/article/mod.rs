//! The article's listings, taken from the copy that a reader has of it, and recognised by their content.
//!
//! The copy is a saved web page, a Markdown file or a folder of the files as typed in. It is never
//! part of the project: `ARTICLE` says where it is.

pub mod build;
mod classify;
pub mod command;
mod decode;
mod edit;
mod extract;
#[cfg(test)]
mod fix_tests;
pub mod fixes;
mod html;
mod origin;
mod pattern;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::harness::builds::root;
use crate::say;
pub use build::program;
use classify::{Found, classified};
use origin::place;

/// The listings that have a program or a header, in the article's order.
pub const LISTINGS: [&str; 6] =
    ["tcp.hpp", "logMessage.hpp", "tcpServer.cc", "tcpClient.cc", "version one", "version two"];

/// The files of a folder that are read, by how their names end, and how deep its folders go.
const CODE: &str = " hpp h hh hxx h++ inc cc cpp cxx c c++ ";
const TEXT: &str = " txt text md markdown html htm xhtml mht mhtml webarchive org rst adoc tex ";
const DEPTH: usize = 3;

/// What was found in a copy, in its order; of two that may be the same listing, the more complete one counts.
pub struct Listings(Vec<Found>);

impl Listings {
    /// The listings of a copy, or one line that says why there are none.
    pub fn read(copy: &Path) -> Result<Self, String> {
        let name = copy.display();
        let files = files(copy, DEPTH).map_err(|error| format!("{name}: {error}"))?;
        let (mut all, mut lines, mut unread) = (Vec::new(), 0, None);
        for file in &files {
            let bytes = std::fs::read(file).map_err(|error| error.to_string());
            match bytes.and_then(decode::texts) {
                Ok(texts) => {
                    lines += texts.iter().map(|text| text.lines().count()).sum::<usize>();
                    all.extend(texts.iter().flat_map(|text| found(text, ends_with(file, CODE))));
                }
                // Other files of a folder may do.
                Err(why) => unread = Some(format!("{}: {why}", file.display())),
            }
        }
        if !all.is_empty() {
            return Ok(Listings(all));
        }
        let (wanted, count, save) = (LISTINGS.join(", "), files.len(), how_to_save());
        let endings = (CODE.to_string() + TEXT).split_whitespace().collect::<Vec<_>>().join(" .");
        Err(match unread {
            Some(why) => why,
            None if copy.is_dir() => say!(
                "{name}: none of {wanted} is in its {count} files (.{endings}); {save}",
                "{name}：{count} 个文件（.{endings}）中没有 {wanted}；{save}"
            ),
            None => say!(
                "{name}: none of {wanted} is in its {lines} lines of text; {save}",
                "{name}：{lines} 行文本中没有 {wanted}；{save}"
            ),
        })
    }

    /// A listing that the copy is known to have.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("the article's copy has no {name}"))
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        assert!(LISTINGS.contains(&name), "there is no listing {name:?}");
        let same = self.0.iter().rev().filter(|found| found.name == name);
        let best = same.max_by_key(|found| (found.words, Reverse(found.defects), found.size));
        best.map(|found| found.text.as_str())
    }
}

/// The listings in a text, read in each way that it may be meant; a file of code may be one as a whole.
fn found(text: &str, is_code: bool) -> Vec<Found> {
    let mut all: Vec<Found> = classified(text).into_iter().filter(|_| is_code).collect();
    all.extend(extract::listings(text));
    if ["</", "<pre", "<br", "<div"].iter().any(|tag| text.contains(tag)) {
        for exact in [false, true] {
            let page = html::text(text, exact);
            all.extend(extract::listings(&page));
            // A browser saves the view of a page's source as a page that shows a page.
            if page.contains("</pre>") {
                all.extend(extract::listings(&html::text(&page, exact)));
            }
        }
    }
    all
}

/// The copy that the environment names.
pub fn article() -> Option<PathBuf> {
    let named = std::env::var_os("ARTICLE").filter(|name| !name.is_empty())?;
    let [home, typed] =
        ["HOME", "PWD"].map(|name| PathBuf::from(std::env::var_os(name).unwrap_or_default()));
    Some(path(&named, &home, &typed))
}

/// A path from where `make` was typed, or otherwise from the project's directory.
fn path(named: &OsStr, home: &Path, typed: &Path) -> PathBuf {
    let path = match (Path::new(named).strip_prefix("~"), named.as_bytes().strip_prefix(b"file://")) {
        // Not every shell expands this here.
        (Ok(below), _) => home.join(below),
        // What a browser shows of a file of this machine.
        (_, Some(url)) => PathBuf::from(OsString::from_vec(percent_decoded(url))),
        _ => PathBuf::from(named),
    };
    let typed = typed.join(&path);
    if typed.exists() { typed } else { root().join(path) }
}

fn percent_decoded(url: &[u8]) -> Vec<u8> {
    let mut pieces = url.split(|byte| *byte == b'%');
    let mut bytes = pieces.next().unwrap_or(b"").to_vec();
    for piece in pieces {
        let digits = piece.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => bytes.extend([&[byte], &piece[2..]].concat()),
            None => bytes.extend([b"%", piece].concat()),
        }
    }
    bytes
}

/// The same, or one line that asks for it.
pub fn given() -> Result<PathBuf, String> {
    let save = how_to_save();
    let named = std::env::var("ARTICLE").unwrap_or_default();
    if named.starts_with("http://") || named.starts_with("https://") {
        return Err(say!("ARTICLE is a web address: {save}", "ARTICLE 是网址：{save}"));
    }
    article()
        .ok_or_else(|| say!("give the article, ARTICLE=file: {save}", "请指定文章，ARTICLE=文件：{save}"))
}

/// What to do for a copy that can be read.
fn how_to_save() -> String {
    say!(
        "save the page first: open it in a browser, press Ctrl-S, and give ARTICLE the .html file; \
         a Markdown copy or a folder of typed files will do too",
        "请先保存网页：在浏览器中打开，按 Ctrl-S，再用 ARTICLE 指定该 .html 文件；也可以是 Markdown 副本或自己录入的文件夹"
    )
}

/// The listings of the article as the copy has them.
pub fn listings(article: &Path) -> Listings {
    Listings::read(article).unwrap_or_else(|line| panic!("{line}"))
}

/// The file, or those of the folder that are read, by name.
fn files(path: &Path, depth: usize) -> std::io::Result<Vec<PathBuf>> {
    if !path.metadata()?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() && depth > 1 {
            // One that is closed to us is not the reader's own.
            found.extend(files(&entry, depth - 1).unwrap_or_default());
        } else if entry.is_file() && (ends_with(&entry, CODE) || ends_with(&entry, TEXT)) {
            found.push(entry);
        }
    }
    Ok(found)
}

fn ends_with(file: &Path, endings: &str) -> bool {
    let ending = file.extension().map(OsStr::to_ascii_lowercase).unwrap_or_default();
    endings.contains(&format!(" {} ", ending.to_string_lossy()))
}
