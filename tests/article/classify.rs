//! Which listing a piece of code is: decided by the words in it, not by its place or its name.

/// The listings that have a program or a header, in the article's order.
pub const LISTINGS: [&str; 6] =
    ["tcp.hpp", "logMessage.hpp", "tcpServer.cc", "tcpClient.cc", "version one", "version two"];

/// A listing: its name, how many of its words are in it, what is wrong with it, and its text.
pub struct Found {
    pub name: &'static str,
    pub words: usize,
    pub defects: usize,
    /// The bytes of its words.
    pub size: usize,
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

pub fn classified(text: &str) -> Option<Found> {
    let bare = bare(text);
    let (mut directives, mut code) = (Vec::new(), Vec::new());
    let (mut defects, mut depth, mut switched_off) = (0, 0, 0);
    for (line, original) in bare.lines().zip(text.lines()) {
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let directive = line.trim_start().strip_prefix('#').map(str::trim_start).unwrap_or("");
        // Code between `#if 0` and `#endif` is as good as a comment.
        if switched_off > 0 {
            switched_off += usize::from(directive.starts_with("if"));
            switched_off -= usize::from(directive.starts_with("endif"));
            continue;
        }
        switched_off += usize::from(directive.starts_with("if 0"));
        if !directive.is_empty() {
            let operand = original.split_once("include").map_or("<", |(_, operand)| operand.trim());
            defects += usize::from(!operand.starts_with(['<', '"']) || line.matches("#").count() > 1);
            directives.extend(words);
            continue;
        }
        defects += usize::from(["</", "<br", "#include"].iter().any(|other| line.contains(other)));
        defects += usize::from(
            line.trim_start_matches([' ', '\t', '[', '(']).starts_with(|c: char| c.is_ascii_digit()),
        );
        for c in line.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            defects += usize::from(depth < 0);
        }
        code.extend(words);
    }
    // Prose has no directive, nor has what stands in the middle of a file.
    if !["include", "pragma", "define"].iter().any(|word| directives.contains(word)) {
        return None;
    }
    let count = |kind: usize| {
        let words = if kind == 0 { &directives } else { &code };
        WORDS[kind].iter().filter(|word| words.contains(word)).count()
    };
    // A text that is two listings is none: a page that was saved as text.
    let mut enough = (0..4).filter(|kind| count(*kind) >= ENOUGH);
    let (kind, None) = (enough.next()?, enough.next()) else { return None };
    let times = |word: &str| code.iter().filter(|other| **other == word).count();
    let listing = match kind {
        2 if times("waitpid") + times("WAIT_ERR") > 0 || times("fork") > 1 => 5,
        2 if times("fork") + times("SIGCHLD") + times("FORK_ERR") > 0 => 4,
        kind => kind,
    };
    defects += usize::from(depth != 0) + usize::from(kind > 1 && times("main") == 0);
    let size = text.split_whitespace().map(str::len).sum();
    Some(Found { name: LISTINGS[listing], words: count(kind), defects, size, text: text.to_string() })
}

/// The code alone, line by line: spaces in the place of comments and of what is between quotes.
pub fn bare(text: &str) -> String {
    enum Inside {
        Code,
        Line,
        Block,
        Quotes(char),
    }
    let chars: Vec<char> = text.chars().collect();
    let (mut bare, mut inside, mut at) = (String::new(), Inside::Code, 0);
    while at < chars.len() {
        let (c, next) = (chars[at], chars.get(at + 1).copied().unwrap_or('\n'));
        let begins = |second: char| c == '/' && next == second;
        let pair = match inside {
            Inside::Code => begins('/') || begins('*'),
            Inside::Block => c == '*' && next == '/',
            Inside::Quotes(_) => c == '\\' && next != '\n',
            Inside::Line => false,
        };
        inside = match inside {
            Inside::Code if begins('/') => Inside::Line,
            Inside::Code if begins('*') => Inside::Block,
            Inside::Code if c == '"' || c == '\'' => Inside::Quotes(c),
            Inside::Block if pair => Inside::Code,
            Inside::Quotes(_) if pair => inside,
            // Strings and `//` comments end with their line.
            Inside::Quotes(quote) if c == quote || c == '\n' => Inside::Code,
            Inside::Line if c == '\n' => Inside::Code,
            other => other,
        };
        let is_code = matches!(inside, Inside::Code) && !pair
            || matches!(inside, Inside::Quotes(quote) if quote == c && !pair);
        bare.push(if is_code || c == '\n' { c } else { ' ' });
        if pair {
            bare.push(' ');
            at += 1;
        }
        at += 1;
    }
    bare
}
