//! Whatever a reader's copy of the article looks like, its listings are found in it.
//!
//! Small listings of the test's own are written in each form; where `ARTICLE` is given, the article's too.

use std::path::Path;

use crate::article::build::built_into;
use crate::article::{LISTINGS, Listings, article, listings};
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;

/// The sections of `copies.txt`, which says itself what they are: their names and texts.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let sections = include_str!("copies.txt").split("\n== ").skip(1);
    sections.map(|section| section.split_once('\n').expect("a text is below its name"))
}

/// The test's own listings.
fn own() -> [&'static str; 6] {
    LISTINGS.map(|name| sections().find(|section| section.0 == name).expect("it is there").1)
}

fn written(text: &str, form: &str) -> String {
    let is_line = |line: &&str| ["LINE", "HTML", "SPANS"].iter().any(|sign| line.contains(sign));
    let line = form.split_inclusive('\n').find(is_line).expect("a line is in it");
    let lines = (1..).zip(text.lines()).map(|(number, text)| {
        let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;");
        let html = html.replace('"', "&quot;").replace('\'', "&#x27;").replace("  ", " &nbsp;");
        let spans = html.replace("int", "<span class=\"hljs-keyword\" title='a>b'>int</span>");
        let line = line.replace("NUMBER", &number.to_string()).replace("\\\n", "");
        line.replace("SPANS", &spans).replace("HTML", &html).replace("LINE", text)
    });
    let (before, behind) = form.split_once(line).expect("the line is in it");
    before.replace("\\\n", "") + &lines.collect::<String>() + &behind.replace("\\\n", "")
}

/// The text without empty lines and what stands at the lines' ends: these may be lost.
fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_end().replace('\t', "    "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn listings_are_found_in_every_form() {
    let desk = TempDir::empty();
    let articles = article().map(|article| listings(&article));
    let articles = articles.as_ref().map(|listings| LISTINGS.map(|name| listings.get(name)));
    let mut others = sections().skip_while(|(name, _)| LISTINGS.contains(name));
    let (_, interfaces) = others.next().expect("what stands before the listings");
    let copies = others.flat_map(|form| [Some(own()), articles].map(|listings| (form, listings)));
    for ((name, form), wanted) in copies.filter_map(|(form, listings)| Some((form, listings?))) {
        let words = "# 文章\n\n<div>text</div>\n\n";
        // In an order of their own.
        let blocks = [5, 3, 0, 1, 4, 2].map(|listing| words.to_string() + &written(wanted[listing], form));
        let page = format!("\u{feff}{words}{}{}", written(interfaces, form), blocks.concat());
        let listings = listings(&desk.write("the page", page));
        for (listing, wanted) in LISTINGS.iter().zip(wanted) {
            let found = listings.find(listing).unwrap_or_else(|| panic!("{name}: no {listing}"));
            assert_eq!(lines(found), lines(wanted), "{name}: {listing}");
        }
    }
}

/// A folder's files are known by what they say, in folders of theirs too, and one may be missing.
#[test]
fn a_folder_is_read() {
    let desk = TempDir::empty();
    let files = [("b/tcp.hpp", 0), ("logMessage.hpp", 1), ("a/tcpServer.cc", 4), ("tcpServer.cpp", 2)];
    for (name, listing) in files {
        desk.write(name, own()[listing].replace('\n', "\r\n"));
    }
    desk.write("a/tcpServer", [0x7f, b'E', b'L', b'F', 0xff]);
    desk.write("notes.txt", "listen, accept, connect");
    let listings = listings(&desk);
    let found = LISTINGS.map(|name| listings.find(name));
    let [header, log, server, _, version_one, _] = own().map(Some);
    assert_eq!(found, [header, log, server, None, version_one, None]);
}

/// What cannot be read gets one line: the file, what was looked for, what was found.
#[test]
fn one_line_says_why() {
    let desk = TempDir::empty();
    let says = |copy: &Path, why: &str| {
        let line = Listings::read(copy).err().expect("it cannot be read");
        assert!(line.starts_with(&copy.display().to_string()) && line.contains(why), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    };
    let (page, all) = (b"<pre>int listen(int);</pre><pre>no code</pre>\n", own().concat());
    let files: [(&str, &[u8], &str); 5] = [
        (
            "page.html",
            page,
            "tcpClient.cc, version one, version two; found none in 2 <pre> and 0 Markdown blocks",
        ),
        ("prose.md", b"# A server\nlisten, accept, to_upper\n", "0 <pre> and 0 Markdown blocks"),
        // A page saved as text has no blocks, and is not a listing either.
        ("all.txt", all.as_bytes(), "0 <pre> and 0 Markdown blocks"),
        ("gbk.html", b"<pre>\xce\xc4</pre>", "not UTF-8; make it so: iconv -f gb18030 -t utf-8 '"),
        ("page.mhtml", b"Content-Type: multipart/related;\n", "a web archive: save the page as HTML"),
    ];
    for (name, text, why) in files {
        says(&desk.write(name, text), why);
    }
    says(&desk.join("nothing.md"), "No such file");
    std::fs::create_dir(desk.join("empty")).expect("a directory");
    says(&desk.join("empty"), "found none in its 0 files");
}

/// Typed with other spaces a listing is mended all the same; with a mistake, that program alone is left out.
#[test]
fn a_mistyped_listing_is_used() {
    let Some(article) = article() else { return skip("a listing that is mistyped: no ARTICLE") };
    let copy = listings(&article);
    let desk = TempDir::empty();
    let spaced =
        |name| copy.get(name).replace(',', " , ").replace("(id", "( id").replace("exit(", "exit (");
    desk.write("tcp.hpp", copy.get("tcp.hpp"));
    desk.write("logMessage.hpp", copy.get("logMessage.hpp"));
    desk.write("one.cc", spaced("version one"));
    desk.write("two.cc", spaced("version two"));
    desk.write("client.cc", copy.get("tcpClient.cc").replace("getline(", "getlin("));
    let built = built_into(desk.join("built"), &listings(&desk), false).expect("two programs are built");
    let [(server, missing), (client, said)] = &built.without[..] else { panic!("{:?}", built.without) };
    assert_eq!((*server, missing.as_str()), ("tcp_server", "the copy has no tcpServer.cc"));
    assert_eq!(*client, "tcp_client");
    assert!(said.starts_with("tcpClient.cc does not compile:\n") && said.contains("getlin"), "{said}");
    assert!(built.directory.join("tcp_server_double_fork").is_file());
}
