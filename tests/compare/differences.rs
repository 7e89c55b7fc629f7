//! What the port is expected to do, worked out from what the article's C++ did.
//!
//! As printed, that is the same. Fixed, each erratum changes its own rows, and
//! these alone: any other call that is more, less, elsewhere or otherwise stays a
//! difference that nobody explains.

use crate::compare::scenario::{Difference, Scenario, ignored};
use crate::harness::trace::normalise::{Process, escaped, said, saying};

/// A row of the C++ beside the row of the port.
#[derive(Clone)]
pub struct AlignedRow {
    pub cpp: Option<String>,
    pub port: Option<String>,
    pub why: Reason,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Reason {
    Same,
    /// The erratum's number in the README.
    Erratum(u32),
    Unexplained,
}

/// A process of both, side by side.
#[derive(Clone)]
pub struct Pair {
    pub name: String,
    pub lines: Vec<AlignedRow>,
}

/// What is expected of the port, beside the C++: where the rows that an erratum changes in
/// this scenario alone are not as they should be, nothing is changed.
pub fn expected(cpp: &[Process], mended: bool, scenario: &Scenario) -> Vec<Pair> {
    let same =
        |row: &String| AlignedRow { cpp: Some(row.clone()), port: Some(row.clone()), why: Reason::Same };
    let pair = |Process { name, rows }: &Process| {
        let mut lines: Vec<AlignedRow> = rows.iter().map(same).collect();
        let difference =
            scenario.difference.as_ref().filter(|difference| mended && difference.process == name);
        if let Some(Difference { erratum, cpp, port, .. }) = difference {
            let mut places = (0..rows.len()).filter(|at| rows[*at..].starts_with(cpp));
            if let (Some(at), None) = (places.next(), places.next()) {
                let place = at..at + cpp.len();
                lines.splice(place.clone(), beside(&lines[place], port, Reason::Erratum(*erratum)));
            }
        }
        Pair { name: name.clone(), lines: if mended { everywhere(name, lines) } else { lines } }
    };
    cpp.iter().map(pair).collect()
}

/// The port beside the C++, where it does what is expected; otherwise nothing explains it.
pub fn compared(mut expected: Vec<Pair>, port: &[Process]) -> Vec<Pair> {
    for Process { name, .. } in port {
        if !expected.iter().any(|pair| pair.name == *name) {
            expected.push(Pair { name: name.clone(), lines: Vec::new() });
        }
    }
    for Pair { name, lines } in &mut expected {
        let process = port.iter().find(|process| process.name == *name);
        *lines = beside(lines, process.map_or(&[], |process| &process.rows), Reason::Unexplained);
    }
    expected
}

/// The errata that show in more than one scenario, in the lines of a process.
fn everywhere(name: &str, expected: Vec<AlignedRow>) -> Vec<AlignedRow> {
    const REUSE: &str = "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0";
    let added = |row, erratum| AlignedRow { cpp: None, port: Some(row), why: Reason::Erratum(erratum) };
    let mut lines = Vec::new();
    if name.starts_with("server") || name == "client" {
        lines.push(added(ignored("SIGPIPE"), 10));
    }
    let (mut before, mut came) = (String::new(), 0);
    for mut line in expected {
        // What changes in this scenario alone is told of already.
        if let (Some(row), Reason::Same) = (line.cpp.clone(), line.why) {
            if row.starts_with("bind(3, ") {
                lines.push(added(REUSE.to_string(), 17));
            }
            if let Some((erratum, port)) = mended(&row, &before, came) {
                line = AlignedRow { port: Some(port), why: Reason::Erratum(erratum), ..line };
            }
            if row.starts_with("read(3, ") {
                came = row.rsplit(' ').next().and_then(|result| result.parse().ok()).unwrap_or(0);
            }
            before = row;
        }
        lines.push(line);
    }
    lines
}

/// The text that the port says instead, and the erratum that makes it. `before` is the
/// row before, `came` how much the client has read last.
fn mended(row: &str, before: &str, came: usize) -> Option<(u32, String)> {
    const USAGE: [&str; 4] = ["port ip", "8080 127.0.0.1", "serverIp serverPort", "127.0.0.1 8080"];
    let (fd, text) = said(row)?;
    if let Some(echo) = text.strip_prefix(b"Server Echo") {
        let short = saying(fd, &[b"Server Echo", echo.get(..came)?, b"\n"].concat());
        return (short != row).then_some((6, short));
    }
    if fd == 1 && text.starts_with(b"DEBUG | ") {
        // As the README tells it: what is neither text nor a space is named, and the backslash.
        let named =
            |c: char| if c == '"' || c == '\'' { c.to_string() } else { c.escape_debug().to_string() };
        let visible = escaped(text.strip_suffix(b"\n").unwrap_or(&text), named) + "\n";
        let visible = saying(fd, visible.as_bytes());
        return (visible != row).then_some((15, visible));
    }
    if before.starts_with("bind(3, ") && row.contains("| socket() failed::") {
        return Some((16, row.replacen("socket()", "bind()", 1)));
    }
    let words = USAGE.iter().find(|words| text.ends_with(format!("{words}\n").as_bytes()))?;
    text.starts_with(b"\t./tcp_").then(|| (16, row.replacen(words, &format!(" {words}"), 1)))
}

/// What is expected beside what the port did, row by row: what is not the same has this reason.
fn beside(expected: &[AlignedRow], port: &[String], why: Reason) -> Vec<AlignedRow> {
    // How many rows from here on are the same, at most.
    let mut longest = vec![vec![0; port.len() + 1]; expected.len() + 1];
    for i in (0..expected.len()).rev() {
        for j in (0..port.len()).rev() {
            longest[i][j] = match expected[i].port.as_ref() == Some(&port[j]) {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut lines, mut shown, mut i, mut j) = (Vec::new(), (0, 0), 0, 0);
    loop {
        let line = expected.get(i);
        let is_as_expected = |line: &AlignedRow| line.port.is_none() || line.port.as_ref() == port.get(j);
        if !line.map_or(j == port.len(), is_as_expected) {
            let is_missing = j == port.len() || line.is_some() && longest[i + 1][j] >= longest[i][j + 1];
            (i, j) = if is_missing { (i + 1, j) } else { (i, j + 1) };
            continue;
        }
        let (alone, others) = (&expected[shown.0..i], &port[shown.1..j]);
        for n in 0..alone.len().max(others.len()) {
            // The C++ may not have it: then an erratum's mend is missing.
            let missed = |line: &AlignedRow| line.port.as_ref().map(|row| format!("expected: {row}"));
            let cpp = alone.get(n).and_then(|line| line.cpp.clone().or(missed(line)));
            lines.push(AlignedRow { cpp, port: others.get(n).cloned(), why });
        }
        let Some(line) = line else { return lines };
        lines.push(line.clone());
        (i, j) = (i + 1, j + usize::from(line.port.is_some()));
        shown = (i, j);
    }
}
