//! Which listing a block of code is: known by the words in it, not by its place or its name.

/// A listing: which it is, of [`super::LISTINGS`], how many of its words are there, and its text.
pub struct Found {
    pub listing: usize,
    pub words: usize,
    pub text: String,
}

/// Three of these make a listing: then a typing mistake in one does no harm, and the article's
/// overview of the interfaces, which has two of a server's, is none.
const ENOUGH: usize = 3;
const HEADER: [&str; 7] =
    ["SOCKET_ERR", "BIND_ERR", "LISTEN_ERR", "USE_ERR", "CONNECT_ERR", "FORK_ERR", "BUFFER_SIZE"];
const LOG: [&str; 6] = ["vsnprintf", "va_start", "va_end", "localtime", "asctime", "log_level"];
const SERVER: [&str; 6] = ["listen", "accept", "to_upper", "inet_ntoa", "INADDR_ANY", "tcpServer"];
const CLIENT: [&str; 6] = ["connect", "getline", "cin", "serverPort", "serverIp", "CONNECT_ERR"];

pub fn known(block: &str) -> Option<Found> {
    let text = code(&unnumbered(block));
    let mut words = Vec::new();
    let mut defined = Vec::new();
    for line in text.lines() {
        let unquoted: String = line.split('"').step_by(2).collect();
        let code = unquoted.split("//").next().unwrap_or("");
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut of_line = code.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_string);
        match code.trim_start().starts_with('#') {
            true => defined.extend(of_line.nth(1)),
            false => words.extend(of_line),
        }
    }
    // Prose has no directive, nor has what stands in the middle of a file.
    let is_directive = |line: &str| {
        let word = line.trim_start().strip_prefix('#').unwrap_or("").trim_start();
        ["include", "pragma", "define"].iter().any(|directive| word.starts_with(directive))
    };
    if !text.lines().any(is_directive) {
        return None;
    }
    let has = |word: &str| words.iter().any(|other| other == word);
    let count = |of: &[&str]| of.iter().filter(|word| has(word)).count();
    let defines = HEADER.iter().filter(|name| defined.iter().any(|other| other == **name)).count();
    let counts = [defines, count(&LOG), count(&SERVER), count(&CLIENT)];
    // A block that is two things is none: a page that was saved as text.
    let mut enough = (0..4).filter(|kind| counts[*kind] >= ENOUGH);
    let (kind, None) = (enough.next()?, enough.next()) else { return None };
    let forks = words.iter().filter(|word| *word == "fork").count();
    let listing = match kind {
        2 if has("waitpid") || has("WAIT_ERR") || forks > 1 => 5,
        2 if forks > 0 || has("SIGCHLD") || has("FORK_ERR") => 4,
        3 => 3,
        kind => kind,
    };
    Some(Found { listing, words: counts[kind], text })
}

/// Without the numbers that stand before the lines, where all lines have theirs.
fn unnumbered(block: &str) -> String {
    let number = |line: &str| {
        let digits = line.trim_start();
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        Some((digits[..end].parse::<usize>().ok()?, digits[end..].to_string()))
    };
    let first = |line: &&str| number(line).is_none_or(|(number, _)| number != 1);
    let lines: Vec<&str> = block.lines().filter(|line| !line.trim().is_empty()).skip_while(first).collect();
    let numbered: Vec<_> = lines.iter().map_while(|line| number(line)).collect();
    let in_order = numbered.iter().enumerate().all(|(index, (number, _))| *number == index + 1);
    // Numbers in a column of their own stand before all of the code.
    if !in_order || numbered.len() < 3 || numbered.iter().all(|(_, rest)| rest.trim().is_empty()) {
        return block.to_string();
    }
    let rest = |rest: String| {
        let rest = rest.trim_start_matches(['.', '|', ':', ')']);
        rest.strip_prefix([' ', '\t']).unwrap_or(rest).to_string() + "\n"
    };
    let last = lines[numbered.len()..].join("\n");
    numbered.into_iter().map(|(_, text)| rest(text)).collect::<String>() + &last
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
