//! Proves that the source is the article's, statement for statement, and that the measure of it can fall.

use crate::article::{LISTINGS, article, fixes, listings};
use crate::harness::builds::{make_command, run_make};
use crate::harness::skip::skip;
use crate::harness::text::end_column;
use crate::page::align::Alignment;
use crate::page::columns;
use crate::page::document::blocks;
use crate::page::source_map::{Part, beside, parts, sources};

const CPP: &str = r#"
int openDoor(int houseNumber) { // not the article's
    struct door front;
    memset(&front,0,sizeof(front));
    int doorFd=knock(houseNumber,"who is there?");
    if(doorFd<0) {
        logMessage(FATAL,"knock() failed::%d",doorFd);
        exit(DOOR_ERR);
    }
    (void)doorFd;
    return doorFd;
}
"#;

const RUST: &str = r#"
fn open_door(house_number: c_int) -> c_int {
    let mut front = zeroed();
    let door_fd = knock(house_number, c"who is there?");
    if door_fd < 0 {
        log_message!(FATAL, "knock() failed::%d", door_fd);
        exit(DOOR_ERR);
    }
    return door_fd;
}
"#;

/// Nineteen statements in twenty of every listing have their counterpart, in the article's order.
#[test]
fn every_listing_has_its_counterpart() {
    let Some(article) = article() else { return skip("the statements of the listings: no ARTICLE") };
    let listings = listings(&article);
    let sources = sources();
    let text = |file: &str| {
        sources.iter().find(|(name, _)| name == file).map_or(String::new(), |source| source.1.clone())
    };
    for name in LISTINGS {
        let right = beside(&parts(name, text), text);
        let aligned = Alignment::of(listings.get(name), &right);
        let ((all, paired), unpaired) = (aligned.counts(), aligned.unpaired());
        assert!(20 * paired >= 19 * all, "{name}: {paired} of {all} without {unpaired:#?}");
        let unknown = unpaired.iter().find(|(_, kind)| kind[0] == "a statement");
        assert_eq!(unknown, None, "{name}: of no known kind");
    }
}

/// In the terminal no character of either text is lost at any width, and no line is wider than the terminal.
#[test]
fn the_terminal_shows_both_texts_whole() {
    let cpp = format!(
        "{CPP}\tint a_name_longer_than_the_column_is_wide_which_has_no_space_in_it; // 中文 comment  two  spaces\n"
    );
    let rust = format!(
        "//! Its first line.\n{RUST}// the last one, and a long one at that, so it takes three lines at eighty\n"
    );
    let part = Part { file: "src/door.rs".to_string(), lines: 0..rust.lines().count() };
    let left: Vec<&str> = cpp.lines().collect();
    let right: Vec<String> = rust.lines().map(str::to_string).collect();
    for width in [60, 80, 100, 200] {
        let blocks = blocks(&cpp, &cpp, std::slice::from_ref(&part), |_| rust.clone());
        let shown = columns::lines(&blocks[0], &left, &right, width, false);
        assert!(shown.iter().all(|line| end_column(line, 0) <= width), "{shown:#?}");
        let [one, other] = reassembled(&shown, width);
        assert_eq!(one, cpp.trim_start_matches('\n'), "{width}");
        assert_eq!(other, rust, "{width}");
    }
}

/// The same for the article's listings and `src/`, at 80 columns, by the command itself.
#[test]
fn side_by_side_loses_no_character_at_80_columns() {
    let Some(article) = article() else { return skip("side by side at 80 columns: no ARTICLE") };
    let listings = listings(&article);
    let article = format!("ARTICLE={}", article.display());
    for (name, choice) in
        LISTINGS.iter().zip(["tcp.hpp", "logMessage", "tcpServer", "client", "one", "two"])
    {
        let mut make = make_command(&["side-by-side", &article, &format!("LISTING={choice}")])
            .env("TERM", "dumb")
            .terminal(80)
            .start();
        assert_eq!(make.wait(), 0);
        make.screen().wait_for("not counted:", 1);
        let screen = make.screen().text().replace('\r', "");
        let (shown, _) = screen.split_once(&format!("\n\n{name}: ")).expect("the rows come first");
        let is_title = |line: &&str| line.starts_with("     ") && line.contains(" │      src/");
        let rows: Vec<String> =
            shown.lines().skip_while(|line| !is_title(line)).map(str::to_string).collect();
        let titles: Vec<usize> = (0..rows.len()).filter(|at| is_title(&&*rows[*at])).collect();
        let ends = titles.iter().skip(1).copied().chain([rows.len()]);
        let (mut left, mut right) = (String::new(), String::new());
        for (&title, end) in titles.iter().zip(ends) {
            assert!(rows[title].starts_with(&format!("     {name} ")), "{}", rows[title]);
            let [one, other] = reassembled(&rows[title + 1..end], 80);
            left += &one;
            right += &other;
        }
        let sources = sources();
        let text = |file: &str| {
            sources.iter().find(|(name, _)| name == file).map_or(String::new(), |source| source.1.clone())
        };
        let trimmed =
            |text: &str| text.lines().map(|line| line.trim_end().to_string() + "\n").collect::<String>();
        assert_eq!(left, trimmed(listings.get(name)), "{name}");
        assert_eq!(right, beside(&parts(name, text), text), "{name}");
    }
}

/// Both texts of lines in two columns: a line begins where its number is, a sign is between the two.
fn reassembled(shown: &[String], width: usize) -> [String; 2] {
    let half = (width - 3) / 2;
    let mut texts = [const { String::new() }; 2];
    for line in shown {
        let ends = line.char_indices().map(|(at, c)| at + c.len_utf8());
        let left =
            ends.clone().find(|&at| end_column(&line[..at], 0) == half).expect("the left half is filled");
        let (left, rest) = line.split_at(left);
        let sign = rest.chars().nth(1).map_or(0, char::len_utf8) + 1;
        assert!([" <", " >", " │"].contains(&&rest[..sign]), "{line:?}");
        let right = rest[sign..].strip_prefix(' ').unwrap_or("");
        for (text, cell) in texts.iter_mut().zip([left.trim_end(), right]) {
            let (number, piece) = cell.split_at_checked(5).unwrap_or((cell, ""));
            let number = number.trim();
            text.push_str(if number.is_empty() || text.is_empty() { "" } else { "\n" });
            text.push_str(piece);
        }
    }
    texts.map(|text| if text.is_empty() { text } else { text + "\n" })
}

/// Of each corrected listing, 98 statements in 100 have their counterpart in order.
#[test]
fn the_corrected_article_is_the_port() {
    let Some(article) = article() else { return skip("the corrected listings: no ARTICLE") };
    let fixed = fixes::apply(&listings(&article), &fixes::all());
    let sources = sources();
    let text = |file: &str| {
        sources.iter().find(|(name, _)| name == file).map_or(String::new(), |source| source.1.clone())
    };
    for name in LISTINGS {
        let right = beside(&parts(name, text), text);
        let aligned = Alignment::of(&fixed.text(name).unwrap_or_default(), &right);
        let (all, paired) = aligned.counts();
        assert!(100 * paired >= 98 * all, "{name}: {paired} of {all} without {:#?}", aligned.unpaired());
    }
    let (_, shown, _) =
        run_make(&["side-by-side", &format!("ARTICLE={}", article.display()), "LISTING=client", "FIXED=1"]);
    assert!(shown.contains("checkIp("), "{shown}");
}

/// The two spellings of a name are one, a conversion stays without counterpart and is named so.
#[test]
fn what_is_alike_is_paired() {
    let aligned = Alignment::of(CPP, RUST);
    assert_eq!(aligned.counts(), (9, 8));
    assert_eq!(aligned.unpaired(), [("(void)doorFd;".to_string(), ["a type conversion", "类型转换"])]);
}

/// Each statement that is taken away costs one, wherever it stood; of two that change places one is not counted.
#[test]
fn a_statement_taken_away_or_moved_is_missed() {
    for gone in ["let door_fd", "if door_fd", "log_message!", "exit(", "return"] {
        let less: Vec<&str> = RUST.lines().filter(|line| !line.contains(gone)).collect();
        assert_eq!(Alignment::of(CPP, &less.join("\n")).counts(), (9, 7), "without {gone}");
    }
    let moved = RUST.replace("let mut front = zeroed();", "");
    let moved = moved.replace("return", "let mut front = zeroed();\nreturn");
    assert_eq!(Alignment::of(CPP, &moved).counts(), (9, 6));
}
