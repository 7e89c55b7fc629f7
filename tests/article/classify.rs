//! Which listing a block of code is: known by the words in it, not by its place or its name.

use super::LISTINGS;

/// A listing: its name, how many of its words are there, and its text.
pub struct Found {
    pub name: &'static str,
    pub words: usize,
    pub text: String,
}

/// Three of these make a listing: then a typing mistake in one does no harm, and the article's
/// overview of the interfaces, which has two of a server's, is none.
const ENOUGH: usize = 3;
/// A header's names are those it defines.
const WORDS: [&[&str]; 4] = [
    &["SOCKET_ERR", "BIND_ERR", "LISTEN_ERR", "USE_ERR", "CONNECT_ERR", "FORK_ERR", "BUFFER_SIZE"],
    &["vsnprintf", "va_start", "va_end", "localtime", "asctime", "log_level"],
    &["listen", "accept", "to_upper", "inet_ntoa", "INADDR_ANY", "tcpServer"],
    &["connect", "getline", "cin", "serverPort", "serverIp", "CONNECT_ERR"],
];

pub fn known(block: &str) -> Option<Found> {
    let text = code(&unnumbered(block));
    let (mut directives, mut code) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let unquoted: String = line.split('"').step_by(2).collect();
        let uncommented = unquoted.split("//").next().unwrap_or("").trim();
        let words = uncommented.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_string);
        if uncommented.starts_with('#') { directives.extend(words) } else { code.extend(words) }
    }
    let times = |words: &[String], word: &str| words.iter().filter(|other| *other == word).count();
    // Prose has no directive, nor has what stands in the middle of a file.
    if ["include", "pragma", "define"].iter().all(|word| times(&directives, word) == 0) {
        return None;
    }
    let count = |kind: usize| {
        let words = if kind == 0 { &directives } else { &code };
        WORDS[kind].iter().filter(|word| times(words, word) > 0).count()
    };
    // A block that is two things is none: a page that was saved as text.
    let mut enough = (0..4).filter(|kind| count(*kind) >= ENOUGH);
    let (kind, None) = (enough.next()?, enough.next()) else { return None };
    let has = |word: &&str| times(&code, word) > 0;
    let listing = match kind {
        2 if ["waitpid", "WAIT_ERR"].iter().any(has) || times(&code, "fork") > 1 => 5,
        2 if ["fork", "SIGCHLD", "FORK_ERR"].iter().any(has) => 4,
        kind => kind,
    };
    Some(Found { name: LISTINGS[listing], words: count(kind), text })
}

/// Without the numbers that stand before the lines, or in lines of their own.
fn unnumbered(block: &str) -> String {
    let mut text = String::new();
    let mut number = 1;
    for line in block.lines() {
        let start = line.trim_start_matches([' ', '\t', '0']).strip_prefix(&number.to_string());
        match start.filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())) {
            Some(rest) => {
                number += 1;
                let rest = rest.trim_start_matches(['.', '|', ':', ')']);
                text = text + rest.strip_prefix([' ', '\t']).unwrap_or(rest) + "\n";
            }
            None => text = text + line + "\n",
        }
    }
    text
}

/// From the first line of code to the last: around them stand a site's words and numbers.
fn code(block: &str) -> String {
    let lines: Vec<&str> = block.lines().collect();
    let is_code =
        |line: &&str| ["#", "//", "/*", "*/", ";", "{", "}"].iter().any(|sign| line.contains(sign));
    let first = lines.iter().position(is_code).unwrap_or(lines.len());
    let end = lines.iter().rposition(is_code).map_or(first, |last| last + 1);
    lines[first..end].join("\n") + "\n"
}
