//! The fault matrix as a table: how many faults end well, in the article's C++ and in the port.
//!
//! `ARTICLE` names a saved copy of the article; without it the port stands alone. Both as printed, they are
//! compared; `RECORD=1` keeps what the C++ comes to.

use std::path::Path;

use crate::article::{article, given};
use crate::faults::oracle::{judged, rows};
use crate::faults::{RECORD, as_printed, recorded};
use crate::harness::builds::root;
use crate::harness::i18n::chinese;
use crate::harness::text::display_width;
use crate::say;

/// As printed: the port's outcomes beside the C++'s, or beside the record; whether all are alike.
fn compared(copy: Option<&Path>, record: bool) -> bool {
    let port = as_printed(None);
    let cpp = copy.map_or_else(recorded, |copy| as_printed(Some(copy)));
    if record {
        std::fs::write(root().join(RECORD), cpp.join("\n") + "\n").expect("the record is written");
    }
    for (sign, these, others) in [('-', &cpp, &port), ('+', &port, &cpp)] {
        these.iter().filter(|line| !others.contains(line)).for_each(|line| println!("{sign} {line}"));
    }
    let alike = port.iter().filter(|line| cpp.contains(line)).count();
    let all = port.len().max(cpp.len());
    let counted = say!(
        "as printed, {alike} of {all} end as in the article's C++",
        "按原文构建：{all} 个故障中有 {alike} 个的结局与原文的 C++ 相同"
    );
    println!("{counted}");
    alike == all
}

pub fn faults(_words: &[String]) -> Result<bool, String> {
    let record = std::env::var("RECORD").is_ok_and(|word| !word.is_empty());
    let copy = if record { Some(given()?) } else { article() };
    let cpp = copy.as_deref().map(|copy| {
        let mended = say!("the article's C++, errata 1 to 4 mended:", "原文的 C++（已改正勘误 1 至 4）：");
        eprintln!("{mended}");
        judged(Some(copy))
    });
    eprintln!("{}", say!("the port:", "移植版："));
    let port = judged(None);

    let wide = |text: &str, width| text.to_string() + &" ".repeat(width - display_width(text));
    let shown = |[well, all]: [usize; 2]| wide(&format!("{well}/{all}"), 7);
    println!("{} {} {}", wide("", 18), wide("C++", 7), say!("port", "移植版"));
    for (index, row) in rows().iter().enumerate() {
        let cpp = cpp.as_ref().map_or(wide("-", 7), |cpp| shown(cpp[index]));
        let (what, must) = if chinese() { (row[2], row[4]) } else { (row[1], row[3]) };
        println!("{} {cpp} {} {must}", wide(what, 18), shown(port[index]));
    }
    Ok(compared(copy.as_deref(), record) & port.iter().all(|[well, all]| well == all))
}
