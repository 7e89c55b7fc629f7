//! The fix of each erratum as the lessons show it: the lines that the C++ gets, and the lines of `src/` with its number.

use std::path::PathBuf;

use crate::article::fixes;
use crate::course::lessons::replaced;
use crate::harness::builds::root;

/// A page with the fixes in its blocks `cpp fix 10` and `rust fix 10`.
pub fn with_fixes(page: &str) -> String {
    replaced(page, |block| {
        let (language, erratum) = block.kind.split_once(" fix ")?;
        let erratum = erratum.parse().ok()?;
        let fix = if language == "cpp" { fixes::cpp(erratum) } else { rust(erratum) };
        Some(fix.trim_end().to_string())
    })
}

/// All places of `src/` that a comment gives this number, each below the name of its file.
pub fn rust(erratum: u32) -> String {
    let mut files: Vec<PathBuf> = Vec::new();
    for directory in ["src", "src/bin"] {
        let entries = std::fs::read_dir(root().join(directory)).expect("src/ can be listed").flatten();
        files.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|end| end == "rs")),
        );
    }
    files.sort();
    let mut text = String::new();
    for path in files {
        let source = std::fs::read_to_string(&path).expect("a source file is UTF-8 text");
        let places = places(&source, &format!("Erratum {erratum}"));
        if !places.is_empty() {
            let name = path.strip_prefix(root()).unwrap_or(&path);
            text += &format!("// {}\n{}\n", name.display(), places.join("\n"));
        }
    }
    text
}

/// The statements and functions with this mark: in a comment above them, or after them on the same line.
fn places(source: &str, mark: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().collect();
    let mut places = Vec::new();
    let mut next = 0;
    for (at, line) in lines.iter().enumerate() {
        let marked =
            line.split_once(mark).is_some_and(|(_, rest)| !rest.starts_with(|c: char| c.is_ascii_digit()));
        if !marked || at < next || line.starts_with("//!") {
            continue;
        }
        let mut start = at;
        while lines[start].trim_start().starts_with("//") {
            start += 1;
        }
        let end = if start == at { at } else { statement_end(&lines, start) };
        next = end + 1;
        places.push(without_indent(&lines[start..next]));
    }
    places
}

/// The last line of the statement or item that begins in line `start`.
fn statement_end(lines: &[&str], start: usize) -> usize {
    let mut depth = 0;
    for (at, line) in lines.iter().enumerate().skip(start) {
        let code = line.split(" // ").next().unwrap_or_default();
        depth += code.matches(['(', '[', '{']).count() as i32;
        depth -= code.matches([')', ']', '}']).count() as i32;
        if depth <= 0 && code.trim_end().ends_with([';', '}', ',']) {
            return at;
        }
    }
    lines.len() - 1
}

fn without_indent(lines: &[&str]) -> String {
    let indent = lines[0].len() - lines[0].trim_start().len();
    // The pages need not change with the comments.
    let code = |line: &str| line.split(" // ").next().unwrap_or_default().trim_end().to_string();
    let cut = |line: &&str| code(line.get(indent..).unwrap_or(line.trim_start())) + "\n";
    let lines = lines.iter().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(cut).collect::<String>().trim_end().to_string()
}
