//! Two sources side by side: which statement of the one is which of the other, in order.
//!
//! Statements are alike in what both languages spell: calls, literals, names. A
//! name's spelling is Rust's (`_LiSockFd` is `li_sock_fd`); a few words stand for others ([`WORDS`]).

use std::collections::HashMap;

/// A statement: its lines, and what it is recognised by, each word with its weight.
#[derive(Clone, Debug)]
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
    file sizeof i c sa_family_t crate cstr u8 ";

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
        let text = |statement: &Statement| {
            let lines: Vec<&str> = statement.lines.iter().map(|line| line.trim()).collect();
            lines.join(" ")
        };
        alone.map(|(statement, _)| (text(statement), kind(&text(statement)))).collect()
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
    let mut destructs = false;
    for line in text.lines() {
        let word = line.trim();
        // A destructor that does nothing ends with its braces.
        let destructed = std::mem::replace(&mut destructs, word.starts_with('~')) && word == "{}";
        let only = ["#include", "#pragma", "using ", "~", "public:", "private:"];
        if destructed || only.iter().any(|start| word.starts_with(start)) {
            besides += 1;
        } else {
            // A constructor's list goes on with the line before it.
            if word.starts_with([':', ',']) {
                kept.pop();
            } else {
                kept += &line[..line.len() - line.trim_start().len()];
            }
            // A loop that counts is known by how far it counts.
            kept += &word.replace("int i=0;", "");
            kept.push('\n');
        }
    }
    let mut merged: Vec<Statement> = Vec::new();
    for statement in statements(&kept) {
        let declared = merged.last().and_then(declares);
        let text = statement.lines.join("");
        let fills =
            |name: String| text.contains(&format!("(&{name},")) || text.contains(&format!("({name},"));
        if declared.is_some_and(fills) {
            let declaration = merged.last_mut().expect("it is there");
            declaration.lines.extend(statement.lines);
            declaration.words.extend(statement.words);
            declaration.count += 1;
        } else {
            merged.push(statement);
        }
    }
    (merged, besides)
}

/// The name, of a statement that declares it and gives it no value.
fn declares(statement: &Statement) -> Option<String> {
    let line = statement.lines[0].trim().strip_suffix(';')?;
    let (types, name) = line.rsplit_once(' ')?;
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == ' ';
    (types.chars().all(plain) && name.chars().all(plain)).then(|| name.to_string())
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
    let mut words = HashMap::new();
    let mut open = 0;
    let chars: Vec<char> = code.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let start = at;
        at += 1;
        if c == '"'
            || c == '\''
                && chars.get(at).is_some_and(|&next| next == '\\' || chars.get(at + 1) == Some(&'\''))
        {
            while at < chars.len() && chars[at] != c {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at = (at + 1).min(chars.len());
            words.insert(chars[start..at].iter().collect(), 2);
        } else if c.is_alphanumeric() || c == '_' {
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            let word: String = chars[start..at].iter().collect();
            // The b of b"bytes", the c of c"string".
            if ["b", "c"].contains(&word.as_str()) && matches!(chars.get(at), Some('"' | '\'')) {
                continue;
            }
            let word = spelled(&word);
            if SILENT.contains(&format!(" {word} ")) {
                continue;
            }
            let next: String = chars[at..].iter().take(2).collect();
            let says_more =
                next.starts_with('(') || next == "!(" || word.starts_with(|c: char| c.is_ascii_digit());
            let weight = match word.as_str() {
                "return" => 3, // what it returns is no counterpart of it
                _ if says_more => 2,
                _ => 1,
            };
            words.insert(word, weight);
        } else if c == '(' {
            open += 1;
        } else if c == ')' {
            open -= 1;
        }
    }
    (words, open)
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
    let mut best = vec![vec![(0.0, 0); columns + 1]; rows + 1];
    for i in (0..rows).rev() {
        let words = &left[i].words;
        let weight = words.values().sum::<u32>() as f64;
        for j in (0..=columns).rev() {
            // 0 in the second place: this of the left stays alone; a run's length otherwise.
            let mut choice = (best[i + 1][j].0, 0);
            if j < columns && best[i][j + 1].0 >= choice.0 {
                choice = (best[i][j + 1].0, usize::MAX);
            }
            let mut found: HashMap<&str, u32> = HashMap::new();
            let mut said = 0;
            for length in 1..=RUN.min(columns - j) {
                let before = found.len();
                said += right[j + length - 1].words.len();
                for word in right[j + length - 1].words.keys() {
                    if let Some((word, weight)) = words.get_key_value(word) {
                        found.insert(word, *weight);
                    }
                }
                // A run starts and ends with something to show.
                if found.len() == before {
                    if length == 1 {
                        break;
                    }
                    continue;
                }
                let alike = found.values().sum::<u32>() as f64 / weight;
                // Of two that are as much alike, the one that says nothing else.
                let besides = 0.001 * said.saturating_sub(found.len()) as f64;
                let worth = 1.0 + alike - besides - 0.05 * (length - 1) as f64 + best[i + 1][j + length].0;
                if alike >= 0.5 && worth >= choice.0 {
                    choice = (worth, length);
                }
            }
            best[i][j] = choice;
        }
    }
    let mut pairs = vec![None; rows];
    let (mut i, mut j) = (0, 0);
    while i < rows {
        match best[i][j].1 {
            0 => i += 1,
            usize::MAX => j += 1,
            length => {
                pairs[i] = Some((j, length));
                i += 1;
                j += length;
            }
        }
    }
    pairs
}
