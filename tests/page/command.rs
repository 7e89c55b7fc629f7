//! `make side-by-side`: the article's listings beside the port's files, in two columns of the terminal.

use std::path::Path;

use crate::article::fixes::{self, Fixed};
use crate::article::{LISTINGS, Listings, article, given};
use crate::harness::builds::{SERVERS, target};
use crate::harness::i18n::chinese;
use crate::harness::net::ports::free_port;
use crate::harness::session;
use crate::harness::switches;
use crate::harness::terminal::{colours, wide_columns};
use crate::harness::trace::may_trace;
use crate::page::align::Alignment;
use crate::page::columns::lines;
use crate::page::document::{self, Errata, FixedLine, Listing, PageDocument, blocks};
use crate::page::html;
use crate::page::source_map::{beside, parts, sources};
use crate::say;

/// The widest that two columns are drawn.
const WIDEST: usize = 200;

/// `make page`: writes the page, and prints where. `RECORD=1` records the sessions of its diagrams before.
pub fn page(words: &[String]) -> Result<bool, String> {
    if let [bin] = words {
        record(Path::new(bin))?;
    }
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    match article() {
        None => missing.push(say!(
            "No article: this page shows src/ only. With your copy of it: make page ARTICLE=page.html",
            "没有给出文章：本页只显示 src/。请给出你的副本：make page ARTICLE=page.html"
        )),
        Some(copy) => {
            let listings = Listings::read(&copy)?;
            let fixes = fixes::apply(&listings, &fixes::all());
            missing.extend(fixes.notes.iter().map(|note| note.to_string()));
            let alone: Vec<(u32, Fixed)> = fixes::all()
                .into_iter()
                .map(|erratum| (erratum, fixes::apply(&listings, &[erratum].into())))
                .collect();
            for name in LISTINGS {
                match listing(name, &listings, &fixes, &alone) {
                    Some(listing) => found.push(listing),
                    None => missing.push(say!("{name}: not in this copy", "{name}：副本中没有")),
                }
            }
        }
    }
    let document = PageDocument::of(&LISTINGS, &found, &sources());
    let path = target().join("side-by-side.html");
    let failed = |error| format!("page: {}: {error}", path.display());
    std::fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
    std::fs::write(&path, html::page(&document, &missing)).map_err(failed)?;
    println!("{}", path.display());
    Ok(true)
}

/// A listing with its corrected form, and the places of the errata: where each fix alone changes it.
fn listing(
    name: &'static str,
    listings: &Listings,
    fixes: &Fixed,
    alone: &[(u32, Fixed)],
) -> Option<Listing> {
    let printed = listings.find(name)?.to_string();
    let mut errata = Errata::new();
    for (erratum, fix) in alone {
        for line in document::places(&fixed_lines(fix, name), *erratum) {
            document::add(&mut errata, line, *erratum);
        }
    }
    Some(Listing { name, printed, fixed: fixed_lines(fixes, name), errata })
}

fn fixed_lines(fixes: &Fixed, name: &str) -> Vec<FixedLine> {
    let mut lines = Vec::new();
    for line in fixes.lines(name).unwrap_or_default() {
        let from = line.from.map(|number| number - 1);
        lines.push(FixedLine { text: line.text.clone(), from, fix: line.fix });
    }
    lines
}

/// Records a session of each server, for the diagrams.
fn record(bin: &Path) -> Result<(), String> {
    may_trace()?;
    for server in SERVERS {
        let path = html::session_path(server);
        let trace = session::traces(bin, server, 1, free_port(), |_| ());
        // Without what the loader reads.
        let trace: String = trace.split_inclusive('\n').filter(|line| !line.contains("ELF")).collect();
        std::fs::write(&path, trace).map_err(|error| format!("page: {}: {error}", path.display()))?;
        println!("{}", say!("recorded: {}", "已记录：{}", path.display()));
    }
    Ok(())
}

/// The argument is a part of a listing's name, if one is wanted. Whether any was shown.
pub fn side_by_side(words: &[String]) -> Result<bool, String> {
    let wanted = words.first().map_or(String::new(), |word| word.to_lowercase());
    let chosen: Vec<&str> =
        LISTINGS.into_iter().filter(|name| name.to_lowercase().contains(&wanted)).collect();
    if chosen.is_empty() {
        let names = LISTINGS.join(", ");
        return Err(say!(
            "side-by-side: LISTING is (a part of) one of {names}",
            "side-by-side：LISTING 取下列名称之一（或其一部分）：{names}"
        ));
    }
    let width = wide_columns("side-by-side", WIDEST)?;
    let listings = Listings::read(&given()?)?;
    let fixes = switches::is_on("FIXED").then(|| fixes::apply(&listings, &fixes::all()));
    fixes.iter().flat_map(|fixes| &fixes.notes).for_each(|note| println!("{note}"));
    for name in &chosen {
        let text = match &fixes {
            Some(fixes) => fixes.text(name),
            None => listings.find(name).map(str::to_string),
        };
        match text {
            Some(text) => show(name, &text, width),
            None => println!("{}\n", say!("{name}: not in this copy", "{name}：副本中没有")),
        }
    }
    Ok(chosen.iter().any(|name| listings.find(name).is_some()))
}

fn show(name: &str, left: &str, width: usize) {
    let sources = sources();
    let text = |file: &str| {
        let source = sources.iter().find(|(name, _)| name == file);
        source.map_or(String::new(), |(_, text)| text.clone())
    };
    let parts = parts(name, text);
    let left_lines: Vec<&str> = left.lines().collect();
    for block in blocks(left, left, &parts, text) {
        let right: Vec<String> = text(&block.right).lines().map(str::to_string).collect();
        let heading = format!("     {name}");
        let room = " ".repeat(((width - 3) / 2).saturating_sub(heading.len()));
        let heading = format!("{heading}{room} │      {}", block.right);
        println!("{}", if colours() { format!("\x1b[1m{heading}\x1b[m") } else { heading });
        for line in lines(&block, &left_lines, &right, width, colours()) {
            println!("{line}");
        }
    }
    let aligned = Alignment::of(left, &beside(&parts, text));
    let (all, paired) = aligned.counts();
    let share = paired as f64 / all.max(1) as f64;
    let counted = say!(
        "{name}: {paired} of {all} statements have their counterpart, in order: {share:.2}",
        "{name}：{all} 条语句中有 {paired} 条按顺序找到了对应：{share:.2}"
    );
    println!("\n{counted}");
    for (statement, kind) in aligned.unpaired() {
        let kind = kind[usize::from(chinese())];
        println!("  {}", say!("without: {statement}   ({kind})", "没有对应：{statement}   （{kind}）"));
    }
    let cpp_only = aligned.cpp_only;
    let cpp_only = say!(
        "not counted: {cpp_only} lines of #include, #pragma, using, __attribute__, destructor, public and private",
        "不计入：{cpp_only} 行 #include、#pragma、using、__attribute__、析构函数、public 和 private"
    );
    println!("  {cpp_only}\n");
}
