//! A source as statements, each with its lines and with the words by which its counterpart is found.
//!
//! Both languages spell calls, literals and names alike. Names are compared in Rust's spelling (`_LiSockFd` is
//! `li_sock_fd`); a few words of one language correspond to others ([`WORDS`]).

use std::collections::HashMap;
use std::ops::Range;

#[derive(Clone, Copy, PartialEq)]
pub enum Language {
    Cpp,
    Rust,
}

/// Some lines of a source that belong together.
pub struct Statement {
    /// Line indices, from 0.
    pub lines: Range<usize>,
    /// How many statements of the source it is: a declaration and its first assignment are two.
    pub count: usize,
    /// Each word with its weight: 2 for a call or a literal, [`RETURN`], otherwise 1.
    pub words: HashMap<String, u32>,
}

/// Rust's words and the C++ words they are compared as; `new` is the constructor.
const WORDS: &str = " impl=class new=tcp_server zeroed=memset loop=while is_empty=empty len=size put=write resized=resize \
    truncate=resize ignore_sigpipe=signal pause_before_retry=usleep stderr_fileno=stderr stdout_fileno=stdout none=nullptr ";

/// The weight of `return`: the value without it must not match.
pub const RETURN: u32 = 3;

/// Types, and words that only one of the two languages needs.
const IGNORED: &str = " int char bool void string uint16_t ssize_t socklen_t pid_t time_t struct sockaddr sockaddr_in \
    const volatile static let mut pub fn u16 c_int usize isize str as some true self c_str to_bytes args define do \
    file sizeof i b c sa_family_t crate cstr u8 inline std size_t data fileno ";

/// How lines begin that only C++ has: no statements, not aligned.
const CPP_ONLY: [&str; 7] = ["#include", "#pragma", "using ", "~", "{}", "public:", "private:"];

pub fn is_cpp_only(line: &str) -> bool {
    line.contains("__attribute__") || CPP_ONLY.iter().any(|start| line.trim_start().starts_with(start))
}

/// One statement per line; a line that leaves a bracket open continues. Lines without words are left out.
pub fn statements(text: &str, language: Language) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut open = 0;
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let code = without_comment(line);
        if language == Language::Cpp && is_cpp_only(line) {
            continue;
        }
        let (mut words, opened) = words(code);
        if language == Language::Rust && is_returned(&lines, index) {
            words.insert("return".to_string(), RETURN);
        }
        if words.is_empty() && (open == 0 || code.is_empty()) {
            continue;
        }
        // A constructor's initialiser list continues the line before it.
        let is_list = language == Language::Cpp && code.trim_start().starts_with([':', ',']);
        match statements.last_mut() {
            Some(last) if open > 0 || is_list || assigns(code, lines[last.lines.start]) => {
                last.count += usize::from(open == 0 && !is_list);
                last.lines.end = index + 1;
                last.words.extend(words);
            }
            _ => statements.push(Statement { lines: index..index + 1, count: 1, words }),
        }
        // The lines inside a closure's braces are statements of their own.
        open = if code.ends_with('{') { 0 } else { (open + opened).max(0) };
    }
    statements
}

/// Whether a line of Rust is the last expression of a function, which C++ writes with `return`.
fn is_returned(lines: &[&str], index: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(after) = lines.get(index + 1).filter(|after| after.trim() == "}") else { return false };
    if lines[index].trim().is_empty() || lines[index].ends_with([';', '{', '}', ',']) {
        return false;
    }
    let opened =
        lines[..=index].iter().rev().find(|line| !line.is_empty() && indent(line) == indent(after));
    opened.is_some_and(|line| line.contains("fn "))
}

/// The line up to a comment that is not inside a string.
pub fn without_comment(line: &str) -> &str {
    let outside = |at: &usize| line[..*at].matches('"').count() % 2 == 0;
    let comment = line.match_indices("//").map(|(at, _)| at).find(outside);
    line[..comment.unwrap_or(line.len())].trim_end()
}

/// Whether a line assigns the first value to what the line before it declares.
fn assigns(line: &str, declaration: &str) -> bool {
    let declared = without_comment(declaration).trim().strip_suffix(';');
    let declared = declared.filter(|text| text.chars().all(|c| is_word_char(c) || c == ' '));
    let name = declared.and_then(|text| text.split(' ').next_back());
    name.is_some_and(|name| line.contains(&format!("{name},")))
}

/// The words of a line with their weights, and how many round brackets it leaves open.
fn words(code: &str) -> (HashMap<String, u32>, i32) {
    let (mut words, mut open) = (HashMap::new(), 0);
    for (index, mut rest) in code.split('"').enumerate() {
        if index % 2 == 1 {
            words.insert(format!("\"{rest}\""), 2);
            continue;
        }
        open += rest.matches('(').count() as i32 - rest.matches(')').count() as i32;
        while let Some(start) = rest.find(is_word_char) {
            let end = rest[start..].find(|c| !is_word_char(c)).map_or(rest.len(), |length| start + length);
            let (token, after) = (&rest[start..end], &rest[end..]);
            let word = rust_spelling(token);
            let weight = match token {
                "return" => RETURN,
                _ if IGNORED.contains(&format!(" {word} ")) => 0,
                "if" => 1,
                _ if after.starts_with('(') || after.starts_with("!(") => 2,
                _ => 1,
            };
            if weight > 0 {
                words.insert(word, weight);
            }
            rest = after;
        }
    }
    (words, open)
}

pub fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A name as Rust spells it: `_LiSockFd` is `li_sock_fd`, `clientIP` is `client_ip`.
pub fn rust_spelling(word: &str) -> String {
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
