//! The article's four programs: its listings with some of the fixes, built with g++.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::article::fixes::{self, Fixed, Note};
use crate::article::listings::Listings;
use crate::harness::builds::{PROGRAMS, target};
use crate::say;

/// The listing of each program, in the order of [`PROGRAMS`].
const SOURCES: [&str; 4] = ["tcpServer.cc", "version one", "version two", "tcpClient.cc"];
const HEADERS: [&str; 2] = ["tcp.hpp", "logMessage.hpp"];
/// A header of ours, which the fixes of errata 14 and 15 include.
pub const TEXT_HPP: (&str, &str) = ("text.hpp", include_str!("text.hpp"));

/// How a set of programs is built.
pub struct Recipe<'a> {
    pub directory: PathBuf,
    /// The name of each program in the directory; its source has it too, with `.cc`.
    pub names: [&'a str; 4],
    pub options: &'a [&'a str],
    /// Only this program.
    pub only: Option<&'a str>,
}

/// The directory of the programs, and why some of them are not there.
pub struct Built {
    pub directory: PathBuf,
    pub without: Vec<(&'static str, String)>,
    /// What there is to say of the fixes.
    pub notes: Vec<Note>,
}

/// The errata that are fixed where the port is as printed: those that one build of it cannot reproduce. Otherwise
/// those without which the article's programs do not compile, connect or survive their first client.
pub fn to_run(printed: bool) -> BTreeSet<u32> {
    if printed { BTreeSet::from([2, 3]) } else { BTreeSet::from([1, 2, 3, 4]) }
}

/// The two builds of the port, and what of the C++ is compared with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Version {
    AsPrinted,
    Fixed,
}

pub const VERSIONS: [Version; 2] = [Version::AsPrinted, Version::Fixed];

impl Version {
    /// The errata that are fixed in the C++ that is compared with this build of the port.
    pub fn errata(self) -> BTreeSet<u32> {
        if self == Version::AsPrinted { to_run(true) } else { fixes::all() }
    }
}

/// One of the article's four programs, with the fixes that it needs to run.
pub fn program(article: &Path, printed: bool, name: &str) -> PathBuf {
    program_with(article, &to_run(printed), name)
}

/// One of the article's four programs, with these fixes; the others are not built. A copy is read and corrected once in a
/// process, not for each of hundreds of cases.
pub fn program_with(article: &Path, errata: &BTreeSet<u32>, name: &str) -> PathBuf {
    type Known = BTreeMap<(PathBuf, BTreeSet<u32>, String), PathBuf>;
    static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());

    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (article.to_path_buf(), errata.clone(), name.to_string());
    let built = || build_only(article, errata, name).unwrap_or_else(|why| panic!("{why}"));
    known.entry(key).or_insert_with(built).clone()
}

fn build_only(article: &Path, errata: &BTreeSet<u32>, name: &str) -> Result<PathBuf, String> {
    let mut recipe = recipe(errata);
    recipe.only = Some(name);
    let built = build(article, &Listings::read(article)?, errata, &recipe)?;
    match built.without.into_iter().find(|(program, _)| *program == name) {
        Some((_, why)) => Err(why),
        None => Ok(built.directory.join(name)),
    }
}

fn recipe(errata: &BTreeSet<u32>) -> Recipe<'static> {
    let numbers: Vec<String> = errata.iter().map(u32::to_string).collect();
    let directory = target().join("article").join(numbers.join("-"));
    Recipe { directory, names: PROGRAMS, options: &["-O2", "-w"], only: None }
}

/// The four programs with these fixes, or one line that says why there is none.
pub fn built(article: &Path, errata: &BTreeSet<u32>) -> Result<Built, String> {
    build(article, &Listings::read(article)?, errata, &recipe(errata))
}

/// Builds the programs of a copy's listings in a directory, where the article, a fix or an option has changed.
pub fn build(
    article: &Path,
    listings: &Listings,
    errata: &BTreeSet<u32>,
    recipe: &Recipe,
) -> Result<Built, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let fixed = fixes::apply(listings, errata);
    let directory = &recipe.directory;
    std::fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut without = Vec::new();
    for (program, (source, name)) in PROGRAMS.into_iter().zip(SOURCES.into_iter().zip(recipe.names)) {
        if recipe.only.is_some_and(|only| only != program) {
            continue;
        }
        if let Err(why) = build_one(article, &fixed, source, name, recipe) {
            without.push((program, why));
        }
    }
    if without.len() == PROGRAMS.len() {
        return Err(without.swap_remove(0).1);
    }
    Ok(Built { directory: directory.clone(), without, notes: fixed.notes })
}

fn build_one(
    article: &Path,
    fixed: &Fixed,
    source: &str,
    name: &str,
    recipe: &Recipe,
) -> Result<(), String> {
    let directory = &recipe.directory;
    let failed = |error| format!("{}: {error}", directory.display());
    let files = [HEADERS[0], HEADERS[1], source];
    let mut texts = Vec::new();
    for listing in files {
        let text = fixed.text(listing);
        let text = text.ok_or_else(|| say!("the copy has no {listing}", "文章副本中没有 {listing}"))?;
        texts.push(with_our_headers(&text));
    }
    // Written last, so that what was interrupted is built again.
    let stamp = directory.join(format!(".{name}.built-from"));
    let from = texts.concat() + TEXT_HPP.1 + &recipe.options.join(" ");
    let program = directory.join(name);
    if program.exists() && std::fs::read_to_string(&stamp).is_ok_and(|built| built == from) {
        return Ok(());
    }
    let source_file = format!("{name}.cc");
    for (file, text) in [HEADERS[0], HEADERS[1], &source_file].iter().zip(&texts) {
        std::fs::write(directory.join(file), text).map_err(failed)?;
    }
    if texts.iter().any(|text| text.contains(TEXT_HPP.0)) {
        std::fs::write(directory.join(TEXT_HPP.0), TEXT_HPP.1).map_err(failed)?;
    }
    let mut compiler = Command::new("g++");
    compiler.args(recipe.options).args([
        "-fmax-errors=1",
        "-fdiagnostics-color=never",
        "-o",
        name,
        &source_file,
    ]);
    let made = compiler.current_dir(directory).env("LC_ALL", "C").output();
    let made = made.map_err(|error| say!("g++: {error}; install it", "g++：{error}，请先安装"))?;
    if made.status.success() {
        eprint!("{}", String::from_utf8_lossy(&made.stderr));
        return std::fs::write(&stamp, from).map_err(failed);
    }
    let _ = std::fs::remove_file(&program);
    let said = String::from_utf8_lossy(&made.stderr);
    let error = said.lines().find(|line| line.contains("error")).or(said.lines().next()).unwrap_or("");
    let error = in_the_copy(article, fixed, source, error);
    Err(say!("{source} does not compile: {error}", "{source} 编译失败：{error}"))
}

/// The headers have their names in the article, whatever the copy calls them: `#include "../comm/tcp.h"`.
fn with_our_headers(text: &str) -> String {
    let renamed = |line: &str| {
        let included = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include")?;
        let name = included.trim().strip_prefix('"')?.split('"').next()?.to_lowercase();
        let header = match name.rsplit(['/', '\\']).next()? {
            name if name.contains("log") => HEADERS[1],
            name if name.contains("tcp") => HEADERS[0],
            _ => return None,
        };
        Some(format!("#include \"{header}\""))
    };
    text.lines().map(|line| renamed(line).unwrap_or(line.to_string()) + "\n").collect()
}

/// A message of the compiler's with the reader's own file and line: `name.cc:12:3: error: …`.
fn in_the_copy(article: &Path, fixed: &Fixed, source: &str, error: &str) -> String {
    let mut fields = error.splitn(4, ':');
    let (Some(file), Some(line), Some(_), Some(what)) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return error.to_string();
    };
    let listing = HEADERS.into_iter().find(|header| *header == file).unwrap_or(source);
    let ours = fixed.lines(listing).unwrap_or_default();
    let number: usize = line.parse().unwrap_or(0);
    // A line of ours: the compiler noticed there what the line before it lacks.
    let from = ours.iter().take(number).rev().find_map(|line| line.from);
    let place = from.and_then(|from| crate::article::origin::place(article, listing, from));
    let what = what.trim_start();
    match place {
        Some((file, line)) => format!("{}:{line}: {what}", file.display()),
        None => format!("{listing}:{line}: {what}"),
    }
}
