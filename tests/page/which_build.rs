//! Which lines of `src/` only one of the two builds has: as printed, or fixed.
//!
//! They are inside a block that depends on `AS_PRINTED`, or in a function that only such lines use.

use std::collections::HashMap;

use crate::page::statement::{is_word_char, without_comment};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BuildOf {
    Both,
    Printed,
    Fixed,
}

/// The build of each line of each file.
pub fn builds(files: &[(String, String)]) -> HashMap<String, Vec<BuildOf>> {
    let mut sources: Vec<Source> = files.iter().map(|(name, text)| Source::of(name, text)).collect();
    // A function may be used by one that is used by one build only.
    while mark_functions(&mut sources) {}
    sources.into_iter().map(|source| (source.name, source.builds)).collect()
}

struct Source {
    name: String,
    /// Each line as the code of either build: without comments and without the other build's half.
    code: Vec<[String; 2]>,
    builds: Vec<BuildOf>,
    functions: Vec<RustFunction>,
}

struct RustFunction {
    name: String,
    first: usize,
    last: usize,
}

impl Source {
    fn of(name: &str, text: &str) -> Self {
        let lines: Vec<&str> = text.lines().map(without_comment).collect();
        let mut builds = vec![BuildOf::Both; lines.len()];
        // The blocks that are open: the build of each.
        let mut open: Vec<BuildOf> = Vec::new();
        let mut closed = BuildOf::Both;
        for (line, code) in lines.iter().enumerate() {
            let within = inside(&open);
            let trimmed = code.trim_start();
            builds[line] = match within {
                // The line that closes a block belongs to what is around it, and `else if` to the other build.
                within if trimmed.starts_with("} else if") => other(within),
                _ if trimmed.starts_with('}') => around(&open),
                within => within,
            };
            let condition = condition(code);
            if trimmed.starts_with("if !AS_PRINTED &&") && within == BuildOf::Both {
                builds[line] = BuildOf::Fixed;
            }
            let mut first = true;
            for brace in outside_strings(code).filter(|c| "{}".contains(*c)) {
                if brace == '}' {
                    closed = open.pop().unwrap_or(BuildOf::Both);
                    continue;
                }
                let is_else = code.contains("else");
                open.push(match () {
                    () if first && condition != BuildOf::Both => condition,
                    () if is_else => other(closed),
                    () => BuildOf::Both,
                });
                first = false;
            }
        }
        let code =
            lines.iter().map(|line| [half(line, BuildOf::Printed), half(line, BuildOf::Fixed)]).collect();
        let functions = functions(text);
        Source { name: name.to_string(), code, builds, functions }
    }
}

/// The build that has what is inside all open blocks.
fn inside(open: &[BuildOf]) -> BuildOf {
    open.iter().copied().find(|&build| build != BuildOf::Both).unwrap_or(BuildOf::Both)
}

/// The same for what is around the innermost block.
fn around(open: &[BuildOf]) -> BuildOf {
    inside(&open[..open.len().saturating_sub(1)])
}

/// The build that has the block which a line's condition opens.
fn condition(code: &str) -> BuildOf {
    let alone = |condition: &str| code.contains(condition) && !code.contains("||");
    match () {
        () if alone("!AS_PRINTED") => BuildOf::Fixed,
        () if alone("if AS_PRINTED {") => BuildOf::Printed,
        () => BuildOf::Both,
    }
}

fn other(build: BuildOf) -> BuildOf {
    match build {
        BuildOf::Printed => BuildOf::Fixed,
        BuildOf::Fixed => BuildOf::Printed,
        BuildOf::Both => BuildOf::Both,
    }
}

fn outside_strings(code: &str) -> impl Iterator<Item = char> {
    code.split('"').step_by(2).flat_map(str::chars)
}

/// A line as one build has it: of `if AS_PRINTED { a } else { b }` only `a` or `b`.
fn half(line: &str, build: BuildOf) -> String {
    let halves = line.split_once("AS_PRINTED { ").and_then(|(before, rest)| {
        let (printed, rest) = rest.split_once(" } else { ")?;
        let (fixed, after) = rest.split_once(" }")?;
        Some([before, if build == BuildOf::Printed { printed } else { fixed }, after].concat())
    });
    halves.unwrap_or(line.to_string())
}

/// The functions of a file, each with the comments and attributes before it.
fn functions(text: &str) -> Vec<RustFunction> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (line, code) in lines.iter().enumerate() {
        let Some((before, rest)) = without_comment(code).split_once("fn ") else { continue };
        if !before.trim().is_empty() && before.trim() != "pub" {
            continue;
        }
        let name: String = rest.chars().take_while(|c| is_word_char(*c)).collect();
        let indent = &code[..code.len() - code.trim_start().len()];
        let is_end = |other: &&str| **other == format!("{indent}}}");
        let Some(length) = lines[line..].iter().position(is_end) else { continue };
        let belongs =
            |other: &&&str| other.trim_start().starts_with("//") || other.trim_start().starts_with("#[");
        let above = lines[..line].iter().rev().take_while(belongs).count();
        functions.push(RustFunction { name, first: line - above, last: line + length });
    }
    functions
}

/// Marks each function that only lines of one build use. Whether any was marked.
fn mark_functions(sources: &mut [Source]) -> bool {
    let mut marks = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        for function in &source.functions {
            let unmarked = source.builds[function.last] == BuildOf::Both;
            if let Some(build) = only_build(sources, index, function).filter(|_| unmarked) {
                marks.push((index, function.first..function.last + 1, build));
            }
        }
    }
    for (index, lines, build) in &marks {
        sources[*index].builds[lines.clone()].fill(*build);
    }
    !marks.is_empty()
}

/// The only build that uses a function.
fn only_build(sources: &[Source], home: usize, function: &RustFunction) -> Option<BuildOf> {
    let [mut printed, mut fixed] = [false; 2];
    for (index, source) in sources.iter().enumerate() {
        for (line, halves) in source.code.iter().enumerate() {
            if index == home && (function.first..=function.last).contains(&line) {
                continue;
            }
            let uses = |code: &str| code.split(|c| !is_word_char(c)).any(|word| word == function.name);
            printed |= source.builds[line] != BuildOf::Fixed && uses(&halves[0]);
            fixed |= source.builds[line] != BuildOf::Printed && uses(&halves[1]);
        }
    }
    match (printed, fixed) {
        (true, false) => Some(BuildOf::Printed),
        (false, true) => Some(BuildOf::Fixed),
        _ => None,
    }
}
