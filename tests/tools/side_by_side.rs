//! `make side-by-side`: a listing of the article and its counterpart, in two columns, aligned.

use std::path::Path;
use std::process::ExitCode;

use crate::support::alignment::{Alignment, Besides};
use crate::support::article::{LISTINGS, Listings};
use crate::support::counterpart::counterpart;
use crate::support::paper::{colours, columns};

/// The article's copy and, if one is wanted, a part of a listing's name.
pub fn main(words: &[String]) -> ExitCode {
    let Some(copy) = words.first().filter(|copy| !copy.is_empty()) else {
        eprintln!("side-by-side: ARTICLE=file.md is a saved copy of the article");
        return ExitCode::FAILURE;
    };
    let wanted = words.get(1).map_or(String::new(), |word| word.to_lowercase());
    let named = |name: &&&str| name.to_lowercase().contains(&wanted);
    let chosen: Vec<&&str> = LISTINGS.iter().filter(named).collect();
    if chosen.is_empty() {
        eprintln!("side-by-side: LISTING is (a part of) one of {}", LISTINGS.join(", "));
        return ExitCode::FAILURE;
    }
    let listings = match Listings::read(Path::new(copy)) {
        Ok(listings) => listings,
        Err(line) => {
            eprintln!("{line}");
            return ExitCode::FAILURE;
        }
    };
    let mut shown = 0;
    for name in &chosen {
        match listings.find(name) {
            Some(text) => {
                show(name, text);
                shown += 1;
            }
            None => println!("{name}: the copy does not have it\n"),
        }
    }
    if shown > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(name: &str, text: &str) {
    let aligned = Alignment::of(text, &counterpart(name));
    println!("{name}\n");
    let mut shown = 0;
    for (left, pair) in aligned.left.iter().zip(&aligned.pairs) {
        let Some((start, length)) = *pair else {
            row(&left.lines, '<', &[]);
            continue;
        };
        for right in &aligned.right[shown..start] {
            row(&[], '>', &right.lines);
        }
        let run = aligned.right[start..start + length].iter();
        row(&left.lines, '│', &run.flat_map(|right| right.lines.clone()).collect::<Vec<_>>());
        shown = start + length;
    }
    for right in &aligned.right[shown..] {
        row(&[], '>', &right.lines);
    }
    let (all, paired) = aligned.counts();
    println!(
        "\n{name}: {paired} of {all} statements have their counterpart, in order: {:.2}",
        aligned.share()
    );
    for (statement, kind) in aligned.alone() {
        println!("  without: {statement}   ({kind})");
    }
    let Besides { includes, usings, destructors, labels } = aligned.besides;
    println!(
        "  not counted: {includes} #include and #pragma, {usings} using, {destructors} destructor, {labels} public and private\n"
    );
}

/// The lines of one side beside those of the other.
fn row(left: &[String], sign: char, right: &[String]) {
    let width = (columns(200) - 3) / 2;
    for line in 0..left.len().max(right.len()) {
        let text = |side: &[String]| cut(side.get(line).map_or("", String::as_str), width);
        let (left, right) = (text(left), text(right));
        match sign {
            '<' if colours() => println!("\x1b[31m{left:width$} {sign} {right}\x1b[0m"),
            '>' if colours() => println!("\x1b[32m{left:width$} {sign} {right}\x1b[0m"),
            _ => println!("{}", format!("{left:width$} {sign} {right}").trim_end()),
        }
    }
}

fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_string();
    }
    line.chars().take(width - 1).chain(['…']).collect()
}
