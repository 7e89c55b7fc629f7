//! `make side-by-side`: a listing of the article and its counterpart, in two columns, aligned.

use crate::article::{LISTINGS, Listings, given};
use crate::harness::i18n::chinese;
use crate::harness::terminal::{colours, columns};
use crate::page::align::Alignment;
use crate::page::source_map::counterpart;
use crate::say;

/// The word is a part of a listing's name, if one is wanted. Whether any was shown.
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
    let listings = Listings::read(&given()?)?;
    for name in &chosen {
        match listings.find(name) {
            Some(text) => show(name, text),
            None => println!("{}\n", say!("{name}: the copy does not have it", "{name}：副本中没有")),
        }
    }
    Ok(chosen.iter().any(|name| listings.find(name).is_some()))
}

fn show(name: &str, text: &str) {
    let aligned = Alignment::of(text, &counterpart(name));
    println!("{name}\n");
    let width = (columns(200) - 3) / 2;
    let cut = |text: &str| match text.chars().count() > width {
        true => text.chars().take(width - 1).chain(['…']).collect(),
        false => text.to_string(),
    };
    for (left, right) in &aligned.rows {
        let left: Vec<&String> = left.iter().flat_map(|left| &left.lines).collect();
        let right: Vec<&String> = right.iter().flat_map(|right| &right.lines).collect();
        let (sign, colour) = match (left.len(), right.len()) {
            (0, _) => ('>', "\x1b[32m"),
            (_, 0) => ('<', "\x1b[31m"),
            _ => ('│', ""),
        };
        for line in 0..left.len().max(right.len()) {
            let [left, right] = [&left, &right].map(|side| side.get(line).map_or("", |line| line));
            let row = format!("{:width$} {sign} {}", cut(left), cut(right));
            match colours() && !colour.is_empty() {
                true => println!("{colour}{row}\x1b[0m"),
                false => println!("{}", row.trim_end()),
            }
        }
    }
    let (all, paired) = aligned.counts();
    let share = paired as f64 / all.max(1) as f64;
    let counted = say!(
        "{name}: {paired} of {all} statements have their counterpart, in order: {share:.2}",
        "{name}：{all} 条语句中有 {paired} 条按顺序找到了对应：{share:.2}"
    );
    println!("\n{counted}");
    for (statement, kind) in aligned.alone() {
        let kind = kind[usize::from(chinese())];
        println!("  {}", say!("without: {statement}   ({kind})", "没有对应：{statement}   （{kind}）"));
    }
    let besides = aligned.besides;
    let besides = say!(
        "not counted: {besides} lines of #include, #pragma, using, destructor, public and private",
        "不计入：{besides} 行 #include、#pragma、using、析构函数、public 和 private"
    );
    println!("  {besides}\n");
}
