//! The article's listings, taken from a saved copy of it, mended where they must be, and built with g++.
//!
//! The copy is Markdown and never part of the project: `ARTICLE` says where it lies.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::programs::root;

/// The seven listings, in the article's order.
pub const LISTINGS: [&str; 7] = [
    "the interfaces",
    "tcp.hpp",
    "logMessage.hpp",
    "tcpServer.cc",
    "tcpClient.cc",
    "version one",
    "version two",
];

/// The programs' names here, and the listing that each is.
const PROGRAMS: [(&str, &str); 4] = [
    ("tcp_server", "tcpServer.cc"),
    ("tcp_server_fork", "version one"),
    ("tcp_server_double_fork", "version two"),
    ("tcp_client", "tcpClient.cc"),
];

/// The smallest change that takes an erratum out of a listing.
pub struct Mend {
    /// The erratum's number in the README.
    pub number: u32,
    pub listings: &'static [&'static str],
    pub from: &'static str,
    pub to: &'static str,
}

/// What the listings need to compile, to connect and to survive their first client.
pub const MENDS: [Mend; 4] = [
    Mend {
        number: 1,
        listings: &["tcpClient.cc"],
        from: "sin_port=serverPort",
        to: "sin_port=htons(serverPort)",
    },
    Mend {
        number: 2,
        listings: &["tcpServer.cc", "version one", "version two"],
        from: ",clientIP,clientPort\")",
        to: "\",clientIP.c_str(),clientPort)",
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

/// The copy that the environment names, from the project's directory on.
pub fn article() -> Option<PathBuf> {
    let named = std::env::var_os("ARTICLE").filter(|name| !name.is_empty())?;
    Some(root().join(named))
}

/// The text of each listing.
pub struct Listings([String; 7]);

impl Listings {
    pub fn get(&self, name: &str) -> &str {
        let index = LISTINGS.iter().position(|listing| *listing == name);
        &self.0[index.unwrap_or_else(|| panic!("there is no listing {name:?}"))]
    }

    /// A listing with the mends of a build.
    fn mended(&self, name: &str, printed: bool) -> Result<String, String> {
        let mut text = self.get(name).to_string();
        for mend in MENDS.iter().filter(|mend| mend.applies(printed, name)) {
            if text.matches(mend.from).count() != 1 {
                return Err(format!(
                    "{name} does not have {:?} once, which is erratum {}",
                    mend.from, mend.number
                ));
            }
            text = text.replace(mend.from, mend.to);
        }
        Ok(text)
    }
}

/// The listings of the article as it prints them.
pub fn listings(article: &Path) -> Listings {
    extracted(article).unwrap_or_else(|line| panic!("{line}"))
}

/// The `cpp` blocks that are not within a quotation.
fn extracted(article: &Path) -> Result<Listings, String> {
    let text = std::fs::read_to_string(article)
        .map_err(|error| format!("the article {}: {error}", article.display()))?;
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while lines.any(|line| line == "```cpp") {
        let block = lines.by_ref().take_while(|line| *line != "```");
        blocks.push(block.fold(String::new(), |block, line| block + line + "\n"));
    }
    let found = blocks.len();
    let seven = blocks.try_into().map(Listings);
    seven.map_err(|_| format!("{}: {found} cpp listings, not 7", article.display()))
}

/// One of the article's four programs, built when the article or a mend has changed.
pub fn program(article: &Path, printed: bool, name: &str) -> PathBuf {
    built(article, printed).unwrap_or_else(|line| panic!("{line}")).join(name)
}

/// The directory that the four programs are built into, or one line that says why they are not.
pub fn built(article: &Path, printed: bool) -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let directory = root().join("target/article").join(if printed { "as-printed" } else { "mended" });
    let listings = extracted(article)?;
    let mut sources = vec![
        ("tcp.hpp", listings.mended("tcp.hpp", printed)?),
        ("logMessage.hpp", listings.mended("logMessage.hpp", printed)?),
    ];
    for (name, listing) in PROGRAMS {
        sources.push((name, listings.mended(listing, printed)?));
    }
    // Written last, so that what was interrupted is built again.
    let stamp = directory.join("built-from");
    let wanted: String = sources.iter().map(|(_, text)| text.as_str()).collect();
    if std::fs::read_to_string(&stamp).is_ok_and(|built| built == wanted) {
        return Ok(directory);
    }
    let write = |name: &str, text: &str| {
        std::fs::write(directory.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    for (name, text) in &sources {
        let ending = if name.contains('.') { "" } else { ".cc" };
        write(&format!("{name}{ending}"), text)?;
    }
    for (name, listing) in PROGRAMS {
        compiled(&directory, name).map_err(|reason| format!("{listing} is not built: {reason}"))?;
    }
    write("built-from", &wanted)?;
    Ok(directory)
}

fn compiled(directory: &Path, name: &str) -> Result<(), String> {
    let made = Command::new("g++")
        .args(["-O2", "-w", "-o", name, &format!("{name}.cc")])
        .current_dir(directory)
        .output()
        .map_err(|error| format!("g++ is missing, install it ({error})"))?;
    if made.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    Err(said.lines().find(|line| line.contains("error")).unwrap_or("g++ failed").to_string())
}
