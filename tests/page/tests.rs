//! Proves that the source is the article's, statement for statement, and that the measure of it can fall.

use crate::article::{LISTINGS, article, listings};
use crate::harness::skip::skip;
use crate::page::align::Alignment;
use crate::page::source_map::counterpart;

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
    for name in LISTINGS {
        let aligned = Alignment::of(listings.get(name), &counterpart(name));
        let ((all, paired), alone) = (aligned.counts(), aligned.alone());
        assert!(20 * paired >= 19 * all, "{name}: {paired} of {all} without {alone:#?}");
        let unknown = alone.iter().find(|(_, kind)| kind[0] == "a statement");
        assert_eq!(unknown, None, "{name}: of no known kind");
    }
}

/// The two spellings of a name are one, a conversion stays without counterpart and is named so.
#[test]
fn what_is_alike_is_paired() {
    let aligned = Alignment::of(CPP, RUST);
    assert_eq!(aligned.counts(), (9, 8));
    assert_eq!(aligned.alone(), [("(void)doorFd;".to_string(), ["a type conversion", "类型转换"])]);
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
