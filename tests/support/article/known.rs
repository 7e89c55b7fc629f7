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

const DIRECTIVES: [&str; 3] = ["include", "pragma", "define"];

pub fn known(block: &str) -> Option<Found> {
    let text = code(&unnumbered(block));
    let uncommented = |line: &str| {
        let unquoted: String = line.split('"').step_by(2).collect();
        unquoted.split("//").next().unwrap_or("").trim().to_string()
    };
    let (directives, code): (Vec<String>, Vec<String>) =
        text.lines().map(uncommented).partition(|line| line.starts_with('#'));
    // Prose has no directive, nor has what stands in the middle of a file.
    let is_one = |line: &String| DIRECTIVES.iter().any(|word| line[1..].trim_start().starts_with(word));
    if !directives.iter().any(is_one) {
        return None;
    }
    let has = |word: &str| times(&code, word) > 0;
    let count = |kind: usize| {
        let lines = if kind == 0 { &directives } else { &code };
        WORDS[kind].iter().filter(|word| times(lines, word) > 0).count()
    };
    // A block that is two things is none: a page that was saved as text.
    let mut enough = (0..4).filter(|kind| count(*kind) >= ENOUGH);
    let (kind, None) = (enough.next()?, enough.next()) else { return None };
    let listing = match kind {
        2 if has("waitpid") || has("WAIT_ERR") || times(&code, "fork") > 1 => 5,
        2 if has("fork") || has("SIGCHLD") || has("FORK_ERR") => 4,
        kind => kind,
    };
    Some(Found { name: LISTINGS[listing], words: count(kind), text })
}

fn times(lines: &[String], word: &str) -> usize {
    let words = lines.iter().flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|other| *other == word).count()
}

/// Without the numbers that stand before the lines, where the lines have theirs.
fn unnumbered(block: &str) -> String {
    fn without(number: usize, line: &str) -> Option<&str> {
        let rest = line.trim_start_matches([' ', '\t', '0']).strip_prefix(&number.to_string())?;
        (!rest.starts_with(|c: char| c.is_ascii_digit())).then_some(rest)
    }
    let lines: Vec<&str> = block.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.iter().position(|line| without(1, line).is_some()).unwrap_or(lines.len());
    let numbered = (1..).zip(&lines[first..]).map_while(|(number, line)| without(number, line));
    let numbered: Vec<&str> = numbered.collect();
    // Numbers in a column of their own stand before or behind all of the code.
    if numbered.iter().filter(|rest| !rest.trim().is_empty()).count() < 3 {
        return block.to_string();
    }
    let text = |rest: &&str| {
        let rest = rest.trim_start_matches(['.', '|', ':', ')']);
        rest.strip_prefix([' ', '\t']).unwrap_or(rest).to_string() + "\n"
    };
    let last = lines[first + numbered.len()..].join("\n");
    numbered.iter().map(text).collect::<String>() + &last
}

/// From the first `#` or `//` to the last `}` or line with a `#`: around it stand a site's words and numbers.
fn code(block: &str) -> String {
    let starts = ["#", "//", "/*"].iter().filter_map(|sign| block.find(sign)).min().unwrap_or(0);
    let start = if block[..starts].contains(';') { 0 } else { starts };
    let brace = block.rfind('}').map_or(0, |at| at + 1);
    let line_end = |at: usize| block[at + 1..].find('\n').map_or(block.len(), |end| at + 1 + end);
    let end = brace.max(block.rfind("\n#").map_or(0, line_end));
    let end = if end <= start || block[end..].contains(';') { block.len() } else { end };
    block[start..end].trim_end().to_string() + "\n"
}
