//! Where a line of a listing is in the reader's own file, so that an error message can name it.

use std::path::{Path, PathBuf};

use crate::article::copy::{DEPTH, files};
use crate::article::decode;
use crate::article::listings::Listings;

/// How many lines before and after it must be the same too, as many as possible.
const AROUND: usize = 5;

/// The file and the line, from 1, of line `number` of a listing.
pub fn place(copy: &Path, listing: &str, number: usize) -> Option<(PathBuf, usize)> {
    let listings = Listings::read(copy).ok()?;
    let wanted: Vec<String> = listings.find(listing)?.lines().map(bare).collect();
    let line = number.checked_sub(1)?;
    let mut best: Option<(usize, PathBuf, usize)> = None;
    for file in files(copy, DEPTH).ok()? {
        let Some(texts) = std::fs::read(&file).ok().and_then(|bytes| decode::texts(bytes).ok()) else {
            continue;
        };
        let lines: Vec<String> = texts.iter().flat_map(|text| text.lines()).map(bare).collect();
        for at in 0..lines.len() {
            if lines[at].is_empty() || !lines[at].ends_with(wanted.get(line)?.as_str()) {
                continue;
            }
            let same = |distance: &usize| {
                let before = at.checked_sub(*distance).zip(line.checked_sub(*distance));
                let before = before.is_some_and(|(at, line)| lines[at].ends_with(&wanted[line]));
                let after = lines.get(at + distance).zip(wanted.get(line + distance));
                usize::from(before)
                    + usize::from(after.is_some_and(|(line, wanted)| line.ends_with(wanted)))
            };
            let score: usize = (0..=AROUND).map(|distance| same(&distance)).sum();
            if best.as_ref().is_none_or(|(most, ..)| score > *most) {
                best = Some((score, file.clone(), at + 1));
            }
        }
    }
    best.map(|(_, file, line)| (file, line))
}

/// A line without a page's tags and entities, and without spaces.
fn bare(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('<') {
        text += before;
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        rest = match after.split_once('>') {
            Some((_, after)) if is_tag => after,
            _ => {
                text.push('<');
                after
            }
        };
    }
    text += rest;
    for (entity, sign) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", ""), ("&amp;", "&")]
    {
        text = text.replace(entity, sign);
    }
    text.retain(|c| !c.is_whitespace());
    text
}
