//! `make side-by-side`: the article's listings beside the port's files, in two columns of the terminal.

use crate::article::{LISTINGS, Listings, given};
use crate::harness::i18n::chinese;
use crate::harness::terminal::{colours, wide_columns};
use crate::page::align::Alignment;
use crate::page::columns::lines;
use crate::page::document::blocks;
use crate::page::source_map::{beside, parts, sources};
use crate::say;

/// The widest that two columns are drawn.
const WIDEST: usize = 200;

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
    for name in &chosen {
        match listings.find(name) {
            Some(text) => show(name, text, width),
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
        "not counted: {cpp_only} lines of #include, #pragma, using, destructor, public and private",
        "不计入：{cpp_only} 行 #include、#pragma、using、析构函数、public 和 private"
    );
    println!("  {cpp_only}\n");
}
