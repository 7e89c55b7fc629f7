//! Whatever a reader's copy of the article looks like, its listings are found in it.
//!
//! Small listings of the test's own are written in each form; where `ARTICLE` is given, the article's too.

use std::path::{Path, PathBuf};

use crate::support::article::build::built_into;
use crate::support::article::{LISTINGS, Listings, article, listings};
use crate::support::skip::skip;

/// Each in the words that it is known by, with what HTML and Markdown have other uses for.
const OWN: [&str; 6] = [
    "#pragma once\n#include <iostream>\n#define SOCKET_ERR 11\n#define BIND_ERR 12\n\n#define LISTEN_ERR 13\n",
    "#pragma once\n// a log\nvoid log(const char* format) {\n\tva_start(a, \"<b>&amp;\");\n\tvsnprintf(a<b && c>d);\n\tva_end(a);\n}\n",
    "#include \"tcp.hpp\"\nint main()\n{\n    listen(3);\n    while (accept(3) < 1)\n        to_upper(\"`x`\");\n}\n",
    "#include \"tcp.hpp\"\nint main() {\n    // no listen, accept or to_upper\n    if (connect(a)) getline(cin, b);\n\n}\n",
    "#include \"tcp.hpp\"\nint main() {\n    listen(3); accept(3);\n    if (!fork()) to_upper('&');\n}\n",
    "#include \"tcp.hpp\"\nint main() {\n    listen(3); accept(3);\n    if (!fork()) to_upper(1);\n    waitpid(2);\n}\n",
];

/// What stands before the listings in the article: two of a server's words and one of a client's.
const INTERFACES: &str = "int listen(int);\nint accept(int);\nint connect(int);\nssize_t sendto(int);\n";

/// How a listing looks in a copy: what stands before it, how each line is written, and what stands behind.
/// `HTML` is the line with entities, `SPANS` with a highlighter's elements too.
const FORMS: [(&str, [&str; 3]); 15] = [
    ("fences", ["```cpp\n", "LINE\n", "```\n"]),
    ("fences without a tag, in Windows' lines", ["\r\n````\r\n", "LINE\r\n", "````\r\n"]),
    ("fences with a title", ["``` {.c++ title=\"x\"}\n", "LINE\n", "\n```\n"]),
    ("tildes", ["~~~C\n```\n", "LINE\n", "~~~\n"]),
    ("fences in a list", ["1. and\n\n   ```cpp\n", "   LINE\n", "   ```\n"]),
    ("a quotation", ["> > ```\n", "> > LINE\n", "> > ```\n"]),
    ("indented", ["so:\n\n", "    LINE\n", "\nand\n"]),
    ("indented by a tab", ["so:\n\n", "\tLINE\n", "\nand\n"]),
    ("numbered by hand", ["```\n", " NUMBER LINE\n", "```\n"]),
    ("a page", ["<PRE class='x'><code class=\"language-cpp\">", "HTML\n", "</code></PRE>\n"]),
    (
        "a page with a highlighter and a column of numbers",
        [
            "<pre><div class=\"hljs-button {2}\" data-title=\"复制\">复制</div><code>",
            "SPANS\n",
            "<div class=\"opt-box\">cpp<div>运行</div></div></code>\
             <ul class=\"pre-numbering\"><li style=\"color: grey\">1</li><li>2</li><li>3</li></ul>AI</pre>\n",
        ],
    ),
    (
        "a page with a list of lines",
        [
            "<pre><span>AI写代码</span><span>cpp</span><br/><code><ol>",
            "<li><div class=\"hljs-ln-numbers\"><div class=\"hljs-ln-n\" data-line-number=\"NUMBER\"></div></div>\
             <div class=\"hljs-ln-code\"><div class=\"hljs-ln-line\">SPANS&nbsp;</div></div></li>",
            "</ol><!-- </pre> --></code>1\n2\n</pre>\n",
        ],
    ),
    (
        "a page with a table of lines",
        [
            "<pre><table>",
            "<tr><td>NUMBER</td><td>HTML</td></tr>\n",
            "</table>AI写代码\ncpp\n运行\n1\n2</pre>",
        ],
    ),
    (
        "a page with each line's number in an element",
        [
            "<pre><button>Copy</button><code>",
            "<div><div class=\"n\">NUMBER</div><div>SPANS</div></div>",
            "</code></pre>",
        ],
    ),
    ("a page with a line a <code>", ["<pre>", "<code>SPANS</code>", "<button>Copy</button></pre>"]),
];

fn written(text: &str, [before, line, behind]: [&str; 3]) -> String {
    let mut copy = before.to_string();
    for (number, text) in (1..).zip(text.lines()) {
        let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;");
        let html = html.replace('"', "&quot;").replace('\'', "&#x27;").replace("  ", " &nbsp;");
        let spans = html.replace("int", "<span class=\"hljs-keyword\" title='a>b'>int</span>");
        let line = line.replace("NUMBER", &format!("{number}"));
        copy += &line.replace("SPANS", &spans).replace("HTML", &html).replace("LINE", text);
    }
    copy + behind
}

/// The text without empty lines and what stands at the lines' ends: these may be lost.
fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_end().replace('\t', "    "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A directory that is gone with the test.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        Desk(std::env::temp_dir().join(format!("article {name} {}", std::process::id())))
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        std::fs::write(&path, text).expect("it is written");
        path
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn holds_in_every_form(of: &str, wanted: [&str; 6]) {
    let desk = Desk::new(of);
    for (name, form) in FORMS {
        let words = "# 文章\n\n<div>text</div>\n\n";
        // In an order of their own.
        let blocks = [5, 3, 0, 1, 4, 2].map(|listing| words.to_string() + &written(wanted[listing], form));
        let page = format!("\u{feff}{words}{}{}", written(INTERFACES, form), blocks.concat());
        let listings = listings(&desk.write("the page", page));
        for (listing, wanted) in LISTINGS.iter().zip(wanted) {
            let found = listings.find(listing).unwrap_or_else(|| panic!("{name}: no {listing}"));
            assert_eq!(lines(found), lines(wanted), "{name}: {listing}");
        }
    }
}

#[test]
fn listings_are_found_in_every_form() {
    holds_in_every_form("own", OWN);
    if let Some(article) = article() {
        let listings = listings(&article);
        holds_in_every_form("article", LISTINGS.map(|name| listings.get(name)));
    }
}

/// A folder's files are known by what they say, in folders of theirs too, and one may be missing.
#[test]
fn a_folder_is_read() {
    let desk = Desk::new("folder");
    for (name, listing) in
        [("b/tcp.hpp", 0), ("logMessage.hpp", 1), ("a/tcpServer.cc", 4), ("tcpServer.cpp", 2)]
    {
        desk.write(name, OWN[listing].replace('\n', "\r\n"));
    }
    desk.write("a/tcpServer", [0x7f, b'E', b'L', b'F', 0xff]);
    desk.write("notes.txt", "listen, accept, connect");
    let listings = listings(&desk.0);
    let found = LISTINGS.map(|name| listings.find(name));
    assert_eq!(found, [Some(OWN[0]), Some(OWN[1]), Some(OWN[2]), None, Some(OWN[4]), None]);
}

/// What cannot be read gets one line: the file, what was looked for, what was found.
#[test]
fn one_line_says_why() {
    let desk = Desk::new("why");
    let says = |copy: &Path, why: &str| {
        let line = Listings::read(copy).err().expect("it cannot be read");
        assert!(line.starts_with(&copy.display().to_string()) && line.contains(why), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    };
    let (page, all) = (format!("<pre>{INTERFACES}</pre><pre>no code</pre>\n"), OWN.concat());
    let files: [(&str, &[u8], &str); 6] = [
        ("names.html", page.as_bytes(), "looked for tcp.hpp, logMessage.hpp,"),
        ("page.html", page.as_bytes(), "found none in 2 <pre> and 0 Markdown blocks"),
        ("prose.md", b"# A server\nlisten, accept, to_upper\n", "0 <pre> and 0 Markdown blocks"),
        // A page saved as text has no blocks, and is not a listing either.
        ("all.txt", all.as_bytes(), "0 <pre> and 0 Markdown blocks"),
        ("gbk.html", b"<pre>\xce\xc4</pre>", "not UTF-8; make it so: iconv -f gb18030 -t utf-8 '"),
        ("page.mhtml", b"Content-Type: multipart/related;\n", "a web archive: save the page as HTML"),
    ];
    for (name, text, why) in files {
        says(&desk.write(name, text), why);
    }
    says(&desk.0.join("nothing.md"), "No such file");
    std::fs::create_dir(desk.0.join("empty")).expect("a directory");
    says(&desk.0.join("empty"), "found none in its 0 files");
}

/// Typed with other spaces a listing is mended all the same; with a mistake, that program alone is left out.
#[test]
fn a_mistyped_listing_is_used() {
    let Some(article) = article() else { return skip("a listing that is mistyped: no ARTICLE") };
    let copy = listings(&article);
    let desk = Desk::new("typed");
    let spaced =
        |name| copy.get(name).replace(',', " , ").replace("(id", "( id").replace("exit(", "exit (");
    desk.write("tcp.hpp", copy.get("tcp.hpp"));
    desk.write("logMessage.hpp", copy.get("logMessage.hpp"));
    desk.write("one.cc", spaced("version one"));
    desk.write("two.cc", spaced("version two"));
    desk.write("client.cc", copy.get("tcpClient.cc").replace("getline(", "getlin("));
    let built =
        built_into(desk.0.join("built"), &listings(&desk.0), false).expect("two programs are built");
    let [(server, missing), (client, said)] = &built.without[..] else { panic!("{:?}", built.without) };
    assert_eq!((*server, missing.as_str()), ("tcp_server", "the copy has no tcpServer.cc"));
    assert_eq!(*client, "tcp_client");
    assert!(said.starts_with("tcpClient.cc does not compile:\n") && said.contains("getlin"), "{said}");
    assert!(built.directory.join("tcp_server_double_fork").is_file());
    let again = built_into(desk.0.join("built"), &listings(&desk.0), false).expect("they are there");
    assert_eq!(again.without, built.without);
}
