//! A reader's copy of the article: a saved web page, a Markdown file or a folder of the files as typed in. `ARTICLE`
//! says where it is.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::harness::builds::root;
use crate::say;

/// The files of a folder that are read, by how their names end, and how deep its folders go.
pub const CODE: &str = " hpp h hh hxx h++ inc cc cpp cxx c c++ ";
pub const TEXT: &str = " txt text md markdown html htm xhtml mht mhtml webarchive org rst adoc tex ";
pub const DEPTH: usize = 3;

/// The copy that the environment names.
pub fn article() -> Option<PathBuf> {
    let named = std::env::var_os("ARTICLE").filter(|name| !name.is_empty())?;
    let [home, typed] =
        ["HOME", "PWD"].map(|name| PathBuf::from(std::env::var_os(name).unwrap_or_default()));
    Some(path(&named, &home, &typed))
}

/// A path from where `make` was typed, or otherwise from the project's directory.
pub fn path(named: &OsStr, home: &Path, typed: &Path) -> PathBuf {
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
pub fn how_to_save() -> String {
    say!(
        "save the page first: open it in a browser, press Ctrl-S, and give ARTICLE the .html file; \
         a Markdown copy or a folder of typed files will do too",
        "请先保存网页：在浏览器中打开，按 Ctrl-S，再用 ARTICLE 指定该 .html 文件；也可以是 Markdown 副本或自己录入的文件夹"
    )
}

/// The file, or those of the folder that are read, by name.
pub fn files(path: &Path, depth: usize) -> std::io::Result<Vec<PathBuf>> {
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

pub fn ends_with(file: &Path, endings: &str) -> bool {
    let ending = file.extension().map(OsStr::to_ascii_lowercase).unwrap_or_default();
    endings.contains(&format!(" {} ", ending.to_string_lossy()))
}
