//! Finds the listings in a text by where C++ files begin and end, whatever is around them: fences, quotations, line numbers,
//! a site's own words, or nothing.

use super::classify::{Found, bare, classified};
use super::html::{BORDER, unescaped};

/// What formats write where a block of code ends. No line of C++ outside braces begins so.
const BLOCK_ENDS: [&str; 12] =
    ["```", "~~~", "{%", "{code", "[/", "\\end", "#+", "</", ":::", "----", "....", "@end"];

/// The listings in a text, each as it is without what is around it.
pub fn listings(text: &str) -> Vec<Found> {
    let lines: Vec<&str> = text.lines().collect();
    let mut starts: Vec<usize> = (0..lines.len()).filter(|&at| is_start(&lines, at)).collect();
    starts.push(lines.len());
    let mut found = Vec::new();
    for (&start, &next) in starts.iter().zip(&starts[1..]) {
        let first = with_comment(&lines, start);
        let mut piece = lines[first..next].to_vec();
        // A language's name or a button may be before the first line.
        let (before, _) = lines[start].split_once('#').expect("it is a directive");
        if without_number(before).contains(char::is_alphabetic) {
            piece[start - first] = &lines[start][before.len()..];
        }
        found.extend(best(&plain(&piece)));
    }
    found
}

/// `include` for a line `#include`, whatever numbers and signs are before it.
fn directive(line: &str) -> Option<&str> {
    let (before, after) = line.split_once('#')?;
    let label = without_number(before);
    if label.chars().count() > 20
        || label.contains(|c: char| !c.is_alphanumeric() && !c.is_whitespace() && c != '+')
    {
        return None;
    }
    let name = after.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next()?;
    let known = ["include", "pragma", "define", "ifndef", "ifdef", "if", "endif", "undef", "else"];
    known.contains(&name).then_some(name)
}

/// A C++ file begins here: with directives, after something else.
fn is_start(lines: &[&str], at: usize) -> bool {
    let Some(name) = directive(lines[at]) else { return false };
    let before = lines[..at].iter().rev().filter(|line| is_significant(line));
    let mut before = before.map(|line| directive(line));
    let last = before.next().flatten();
    match name {
        // `#pragma once` may be inside an include guard.
        "pragma" => {
            lines[at].contains("once") && (last != Some("define") || before.next() != Some(Some("ifndef")))
        }
        "ifndef" => {
            let guard = lines[at].split_whitespace().last().unwrap_or("");
            let defines =
                |line: &&str| directive(line) == Some("define") && line.trim_end().ends_with(guard);
            last.is_none() && lines[at + 1..].iter().take(2).any(defines)
        }
        "include" => last.is_none(),
        _ => false,
    }
}

/// Neither empty nor a number, a comment or a border.
fn is_significant(line: &str) -> bool {
    let line = without_number(line);
    !line.is_empty() && !line.starts_with("//") && !line.ends_with("*/") && !line.starts_with(BORDER)
}

fn without_number(line: &str) -> &str {
    let line = numbered(line).map_or(line, |(_, rest)| rest);
    line.trim_start_matches(|c: char| c.is_whitespace() || SIGNS.contains(c)).trim_end()
}

/// Where the comment begins that is right before a line.
fn with_comment(lines: &[&str], mut at: usize) -> usize {
    loop {
        let before = lines[..at]
            .iter()
            .rposition(|line| !without_number(line).is_empty() && !line.starts_with(BORDER));
        let Some(before) = before else { return at };
        let line = without_number(lines[before]);
        if line.starts_with("//") {
            at = before;
        } else if line.ends_with("*/") && !line.contains(';') {
            let opens = lines[..=before].iter().rposition(|line| line.contains("/*"));
            let Some(opens) = opens.filter(|opens| without_number(lines[*opens]).starts_with("/*")) else {
                return at;
            };
            at = opens;
        } else {
            return at;
        }
    }
}

/// Of the places where the listing may end, the one that makes most of it.
fn best(text: &str) -> Option<Found> {
    let code = bare(text);
    // Where a function, a class or a directive ended last, and which of these places are ends of the block.
    let (mut depth, mut closed, mut ends, mut length) = (0, 0, Vec::new(), 0);
    let mut braces = false;
    for (line, original) in code.lines().zip(text.split_inclusive('\n')) {
        let start = original.trim_start();
        let ends_block = start.starts_with(BORDER)
            || BLOCK_ENDS.iter().any(|end| start.starts_with(end))
            || line.contains(|c: char| !c.is_ascii());
        length += original.len();
        if depth <= 0 && ends_block {
            ends.push(closed);
            continue;
        }
        braces |= line.contains('{');
        depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
        let is_directive = directive(original).is_some_and(|name| !braces || name == "endif");
        if line.contains('}') || is_directive {
            closed = length;
        }
    }
    ends.push(closed);
    ends.dedup();
    let found: Vec<Found> = ends.iter().filter_map(|&end| classified(&outdented(&text[..end]))).collect();
    // The first of equals.
    found.into_iter().rev().max_by_key(|found| (found.words, std::cmp::Reverse(found.defects)))
}

/// The lines of code as they were typed: without quotation marks and numbers; what a page has wrapped is one line again.
fn plain(lines: &[&str]) -> String {
    let mut lines: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
    // Within a quotation, or a patch that adds the file: what is outside is no part of it.
    while let Some(mark) = lines[0].trim_start().chars().next().filter(|mark| ['>', '+'].contains(mark)) {
        let marked = lines.iter().take_while(|line| line.trim_start().starts_with(mark)).map(|line| {
            let rest = line.trim_start().trim_start_matches(mark);
            rest.strip_prefix(if mark == '>' { " " } else { "" }).unwrap_or(rest).to_string()
        });
        lines = marked.collect();
    }
    let mut text = unnumbered(&lines).join("\n") + "\n";
    // An entity outside of strings is none of the code's.
    for _ in 0..3 {
        if has_entities(&bare(&text)) {
            text = unescaped(&text);
        }
    }
    // Markdown escapes outside of its blocks. No C++ escapes these.
    if bare(&text).contains("\\_") {
        text = ["_", "*", "[", "]", "(", ")", "<", ">", "#", "&", "{", "}", "+", "-", ".", "!", "="]
            .iter()
            .fold(text, |text, sign| text.replace(&format!("\\{sign}"), sign));
    }
    if !text.contains('"') {
        text = text.replace(['“', '”', '„', '＂'], "\"").replace(['‘', '’'], "'");
    }
    joined(&text)
}

fn has_entities(code: &str) -> bool {
    ["&lt;", "&gt;", "&amp;", "&quot;", "&nbsp;", "&#"].iter().any(|entity| code.contains(entity))
}

/// What may be around a line's number.
const SIGNS: &str = "[](). :|│┃→⇥»>+-\\";

/// Without the numbers before the lines, or in lines of their own.
fn unnumbered(lines: &[String]) -> Vec<String> {
    let numbers: Vec<Option<(u32, &str)>> = lines.iter().map(|line| numbered(line)).collect();
    // The numbers that count the lines on, from each of the first ones.
    let chain = |first: usize| {
        let mut chain: Vec<usize> = Vec::new();
        let mut last = None;
        for (at, number) in numbers.iter().enumerate().skip(first) {
            let Some((number, _)) = number else { continue };
            // Empty lines may have no number.
            if last.is_none_or(|last| (last + 1..last + 4).contains(number)) {
                last = Some(*number);
                chain.push(at);
            }
        }
        chain
    };
    let firsts: Vec<usize> = (0..lines.len()).filter(|at| numbers[*at].is_some()).take(8).collect();
    let chain = firsts.into_iter().map(chain).rev().max_by_key(Vec::len).unwrap_or_default();
    if chain.len() < 3 {
        return lines.to_vec();
    }
    let rests: Vec<&str> = chain.iter().filter_map(|at| numbers[*at]).map(|(_, rest)| rest).collect();
    let filled: Vec<&str> =
        rests.iter().copied().filter(|rest| !rest.trim_matches(|c| SIGNS.contains(c)).is_empty()).collect();
    // What is between the numbers and the code on every line.
    let mut between = filled.first().copied().unwrap_or("");
    for rest in &filled {
        let same = between.char_indices().zip(rest.chars());
        let same =
            same.take_while(|((_, c), other)| c == other && (SIGNS.contains(*c) || c.is_whitespace()));
        between = &between[..same.last().map_or(0, |((at, c), _)| at + c.len_utf8())];
    }
    let inline = filled.len() * 2 > rests.len();
    let last = *chain.last().expect("it has three");
    let mut plain: Vec<String> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if chain.contains(&at) {
            let rest = numbers[at].map_or("", |(_, rest)| rest);
            plain.push(rest.strip_prefix(between).unwrap_or("").to_string());
        } else if inline
            && chain[0] < at
            && at < last
            && !line.trim().is_empty()
            && !line.starts_with(BORDER)
        {
            // The rest of a line that was wrapped.
            plain.last_mut().expect("the chain has begun").push_str(line.trim_start());
        } else {
            plain.push(line.clone());
        }
    }
    plain
}

/// A line's number and what follows it.
fn numbered(line: &str) -> Option<(u32, &str)> {
    let line = line.trim_start();
    let line = line.trim_start_matches(['[', '(', '|', '│', '#', 'L']);
    let line = line.trim_start();
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    Some((line[..digits].parse().ok().filter(|_| digits < 6)?, &line[digits..]))
}

/// The code without the indent that all its lines have.
fn outdented(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().filter(|line| !line.starts_with(BORDER)).collect();
    let mut indent: Option<&str> = None;
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        let own = &line[..line.len() - line.trim_start().len()];
        let same =
            |indent: &str| indent.bytes().zip(own.bytes()).take_while(|(one, other)| one == other).count();
        indent = Some(indent.map_or(own, |indent| &indent[..same(indent)]));
    }
    let indent = indent.unwrap_or("");
    lines.iter().map(|line| line.strip_prefix(indent).unwrap_or("").to_string() + "\n").collect()
}

/// A string or a `//` comment that a page has wrapped is one line again. Letters that are not ASCII are in comments and strings
/// only.
fn joined(text: &str) -> String {
    let code = bare(text);
    let mut whole = String::new();
    let (mut open, mut depth, mut comment) = (false, 0, false);
    for (line, code) in text.lines().zip(code.lines()) {
        let is_rest = comment && depth > 0 && code.contains(|c: char| !c.is_ascii());
        if (open || is_rest) && whole.ends_with('\n') {
            whole.pop();
        }
        whole = whole + line + "\n";
        open = code.matches('"').count() % 2 == 1 && !open;
        comment = is_rest || line.trim_end().len() > code.trim_end().len() || line.contains("//");
        depth += code.matches('{').count() as i32 - code.matches('}').count() as i32;
    }
    whole
}
