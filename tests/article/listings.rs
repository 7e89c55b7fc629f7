//! The article's listings in a reader's copy, each recognised by its content.

use std::cmp::Reverse;
use std::path::Path;

use crate::article::classify::{Found, LISTINGS, classified};
use crate::article::copy::{CODE, DEPTH, TEXT, ends_with, files, how_to_save};
use crate::article::decode;
use crate::article::extract;
use crate::article::html;
use crate::say;

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

/// The listings of the article as the copy has them.
pub fn listings(article: &Path) -> Listings {
    Listings::read(article).unwrap_or_else(|line| panic!("{line}"))
}
