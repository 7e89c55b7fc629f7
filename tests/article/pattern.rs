//! Finds a place in C++ by its tokens, and says what is to change there.

use std::collections::BTreeMap;

use super::edit::{Edit, Place, SourceText};

/// What the names of a fix stand for in a listing.
pub type Bindings = BTreeMap<String, String>;

/// In tokens: an expression is not longer, so that no search takes long.
const LONGEST: usize = 60;

struct Token<'a> {
    text: &'a str,
    start: usize,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_word(&self) -> bool {
        self.text.starts_with(is_of_word)
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The tokens of C++. `struct` and `std::` are left out: a copy may have them or not.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let word = || rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (is_token, length) = match first {
            _ if rest.starts_with("//") => (false, rest.find('\n').unwrap_or(rest.len())),
            _ if rest.starts_with("/*") => (false, rest.find("*/").map_or(rest.len(), |end| end + 2)),
            _ if rest.starts_with("\\\n") => (false, 2),
            _ if rest.starts_with("std::") => (false, 5),
            _ if rest.starts_with("...") => (true, 3),
            '"' | '\'' => (true, quoted(rest, first)),
            '$' => (true, 1 + rest[1..].find(|c| !is_of_word(c)).unwrap_or(rest.len() - 1)),
            _ if is_of_word(first) => (&rest[..word()] != "struct", word()),
            _ => (!first.is_whitespace(), first.len_utf8()),
        };
        if is_token {
            tokens.push(Token { text: &rest[..length], start: at });
        }
        at += length;
    }
    tokens
}

/// The length of a literal, which ends with its line at the latest.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[derive(Clone, Debug)]
enum Element {
    Exact(String),
    /// `$name`.
    Expression(String),
    /// `"$name"`.
    Literal(String),
    /// `...`, `$name...`.
    Anything(Option<String>),
}

fn elements(text: &str) -> Vec<Element> {
    let tokens = tokens(text);
    let mut tokens = tokens.iter().peekable();
    let mut elements = Vec::new();
    while let Some(token) = tokens.next() {
        let is_rest = |next: &&Token| next.text == "..." && next.start == token.end();
        let literal = token.text.strip_prefix("\"$").and_then(|name| name.strip_suffix('"'));
        elements.push(match (token.text.strip_prefix('$'), literal) {
            (Some(name), _) if tokens.next_if(is_rest).is_some() => {
                Element::Anything(Some(name.to_string()))
            }
            (Some(name), _) => Element::Expression(name.to_string()),
            (_, Some(name)) => Element::Literal(name.to_string()),
            _ if token.text == "..." => Element::Anything(None),
            _ => Element::Exact(token.text.to_string()),
        });
    }
    elements
}

/// The number of tokens from `from` on that are balanced in their brackets: all such, the shortest first.
fn balanced<'a>(tokens: &'a [Token], from: usize) -> impl Iterator<Item = usize> + 'a {
    let mut depth = 0;
    let mut ends = vec![0];
    for (count, token) in (1..).zip(&tokens[from..]) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            break;
        }
        if depth == 0 {
            ends.push(count);
        }
    }
    ends.into_iter()
}

/// Whether tokens can be an expression: no statement, no list, no declaration.
fn is_expression(tokens: &[Token]) -> bool {
    let mut depth = 0;
    for token in tokens {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            ";" | "{" | "}" => return false,
            "," if depth == 0 => return false,
            _ => {}
        }
    }
    let declares = tokens.windows(2).any(|pair| pair[0].is_word() && pair[1].is_word());
    !tokens.is_empty() && tokens.len() <= LONGEST && !declares
}

struct Matcher<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    elements: &'a [&'a Element],
}

impl Matcher<'_> {
    /// Where each element and those after it end, as a count of tokens, if they match from token `at` on.
    fn matches(&self, element: usize, at: usize, bindings: &mut Bindings) -> Option<Vec<usize>> {
        let Some(first) = self.elements.get(element) else { return Some(Vec::new()) };
        let lengths: Vec<usize> = match first {
            Element::Exact(text) => {
                let is_same = self.tokens.get(at).is_some_and(|token| token.text == text);
                if is_same { vec![1] } else { Vec::new() }
            }
            Element::Literal(_) => {
                let is_literal = self.tokens.get(at).is_some_and(|token| token.text.starts_with('"'));
                if is_literal { vec![1] } else { Vec::new() }
            }
            Element::Expression(_) => {
                let lengths = balanced(self.tokens, at).take_while(|length| *length <= LONGEST);
                lengths.filter(|length| is_expression(&self.tokens[at..at + length])).collect()
            }
            Element::Anything(_) => balanced(self.tokens, at).collect(),
        };
        let name = match first {
            Element::Exact(_) | Element::Anything(None) => None,
            Element::Expression(name) | Element::Literal(name) | Element::Anything(Some(name)) => {
                Some(name)
            }
        };
        for end in lengths.into_iter().map(|length| at + length) {
            let before = bindings.clone();
            if let Some(name) = name {
                let found = self.source(at, end);
                let known = bindings.entry(name.clone()).or_insert_with(|| found.to_string());
                let same = |text: &str| {
                    tokens(text).iter().map(|token| token.text.to_string()).collect::<Vec<_>>()
                };
                if known != found && same(known) != same(found) {
                    continue;
                }
            }
            if let Some(mut ends) = self.matches(element + 1, end, bindings) {
                ends.insert(0, end);
                return Some(ends);
            }
            *bindings = before;
        }
        None
    }

    fn source(&self, at: usize, end: usize) -> &str {
        if at == end { "" } else { &self.text[self.tokens[at].start..self.tokens[end - 1].end()] }
    }
}

/// Where the elements are found first: the first token, and where each element ends.
fn find(
    elements: &[&Element],
    text: &str,
    tokens: &[Token],
    bindings: &mut Bindings,
) -> Option<(usize, Vec<usize>)> {
    let matcher = Matcher { text, tokens, elements };
    (0..tokens.len()).find_map(|at| Some((at, matcher.matches(0, at, bindings)?)))
}

/// Whether this is anywhere in a listing.
pub fn is_in(pattern: &str, document: &SourceText) -> bool {
    let (text, elements) = (document.text(), elements(pattern));
    find(&elements.iter().collect::<Vec<_>>(), &text, &tokens(&text), &mut Bindings::new()).is_some()
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Kept,
    Removed,
    Inserted,
}

struct HunkLine {
    mark: Mark,
    indent: usize,
    text: String,
    elements: Vec<Element>,
}

/// Lines that are found together, and what changes in them.
pub struct Hunk(Vec<HunkLine>);

impl Hunk {
    pub fn parse(lines: &[&str]) -> Hunk {
        let line = |line: &&str| {
            let (mark, text) = line.split_at(1);
            let text = text.strip_prefix(' ').unwrap_or(text);
            let mark = match mark {
                "-" => Mark::Removed,
                "+" => Mark::Inserted,
                _ => Mark::Kept,
            };
            let indent = text.len() - text.trim_start().len();
            let elements = elements(text);
            HunkLine { mark, indent, text: text.trim_start().to_string(), elements }
        };
        Hunk(lines.iter().map(line).collect())
    }

    pub fn changes(&self) -> bool {
        self.0.iter().any(|line| line.mark != Mark::Kept)
    }

    /// What is looked for, in a line.
    pub fn wanted(&self) -> String {
        let lines = self.0.iter().filter(|line| line.mark != Mark::Inserted);
        lines.map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The lines that it inserts, with those that it keeps around them.
    pub fn inserted(&self) -> Option<String> {
        let lines = self.0.iter().filter(|line| line.mark == Mark::Inserted);
        let least = lines.clone().filter(|line| !line.text.is_empty()).map(|line| line.indent).min()?;
        let shown = |line: &HunkLine| {
            if line.text.is_empty() {
                return "\n".to_string();
            }
            let is_kept = line.text.starts_with('$') && line.text.ends_with("...");
            let text =
                if is_kept { "// as in the article".to_string() } else { line.text.replace('$', "") };
            format!("{}{text}\n", " ".repeat(line.indent - least))
        };
        Some(lines.map(shown).collect::<String>().trim_matches('\n').to_string() + "\n")
    }

    /// Whether a listing has this change already.
    pub fn is_done(&self, document: &SourceText, bindings: &Bindings) -> bool {
        let lines = self.0.iter().filter(|line| line.mark != Mark::Removed);
        let elements: Vec<&Element> = lines.flat_map(|line| &line.elements).collect();
        let text = document.text();
        find(&elements, &text, &tokens(&text), &mut bindings.clone()).is_some()
    }

    /// The changes at the place that matches, if there is one.
    pub fn find(&self, document: &SourceText, bindings: &mut Bindings) -> Option<Vec<Edit>> {
        let text = document.text();
        let tokens = tokens(&text);
        let lines = self.0.iter().filter(|line| line.mark != Mark::Inserted);
        let elements: Vec<&Element> = lines.flat_map(|line| &line.elements).collect();
        let (first, ends) = find(&elements, &text, &tokens, bindings)?;

        // The tokens of each line.
        let (mut spans, mut at, mut ends) = (Vec::new(), first, ends.into_iter());
        for line in &self.0 {
            let start = at;
            if line.mark != Mark::Inserted {
                at = ends.by_ref().take(line.elements.len()).last().unwrap_or(at);
            }
            spans.push((start, at));
        }

        let mut edits = Vec::new();
        let mut number = 0;
        while number < self.0.len() {
            let changes = self.0[number..].iter().take_while(|line| line.mark != Mark::Kept).count();
            if changes == 0 {
                number += 1;
                continue;
            }
            let (run, span) = (&self.0[number..number + changes], &spans[number..number + changes]);
            let (start, end) = (span[0].0, span[changes - 1].1);
            let removed = run.iter().position(|line| line.mark == Mark::Removed);
            // The line that the new lines are beside: the first that goes, the one before, or the one after.
            let beside =
                removed.map_or(number.checked_sub(1).unwrap_or(number + changes), |at| number + at);
            let place = if start < end {
                Place::Replaced { start: tokens[start].start, end: tokens[end - 1].end() }
            } else if number > 0 {
                after(&text, &tokens, start)
            } else {
                Place::Before { at: tokens[start].start }
            };
            let indent_of = tokens[spans[beside].0.min(tokens.len() - 1)].start;
            let inserted = run.iter().filter(|line| line.mark == Mark::Inserted);
            let lines = inserted.map(|line| {
                (line.indent.saturating_sub(self.0[beside].indent), substituted(&line.text, bindings))
            });
            edits.push(Edit { place, indent_of, lines: lines.collect() });
            number += changes;
        }
        Some(edits)
    }
}

/// After the token before `next`, and after a comment that begins in its line.
fn after(text: &str, tokens: &[Token], next: usize) -> Place {
    let at = tokens[next - 1].end();
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |length| at + length);
    let follows = tokens.get(next).map_or(text.len(), |token| token.start);
    if follows < line_end(at) {
        return Place::After { at, shared: true };
    }
    let comment = text[at..line_end(at)]
        .rfind("/*")
        .and_then(|start| text[at + start..].find("*/").map(|end| at + start + end));
    Place::After { at: comment.unwrap_or(at).max(at), shared: false }
}

/// A line with what its names stand for.
fn substituted(line: &str, bindings: &Bindings) -> String {
    let mut text = line.to_string();
    // The longest first: one name may begin with another.
    let mut names: Vec<_> = bindings.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, found) in names {
        text = text.replace(&format!("\"${name}\""), found);
        text = text.replace(&format!("${name}..."), found).replace(&format!("${name}"), found);
    }
    text
}
