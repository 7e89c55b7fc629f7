//! What the port is expected to do, worked out from what the article's C++ did.
//!
//! As printed, that is the same. Mended, each erratum changes its own rows, and
//! these alone: any other call that is more, less, elsewhere or otherwise stays a
//! difference that nobody explains.

use super::conduct::{Process, Row};

/// A row of the C++ beside the row of the port.
#[derive(Clone, Debug)]
pub struct Line {
    pub cpp: Option<Row>,
    pub port: Option<Row>,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    Same,
    /// The erratum's number in the README.
    Erratum(u32),
    Unexplained,
}

/// What an erratum changes in one process of one scenario: where the C++ has these
/// rows, once and together, the port has those.
pub struct Difference {
    pub erratum: u32,
    pub process: String,
    pub cpp: Vec<Row>,
    pub port: Vec<Row>,
}

/// A process of both, side by side.
#[derive(Clone)]
pub struct Pair {
    pub name: String,
    pub lines: Vec<Line>,
}

/// What is expected of the port, beside the C++.
pub fn expected(cpp: &[Process], mended: bool, difference: Option<Difference>) -> Vec<Pair> {
    let pair = |process: &Process| Pair { name: process.name.clone(), lines: same(&process.rows) };
    let mut pairs: Vec<Pair> = cpp.iter().map(pair).collect();
    if mended {
        if let Some(difference) = difference {
            apply(&difference, &mut pairs);
        }
        pairs.iter_mut().for_each(everywhere);
    }
    pairs
}

/// The port beside the C++, where it does what is expected; otherwise nothing explains it.
pub fn compared(mut expected: Vec<Pair>, port: &[Process]) -> Vec<Pair> {
    for process in port {
        if !expected.iter().any(|pair| pair.name == process.name) {
            expected.push(Pair { name: process.name.clone(), lines: Vec::new() });
        }
    }
    for pair in &mut expected {
        let process = port.iter().find(|process| process.name == pair.name);
        pair.lines = held(&pair.lines, process.map_or(&[], |process| &process.rows));
    }
    expected
}

fn same(rows: &[Row]) -> Vec<Line> {
    let line = |row: &Row| Line { cpp: Some(row.clone()), port: Some(row.clone()), why: Why::Same };
    rows.iter().map(line).collect()
}

/// The errata that show in more than one scenario.
fn everywhere(pair: &mut Pair) {
    const IGNORE_SIGPIPE: &str = "rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN, sa_flags=SA_RESTART}, \
        {sa_handler=SIG_DFL, sa_flags=0}) = 0";
    const REUSE: &str = "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0";

    let added = |row, erratum| Line { cpp: None, port: Some(Row::parse(row)), why: Why::Erratum(erratum) };
    let mut lines = Vec::new();
    if pair.name.starts_with("server") || pair.name == "client" {
        lines.push(added(IGNORE_SIGPIPE, 10));
    }
    let mut before = String::new();
    let mut came = 0;
    for line in pair.lines.drain(..) {
        // What changes in this scenario alone is told of already.
        let Line { cpp: Some(row), why: Why::Same, .. } = &line else {
            lines.push(line);
            continue;
        };
        let shown = row.to_string();
        if shown.starts_with("bind(3, ") {
            lines.push(added(REUSE, 17));
        }
        lines.push(match mended(row, &before, came) {
            Some((erratum, port)) => Line { port: Some(port), why: Why::Erratum(erratum), ..line },
            None => line,
        });
        if shown.starts_with("read(3, ") {
            came = shown.rsplit(' ').next().and_then(|result| result.parse().ok()).unwrap_or(0);
        }
        before = shown;
    }
    pair.lines = lines;
}

/// The text that the port says instead, and the erratum that makes it. `before` is the
/// row before, `came` how much the client has read last.
fn mended(row: &Row, before: &str, came: usize) -> Option<(u32, Row)> {
    const USAGE: [&str; 4] = ["port ip\n", "8080 127.0.0.1\n", "serverIp serverPort\n", "127.0.0.1 8080\n"];
    let Row::Said { fd, text } = row else {
        return None;
    };
    let said = |text: Vec<u8>| Row::Said { fd: *fd, text };
    if let Some(echo) = text.strip_prefix(b"Server Echo") {
        let short = [b"Server Echo", echo.get(..came)?, b"\n"].concat();
        return (short != *text).then(|| (6, said(short)));
    }
    if *fd == 1 && text.starts_with(b"DEBUG | ") {
        let whole = text.strip_suffix(b"\n").unwrap_or(text);
        let visible = [&visible(whole), &b"\n"[..]].concat();
        return (visible != *text).then(|| (15, said(visible)));
    }
    let text = std::str::from_utf8(text).ok()?;
    if before.starts_with("bind(3, ") && text.contains("| socket() failed::") {
        return Some((16, said(text.replacen("socket()", "bind()", 1).into())));
    }
    let words = USAGE.iter().find(|words| text.starts_with("\t./tcp_") && text.ends_with(**words))?;
    let program = text.strip_suffix(words)?;
    Some((16, said(format!("{program} {words}").into())))
}

/// Erratum 15's mend, as the README tells it: what is neither text nor a space is named, and the backslash.
fn visible(text: &[u8]) -> Vec<u8> {
    let mut shown = String::new();
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\'' => shown.push(c),
                _ => shown.extend(c.escape_debug()),
            }
        }
        shown.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    shown.into_bytes()
}

/// Puts the port's rows where the C++'s are. Where they are not, nothing is changed, and
/// the difference stays without an explanation.
fn apply(difference: &Difference, pairs: &mut [Pair]) {
    let Difference { erratum, process, cpp, port } = difference;
    let Some(pair) = pairs.iter_mut().find(|pair| pair.name == *process) else {
        return;
    };
    let is_there = |lines: &[Line]| lines.iter().map(|line| line.cpp.as_ref()).eq(cpp.iter().map(Some));
    let windows = pair.lines.windows(cpp.len()).enumerate();
    let places: Vec<usize> = windows.filter(|(_, lines)| is_there(lines)).map(|(at, _)| at).collect();
    if let [at] = places[..] {
        let instead = beside(cpp, port, Why::Erratum(*erratum));
        pair.lines.splice(at..at + cpp.len(), instead);
    }
}

/// The rows of both in order, equal ones beside each other, the others marked.
fn beside(cpp: &[Row], port: &[Row], why: Why) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut left, mut right) = (0, 0);
    for (i, j) in common(cpp, port).into_iter().chain([(cpp.len(), port.len())]) {
        while left < i || right < j {
            let cpp = (left < i).then(|| cpp[left].clone());
            let port = (right < j).then(|| port[right].clone());
            (left, right) = (i.min(left + 1), j.min(right + 1));
            lines.push(Line { cpp, port, why });
        }
        if i < cpp.len() {
            lines.extend(same(&cpp[i..=i]));
            (left, right) = (i + 1, j + 1);
        }
    }
    lines
}

/// What is expected beside what the port did; whatever is otherwise has no explanation.
fn held(expected: &[Line], port: &[Row]) -> Vec<Line> {
    let wanted: Vec<Row> = expected.iter().filter_map(|line| line.port.clone()).collect();
    let mut did = beside(&wanted, port, Why::Unexplained).into_iter().peekable();
    let mut lines = Vec::new();
    for line in expected {
        if line.port.is_none() {
            lines.push(line.clone());
            continue;
        }
        // What the port did on top of what is wanted stands before it.
        while let Some(more) = did.next_if(|did| did.cpp.is_none()) {
            lines.push(more);
        }
        let did = did.next().expect("every wanted row is told of");
        if did.why == Why::Same {
            lines.push(line.clone());
            continue;
        }
        // The C++ may not have it: then an erratum's mend is missing.
        let missing = did.cpp.map(|row| Row::Done(format!("expected: {row}")));
        let cpp = line.cpp.clone().or(missing);
        lines.push(Line { cpp, ..did });
    }
    lines.extend(did);
    lines
}

/// The longest common subsequence, as places in both.
fn common(one: &[Row], other: &[Row]) -> Vec<(usize, usize)> {
    let mut longest = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in (0..one.len()).rev() {
        for j in (0..other.len()).rev() {
            longest[i][j] = if one[i] == other[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut places = Vec::new();
    while i < one.len() && j < other.len() {
        if one[i] == other[j] {
            places.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    places
}
