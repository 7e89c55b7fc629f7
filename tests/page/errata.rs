//! The errata for the page: their table in the README, the lines that have them, and what strace shows of them.

use crate::harness::builds::root;
use crate::page::records::{Form, Record, records};
use crate::page::syntax::escaped;
use crate::say;

pub struct Erratum {
    pub number: u32,
    /// The cells of the README's row, as HTML: where, as printed, consequence, fixed.
    pub cells: Vec<String>,
}

/// The errata as the README has them in the user's language.
pub fn errata() -> Vec<Erratum> {
    let name = say!("README.md", "README.zh-CN.md");
    let text =
        std::fs::read_to_string(root().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut errata = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let line = line.replace("\\|", "&#124;");
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        // The number may be a link to the fix: `[1](…)`.
        let number = cells.next().unwrap_or("").trim_start_matches('[').split(']').next();
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            let cells: Vec<String> = cells.map(html).collect();
            // Other tables of the page have fewer columns.
            errata.extend((cells.len() >= 4).then_some(Erratum { number, cells }));
        }
    }
    errata
}

/// A cell's Markdown as HTML: only code and bold text are marked up, a link is its text.
fn html(markdown: &str) -> String {
    let mut html = String::new();
    for (at, piece) in markdown.split('`').enumerate() {
        let piece = escaped(piece).replace("&amp;#124;", "|");
        if at % 2 == 1 {
            html += &format!("<code>{piece}</code>");
            continue;
        }
        for (at, text) in piece.split("**").enumerate() {
            html += &if at % 2 == 1 { format!("<strong>{text}</strong>") } else { without_links(text) };
        }
    }
    html
}

fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let (_, after) = after.split_once(')').unwrap_or(("", after));
        plain += &before.replacen('[', "", 1);
        rest = after;
    }
    plain + rest
}

/// The numbers that a comment names: `Erratum 9`, `Errata 5 to 8`, `Errata 8, 9 and 14`.
pub fn named(line: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = Vec::new();
    for start in ["rratum ", "rrata "] {
        for (_, rest) in line.match_indices(start).map(|(at, found)| (at, &line[at + found.len()..])) {
            let mut to = false;
            for word in rest.split([' ', ',']).filter(|word| !word.is_empty()) {
                let number = word.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().ok();
                match (word, number) {
                    ("to", _) => to = true,
                    ("and", _) => {}
                    (_, Some(number)) if to => {
                        let first = numbers.last().map_or(number, |last| last + 1);
                        numbers.extend(first..=number);
                        to = false;
                    }
                    (_, Some(number)) => numbers.push(number),
                    _ => break,
                }
                if word.ends_with([':', '.', ';', ')']) {
                    break;
                }
            }
        }
    }
    numbers.sort();
    numbers.dedup();
    numbers
}

/// Where the traces show an erratum: the program, the scenario, and how its row starts in either form.
struct Shown {
    number: u32,
    program: &'static str,
    scenario: &'static str,
    starts: [&'static str; 2],
}

#[rustfmt::skip]
const SHOWN: [Shown; 13] = [
    Shown { number: 4, program: "tcp_server_double_fork", scenario: "session", starts: ["wait4(", "wait4("] },
    Shown { number: 5, program: "tcp_client", scenario: "end-of-input", starts: ["write(3, \"\", 0)", "close(3)"] },
    Shown { number: 6, program: "tcp_client", scenario: "messages", starts: ["write(1, \"Server Echo", "write(1, \"Server Echo"] },
    Shown { number: 7, program: "tcp_client", scenario: "server-gone", starts: ["write(1, \"Server Echo", "write(2, \"FATAL"] },
    Shown { number: 8, program: "tcp_client", scenario: "long-line", starts: ["write(3, ", "write(3, "] },
    Shown { number: 9, program: "tcp_server", scenario: "nul-within", starts: ["write(4, ", "write(4, "] },
    Shown { number: 10, program: "tcp_server", scenario: "sigpipe", starts: ["+++ killed by SIGPIPE", "write(1, \"DEBUG | TIME | me | Client"] },
    Shown { number: 11, program: "tcp_server_fork", scenario: "no-fork", starts: ["exit_group(", "close(4)"] },
    Shown { number: 12, program: "tcp_server", scenario: "accept-fails-on", starts: ["accept(3, 0x..", "nanosleep("] },
    Shown { number: 13, program: "tcp_server", scenario: "bad-port", starts: ["bind(", "write(2, \"bad port"] },
    Shown { number: 15, program: "tcp_server", scenario: "control-bytes", starts: ["write(1, \"DEBUG | TIME | me | to_upper before", "write(1, \"DEBUG | TIME | me | to_upper before"] },
    Shown { number: 16, program: "tcp_server", scenario: "port-taken", starts: ["write(2, \"FATAL", "write(2, \"FATAL"] },
    Shown { number: 17, program: "tcp_server", scenario: "restart", starts: ["bind(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1", "setsockopt("] },
];

/// What strace recorded where an erratum shows, as printed and fixed. Empty where it takes another run to see it.
pub fn shown(number: u32) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    for shown in SHOWN.iter().filter(|shown| shown.number == number) {
        let row = |form, start: &str| {
            let fits =
                |record: &Record| record.scenario == shown.scenario && record.text.starts_with(start);
            records(shown.program, form).into_iter().find(fits).map_or(String::new(), |record| record.text)
        };
        let [printed, fixed] = shown.starts;
        rows.push([row(Form::Printed, printed), row(Form::Fixed, fixed)]);
    }
    rows
}
