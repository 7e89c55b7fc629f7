//! Text is wrapped without losing a character, and prose is filled to a width.

use crate::harness::text::{display_width, end_column};
use crate::harness::wrap::{filled, joined, pieces};

/// Every piece fits, none but the last ends with a space, and together they are the text.
#[test]
fn a_long_line_is_wrapped_without_losing_a_character() {
    for text in [
        "",
        "short",
        "    if(bind(_LiSockFd,(const struct sockaddr*)&local,sizeof(local))==-1)  // two  spaces ",
        "                 // 而 回应给客户端 则是用 write, 可看做 通过文件描述符像文件写入内容",
        "#define CONNECT_ERR\t5 and\tmore\ttabs than one in a line that is long",
        "one_word_that_is_longer_than_any_line_could_be_and_has_no_space_at_all",
    ] {
        for (start, end) in [(5, 38), (46, 80), (0, 16)] {
            let pieces = pieces(text, start, end);
            assert_eq!(pieces.concat(), text, "{start}..{end}");
            for (number, piece) in pieces.iter().enumerate() {
                assert!(end_column(piece, start) <= end, "{start}..{end}: {piece:?}");
                let blank = piece.trim().is_empty();
                assert!(number + 1 == pieces.len() || blank || !piece.ends_with(' '), "{pieces:?}");
            }
        }
    }
}

/// Words stay whole, a list's lines are indented, Chinese breaks between letters but not before a comma.
#[test]
fn prose_is_filled() {
    let text = "- one two three four, five";
    assert_eq!(filled(text, 13, 2), ["- one two", "  three four,", "  five"]);
    assert_eq!(filled("中文中文，中文", 8, 0), ["中文中", "文，中文"]);
    let long = filled(&"word 中文、more ".repeat(30), 40, 0);
    assert!(long.iter().all(|line| display_width(line) <= 40 && !line.starts_with('、')), "{long:#?}");
    assert_eq!(long.join(" ").replace(' ', ""), "word中文、more".repeat(30));
    assert_eq!(filled("a_word_of_twenty_one_c", 10, 0).concat(), "a_word_of_twenty_one_c");
    assert_eq!([joined("中", "文"), joined("one", "two")], ["中文", "one two"]);
}
