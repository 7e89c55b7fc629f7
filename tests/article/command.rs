//! `make fixed`: the reader's copy with the 17 fixes, built with g++, in `target/fixed/`.
//!
//! `ARTICLE` names the copy; words choose errata by number.

use std::collections::BTreeSet;

use super::build::{Recipe, build};
use super::fixes::{Note, TO_RUN, all};
use crate::article::classify::LISTINGS;
use crate::article::copy::given;
use crate::article::listings::Listings;
use crate::harness::builds::{shown, target};
use crate::say;

/// The programs' names, in the order of the listings that are programs: servers first.
const NAMES: [&str; 4] = ["tcpServer", "tcpServer_v1", "tcpServer_v2", "tcpClient"];

/// Whether all fixes are in, or one line that says why nothing is built.
pub fn fixed(words: &[String]) -> Result<bool, String> {
    let errata = chosen(words)?;
    let article = given()?;
    let listings = Listings::read(&article)?;
    let missing: Vec<&str> = LISTINGS.into_iter().filter(|name| listings.find(name).is_none()).collect();
    if !missing.is_empty() {
        let (missing, name) = (missing.join(", "), article.display());
        eprintln!("{}", say!("{name}: it has no {missing}", "{name}：缺少 {missing}"));
    }
    let directory = target().join("fixed");
    // With fewer fixes g++ warns of what the others fix.
    let options: &[&str] = if errata == all() { &["-O2", "-Wall", "-Wextra"] } else { &["-O2", "-w"] };
    let place = shown(&directory);
    let recipe = Recipe { directory, names: NAMES, options, only: None };
    let built = build(&article, &listings, &errata, &recipe)?;
    for note in &built.notes {
        println!("{note}");
    }
    for (_, why) in built.without.iter().filter(|_| missing.is_empty()) {
        eprintln!("{why}");
    }
    let numbers: Vec<String> = errata.iter().map(u32::to_string).collect();
    let numbers = if words.is_empty() { "1–17".to_string() } else { numbers.join(", ") };
    println!(
        "{}",
        say!(
            "{place}: the article's C++ with errata {numbers} fixed, each marked `// Erratum N`",
            "{place}：已修正勘误 {numbers} 的原文 C++，每处修正标有 `// Erratum N`"
        )
    );
    let lost = built.notes.iter().any(|note| matches!(note, Note::NotFound { .. }));
    Ok(!lost && built.without.is_empty())
}

/// The errata that the words name, and those without which nothing runs; all if there are none.
fn chosen(words: &[String]) -> Result<BTreeSet<u32>, String> {
    if words.is_empty() {
        return Ok(all());
    }
    let mut errata = BTreeSet::from(TO_RUN);
    for word in words.iter().flat_map(|word| word.split([',', ' '])).filter(|word| !word.is_empty()) {
        let number = word.parse().ok().filter(|number| all().contains(number));
        errata.insert(number.ok_or_else(|| {
            say!("ONLY={word}: it takes errata, 1 to 17", "ONLY={word}：应为勘误编号 1 至 17")
        })?);
    }
    Ok(errata)
}
