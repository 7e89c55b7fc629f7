//! Where each listing of the article has its counterpart in `src/`, put together in the article's order.

use super::programs::root;

/// A piece of a source file: from the line that starts so to where its block ends.
enum Piece {
    /// A line alone.
    Line(&'static str, &'static str),
    /// A whole item: a function, a struct.
    Item(&'static str, &'static str),
    /// The first item, and the second shown where the first calls it.
    Within(&'static str, &'static str, Call),
    /// The lines of an item from one up to before another.
    Part(&'static str, &'static str, &'static str),
}

struct Call {
    /// In the line that calls.
    here: &'static str,
    file: &'static str,
    item: &'static str,
}

const SERVER: &str = "src/tcp_server.rs";
const CLIENT: &str = "src/bin/tcp_client.rs";
const LOG: &str = "src/log_message.rs";

/// The listings that have a counterpart, under the names that `article.rs` gives them.
pub const LISTINGS: [&str; 6] =
    ["tcp.hpp", "logMessage.hpp", "tcpServer.cc", "tcpClient.cc", "version one", "version two"];

/// The counterpart of a listing, as lines.
pub fn counterpart(listing: &str) -> Vec<String> {
    use Piece::*;
    let pieces = match listing {
        "tcp.hpp" => vec![Part("src/tcp.rs", "pub const SOCKET_ERR", "")],
        "logMessage.hpp" => vec![
            Part(LOG, "pub const DEBUG", "static LOCAL_TM_STR"),
            // The macro's lines stand where the article's varargs do.
            Part(LOG, "pub fn log_message", "    vsnprintf("),
            Part(LOG, "        let arguments", "    }};"),
            Part(LOG, "    vsnprintf(", "/// Erratum 15"),
        ],
        "tcpServer.cc" => server("src/bin/tcp_server.rs"),
        "version one" => server("src/bin/tcp_server_fork.rs"),
        "version two" => server("src/bin/tcp_server_double_fork.rs"),
        "tcpClient.cc" => vec![Item(CLIENT, "fn usage"), Item(CLIENT, "fn main")],
        _ => panic!("{listing} has no counterpart"),
    };
    pieces.into_iter().flat_map(lines).collect()
}

fn server(start: &'static str) -> Vec<Piece> {
    use Piece::*;
    vec![
        Line(SERVER, "impl TcpServer"),
        Item(SERVER, "    pub fn new"),
        Item(SERVER, "    pub fn init"),
        Item(SERVER, "    pub fn to_upper"),
        Within(
            start,
            "fn start",
            Call { here: "usvr.accept_client()", file: SERVER, item: "    pub fn accept_client" },
        ),
        Item(SERVER, "pub struct TcpServer"),
        Item(SERVER, "pub fn usage"),
        Item(SERVER, "pub fn main"),
    ]
}

fn lines(piece: Piece) -> Vec<String> {
    match piece {
        Piece::Line(file, start) => from(file, start).into_iter().take(1).collect(),
        Piece::Item(file, start) => item(file, start),
        Piece::Within(file, start, call) => {
            let mut lines = item(file, start);
            let at = lines.iter().position(|line| line.contains(call.here)).expect("it is called");
            lines.splice(at + 1..at + 1, item(call.file, call.item));
            lines
        }
        Piece::Part(file, start, end) => {
            let lines = from(file, start).into_iter();
            lines.take_while(|line| end.is_empty() || !line.starts_with(end)).collect()
        }
    }
}

/// All of a file from the line that starts so.
fn from(file: &str, start: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let lines: Vec<String> =
        text.lines().skip_while(|line| !line.starts_with(start)).map(str::to_string).collect();
    assert!(!lines.is_empty(), "{file} has no line {start:?}");
    lines
}

fn item(file: &str, start: &str) -> Vec<String> {
    let mut lines = from(file, start);
    let indent = start.len() - start.trim_start().len();
    let end = format!("{}}}", " ".repeat(indent));
    let last = lines.iter().position(|line| *line == end).expect("it ends");
    lines.truncate(last + 1);
    lines
}
