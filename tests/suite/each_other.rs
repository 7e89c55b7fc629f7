//! The project's programs with each other in Chinese, and with the article's, where `ARTICLE` is given.

use std::io::{Read, Write};
use std::path::Path;

use crate::support::article;
use crate::support::programs::*;
use crate::support::skip::skip;

fn of(build: Build, name: &str) -> Launch {
    Launch::of(program(build, name))
}

/// The article's program, errata 1 to 4 mended, with its log line by line.
fn articles(article: &Path, name: &str) -> Launch {
    Launch::of("stdbuf").arg("-oL").arg(article::program(article, false, name))
}

/// A client of the server at `port`, told the port as it must be (erratum 1).
fn client_of(client: Launch, port: u16) -> Running {
    client.arg("127.0.0.1").arg(port.to_string()).start()
}

/// A conversation as a user types it, and what the client shows of it.
fn conversation(mut client: Running) -> Vec<String> {
    client.type_in("hello\n\n你好, world\nQUIT\n".as_bytes());
    assert_eq!(client.wait(), 0);
    // The article's client shows the rest of its buffer, erratum 6.
    client.stdout.all()[2..].iter().map(|line| line.replace('\0', "")).collect()
}

const SHOWN: [&str; 3] =
    ["Please enterServer EchoHELLO", "Please enterPlease enterServer Echo你好, WORLD", "Please enter"];

/// Neither side notices that the other half is the article's, long lines included.
#[test]
fn the_articles_programs_talk_to_these() {
    let Some(article) = article::article() else { return skip("the article's own programs: no ARTICLE") };
    for name in SERVERS {
        let server = Server::start(name);
        assert_eq!(conversation(client_of(articles(&article, "tcp_client"), server.port)), SHOWN, "{name}");
        let server = Server::launch(articles(&article, name));
        assert_eq!(conversation(client_of(of(Build::Mended, "tcp_client"), server.port)), SHOWN, "{name}");
        let mut client = client_of(of(Build::Mended, "tcp_client"), server.port);
        client.type_in(&[b'a'; 5000]);
        client.type_in(b"\nquit\n");
        let echo = client.stdout.wait_for("Server Echo");
        assert_eq!(echo, format!("Please enterServer Echo{}", "A".repeat(5000)), "{name}");
        assert_eq!(client.wait(), 0, "{name}");
    }
}

/// 中文 is three bytes a character and none of them a letter, in either build and any locale.
#[test]
fn chinese_is_left_alone() {
    for build in [Build::Mended, Build::AsPrinted] {
        for locale in ["C", "zh_CN.UTF-8"] {
            let mut server = Server::launch(of(build, "tcp_server").env("LC_ALL", locale));
            let port = if build == Build::AsPrinted { server.port.swap_bytes() } else { server.port };
            let client = client_of(of(build, "tcp_client").env("LC_ALL", locale), port);
            assert_eq!(conversation(client), SHOWN, "{build:?} {locale}");
            server.running.stdout.wait_for(">> 你好, world");
            server.running.stdout.wait_for(">>你好, WORLD");
        }
    }
}

/// Half a reply is no echo: the server has gone.
#[test]
fn half_a_reply_is_a_lost_server() {
    let (mut client, mut server) = accepted(|port| client_of(of(Build::Mended, "tcp_client"), port));
    client.type_in(b"words\n");
    server.read_exact(&mut [0; 5]).expect("the client writes");
    server.write_all(b"WO").expect("it is taken");
    drop(server);
    assert_eq!(client.wait(), 8);
    client.stderr.wait_for("The server has closed");
    assert!(!client.stdout.all().iter().any(|line| line.contains("Server Echo")));
}

/// Erratum 6: as printed, every echo is 1024 bytes, whatever was typed and whatever came.
#[test]
fn as_printed_an_echo_is_as_long_as_the_buffer() {
    let swapped = |port: u16| client_of(of(Build::AsPrinted, "tcp_client"), port.swap_bytes());
    let (mut client, mut server) = accepted(swapped);
    client.type_in(&[&[b'a'; 1500][..], b"\n"].concat());
    server.read_exact(&mut [0; 1500]).expect("the client writes");
    server.write_all(b"HELLO").expect("it is taken");
    let echo = client.stdout.wait_for("Server Echo");
    let shown = echo.split_once("Server Echo").expect("an echo").1;
    assert_eq!(shown, format!("HELLO\0{}", "a".repeat(1024 - 6)));
}
