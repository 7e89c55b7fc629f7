//! What the port is expected to do, worked out from what the article's C++ did.
//!
//! As printed, that is the same. Mended, each erratum changes its own rows, and
//! these alone: any other call that is more, less, elsewhere or otherwise stays a
//! difference that nobody explains.

use super::conduct::{Process, escaped, said, saying};

/// A row of the C++ beside the row of the port.
#[derive(Clone)]
pub struct Line {
    pub cpp: Option<String>,
    pub port: Option<String>,
    pub why: Why,
}

#[derive(Clone, Copy, PartialEq)]
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
    pub process: &'static str,
    pub cpp: Vec<String>,
    pub port: Vec<String>,
}

/// A process of both, side by side.
#[derive(Clone)]
pub struct Pair {
    pub name: String,
    pub lines: Vec<Line>,
}

/// What is expected of the port, beside the C++. `difference` is what the errata change in
/// this scenario alone; where its rows are not as they should be, nothing is changed.
pub fn expected(cpp: &[Process], mended: bool, difference: Option<&Difference>) -> Vec<Pair> {
    let pair = |Process { name, rows }: &Process| {
        let mut lines: Vec<Line> = rows.iter().cloned().map(same).collect();
        if let Some(Difference { erratum, process, cpp, port }) = difference.filter(|_| mended) {
            let windows = rows.windows(cpp.len()).enumerate();
            let places: Vec<usize> = windows.filter(|(_, rows)| rows == cpp).map(|(at, _)| at).collect();
            if let ([at], true) = (&places[..], process == name) {
                let place = *at..at + cpp.len();
                let changed = beside(&lines[place.clone()], port, Why::Erratum(*erratum));
                lines.splice(place, changed);
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
        *lines = beside(lines, process.map_or(&[], |process| &process.rows), Why::Unexplained);
    }
    expected
}

fn same(row: String) -> Line {
    Line { cpp: Some(row.clone()), port: Some(row), why: Why::Same }
}

/// The errata that show in more than one scenario, in the lines of a process.
fn everywhere(name: &str, expected: Vec<Line>) -> Vec<Line> {
    const IGNORE_SIGPIPE: &str = "rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN, sa_flags=SA_RESTART}, \
        {sa_handler=SIG_DFL, sa_flags=0}) = 0";
    const REUSE: &str = "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0";

    let added =
        |row: &str, erratum| Line { cpp: None, port: Some(row.to_string()), why: Why::Erratum(erratum) };
    let mut lines = Vec::new();
    if name.starts_with("server") || name == "client" {
        lines.push(added(IGNORE_SIGPIPE, 10));
    }
    let mut before = String::new();
    let mut came = 0;
    for mut line in expected {
        // What changes in this scenario alone is told of already.
        if let (Some(row), Why::Same) = (line.cpp.clone(), line.why) {
            if row.starts_with("bind(3, ") {
                lines.push(added(REUSE, 17));
            }
            if let Some((erratum, port)) = mended(&row, &before, came) {
                line = Line { port: Some(port), why: Why::Erratum(erratum), ..line };
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
        let visible = saying(fd, (visible(text.strip_suffix(b"\n").unwrap_or(&text)) + "\n").as_bytes());
        return (visible != row).then_some((15, visible));
    }
    if before.starts_with("bind(3, ") && row.contains("| socket() failed::") {
        return Some((16, row.replacen("socket()", "bind()", 1)));
    }
    let words = USAGE.iter().find(|words| text.ends_with(format!("{words}\n").as_bytes()))?;
    text.starts_with(b"\t./tcp_").then(|| (16, row.replacen(words, &format!(" {words}"), 1)))
}

/// Erratum 15's mend, as the README tells it: what is neither text nor a space is named, and the backslash.
fn visible(text: &[u8]) -> String {
    escaped(text, |c| if "\"'".contains(c) { c.to_string() } else { c.escape_debug().to_string() })
}

/// What is expected beside what the port did: what is not the same has this reason, and the
/// rows of both stand beside each other.
fn beside(expected: &[Line], port: &[String], why: Why) -> Vec<Line> {
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
    let mut lines: Vec<Line> = Vec::new();
    let (mut i, mut j, mut differs_from) = (0, 0, 0);
    while i < expected.len() || j < port.len() {
        let line = expected.get(i);
        if let Some(line) = line.filter(|line| line.port.is_none() || line.port.as_ref() == port.get(j)) {
            lines.push(line.clone());
            differs_from = lines.len();
            (i, j) = (i + 1, j + usize::from(line.port.is_some()));
            continue;
        }
        let mut alone = lines[differs_from..].iter_mut();
        match line.filter(|_| j == port.len() || longest[i + 1][j] >= longest[i][j + 1]) {
            Some(Line { cpp, port, .. }) => {
                // The C++ may not have it: then an erratum's mend is missing.
                let cpp = cpp.clone().or(port.as_ref().map(|row| format!("expected: {row}")));
                match alone.find(|line| line.cpp.is_none()) {
                    Some(line) => line.cpp = cpp,
                    None => lines.push(Line { cpp, port: None, why }),
                }
                i += 1;
            }
            None => {
                let port = Some(port[j].clone());
                match alone.find(|line| line.port.is_none()) {
                    Some(line) => line.port = port,
                    None => lines.push(Line { cpp: None, port, why }),
                }
                j += 1;
            }
        }
    }
    lines
}
