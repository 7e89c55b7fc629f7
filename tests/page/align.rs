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

/// Both sources in rows: a statement of the left and its counterpart, or what has none.
pub struct Alignment {
    pub rows: Vec<(Option<Statement>, Vec<Statement>)>,
    /// Lines of C++ that can't stand in Rust: no statement, and not looked for.
    pub besides: usize,
}

/// Rust's words for C++'s; `new` is the constructor.
const WORDS: &str = " impl=class new=tcp_server zeroed=memset loop=while is_empty=empty resized=resize \
    stderr_fileno=stderr stdout_fileno=stdout none=nullptr ";

/// Types, and words that one of the two needs and the other does not have.
const SILENT: &str = " int char bool void string uint16_t ssize_t socklen_t pid_t time_t struct sockaddr sockaddr_in \
    const volatile static let mut pub fn u16 c_int usize isize str as some true self c_str to_bytes put args define \
    file sizeof i b c sa_family_t crate cstr u8 ";

impl Alignment {
    /// C++ on the left, Rust on the right.
    pub fn of(cpp: &str, rust: &str) -> Self {
        let (cpp, besides) = without_its_own(cpp);
        Alignment { rows: rows(statements(&cpp), statements(rust)), besides }
    }

    /// The statements of the left, and those that have their counterpart.
    pub fn counts(&self) -> (usize, usize) {
        let count = |(left, _): &(Option<Statement>, _)| left.as_ref().map_or(0, |left| left.count);
        let paired = self.rows.iter().filter(|(_, right)| !right.is_empty());
        (self.rows.iter().map(count).sum(), paired.map(count).sum())
    }

    /// The statements without counterpart, each as one line, with its kind in both languages.
    pub fn alone(&self) -> Vec<(String, [&'static str; 2])> {
        let alone = self.rows.iter().filter(|(_, right)| right.is_empty());
        let texts = alone.flat_map(|(left, _)| left).map(|left| left.lines.join(" "));
        let texts = texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        texts.map(|text| (text.clone(), kind(&text))).collect()
    }
}

/// Why a statement of the article may have no counterpart; the last says nothing.
fn kind(statement: &str) -> [&'static str; 2] {
    let kinds = [
        ("sizeof", ["a length that the type knows", "类型自带的长度"]),
        ("(void)", ["a type conversion", "类型转换"]),
        ("va_", ["varargs", "可变参数"]),
        ("return", ["a return", "返回语句"]),
        ("break", ["a way out of a loop", "跳出循环"]),
        ("=false", ["a global variable", "全局变量"]),
        ("", ["a statement", "语句"]),
    ];
    kinds.into_iter().find(|(sign, _)| statement.contains(sign)).expect("the last").1
}

/// C++ without what only C++ has: directives, `using`, labels, a destructor; and how many lines that is.
fn without_its_own(cpp: &str) -> (String, usize) {
    const ITS_OWN: [&str; 7] = ["#include", "#pragma", "using ", "~", "{}", "public:", "private:"];
    let is_its_own = |line: &&str| ITS_OWN.iter().any(|start| line.trim_start().starts_with(start));
    let mut kept = String::new();
    for line in cpp.lines().filter(|line| !is_its_own(line)) {
        match line.trim_start() {
            // A constructor's list goes on with the line before it.
            list if list.starts_with([':', ',']) => kept = kept.trim_end().to_string() + list + "\n",
            _ => kept = kept + line + "\n",
        }
    }
    (kept, cpp.lines().filter(is_its_own).count())
}

/// A statement a line; one that leaves a bracket open goes on. Lines without a word are left out.
fn statements(text: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut open = 0;
    for line in text.lines() {
        let outside = |(at, _): &(usize, &str)| line[..*at].matches('"').count() % 2 == 0;
        let comment = line.match_indices("//").find(outside);
        let code = comment.map_or(line, |(at, _)| &line[..at]).trim_end();
        let (words, opened) = words(code);
        if words.is_empty() && (open == 0 || code.is_empty()) {
            continue;
        }
        let line = code.replace('\t', "    ");
        match statements.last_mut() {
            Some(statement) if open > 0 || fills(&line, statement) => {
                statement.count += usize::from(open == 0);
                statement.lines.push(line);
                statement.words.extend(words);
            }
            _ => statements.push(Statement { lines: vec![line], count: 1, words }),
        }
        // What stands in a closure's braces are statements of their own.
        open = if code.ends_with('{') { 0 } else { (open + opened).max(0) };
    }
    statements
}

/// Whether a line gives the first value to what a statement declares.
fn fills(line: &str, statement: &Statement) -> bool {
    let declared = statement.lines[0].trim().strip_suffix(';');
    let declared = declared.filter(|declared| declared.chars().all(|c| is_of_a_word(c) || c == ' '));
    let name = declared.and_then(|declared| declared.split(' ').next_back());
    name.is_some_and(|name| line.contains(&format!("{name},")))
}

/// What a line is recognised by, most by a call or a literal, and how many round brackets it leaves open.
fn words(code: &str) -> (HashMap<String, u32>, i32) {
    let (mut words, mut open) = (HashMap::new(), 0);
    for (index, mut rest) in code.split('"').enumerate() {
        if index % 2 == 1 {
            words.insert(format!("\"{rest}\""), 2);
            continue;
        }
        open += rest.matches('(').count() as i32 - rest.matches(')').count() as i32;
        while let Some(start) = rest.find(is_of_a_word) {
            let end = rest[start..].find(|c| !is_of_a_word(c)).map_or(rest.len(), |length| start + length);
            let (token, after) = (&rest[start..end], &rest[end..]);
            let word = spelled(token);
            let weight = match token {
                "return" => 3, // what it returns is no counterpart of it
                _ if SILENT.contains(&format!(" {word} ")) => 0,
                _ if after.starts_with('(') || after.starts_with("!(") => 2,
                _ => 1,
            };
            words.extend((weight > 0).then_some((word, weight)));
            rest = after;
        }
    }
    (words, open)
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
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
    let other = WORDS.split_once(&format!(" {name}=")).and_then(|(_, cpp)| cpp.split(' ').next());
    other.map_or(name, str::to_string)
}

/// How well a run of statements stands for one, of two that are as much alike the one that says nothing
/// else: at least half of what the one is recognised by is found there.
fn worth(statement: &Statement, run: &[Statement]) -> Option<f64> {
    let said = run.iter().flat_map(|statement| statement.words.keys());
    let found: HashSet<&String> = said.clone().filter(|word| statement.words.contains_key(*word)).collect();
    let besides = 0.001 * (said.count() - found.len()) as f64;
    let weight = statement.words.values().sum::<u32>() as f64;
    let alike = found.iter().map(|word| statement.words[*word]).sum::<u32>() as f64 / weight;
    (alike >= 0.5).then_some(1.0 + alike - besides - 0.05 * (run.len() - 1) as f64)
}

/// The best pairing in order; nothing is counterpart of two.
fn rows(left: Vec<Statement>, right: Vec<Statement>) -> Vec<(Option<Statement>, Vec<Statement>)> {
    /// The most that may stand for one statement.
    const RUN: usize = 12;
    let (rows, columns) = (left.len(), right.len());
    // How well what begins here can be paired, and what comes first then: so many of both.
    let mut best = vec![vec![(0.0, (0, 1)); columns + 1]; rows + 1];
    for (i, statement) in left.iter().enumerate().rev() {
        for j in (0..=columns).rev() {
            let mut choices = Vec::from_iter((j < columns).then(|| (best[i][j + 1].0, (0, 1))));
            choices.push((best[i + 1][j].0, (1, 0)));
            for length in 1..=RUN.min(columns - j) {
                let worth = worth(statement, &right[j..j + length]);
                choices.extend(worth.map(|worth| (worth + best[i + 1][j + length].0, (1, length))));
            }
            let most = choices.into_iter().max_by(|one, other| one.0.total_cmp(&other.0));
            best[i][j] = most.expect("one at least");
        }
    }
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let mut paired = Vec::new();
    while left.len() + right.len() > 0 {
        let (down, along) = best[rows - left.len()][columns - right.len()].1;
        paired.push((left.by_ref().take(down).next(), right.by_ref().take(along).collect()));
    }
    paired
}
