//! Proves that the port makes the calls of the article's C++, and no others but for the errata.
//!
//! What the C++ does is on record under `tests/compare/traces`, so this needs neither g++ nor
//! the article. Where `ARTICLE` is given, the record itself is put to the test.

use crate::article::build::{Built, built, to_run};
use crate::article::{article, listings};
use crate::compare::differences::{Pair, Why, compared, expected};
use crate::compare::golden::recorded;
use crate::compare::runner::{Cast, play};
use crate::compare::scenario::{Part, parts};
use crate::harness::builds::PROGRAMS;
use crate::harness::pool::parallel;
use crate::harness::skip::skip;
use crate::harness::trace::normalise::Process;

/// What nothing explains, as a text to read; empty if there is nothing.
fn unexplained(part: &Part, pairs: &[Pair]) -> String {
    let mut told = String::new();
    for pair in pairs {
        for line in pair.lines.iter().filter(|line| line.why == Why::Unexplained) {
            let [cpp, port] = [&line.cpp, &line.port].map(|row| row.as_deref().unwrap_or("nothing"));
            told += &format!("{part}, {}:\n  C++:  {cpp}\n  port: {port}\n", pair.name);
        }
    }
    told
}

/// What is to be done beside what the cast does in each part: `mended` by the errata, or the record itself.
fn holds_to_the_record(cast: Cast, mended: bool) {
    let told = parallel(4, &parts(), |part| {
        let expected = expected(&recorded(part, cast.printed), mended, part);
        unexplained(part, &compared(expected, &play(part, &cast)))
    });
    let told = told.concat();
    assert!(told.is_empty(), "{told}");
}

/// In every scenario the port makes the C++'s calls, and the errata explain what differs.
#[test]
fn mended_the_errata_explain_every_difference() {
    holds_to_the_record(Cast::port(false), true);
}

/// As printed, nothing differs in any scenario.
#[test]
fn as_printed_nothing_differs() {
    holds_to_the_record(Cast::port(true), false);
}

/// The record is what the article's C++ does here and now, and whatever a listing logs is in it.
#[test]
fn the_record_is_not_stale() {
    let Some(article) = article() else { return skip("the record, measured again: no ARTICLE") };
    for printed in [false, true] {
        let Built { directory, without, .. } =
            built(&article, &to_run(printed)).unwrap_or_else(|line| panic!("{line}"));
        assert!(without.is_empty(), "{without:?}");
        holds_to_the_record(Cast { directory, printed, port: false }, false);
    }
    let listings = listings(&article);
    for (program, listing) in
        PROGRAMS.into_iter().zip(["tcpServer.cc", "version one", "version two", "tcpClient.cc"])
    {
        let its = parts().into_iter().filter(|part| part.program == program);
        let record: String = its.flat_map(|part| recorded(&part, false)).flat_map(|its| its.rows).collect();
        for log in listings.get(listing).split("logMessage(").skip(1) {
            let text = format!("| {}", log.split(['"', '%']).nth(1).expect("it has a format"));
            assert!(record.contains(&text), "{program} never comes to this: {text}");
        }
    }
}

/// One row more, less, elsewhere or otherwise is seen, in whichever scenario and place.
#[test]
fn nothing_else_is_explained() {
    const CHANGES: [fn(&mut Vec<String>, usize); 4] = [
        |rows, row| drop(rows.remove(row)),
        |rows, row| rows.insert(row, rows[row].clone()),
        |rows, row| rows[row] += ", 0",
        |rows, row| rows.swap(row, row.saturating_sub(1)),
    ];
    for (part, printed) in parts().iter().flat_map(|part| [(part, false), (part, true)]) {
        let pairs = expected(&recorded(part, printed), !printed, part);
        // What the port is to do, as if it had done so.
        let as_expected = |Pair { name, lines }: &Pair| {
            let rows = lines.iter().filter_map(|line| line.port.clone()).collect();
            Process { name: name.clone(), rows }
        };
        let port: Vec<Process> = pairs.iter().map(as_expected).collect();
        let differs = |port: &[Process]| !unexplained(part, &compared(pairs.clone(), port)).is_empty();
        assert!(!differs(&port), "{part}: what is expected is explained");
        for (process, Process { name, rows }) in port.iter().enumerate() {
            for (row, change) in (0..rows.len()).flat_map(|row| CHANGES.map(|change| (row, change))) {
                let mut changed = port.clone();
                change(&mut changed[process].rows, row);
                assert!(changed == port || differs(&changed), "{part}, {name}, row {row}");
            }
        }
    }
}
