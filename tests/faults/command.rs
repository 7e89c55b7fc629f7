//! `make faults`: a table of how many faults have the right consequence, in the article's C++ and in the port.
//!
//! `ARTICLE` names a saved copy of the article; without it only the port is run. As printed, both are compared;
//! `RECORD=1` records what the C++ does.

use std::path::Path;

use crate::article::{article, given};
use crate::faults::matrix::{RECORD, as_printed, recorded};
use crate::faults::oracle::{judged, rows};
use crate::harness::builds::root;
use crate::harness::i18n::chinese;
use crate::harness::preflight::reason;
use crate::harness::switches::is_on;
use crate::harness::text::table;
use crate::say;

/// As printed: compares the port's outcomes with the C++'s, or with the recorded ones; whether all are the same.
fn compared(copy: Option<&Path>, record: bool) -> bool {
    let port = as_printed(None);
    let cpp = copy.map_or_else(recorded, |copy| as_printed(Some(copy)));
    if record {
        std::fs::write(root().join(RECORD), cpp.join("\n") + "\n")
            .unwrap_or_else(|error| panic!("{RECORD}: {}", reason(&error)));
    }
    for (sign, these, others) in [('-', &cpp, &port), ('+', &port, &cpp)] {
        these.iter().filter(|line| !others.contains(line)).for_each(|line| println!("{sign} {line}"));
    }
    let same = port.iter().filter(|line| cpp.contains(line)).count();
    let all = port.len().max(cpp.len());
    let counted = say!(
        "as printed, {same} of {all} faults have the same outcome as in the article's C++",
        "按原文构建：{all} 个故障中有 {same} 个的结局与原文的 C++ 相同"
    );
    println!("{counted}");
    same == all
}

pub fn faults(_words: &[String]) -> Result<bool, String> {
    let record = is_on("RECORD");
    let copy = if record { Some(given()?) } else { article() };
    let cpp = copy.as_deref().map(|copy| {
        let which = say!("the article's C++, errata 1 to 4 fixed:", "原文的 C++（已修正勘误 1 至 4）：");
        eprintln!("{which}");
        judged(Some(copy))
    });
    eprintln!("{}", say!("the port:", "移植版："));
    let port = judged(None);

    let counts = |[right, all]: [usize; 2]| format!("{right}/{all}");
    let mut table_rows =
        vec![[String::new(), "C++".to_string(), say!("port", "移植版"), String::new()].to_vec()];
    for (index, row) in rows().iter().enumerate() {
        let cpp = cpp.as_ref().map_or("-".to_string(), |cpp| counts(cpp[index]));
        let (what, must) = if chinese() { (row[2], row[4]) } else { (row[1], row[3]) };
        table_rows.push(vec![what.to_string(), cpp, counts(port[index]), must.to_string()]);
    }
    print!("{}", table(&table_rows));
    Ok(compared(copy.as_deref(), record) & port.iter().all(|[right, all]| right == all))
}
