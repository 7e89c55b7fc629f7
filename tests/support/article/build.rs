//! The article's four programs: its listings, mended where they must be, and built with g++.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::Listings;
use crate::support::programs::root;

/// The programs' names here, and the listing that each is.
const PROGRAMS: [(&str, &str); 4] = [
    ("tcp_server", "tcpServer.cc"),
    ("tcp_server_fork", "version one"),
    ("tcp_server_double_fork", "version two"),
    ("tcp_client", "tcpClient.cc"),
];
const HEADERS: [&str; 2] = ["tcp.hpp", "logMessage.hpp"];

/// The smallest change that takes an erratum out of a listing.
pub struct Mend {
    /// The erratum's number in the README.
    pub number: u32,
    pub listings: &'static [&'static str],
    pub from: &'static str,
    pub to: &'static str,
}

/// What the listings need to compile, to connect and to survive their first client.
const MENDS: [Mend; 4] = [
    Mend {
        number: 1,
        listings: &["tcpClient.cc"],
        from: "sin_port=serverPort",
        to: "sin_port=htons(serverPort)",
    },
    Mend {
        number: 2,
        listings: &["tcpServer.cc", "version one", "version two"],
        from: "quited:[%s:%d],clientIP,clientPort\")",
        to: "quited:[%s:%d]\",clientIP.c_str(),clientPort)",
    },
    Mend { number: 3, listings: &["version two"], from: "exit(WAIT_ERR)", to: "exit(7)" },
    Mend {
        number: 4,
        listings: &["version two"],
        from: "waitpid(id,nullptr,peerPort)",
        to: "waitpid(id,nullptr,0)",
    },
];

impl Mend {
    /// As printed, only what crashes in its own way or does not compile is mended.
    fn applies(&self, printed: bool, listing: &str) -> bool {
        self.listings.contains(&listing) && (!printed || matches!(self.number, 2 | 3))
    }
}

impl fmt::Display for Mend {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let listings = self.listings.join(", ");
        write!(out, "erratum {} in {listings}", self.number)?;
        write!(out, "\n    {}\n    {}", self.from, self.to)
    }
}

/// The mends that a build needs, to be shown as they are applied.
pub fn mends(printed: bool) -> impl Iterator<Item = &'static Mend> {
    MENDS.iter().filter(move |mend| mend.applies(printed, mend.listings[0]))
}

/// Where `wanted`, which has no spaces, stands in a text that may be typed with some.
fn spaced(text: &str, wanted: &str) -> Option<std::ops::Range<usize>> {
    text.char_indices().map(|(start, _)| start).find_map(|start| {
        let mut left = wanted.chars().peekable();
        for (at, c) in text[start..].char_indices() {
            if left.next_if_eq(&c).is_none() && (at == 0 || !c.is_whitespace()) {
                return None;
            }
            if left.peek().is_none() {
                return Some(start..start + at + c.len_utf8());
            }
        }
        None
    })
}

/// A listing with the mends of a build; one that the reader has made already is none to make.
fn mended(listings: &Listings, name: &str, printed: bool) -> Result<String, String> {
    let mut text = listings.find(name).ok_or_else(|| format!("the copy has no {name}"))?.to_string();
    for mend in MENDS.iter().filter(|mend| mend.applies(printed, name)) {
        match (spaced(&text, mend.from), spaced(&text, mend.to)) {
            (Some(place), _) => text.replace_range(place, mend.to),
            (None, Some(_)) => {}
            (None, None) => {
                return Err(format!("{name} does not have {:?}, erratum {}", mend.from, mend.number));
            }
        }
    }
    Ok(text)
}

/// The directory of the programs, and why some of them are not there.
pub struct Built {
    pub directory: PathBuf,
    pub without: Vec<(&'static str, String)>,
}

/// One of the article's four programs, built when the article or a mend has changed.
pub fn program(article: &Path, printed: bool, name: &str) -> PathBuf {
    let built = built(article, printed).unwrap_or_else(|line| panic!("{line}"));
    if let Some((_, why)) = built.without.iter().find(|(program, _)| *program == name) {
        panic!("{why}");
    }
    built.directory.join(name)
}

/// The four programs, or one line that says why there is none.
pub fn built(article: &Path, printed: bool) -> Result<Built, String> {
    let directory = root().join("target/article").join(if printed { "as-printed" } else { "mended" });
    built_into(directory, &Listings::read(article)?, printed)
}

pub fn built_into(directory: PathBuf, listings: &Listings, printed: bool) -> Result<Built, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let failed = |error| format!("{}: {error}", directory.display());
    std::fs::create_dir_all(&directory).map_err(failed)?;
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).map_err(failed);
    let headers: Vec<Result<String, String>> =
        HEADERS.map(|header| mended(listings, header, printed)).into();
    let headers = headers.into_iter().collect::<Result<Vec<String>, String>>();
    let mut without = Vec::new();
    for (name, listing) in PROGRAMS {
        let compile = || {
            let (headers, text) = (headers.clone()?, mended(listings, listing, printed)?);
            // Written last, so that what was interrupted is built again.
            let stamp = format!("{name}.built-from");
            let wanted = headers.concat() + &text;
            if std::fs::read_to_string(directory.join(&stamp)).is_ok_and(|built| built == wanted) {
                return Ok(());
            }
            for (header, text) in HEADERS.iter().zip(&headers) {
                write(header, text)?;
            }
            write(&format!("{name}.cc"), &text)?;
            compiled(&directory, name).map_err(|said| format!("{listing} does not compile:\n{said}"))?;
            write(&stamp, &wanted)
        };
        if let Err(why) = compile() {
            without.push((name, why));
        }
    }
    if without.len() == PROGRAMS.len() {
        return Err(without.swap_remove(0).1);
    }
    Ok(Built { directory, without })
}

fn compiled(directory: &Path, name: &str) -> Result<(), String> {
    let made = Command::new("g++")
        .args(["-O2", "-w", "-fmax-errors=1", "-o", name, &format!("{name}.cc")])
        .current_dir(directory)
        .output()
        .map_err(|error| format!("g++ is missing, install it ({error})"))?;
    let said = String::from_utf8_lossy(&made.stderr);
    if made.status.success() { Ok(()) } else { Err(said.trim_end().to_string()) }
}
