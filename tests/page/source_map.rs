//! Where each listing of the article has its counterpart in `src/`: the text as it stands there.

use crate::harness::builds::root;

const END: &str = "the end";

/// The counterpart of a listing, which has the name that `article.rs` gives it.
pub fn counterpart(listing: &str) -> String {
    match listing {
        "tcp.hpp" => part("src/tcp.rs", "/// Exit status", END),
        "logMessage.hpp" => part("src/log_message.rs", "/// What is worth", END),
        "tcpServer.cc" => server("src/bin/tcp_server.rs"),
        "tcpClient.cc" => part("src/bin/tcp_client.rs", "fn usage", END),
        "version one" => server("src/bin/tcp_server_fork.rs"),
        "version two" => server("src/bin/tcp_server_double_fork.rs"),
        _ => panic!("{listing} has no counterpart"),
    }
}

/// A server's own file holds its `start`, which the class has before its data.
fn server(file: &str) -> String {
    const CLASS: &str = "src/tcp_server.rs";
    const DATA: &str = "/// A server: where";
    [part(CLASS, "impl", DATA), part(file, "fn start", END), part(CLASS, DATA, END)].concat()
}

/// The lines of a file from the one that starts so up to the one that starts so.
fn part(file: &str, first: &str, end: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (_, part) =
        text.split_once(&format!("\n{first}")).unwrap_or_else(|| panic!("{file} has no {first}"));
    let part = part.split(&format!("\n{end}")).next().unwrap_or(part);
    format!("{first}{part}\n")
}
