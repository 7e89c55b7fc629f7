//! The article's four programs: its listings, mended where they must be, and built with g++.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::Listings;
use crate::harness::builds::root;

/// The programs' names here, and the listing that each is.
const PROGRAMS: [(&str, &str); 4] = [
    ("tcp_server", "tcpServer.cc"),
    ("tcp_server_fork", "version one"),
    ("tcp_server_double_fork", "version two"),
    ("tcp_client", "tcpClient.cc"),
];

/// The smallest change that takes an erratum out of the listings: its number in the README, the
/// listings, what stands there, and what is to.
type Mend = (u32, &'static str, &'static str, &'static str);

/// What the listings need to compile, to connect and to survive their first client.
const MENDS: [Mend; 4] = [
    (1, "tcpClient.cc", "sin_port=serverPort", "sin_port=htons(serverPort)"),
    (
        2,
        "tcpServer.cc, version one, version two",
        "quited:[%s:%d],clientIP,clientPort\")",
        "quited:[%s:%d]\",clientIP.c_str(),clientPort)",
    ),
    (3, "version two", "exit(WAIT_ERR)", "exit(7)"),
    (4, "version two", "waitpid(id,nullptr,peerPort)", "waitpid(id,nullptr,0)"),
];

/// The mends that a build needs. As printed, only what crashes in its own way or does not compile is mended.
pub fn mends(printed: bool) -> impl Iterator<Item = Mend> {
    MENDS.into_iter().filter(move |(number, ..)| !printed || matches!(number, 2 | 3))
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
    for (number, _, from, to) in mends(printed).filter(|(_, listings, ..)| listings.contains(name)) {
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
    match built.without.iter().find(|(program, _)| *program == name) {
        Some((_, why)) => panic!("{why}"),
        None => built.directory.join(name),
    }
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
        let texts = ["tcp.hpp", "logMessage.hpp", listing].map(|name| mended(listings, name, printed));
        let texts = texts.into_iter().collect::<Result<Vec<String>, String>>()?;
        // Written last, so that what was interrupted is built again.
        let stamp = format!("{name}.built-from");
        if std::fs::read_to_string(directory.join(&stamp)).is_ok_and(|built| built == texts.concat()) {
            return Ok(());
        }
        for (file, text) in ["tcp.hpp", "logMessage.hpp", &source].iter().zip(&texts) {
            write(file, text)?;
        }
        let mut compiler = Command::new("g++");
        compiler.args(["-O2", "-w", "-fmax-errors=1", "-o", name, &source]).current_dir(&directory);
        let made = compiler.output().map_err(|error| format!("g++: {error}"))?;
        if made.status.success() {
            return write(&stamp, &texts.concat());
        }
        let said = String::from_utf8_lossy(&made.stderr);
        Err(format!("{listing} does not compile:\n{}", said.trim_end()))
    };
    let whys = PROGRAMS.map(|(name, listing)| Some((name, build(name, listing).err()?)));
    let mut without: Vec<(&str, String)> = whys.into_iter().flatten().collect();
    if without.len() == PROGRAMS.len() {
        return Err(without.swap_remove(0).1);
    }
    Ok(Built { directory, without })
}
