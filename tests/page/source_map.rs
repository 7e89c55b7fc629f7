//! Which files of `src/` are the counterpart of which listing of the article.

use std::ops::Range;

use crate::harness::builds::root;

/// Some lines of a file in `src/`, from 0.
#[derive(Clone, Debug)]
pub struct Part {
    pub file: String,
    pub lines: Range<usize>,
}

/// The files of a listing: beside it, and below it what C++ takes from its library there.
pub fn files(listing: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    match listing {
        "tcp.hpp" => (vec!["src/tcp.rs", "src/errata.rs"], vec![]),
        "logMessage.hpp" => (vec!["src/log_message.rs", "src/errata.rs"], vec!["src/vsnprintf.rs"]),
        "tcpServer.cc" => (vec![SHARED, "src/bin/tcp_server.rs"], vec![]),
        "tcpClient.cc" => (vec!["src/bin/tcp_client.rs"], vec!["src/iostream.rs"]),
        "version one" => (vec![SHARED, "src/bin/tcp_server_fork.rs"], vec![]),
        "version two" => (vec![SHARED, "src/bin/tcp_server_double_fork.rs"], vec![]),
        _ => panic!("{listing} has no counterpart"),
    }
}

/// What the three servers share: each listing of a server has it, around its own `start`.
pub const SHARED: &str = "src/tcp_server.rs";

/// The lines beside a listing, in its order. In the article's class `start` follows `to_upper`; in the corrected
/// headers the functions that the fixes need come after the log's levels, and before the other constants.
pub fn parts(listing: &str, text: impl Fn(&str) -> String) -> Vec<Part> {
    let whole = |file: &str| Part { file: file.to_string(), lines: 0..text(file).lines().count() };
    let (files, _) = files(listing);
    let [around, own] = files[..] else { return files.into_iter().map(whole).collect() };
    let (mut before, mut own, mut after) = (whole(around), whole(own), whole(around));
    let end = match listing {
        "tcp.hpp" => first(&text(around), "pub const "),
        "logMessage.hpp" => first(&text(around), "macro_rules! log_message"),
        _ => end_of_to_upper(&text(around)),
    };
    let of_the_log = first(&text("src/errata.rs"), "fn is_escaped");
    match listing {
        "tcp.hpp" => own.lines.end = of_the_log,
        "logMessage.hpp" => own.lines.start = of_the_log,
        _ => {}
    }
    before.lines.end = end;
    after.lines.start = end;
    vec![before, own, after]
}

/// The number of lines before the first item that begins so, and its comments and attributes.
fn first(text: &str, item: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with(item)).unwrap_or(lines.len());
    let belongs = |line: &&&str| line.starts_with("///") || line.starts_with("#[");
    at - lines[..at].iter().rev().take_while(belongs).count()
}

/// The text of these parts, one after the other.
pub fn beside(parts: &[Part], text: impl Fn(&str) -> String) -> String {
    let mut beside = String::new();
    for part in parts {
        for line in text(&part.file).lines().skip(part.lines.start).take(part.lines.len()) {
            beside += line;
            beside.push('\n');
        }
    }
    beside
}

/// The number of lines up to the end of the `impl` that has `to_upper`, with the empty line after it.
fn end_of_to_upper(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| line.contains("fn to_upper")).unwrap_or(0);
    let close = lines[start..].iter().position(|line| line.starts_with('}'));
    close.map_or(lines.len(), |close| (start + close + 2).min(lines.len()))
}

/// All files of `src/`, by name, with their texts.
pub fn sources() -> Vec<(String, String)> {
    let mut sources = Vec::new();
    for directory in ["src", "src/bin"] {
        let files = std::fs::read_dir(root().join(directory)).expect("src is part of the checkout");
        for file in
            files.flatten().map(|file| file.path()).filter(|file| file.extension() == Some("rs".as_ref()))
        {
            let text = std::fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            sources.push((format!("{directory}/{name}"), text));
        }
    }
    sources.sort();
    sources
}
