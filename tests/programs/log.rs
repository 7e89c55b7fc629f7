//! Log lines: their fields, what is escaped, and how long they may be.

use crate::harness::builds::{Build, Server, program};
use crate::harness::net::test_client::echo;
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::wait_until;

fn server(name: &str, user: &str) -> Launch {
    Launch::new(program(Build::Fixed, name)).user(user)
}

/// Level, time, user and message of a line.
pub fn fields(line: &str) -> [&str; 4] {
    let fields: Vec<&str> = line.splitn(4, " | ").collect();
    fields.try_into().unwrap_or_else(|_| panic!("not a log line: {line:?}"))
}

/// The time is local, in the format of asctime, and advances in a child that has inherited its parent's.
#[test]
fn the_time_is_local_and_advances() {
    // The clock that the servers read, which may lag behind the precise one.
    let time = || unsafe { libc::time(std::ptr::null_mut()) };
    for zone in ["UTC0", "EAST-5", "WEST9"] {
        let mut server = Server::launch(server("tcp_server_fork", "").env("TZ", zone));
        let mut client = server.connect();
        for word in ["one", "two"] {
            let before = time();
            echo(&mut client, word.as_bytes());
            let line = server.running.stdout.wait_for(&word.to_uppercase());
            let [_, shown, user, _] = fields(&line);
            let date = Launch::new("date").args(["-d", shown, "+%s %a %b %e %T %Y"]);
            let date = date.env("TZ", zone).env("LC_ALL", "C").start().stdout.all().concat();
            let (second, written) =
                date.split_once(' ').unwrap_or_else(|| panic!("date does not read the time in {line:?}"));
            let second: i64 = second.parse().expect("a number");
            assert!((before..=time()).contains(&second) && written == shown, "{zone}: {line}");
            assert_eq!(user, "");
            wait_until("the next second begins", || time() > before);
        }
    }
}

/// Control, format and separator characters, the backslash and bytes that are not UTF-8 are escaped.
#[test]
fn client_data_is_escaped() {
    let mut server = Server::launch(server("tcp_server", "a\x1bb"));
    let mut client = server.connect();
    for (words, shown) in [
        (&b"a\nb\tc\\n\x1b[2J\r\0\x07\x7f"[..], r"a\nb\tc\\n\u{1b}[2J\r\0\u{7}\u{7f}"),
        // U+009B starts an escape sequence on a terminal, as UTF-8 and as a single byte.
        (b"\xc2\x9b1m \x9b1m cut \xe4\xbd", r"\u{9b}1m \x9b1m cut \xe4\xbd"),
        ("\u{2028}\u{202e}\u{200b}\u{a0}".as_bytes(), r"\u{2028}\u{202e}\u{200b}\u{a0}"),
        ("ü e\u{301} 你好 🙂 \"'%s%d%n".as_bytes(), "ü e\u{301} 你好 🙂 \"'%s%d%n"),
    ] {
        assert_eq!(echo(&mut client, words), words.to_ascii_uppercase());
        let line = server.running.stdout.wait_for("to_upper before:");
        let [_, _, user, message] = fields(&line);
        assert_eq!((user, message.split_once(">> ").expect("words").1), (r"a\u{1b}b", shown));
    }
}

/// The longest line ends with its newline, and a pipe takes it in one piece.
#[test]
fn a_line_is_at_most_what_a_pipe_takes() {
    let user = "u".repeat(100);
    let server = Server::launch(server("tcp_server", &user));
    assert_eq!(echo(&mut server.connect(), &[0xff; 1023]), [0xff; 1023]);
    let log = server.log();
    assert!(log.iter().all(|line| fields(line)[2] == user));
    assert_eq!(log.iter().map(|line| line.len() + 1).max(), Some(libc::PIPE_BUF));
}

/// Chinese text is unchanged, in both builds and any locale: no byte of it is a letter.
#[test]
fn chinese_is_unchanged() {
    for build in [Build::Fixed, Build::AsPrinted] {
        for locale in ["C", "zh_CN.UTF-8"] {
            let launch = |name| Launch::new(program(build, name)).env("LC_ALL", locale);
            let mut server = Server::launch(launch("tcp_server"));
            let port = if build == Build::AsPrinted { server.port.swap_bytes() } else { server.port };
            let mut client = launch("tcp_client").arg("127.0.0.1").arg(port.to_string()).start();
            client.type_in("你好, world\nquit\n".as_bytes());
            client.stdout.wait_for("Server Echo你好, WORLD");
            server.running.stdout.wait_for(">> 你好, world");
            server.running.stdout.wait_for(">>你好, WORLD");
        }
    }
}
