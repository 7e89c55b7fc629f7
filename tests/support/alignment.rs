//! Two sources side by side: which statement of the one is which of the other, in order.
//!
//! Statements are alike in what both languages spell: calls, literals, names. A
//! name's spelling is Rust's (`_LiSockFd` is `li_sock_fd`); a few words stand for others ([`WORDS`]).

use std::collections::{HashMap, HashSet};

/// A statement: its lines, and what it is recognised by, each word with its weight.
pub struct Statement {
    pub lines: Vec<String>,
    /// How many of the source's own it is: a declaration and its first value are two.
    pub count: usize,
    words: HashMap<String, u32>,
}

/// Where each statement of the left has its counterpart: the first of the right, and how many.
pub struct Alignment {
    pub left: Vec<Statement>,
    pub right: Vec<Statement>,
    /// Lines of C++ that can't stand in Rust: no statement, and not looked for.
    pub besides: usize,
    pub pairs: Vec<Option<(usize, usize)>>,
}

/// Rust's words for C++'s.
const WORDS: [(&str, &str); 9] = [
    ("impl", "class"),
    ("new", "tcp_server"), // the constructor
    ("zeroed", "memset"),
    ("loop", "while"),
    ("is_empty", "empty"),
    ("resized", "resize"),
    ("stderr_fileno", "stderr"),
    ("stdout_fileno", "stdout"),
    ("none", "nullptr"),
];

/// Types, and words that one of the two needs and the other does not have.
const SILENT: &str = " int char bool void string uint16_t ssize_t socklen_t pid_t time_t struct sockaddr sockaddr_in \
    const volatile static let mut pub fn u16 c_int usize isize str as some true self c_str to_bytes put args define \
    file sizeof i b c sa_family_t crate cstr u8 ";

impl Alignment {
    /// C++ on the left, Rust on the right.
    pub fn of(cpp: &str, rust: &str) -> Self {
        let (left, besides) = statements_of_cpp(cpp);
        let right = statements(rust);
        let pairs = pairs(&left, &right);
        Alignment { left, right, besides, pairs }
    }

    /// The statements of the left, and those that have their counterpart.
    pub fn counts(&self) -> (usize, usize) {
        let all = self.left.iter().map(|statement| statement.count).sum();
        let paired = self.left.iter().zip(&self.pairs).filter(|(_, pair)| pair.is_some());
        (all, paired.map(|(statement, _)| statement.count).sum())
    }

    pub fn share(&self) -> f64 {
        let (all, paired) = self.counts();
        paired as f64 / all.max(1) as f64
    }

    /// The statements without counterpart, each as one line, with its kind in both languages.
    pub fn alone(&self) -> Vec<(String, [&'static str; 2])> {
        let alone = self.left.iter().zip(&self.pairs).filter(|(_, pair)| pair.is_none());
        let texts = alone.map(|(statement, _)| statement.lines.join(" "));
        let texts = texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        texts.map(|text| (text.clone(), kind(&text))).collect()
    }
}

/// Why a statement of the article may have no counterpart.
fn kind(statement: &str) -> [&'static str; 2] {
    let kinds = [
        ("sizeof", ["a length that the type knows", "类型自带的长度"]),
        ("(void)", ["a type conversion", "类型转换"]),
        ("va_", ["varargs", "可变参数"]),
        ("return", ["a return", "返回语句"]),
        ("break", ["a way out of a loop", "跳出循环"]),
        ("=false", ["a global variable", "全局变量"]),
    ];
    kinds.iter().find(|(sign, _)| statement.contains(sign)).map_or(UNKNOWN, |(_, kind)| *kind)
}

/// Nothing says why.
pub const UNKNOWN: [&str; 2] = ["a statement", "语句"];

/// The statements of C++, and how many lines are what only C++ has: directives, `using`, labels, a destructor.
fn statements_of_cpp(text: &str) -> (Vec<Statement>, usize) {
    let mut besides = 0;
    let mut kept = String::new();
    let mut before = "";
    for line in text.lines() {
        let word = line.trim();
        // A destructor that does nothing ends with its braces.
        let destructed = before.starts_with('~') && word == "{}";
        let only = ["#include", "#pragma", "using ", "~", "public:", "private:"];
        if destructed || only.iter().any(|start| word.starts_with(start)) {
            besides += 1;
        } else if word.starts_with([':', ',']) {
            // A constructor's list goes on with the line before it.
            kept = kept.trim_end().to_string() + word + "\n";
        } else {
            // A loop that counts is known by how far it counts.
            kept = kept + &line.replace("int i=0;", "") + "\n";
        }
        before = word;
    }
    let mut merged: Vec<Statement> = Vec::new();
    for statement in statements(&kept) {
        let text = statement.lines.join("");
        let fills =
            |name: &str| text.contains(&format!("(&{name},")) || text.contains(&format!("({name},"));
        match merged.last_mut() {
            Some(declaration) if declared(declaration).is_some_and(fills) => {
                declaration.lines.extend(statement.lines);
                declaration.words.extend(statement.words);
                declaration.count += 1;
            }
            _ => merged.push(statement),
        }
    }
    (merged, besides)
}

/// The name, of a statement that declares it and gives it no value.
fn declared(statement: &Statement) -> Option<&str> {
    let (types, name) = statement.lines[0].trim().strip_suffix(';')?.rsplit_once(' ')?;
    let plain = |text: &str| text.chars().all(|c| is_of_a_word(c) || c == ' ');
    (plain(types) && plain(name)).then_some(name)
}

/// A statement a line; one that leaves a bracket open goes on. Lines without a word are left out.
fn statements(text: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut open = 0;
    for line in text.lines() {
        let code = uncommented(line);
        let (words, opened) = words(code);
        if words.is_empty() && open == 0 {
            continue;
        }
        let line = code.trim_end().replace('\t', "    ");
        match statements.last_mut() {
            Some(statement) if open > 0 => {
                statement.lines.push(line);
                statement.words.extend(words);
            }
            _ => statements.push(Statement { lines: vec![line], count: 1, words }),
        }
        // What stands in a closure's braces are statements of their own.
        open = if code.trim_end().ends_with('{') { 0 } else { (open + opened).max(0) };
    }
    statements
}

fn uncommented(line: &str) -> &str {
    let quotes = |part: &str| part.matches('"').count() - part.matches("\\\"").count();
    let outside = |(at, _): &(usize, &str)| quotes(&line[..*at]) % 2 == 0;
    line.match_indices("//").find(outside).map_or(line, |(at, _)| &line[..at])
}

/// What a line is recognised by, and how many round brackets it leaves open. A
/// call or a literal says more than a name.
fn words(code: &str) -> (HashMap<String, u32>, i32) {
    let (mut words, mut open, mut rest) = (HashMap::new(), 0, code);
    while !rest.is_empty() {
        let (token, after) = rest.split_at(first_token(rest));
        rest = after;
        open += i32::from(token == "(") - i32::from(token == ")");
        let is_literal = token.len() > 1 && token.starts_with(['"', '\'']);
        let word = if is_literal { token.to_string() } else { spelled(token) };
        let weight = match token {
            "return" => 3, // what it returns is no counterpart of it
            _ if is_literal => 2,
            _ if !token.starts_with(is_of_a_word) || SILENT.contains(&format!(" {word} ")) => continue,
            _ if rest.starts_with('(') || rest.starts_with("!(") => 2,
            _ if token.starts_with(|c: char| c.is_ascii_digit()) => 2,
            _ => 1,
        };
        words.insert(word, weight);
    }
    (words, open)
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of what `code` begins with: a word, a literal in its quotes, or a sign.
fn first_token(code: &str) -> usize {
    let first = code.chars().next().expect("there is more");
    if is_of_a_word(first) {
        return code.find(|c| !is_of_a_word(c)).unwrap_or(code.len());
    }
    let is_char = first == '\'' && (code[1..].starts_with('\\') || code.chars().nth(2) == Some('\''));
    if first != '"' && !is_char {
        return first.len_utf8();
    }
    let mut escapes = false;
    let closes = |c| {
        escapes = c == '\\' && !escapes;
        c == first && !escapes
    };
    code[1..].find(closes).map_or(code.len(), |end| 1 + end + 1)
}

/// A name as Rust spells it: `_LiSockFd` is `li_sock_fd`, `clientIP` is `client_ip`.
fn spelled(word: &str) -> String {
    let mut name = String::new();
    let mut before = '_';
    for c in word.trim_start_matches('_').chars() {
        if c.is_uppercase() && before.is_lowercase() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
        before = c;
    }
    let other = WORDS.iter().find(|(rust, _)| *rust == name);
    other.map_or(name, |(_, cpp)| cpp.to_string())
}

/// The most that may stand for one statement.
const RUN: usize = 12;

/// The best pairing in order. A statement has a counterpart where at least half of
/// what it is recognised by is found there; nothing is counterpart of two.
fn pairs(left: &[Statement], right: &[Statement]) -> Vec<Option<(usize, usize)>> {
    let (rows, columns) = (left.len(), right.len());
    // How well what begins here can be paired, and what comes first then: so many of both.
    let mut best = vec![vec![(0.0, (1, 0)); columns + 1]; rows + 1];
    for i in (0..rows).rev() {
        let words = &left[i].words;
        let weight = words.values().sum::<u32>() as f64;
        for j in (0..=columns).rev() {
            let mut choice = (best[i + 1][j].0, (1, 0));
            if j < columns && best[i][j + 1].0 >= choice.0 {
                choice = (best[i][j + 1].0, (0, 1));
            }
            let mut found = HashSet::new();
            let mut said = 0;
            for (length, statement) in (1..=RUN).zip(&right[j..]) {
                let before = found.len();
                said += statement.words.len();
                found.extend(statement.words.keys().filter(|word| words.contains_key(*word)));
                // A run starts and ends with something to show.
                if found.is_empty() {
                    break;
                }
                if found.len() == before {
                    continue;
                }
                let alike = found.iter().map(|word| words[*word]).sum::<u32>() as f64 / weight;
                // Of two that are as much alike, the one that says nothing else.
                let besides = 0.001 * said.saturating_sub(found.len()) as f64;
                let worth = 1.0 + alike - besides - 0.05 * (length - 1) as f64 + best[i + 1][j + length].0;
                if alike >= 0.5 && worth >= choice.0 {
                    choice = (worth, (1, length));
                }
            }
            best[i][j] = choice;
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < rows {
        let (down, along) = best[i][j].1;
        pairs.extend((down == 1).then(|| (along > 0).then_some((j, along))));
        (i, j) = (i + down, j + along);
    }
    pairs
}
