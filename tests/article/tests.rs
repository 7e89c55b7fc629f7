//! Whatever a reader's copy of the article looks like, its listings are found in it.
//!
//! Small listings of the test's own are written in each form of `copies.txt`; where `ARTICLE` is given, the article's too.

use std::path::Path;
use std::process::Command;

use crate::article::build::{Recipe, build, to_run};
use crate::article::copy::path;
use crate::article::{LISTINGS, Listings, article, listings};
use crate::harness::builds::{PROGRAMS, make_command, root};
use crate::harness::process::wait::TIMEOUT;
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
    let is_line = |line: &&str| ["LINE", "HTML", "SPANS", "WORDS"].iter().any(|sign| line.contains(sign));
    let line = form.split_inclusive('\n').find(is_line).expect("a line is in it");
    let lines = (1..).zip(text.lines()).map(|(number, text)| {
        let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;");
        let html = html.replace('"', "&quot;").replace('\'', "&#x27;").replace("  ", " &nbsp;");
        let spans = html.replace("int", "<span class=\"hljs-keyword\" title='a>b'>int</span>");
        let words = html.split(' ').map(|word| format!("<code class=x>{word}</code>"));
        let words = words.collect::<Vec<String>>().join(" ");
        let line = line.replace("NUMBER-1", &(number - 1).to_string());
        let line = line.replace("NUMBER+100", &(number + 100).to_string());
        let line = line.replace("NUMBER", &number.to_string()).replace("\\\n", "");
        let line = line.replace("WORDS", &words).replace("SPANS", &spans).replace("HTML", &html);
        line.replace("LINE", text)
    });
    let (before, after) = form.split_once(line).expect("the line is in it");
    before.replace("\\\n", "") + &lines.collect::<String>() + &after.replace("\\\n", "")
}

/// The text without empty lines and spaces at the ends of lines: these may be lost.
fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_end().replace('\t', "    "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A copy with these listings in that form, in an order of its own.
fn page(form: &str, wanted: [&str; 6]) -> String {
    let mut others = sections().skip_while(|(name, _)| LISTINGS.contains(name));
    let (_, interfaces) = others.next().expect("what is before the listings");
    let words = "# 文章\n\n<div>text; {a}</div>\n\n";
    let blocks = [5, 3, 0, 1, 4, 2].map(|listing| words.to_string() + &written(wanted[listing], form));
    format!("{words}{}{}", written(interfaces, form), blocks.concat())
}

/// All listings are found in a copy, line for line.
fn found(copy: &Path, name: &str, wanted: [&str; 6]) {
    let listings = listings(copy);
    for (listing, wanted) in LISTINGS.iter().zip(wanted) {
        let found = listings.find(listing).unwrap_or_else(|| panic!("{name}: no {listing}"));
        assert_eq!(lines(found), lines(wanted), "{name}: {listing}");
    }
}

fn forms() -> impl Iterator<Item = (&'static str, &'static str)> {
    sections().skip_while(|(name, _)| LISTINGS.contains(name)).skip(1)
}

fn form(name: &str) -> &'static str {
    forms().find(|form| form.0 == name).expect("it is there").1
}

#[test]
fn listings_are_found_in_every_form() {
    let desk = TempDir::empty();
    let articles = article().map(|article| listings(&article));
    let articles = articles.as_ref().map(|listings| LISTINGS.map(|name| listings.get(name)));
    for (name, form) in forms() {
        for wanted in [Some(own()), articles].into_iter().flatten() {
            found(&desk.write("the page", page(form, wanted)), name, wanted);
        }
    }
}

/// What is not UTF-8 is converted, whether it has a byte-order mark or not; a web archive is unpacked.
#[test]
fn every_encoding_is_read() {
    let desk = TempDir::empty();
    for (name, form) in [("fences", form("fences")), ("a page", form("a page"))] {
        let copy = desk.write("utf-8", page(form, own()).replace('\n', "\r\n"));
        for (mark, encoding) in [
            (&b""[..], "GB18030"),
            (b"\xef\xbb\xbf", "UTF-8"),
            (b"\xff\xfe", "UTF-16LE"),
            (b"\xfe\xff", "UTF-16BE"),
            (b"", "UTF-16LE"),
            (b"", "UTF-16BE"),
        ] {
            let iconv = Command::new("iconv").args(["-f", "UTF-8", "-t", encoding]).arg(&copy).output();
            let converted = [mark, &iconv.expect("iconv is installed").stdout].concat();
            found(&desk.write("converted", converted), &format!("{name} in {encoding}"), own());
        }
    }
    let page = page(form("a page"), own());
    let quoted = page.replace('=', "=3D").replace("文", "=E6=96=87").replace("listen", "lis=\nten");
    let base64 =
        Command::new("base64").arg(desk.write("page", &page)).output().expect("base64 is installed");
    let base64 = String::from_utf8(base64.stdout).expect("it is ASCII");
    for (encoding, body) in [("quoted-printable", quoted), ("base64", base64), ("8bit", page)] {
        let archive = format!(
            "Subject: x\nContent-Type: multipart/related;\n\tboundary=\"--b\"\n\n----b\nContent-Type: text/html\n\
             Content-Transfer-Encoding: {encoding}\n\n{body}\n----b\nContent-Type: text/css\n\na {{}}\n----b--\n"
        );
        found(&desk.write("page.mhtml", archive.replace('\n', "\r\n")), encoding, own());
    }
}

/// A folder's files are recognised by their content, in folders of theirs too, and one may be missing; other files do no harm.
#[test]
fn a_folder_is_read() {
    let desk = TempDir::empty();
    let files = [
        ("b/tcp.H", 0),
        ("logMessage.hpp", 1),
        ("a/tcpServer.C", 4),
        ("tcpServer.c++", 2),
        ("new/two.c", 5),
    ];
    for (name, listing) in files {
        desk.write(name, own()[listing].replace('\n', "\r\n"));
    }
    desk.write("a/tcpServer", [0x7f, b'E', b'L', b'F', 0xff]);
    desk.write("notes.txt", "listen, accept, connect");
    // A note in GBK, half a character, and what is not text.
    desk.write("gbk.txt", [0xce, 0xc4, 0xd5, 0xc2, 0x81]);
    desk.write("page_files/frame.html", [0xff, 0xfe, 0, 0xd8, 0, 0, 0xff, 1]);
    desk.write("picture.md", [0x89, b'P', b'N', b'G', 0, 0, 0, 0xff, 0, 0x80]);
    let listings = listings(&desk);
    let found = LISTINGS.map(|name| listings.find(name));
    let [header, log, server, _, version_one, version_two] = own().map(Some);
    assert_eq!(found, [header, log, server, None, version_one, version_two]);
}

/// Calls in comments and in code that is switched off are no calls: they do not make version one version two.
#[test]
fn code_in_comments_is_not_counted() {
    let desk = TempDir::empty();
    for old in
        ["/* waitpid(id,\n  0, 0); fork(); */", "// WAIT_ERR waitpid", "#if 0\nwaitpid(fork());\n#endif"]
    {
        let text = own()[4].replace("    listen", &format!("{old}\n    listen"));
        assert_ne!(text, own()[4]);
        let listings = listings(&desk.write("one.cc", &text));
        assert_eq!(
            (listings.find("version one"), listings.find("version two")),
            (Some(&*text), None),
            "{old}"
        );
    }
}

/// What cannot be read gets one line: the file, what was looked for, and what to do.
#[test]
fn one_line_says_why() {
    let desk = TempDir::empty();
    let says = |copy: &Path, why: &[&str]| {
        let line = Listings::read(copy).err().expect("it cannot be read");
        assert!(line.starts_with(&copy.display().to_string()), "{line}");
        assert!(why.iter().all(|why| line.contains(why)) && line.lines().count() == 1, "{line}");
    };
    let none = ["tcpClient.cc, version one, version two", "Ctrl-S"];
    says(&desk.write("page.html", "<pre>int listen(int);</pre><pre>no code</pre>\n"), &none);
    says(&desk.write("prose.md", "# A server\nlisten, accept, to_upper\n"), &none);
    says(&desk.write("gbk.html", b"<pre>\xce\xc4</pre>"), &none);
    says(&desk.write("picture.png", [0x89, b'P', b'N', b'G', 0, 0, 0, 0xff]), &none);
    says(&desk.join("nothing.md"), &["No such file"]);
    std::fs::create_dir(desk.join("empty")).expect("a directory");
    says(&desk.join("empty"), &[" 0 ", ".hpp", ".html", "Ctrl-S"]);
}

/// `~` is the user's, what a browser shows of a file is a path, and paths are relative to where `make` was typed.
#[test]
fn a_path_is_understood() {
    let desk = TempDir::empty();
    let page = desk.write("the page.html", "");
    let url = format!("file://{}", page.display().to_string().replace(' ', "%20"));
    for named in ["~/the page.html", "the page.html", &url, &page.display().to_string()] {
        assert_eq!(path(named.as_ref(), &desk, &desk), page, "{named}");
    }
    assert_eq!(path("a.md".as_ref(), &desk, &desk), root().join("a.md"));
}

/// Where the article is asked for, one line says how to save it.
#[test]
fn the_article_is_asked_for() {
    let desk = TempDir::empty();
    let gbk = desk.write("gbk", b"\xce\xc4").display().to_string();
    for (article, why) in [
        ("", "give the article, ARTICLE=file: save the page first: open it in a browser, press Ctrl-S"),
        ("https://example.org/a", "ARTICLE is a web address: save the page first: open it in a browser"),
        ("no/such.html", "no/such.html: No such file"),
        (&gbk, "iconv is missing, which converts GB18030: install it (libc-bin"),
    ] {
        let mut make = make_command(&["side-by-side", &format!("ARTICLE={article}")]);
        if article == gbk {
            make = make.env("PATH", no_iconv(&desk));
        }
        let mut make = make.start();
        let status = make.wait_timeout(15 * TIMEOUT).expect("it ends");
        let (shown, mut said) = (make.stdout.all(), make.stderr.all());
        said.retain(|line| !line.starts_with("make"));
        assert!(status != 0 && shown.is_empty() && said.len() == 1 && said[0].contains(why), "{said:?}");
    }
}

/// A `PATH` of the commands that are installed, without `iconv`.
fn no_iconv(desk: &TempDir) -> String {
    let script =
        "mkdir bin && IFS=: && for d in $PATH; do ln -s $d/* bin 2>/dev/null; done; rm bin/iconv; :";
    assert!(Command::new("sh").args(["-c", script]).current_dir(&**desk).status().is_ok());
    desk.join("bin").display().to_string()
}

/// Typed with other spaces, a listing is fixed as well; with a mistake, only that program is left out.
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
    let recipe = Recipe { directory: desk.join("built"), names: PROGRAMS, options: &["-w"], only: None };
    let built = build(&desk, &listings(&desk), &to_run(false), &recipe).expect("two programs are built");
    let [(server, missing), (client, said)] = &built.without[..] else { panic!("{:?}", built.without) };
    assert_eq!((*server, missing.as_str()), ("tcp_server", "the copy has no tcpServer.cc"));
    assert_eq!(*client, "tcp_client");
    assert!(said.starts_with("tcpClient.cc does not compile: ") && said.contains("getlin"), "{said}");
    assert!(built.directory.join("tcp_server_double_fork").is_file());
}
