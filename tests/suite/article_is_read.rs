//! Whatever a reader's copy of the article looks like, its listings are found in it.
//!
//! Small listings of the test's own are written in each form; where `ARTICLE` is given, the article's too.

use std::path::{Path, PathBuf};

use crate::support::article::build::built_into;
use crate::support::article::{LISTINGS, Listings, article, listings};

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

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;");
    text.replace('"', "&quot;").replace('\'', "&#x27;")
}

/// A highlighter's: each word in a span of its own.
fn spans(text: &str) -> String {
    let mut html = String::new();
    for word in escaped(text).split_inclusive(' ') {
        match word.strip_suffix(' ') {
            Some(word) if word.chars().all(char::is_alphabetic) => {
                html += &format!("<span class=\"hljs-keyword\" title='a>b'>{word}</span> ");
            }
            _ => html += word,
        }
    }
    html
}

fn numbered_lines(text: &str, line: impl Fn(usize, &str) -> String) -> String {
    text.lines().enumerate().map(|(index, text)| line(index + 1, text)).collect()
}

fn each_line(text: &str, before: &str) -> String {
    text.lines().map(|line| format!("{before}{line}\n")).collect()
}

/// How a listing looks in a copy, and the function that writes it so.
type Form = (&'static str, fn(&str) -> String);
const FORMS: [Form; 14] = [
    ("fences", |text| format!("```cpp\n{text}```\n")),
    ("fences without a tag, in Windows' lines", |text| {
        format!("\n````\n{text}````\n").replace('\n', "\r\n")
    }),
    ("fences with a title", |text| format!("``` {{.c++ title=\"x\"}}\n{text}\n```\n")),
    ("tildes", |text| format!("~~~C\n```\n{text}~~~\n")),
    ("fences in a list", |text| format!("1. and\n\n   ```cpp\n{}   ```\n", each_line(text, "   "))),
    ("a quotation", |text| format!("> > ```\n{}> > ```\n", each_line(text, "> > "))),
    ("indented", |text| format!("so:\n\n{}\nand\n", each_line(text, "    "))),
    ("indented by a tab", |text| format!("so:\n\n{}\nand\n", each_line(text, "\t"))),
    ("numbered by hand", |text| {
        format!("```\n{}```\n", numbered_lines(text, |number, line| format!("{number:3} {line}\n")))
    }),
    ("a page", |text| {
        format!("<PRE class='x'><code class=\"language-cpp\">{}</code></PRE>\n", escaped(text))
    }),
    ("a page with a highlighter and a column of numbers", |text| {
        let numbers = numbered_lines(text, |number, _| format!("<li style=\"color: grey\">{number}</li>"));
        let button = "<div class=\"hljs-button {2}\" data-title=\"复制\">复制</div>";
        let tail = "<div class=\"opt-box\">cpp<div>运行</div></div>";
        let code = spans(text);
        format!(
            "<pre>{button}<code>{code}{tail}</code><ul class=\"pre-numbering\">{numbers}</ul>AI</pre>\n"
        )
    }),
    ("a page with a list of lines", |text| {
        let line = |number: usize, line: &str| {
            format!(
                "<li><div class=\"hljs-ln-numbers\"><div class=\"hljs-ln-line hljs-ln-n\" data-line-number=\"{number}\">\
                 </div></div><div class=\"hljs-ln-code\"><div class=\"hljs-ln-line\">{}</div></div></li>",
                if line.is_empty() { "&nbsp;".to_string() } else { spans(line).replace("  ", " &nbsp;") }
            )
        };
        let lines = numbered_lines(text, line);
        format!(
            "<pre><span>AI写代码</span><span>cpp</span><br/><code><ol>{lines}</ol><!-- </pre> --></code>1\n2\n</pre>\n"
        )
    }),
    ("a page with a table of lines", |text| {
        let line =
            |number: usize, line: &str| format!("<tr><td>{number}</td><td>{}</td></tr>\n", escaped(line));
        format!("<pre><table>{}</table>AI写代码\ncpp\n运行\n1\n2</pre>", numbered_lines(text, line))
    }),
    ("a page with a line a <code>", |text| {
        let lines = numbered_lines(text, |_, line| format!("<code>{}</code>", spans(line)));
        format!("<pre>{lines}<button>Copy</button></pre>")
    }),
];

/// The text without empty lines and what stands at the lines' ends: these may be lost.
fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_end().replace('\t', "    "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A directory that is gone with the test.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("article {name} {}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Desk(path)
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

fn read(copy: &Path) -> Listings {
    Listings::read(copy).unwrap_or_else(|line| panic!("{line}"))
}

fn holds_in_every_form(of: &str, wanted: [&str; 6]) {
    let desk = Desk::new(of);
    for (form, written) in FORMS {
        let words = "# 文章\n\n<div>text</div>\n\n";
        // In an order of their own.
        let blocks = [5, 3, 0, 1, 4, 2].map(|listing| words.to_string() + &written(wanted[listing]));
        let page = format!("\u{feff}{words}{}{}", written(INTERFACES), blocks.concat());
        let listings = read(&desk.write("the page", page));
        for (name, wanted) in LISTINGS.iter().zip(wanted) {
            let found = listings.find(name).unwrap_or_else(|| panic!("{form}: no {name}"));
            assert_eq!(lines(found), lines(wanted), "{form}: {name}");
        }
    }
}

#[test]
fn listings_are_found_in_every_form() {
    holds_in_every_form("own", OWN);
}

#[test]
fn the_articles_listings_are_found_in_every_form() {
    let Some(article) = article() else { return eprintln!("no ARTICLE is given") };
    let listings = listings(&article);
    holds_in_every_form("article", LISTINGS.map(|name| listings.get(name)));
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
    let listings = read(&desk.0);
    assert_eq!(listings.missing(), ["tcpClient.cc", "version two"]);
    for index in [0, 1, 2, 4] {
        assert_eq!(listings.get(LISTINGS[index]), OWN[index]);
    }
}

/// What cannot be read gets one line: the file, what was looked for, what was found.
#[test]
fn one_line_says_why() {
    let desk = Desk::new("why");
    let line = |copy: &Path| {
        let Err(line) = Listings::read(copy) else { panic!("{}: it is read", copy.display()) };
        assert!(line.starts_with(&copy.display().to_string()), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        line
    };
    let page = format!("<pre>{INTERFACES}</pre><pre>no code</pre>\n");
    let said = line(&desk.write("page.html", page));
    assert!(said.contains("looked for tcp.hpp, logMessage.hpp,"), "{said}");
    assert!(said.ends_with("found none in 2 <pre> and 0 Markdown blocks"), "{said}");
    let prose = "# A server\nlisten, accept, to_upper\n";
    assert!(line(&desk.write("prose.md", prose)).ends_with("0 <pre> and 0 Markdown blocks"));
    // A page saved as text has no blocks, and is not a listing either.
    assert!(line(&desk.write("all.txt", OWN.concat())).ends_with("0 <pre> and 0 Markdown blocks"));
    let gbk = b"<meta charset=\"gbk\"><pre>\xce\xc4\xd5\xc2</pre>";
    assert!(line(&desk.write("gbk.html", gbk)).contains("not UTF-8; make it so: iconv -f gbk -t utf-8 '"));
    let archive = "MIME-Version: 1.0\nContent-Type: multipart/related;\n";
    assert!(line(&desk.write("page.mhtml", archive)).ends_with("a web archive: save the page as HTML"));
    assert!(line(&desk.0.join("nothing.md")).contains("No such file"));
    std::fs::create_dir(desk.0.join("empty")).expect("a directory");
    assert!(line(&desk.0.join("empty")).ends_with("found none in its 0 files"));
}

/// Typed with other spaces a listing is mended all the same; with a mistake, that program alone is left out.
#[test]
fn a_mistyped_listing_is_used() {
    let Some(article) = article() else { return eprintln!("no ARTICLE is given") };
    let listings = listings(&article);
    let desk = Desk::new("typed");
    let spaced =
        |name| listings.get(name).replace(',', " , ").replace("(id", "( id").replace("exit(", "exit (");
    desk.write("tcp.hpp", listings.get("tcp.hpp"));
    desk.write("logMessage.hpp", listings.get("logMessage.hpp"));
    desk.write("one.cc", spaced("version one"));
    desk.write("two.cc", spaced("version two"));
    desk.write("client.cc", listings.get("tcpClient.cc").replace("getline(", "getlin("));
    let built = built_into(desk.0.join("built"), &read(&desk.0), false).expect("two programs are built");
    let [(server, missing), (client, said)] = &built.without[..] else { panic!("{:?}", built.without) };
    assert_eq!((*server, missing.as_str()), ("tcp_server", "the copy has no tcpServer.cc"));
    assert_eq!(*client, "tcp_client");
    assert!(said.starts_with("tcpClient.cc does not compile:\n") && said.contains("getlin"), "{said}");
    assert!(built.directory.join("tcp_server_double_fork").is_file());
    let again = built_into(desk.0.join("built"), &read(&desk.0), false).expect("they are there");
    assert_eq!(again.without, built.without);
}
