//! The article's four programs: its listings, mended where they must be, and built with g++.

use std::fmt;
use std::ops::Range;
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

/// The smallest change that takes an erratum out of the listings.
pub struct Mend {
    /// The erratum's number in the README.
    number: u32,
    listings: &'static [&'static str],
    from: &'static str,
    to: &'static str,
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

impl fmt::Display for Mend {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Mend { number, listings, from, to } = self;
        write!(out, "erratum {number} in {}\n    {from}\n    {to}", listings.join(", "))
    }
}

/// The mends that a build needs. As printed, only what crashes in its own way or does not compile is mended.
pub fn mends(printed: bool) -> impl Iterator<Item = &'static Mend> {
    MENDS.iter().filter(move |mend| !printed || matches!(mend.number, 2 | 3))
}

/// Where `wanted`, which has no spaces, stands in a text that may be typed with some.
fn spaced(text: &str, wanted: &str) -> Option<Range<usize>> {
    let signs: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| !c.is_whitespace()).collect();
    let mut places = signs.windows(wanted.len());
    let place = places.find(|place| place.iter().map(|(_, c)| *c).eq(wanted.chars()))?;
    Some(place[0].0..place[wanted.len() - 1].0 + 1)
}

/// A listing with the mends of a build; one that the reader has made already is none to make.
fn mended(listings: &Listings, name: &str, printed: bool) -> Result<String, String> {
    let mut text = listings.find(name).ok_or_else(|| format!("the copy has no {name}"))?.to_string();
    for Mend { number, from, to, .. } in mends(printed).filter(|mend| mend.listings.contains(&name)) {
        match spaced(&text, from) {
            Some(place) => text.replace_range(place, to),
            None if spaced(&text, to).is_some() => {}
            None => return Err(format!("{name} does not have {from:?}, erratum {number}")),
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
    let build = |name: &str, listing: &str| {
        let source = format!("{name}.cc");
        let mut files = Vec::new();
        for (file, listing) in
            [("tcp.hpp", "tcp.hpp"), ("logMessage.hpp", "logMessage.hpp"), (&source, listing)]
        {
            files.push((file, mended(listings, listing, printed)?));
        }
        // Written last, so that what was interrupted is built again.
        let stamp = format!("{name}.built-from");
        let wanted: String = files.iter().map(|(_, text)| text.as_str()).collect();
        if std::fs::read_to_string(directory.join(&stamp)).is_ok_and(|built| built == wanted) {
            return Ok(());
        }
        files.iter().try_for_each(|(file, text)| write(file, text))?;
        let compiler = ["-O2", "-w", "-fmax-errors=1", "-o", name, &source];
        let made = Command::new("g++").args(compiler).current_dir(&directory).output();
        let made = made.map_err(|error| {
            format!("{listing} does not compile:\ng++ is missing, install it ({error})")
        })?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(format!("{listing} does not compile:\n{}", said.trim_end()));
        }
        write(&stamp, &wanted)
    };
    let whys = PROGRAMS.map(|(name, listing)| Some((name, build(name, listing).err()?)));
    let mut without: Vec<(&str, String)> = whys.into_iter().flatten().collect();
    if without.len() == PROGRAMS.len() {
        return Err(without.swap_remove(0).1);
    }
    Ok(Built { directory, without })
}
