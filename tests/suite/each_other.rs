//! The project's programs and the article's, each with the other's half, where `ARTICLE` is given.

use std::path::PathBuf;
use std::process::Command;

use crate::support::article;
use crate::support::programs::*;

/// The article's program, errata 1 to 4 mended, with its log line by line.
fn articles(article: &std::path::Path, name: &str) -> Command {
    let mut command = Command::new("stdbuf");
    command.arg("-oL").arg(article::program(article, false, name));
    command
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

fn article() -> Option<PathBuf> {
    let article = article::article();
    if article.is_none() {
        eprintln!("ARTICLE is not given: only the project's own programs can be tried");
    }
    article
}

/// The article's client does not notice that the servers are not the article's.
#[test]
fn the_articles_client_talks_to_every_server() {
    let Some(article) = article() else { return };
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = articles(&article, "tcp_client");
        let client = Running::start(client.args(["127.0.0.1", &server.port.to_string()]));
        assert_eq!(conversation(client), SHOWN, "{name}");
    }
}

/// The client does not notice that the servers are the article's, long lines included.
#[test]
fn the_client_talks_to_the_articles_servers() {
    let Some(article) = article() else { return };
    for name in SERVERS {
        let server = Server::with(&mut articles(&article, name));
        let mut client = Command::new(program(Build::Mended, "tcp_client"));
        let client = Running::start(client.args(["127.0.0.1", &server.port.to_string()]));
        assert_eq!(conversation(client), SHOWN, "{name}");
        let mut client = Command::new(program(Build::Mended, "tcp_client"));
        let mut client = Running::start(client.args(["127.0.0.1", &server.port.to_string()]));
        client.type_in(&[b'a'; 5000]);
        client.type_in(b"\nquit\n");
        let echo = client.stdout.wait_for("Server Echo");
        assert_eq!(echo, format!("Please enterServer Echo{}", "A".repeat(5000)), "{name}");
        assert_eq!(client.wait(), 0, "{name}");
    }
}
