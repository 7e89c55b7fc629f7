//! The fixes: each finds its place in copies of many forms, alone and with others, and the result is what a compiler accepts.

use std::collections::BTreeSet;
use std::process::Command;

use crate::article::build::{Recipe, TEXT_HPP, build};
use crate::article::fixes::{Fixed, Note, TO_RUN, all, apply, cpp, says};
use crate::article::{LISTINGS, Listings, article, listings};
use crate::harness::builds::{PROGRAMS, root, run_make};
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;

/// The listings of a copy as files, each changed: `change(listing, text)`.
fn copy(change: impl Fn(&str, &str) -> String) -> Option<(TempDir, Listings)> {
    let article = article()?;
    let (from, desk) = (listings(&article), TempDir::empty());
    for listing in LISTINGS {
        let text = change(listing, from.get(listing));
        desk.write(file(listing), text);
    }
    let copy = Listings::read(&desk).expect("it has listings");
    Some((desk, copy))
}

/// The file of a listing in a folder.
fn file(listing: &str) -> &str {
    match listing {
        "version one" => "one.cc",
        "version two" => "two.cc",
        name => name,
    }
}

/// The listings that are programs.
const PROGRAM_LISTINGS: [&str; 4] = ["tcpServer.cc", "version one", "version two", "tcpClient.cc"];

/// What g++ says of these listings. Each set has namespaces of its own in one file: g++ reads its own headers once.
fn compiled(desk: &TempDir, sets: &[(String, Fixed)]) -> String {
    let (mut includes, mut code) = (BTreeSet::new(), String::new());
    for (name, fixed) in sets {
        let text = |listing: &str| fixed.text(listing).expect("it is there");
        for (number, listing) in PROGRAM_LISTINGS.into_iter().enumerate() {
            // Without erratum 3 version two does not compile.
            if listing == "version two" && !text("tcp.hpp").contains("WAIT_ERR") {
                continue;
            }
            code += &format!("namespace {name}_{number} {{\n");
            let header = text("tcp.hpp");
            let (before, after) = header.split_once("#include \"").expect("it includes the other header");
            let after = after.split_once('\n').map_or("", |(_, after)| after);
            for line in [before, &text("logMessage.hpp"), after, &text(listing)].concat().lines() {
                match line.trim_start() {
                    start if start.starts_with("#include <") => _ = includes.insert(start.to_string()),
                    start if start.starts_with("#include") || start.starts_with("#pragma") => {}
                    _ => code += &format!("{line}\n"),
                }
            }
            code += "}\n";
        }
    }
    let includes: Vec<String> = includes.into_iter().collect();
    desk.write(TEXT_HPP.0, TEXT_HPP.1);
    let includes = format!("{}\n#include \"{}\"\n", includes.join("\n"), TEXT_HPP.0);
    let path = desk.write("all.cc", includes + &code);
    let compiler = Command::new("g++")
        .args(["-Wall", "-Wextra", "-fsyntax-only", "-fmax-errors=3"])
        .arg(path)
        .output();
    String::from_utf8_lossy(&compiler.expect("g++ is there").stderr).into_owned()
}

/// With all fixes each number is found in the text, with what it fixes in both languages.
#[test]
fn each_number_is_in_the_text() {
    let Some((_, copy)) = copy(|_, text| text.to_string()) else { return skip("the fixes: no ARTICLE") };
    let fixed = apply(&copy, &all());
    assert_eq!(fixed.notes, []);
    let text: String = LISTINGS.iter().map(|listing| fixed.text(listing).expect("it is there")).collect();
    for erratum in all() {
        let [english, chinese] = says(erratum);
        assert!(text.contains(&format!("// {english}\n")) && text.contains(&format!("// {chinese}\n")));
    }
}

/// Each fix alone, and all without it, find their places, and g++ accepts them without a warning of our lines.
#[test]
fn each_fix_is_independent() {
    let Some((desk, copy)) = copy(|_, text| text.to_string()) else { return skip("each fix: no ARTICLE") };
    let mut sets = vec![("every".to_string(), apply(&copy, &all()))];
    for erratum in all() {
        let alone = TO_RUN.into_iter().chain([erratum]).collect();
        let others = all().into_iter().filter(|other| *other != erratum).collect();
        sets.push((format!("alone_{erratum}"), apply(&copy, &alone)));
        sets.push((format!("others_{erratum}"), apply(&copy, &others)));
    }
    for (name, fixed) in &sets {
        assert_eq!(fixed.notes, [], "{name}");
    }
    assert_eq!(compiled(&desk, &sets), "");
}

/// A copy that was typed with other spaces, tabs, line breaks and names is fixed too.
#[test]
fn copies_differ() {
    const NAMES: [(&str, &str); 19] = [
        ("sock", "fd"),
        ("inbuffer", "buf"),
        ("s", "n_read"),
        ("clientIP", "ip_text"),
        ("clientPort", "port_number"),
        ("serviceSockFd", "conn"),
        ("_LiSockFd", "listen_fd_"),
        ("peerIp", "from"),
        ("peerPort", "fromPort"),
        ("id", "pid"),
        ("ret", "result"),
        ("serverPort", "p"),
        ("serverIp", "address"),
        ("sockFd", "fd"),
        ("message", "line"),
        ("sw", "written"),
        ("sr", "got"),
        ("quit", "done"),
        ("logInfo", "text"),
    ];
    let renamed = |_: &str, text: &str| {
        words(text, |word| {
            NAMES.iter().find(|(name, _)| *name == word).map_or(word, |(_, new)| new).to_string()
        })
    };
    let spaced = |_: &str, text: &str| {
        outside_literals(text, |code| {
            let mut spaced = code.replace("<<", " << ");
            for sign in [",", ";", "(", "==", "&&"] {
                spaced = spaced.replace(sign, &format!(" {sign} "));
            }
            spaced
        })
    };
    let tabs = |_: &str, text: &str| text.replace("    ", "\t");
    let braces = |_: &str, text: &str| {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            match lines.last_mut() {
                Some(last) if line.trim() == "{" && !last.contains("//") && !last.trim().is_empty() => {
                    *last += " {"
                }
                _ => lines.push(line.to_string()),
            }
        }
        lines.join("\r\n") + "\r\n"
    };
    let qualified = |listing: &str, text: &str| match listing {
        "logMessage.hpp" => text.to_string(),
        _ => text.replace("struct ", ""),
    };
    let broken = |_: &str, text: &str| outside_literals(text, |code| code.replace(',', ",\n        "));
    type Change<'a> = &'a dyn Fn(&str, &str) -> String;
    let changes: [(&str, Change); 6] = [
        ("renamed", &renamed),
        ("spaced", &spaced),
        ("tabs", &tabs),
        ("braces", &braces),
        ("qualified", &qualified),
        ("broken", &broken),
    ];
    let (desk, mut sets) = (TempDir::empty(), Vec::new());
    for (name, change) in changes {
        let Some((_, copy)) = copy(change) else { return skip("copies that differ: no ARTICLE") };
        let fixed = apply(&copy, &all());
        assert_eq!(fixed.notes, [], "{name}");
        sets.push((name.to_string(), fixed));
    }
    assert_eq!(compiled(&desk, &sets), "");
}

/// Code with its words changed, outside of literals and directives.
fn words(text: &str, change: impl Fn(&str) -> String) -> String {
    outside_literals(text, |code| {
        let mut changed = String::new();
        let mut rest = code;
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let end = match is_word(first) {
                true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                false => first.len_utf8(),
            };
            changed += &if is_word(first) { change(&rest[..end]) } else { rest[..end].to_string() };
            rest = &rest[end..];
        }
        changed
    })
}

/// Code changed in all lines but directives, and there outside of literals and comments.
fn outside_literals(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut changed = String::new();
    for line in text.lines() {
        let (code, comment) = line.split_at(line.find("//").unwrap_or(line.len()));
        if line.trim_start().starts_with('#') {
            changed += line;
        } else {
            for (number, part) in code.split('"').enumerate() {
                changed += if number == 0 { "" } else { "\"" };
                changed += &if number % 2 == 0 { change(part) } else { part.to_string() };
            }
            changed += comment;
        }
        changed.push('\n');
    }
    changed
}

/// What the reader has fixed stays as it is, and this is reported.
#[test]
fn a_fix_of_the_readers_own_is_left_alone() {
    let Some((_, article)) = copy(|_, text| text.to_string()) else { return skip("own fixes: no ARTICLE") };
    for erratum in all() {
        let before = apply(&article, &BTreeSet::from([erratum]));
        let Some((_, copy)) = copy(|listing, _| {
            let text = before.text(listing).expect("it is there");
            // A reader writes no such comments.
            text.lines()
                .filter(|line| !line.contains("// Err") && !line.contains("// 勘误"))
                .map(|line| format!("{line}\n"))
                .collect()
        }) else {
            return;
        };
        let after = apply(&copy, &BTreeSet::from([erratum]));
        assert!(!after.notes.is_empty(), "erratum {erratum}");
        for note in &after.notes {
            assert!(matches!(note, Note::Already { .. }), "{note}");
        }
        for listing in LISTINGS {
            // What several fixes share has no note of its own.
            assert_eq!(after.text(listing).as_deref(), copy.find(listing), "erratum {erratum}, {listing}");
        }
    }
}

/// A place that is not there is reported, the others are found, and nothing of that fix is applied in that listing.
#[test]
fn a_place_that_is_not_found_is_reported() {
    let without = |_: &str, text: &str| text.replace("strlen(inbuffer)", "s+0");
    let Some((_, copy)) = copy(without) else { return skip("a missing place: no ARTICLE") };
    let fixed = apply(&copy, &all());
    let wanted = "write($sock,$buffer,strlen($buffer));".to_string();
    let lost = ["tcpServer.cc", "version one", "version two"];
    let lost = lost.map(|listing| Note::NotFound { erratum: 9, listing, wanted: wanted.clone() });
    assert_eq!(fixed.notes, lost);
    let server = fixed.text("tcpServer.cc").expect("it is there");
    assert!(!server.contains("Erratum 9") && server.contains("Erratum 15"));
    assert_eq!(fixed.notes[0].to_string().lines().count(), 1);
}

/// Each line of a corrected listing knows the reader's line that it is or replaces.
#[test]
fn lines_know_where_they_are_from() {
    let Some((_, copy)) = copy(|_, text| text.to_string()) else { return skip("lines: no ARTICLE") };
    let fixed = apply(&copy, &all());
    for listing in LISTINGS {
        let original: Vec<&str> = copy.get(listing).lines().collect();
        let lines = fixed.lines(listing).expect("it is there");
        let from: Vec<usize> = lines.iter().filter_map(|line| line.from).collect();
        assert!(from.is_sorted(), "{listing}: {from:?}");
        for line in lines {
            match (line.from, line.fix) {
                (Some(from), None) => assert_eq!(line.text, original[from - 1]),
                (_, Some(_)) => {}
                (None, None) => panic!("{listing}: no fix has inserted {:?}", line.text),
            }
        }
    }
}

/// A mistake of the reader's is reported with their own file and line, whatever the copy is.
#[test]
fn a_mistake_is_found_in_the_readers_file() {
    let Some(article) = article() else { return skip("a mistyped listing: no ARTICLE") };
    let text = std::fs::read_to_string(&article).expect("it is a text");
    if !text.contains("```cpp") {
        return skip("a mistyped listing: ARTICLE is not Markdown");
    }
    let desk = TempDir::empty();
    let wrong = text.replacen("socklen_t peerlen", "socklen peerlen", 1);
    let line = 1 + wrong.lines().position(|line| line.contains("socklen peerlen")).expect("it is there");
    let page = |text: &str| format!("<pre>{}</pre>", text.replace('&', "&amp;").replace('<', "&lt;"));
    let html: String = wrong
        .split("```")
        .enumerate()
        .map(|(number, block)| match number % 2 {
            1 => page(block.strip_prefix("cpp\n").unwrap_or(block)).replacen("<pre>", "<pre>\n", 1),
            _ => block.replace('<', "&lt;"),
        })
        .collect();
    for (name, text) in [("article.md", &wrong), ("article.html", &html)] {
        let path = desk.write(name, text);
        let recipe =
            Recipe { directory: desk.join("built"), names: PROGRAMS, options: &["-w"], only: None };
        let built = build(&path, &listings(&path), &all(), &recipe).expect("the others are built");
        let [("tcp_server", why)] = &built.without[..] else { panic!("{:?}", built.without) };
        let place = format!("{}:{line}: error: ", path.display());
        assert!(why.contains(&place) && why.contains("socklen"), "{why}\nnot {place}");
        assert_eq!(why.lines().count(), 1);
    }
    let from = listings(&article);
    for listing in LISTINGS {
        desk.write(&format!("files/{}", file(listing)), from.get(listing));
    }
    let client = from.get("tcpClient.cc").replace("sizeof(server)", "sizeof server)");
    let path = desk.write("files/tcpClient.cc", &client);
    let line = 1 + client.lines().position(|line| line.contains("sizeof server")).expect("it is there");
    let folder = desk.join("files");
    let recipe = Recipe { directory: desk.join("built"), names: PROGRAMS, options: &["-w"], only: None };
    let built = build(&folder, &listings(&folder), &all(), &recipe).expect("the others are built");
    let [("tcp_client", why)] = &built.without[..] else { panic!("{:?}", built.without) };
    assert!(why.contains(&format!("{}:{line}: error: ", path.display())), "{why}");
}

/// The lines that a fix inserts can be shown without a copy of the article.
#[test]
fn a_fix_is_shown_without_the_article() {
    for erratum in all() {
        let (shown, [english, chinese]) = (cpp(erratum), says(erratum));
        assert!(!shown.trim().is_empty() && !shown.contains('$'), "erratum {erratum}: {shown}");
        assert!(
            english.starts_with(&format!("Erratum {erratum}: "))
                && chinese.starts_with(&format!("勘误 {erratum}："))
        );
    }
    assert_eq!(cpp(1), "server.sin_port=htons(port);\n");
    assert!(cpp(9).contains("if(writen(sock,buffer,s)==-1)"));
}

/// The command: what it builds runs; what it cannot do it says in a line.
#[test]
fn make_fixed_says_what_it_does() {
    let (status, _, why) = run_make(&["fixed", "ARTICLE="]);
    assert!(status == 2 && why.starts_with("give the article, ARTICLE=file: "), "{why}");
    let Some(article) = article() else { return skip("make fixed: no ARTICLE") };
    let named = format!("ARTICLE={}", article.display());
    let (status, _, why) = run_make(&["fixed", &named, "ONLY=18"]);
    assert_eq!((status, why.lines().next()), (2, Some("ONLY=18: it takes errata, 1 to 17")));
    // Headers may have other names.
    let Some((files, _)) = copy(|listing, text| match listing {
        "tcp.hpp" => text.replace("logMessage.hpp", "../log/LogMessage.h"),
        "version one" => text.replace("tcp.hpp", "../comm/Tcp.h"),
        _ => text.replace("tcp.hpp", "tcp.h"),
    }) else {
        return;
    };
    let named = format!("ARTICLE={}", files.display());
    let (status, said, why) = run_make(&["fixed", &named]);
    assert_eq!((status, why.as_str(), said.lines().count()), (0, "", 1), "{said}");
    for name in ["tcpServer", "tcpServer_v1", "tcpServer_v2", "tcpClient"] {
        let usage = Command::new(root().join("target/fixed").join(name)).output().expect("it was built");
        assert_eq!(usage.status.code(), Some(4), "{name}");
        assert!(root().join(format!("target/fixed/{name}.cc")).is_file());
    }
    let desk = TempDir::empty();
    let only = desk.write("tcpClient.cc", listings(&article).get("tcpClient.cc"));
    let (status, _, why) = run_make(&["fixed", &format!("ARTICLE={}", only.display())]);
    let missing = "it has no tcp.hpp, logMessage.hpp, tcpServer.cc, version one, version two";
    assert!(status == 2 && why.lines().next().is_some_and(|line| line.ends_with(missing)), "{why}");
}
