//! Colours a line of C++ or Rust for HTML: `<b>` is a keyword, `<i>` a string, `<u>` a comment.

use crate::page::statement::{Language, is_word_char, without_comment};

const CPP: &str = " #define #include #pragma assert bool break char class const continue else false for if int nullptr \
    private public return sizeof struct true using va_list void volatile while ";
const RUST: &str = " as bool break const continue crate else enum extern false fn for if impl in let loop macro_rules \
    match mod move mut pub ref return self Self static str struct super trait true type unsafe use where while ";

/// The line with its text unchanged but for the tags.
pub fn coloured(line: &str, language: Language) -> String {
    parts(line, |code| coloured_code(code, language))
}

/// The same without strings and keywords, for files that are only looked up.
pub fn only_comments(line: &str) -> String {
    parts(line, escaped)
}

fn parts(line: &str, code_html: impl Fn(&str) -> String) -> String {
    let code = without_comment(line);
    // The blanks before a comment, or at the end of the line.
    let blanks = &line[code.len()..line.len() - line[code.len()..].trim_start().len()];
    let comment = &line[code.len() + blanks.len()..];
    let mut html = code_html(code) + blanks;
    if !comment.is_empty() {
        html += &format!("<u>{}</u>", escaped(comment));
    }
    html
}

fn coloured_code(code: &str, language: Language) -> String {
    let keywords = if language == Language::Cpp { CPP } else { RUST };
    let mut html = String::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let (length, tag) = if first == '"' || first == '\'' {
            match string_length(rest, first) {
                Some(length) => (length, "i"),
                None => (first.len_utf8(), ""), // a lifetime
            }
        } else if is_word_char(first) || first == '#' && language == Language::Cpp {
            let length = rest.char_indices().skip(1).find(|(_, c)| !is_word_char(*c));
            let length = length.map_or(rest.len(), |(at, _)| at);
            (length, if keywords.contains(&format!(" {} ", &rest[..length])) { "b" } else { "" })
        } else {
            (first.len_utf8(), "")
        };
        let text = escaped(&rest[..length]);
        html += &if tag.is_empty() { text } else { format!("<{tag}>{text}</{tag}>") };
        rest = &rest[length..];
    }
    // Keywords in a row need one tag.
    html.replace("</b> <b>", " ")
}

/// The length of the string or character at the start of `text`.
fn string_length(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            // `'a` is a lifetime if no quote closes it soon.
            _ if c == quote => return Some(at + 1).filter(|_| quote == '"' || at > 1 && at < 12),
            _ => {}
        }
    }
    None
}

/// Text as HTML has it, and XML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace("]]>", "]]&gt;")
}
