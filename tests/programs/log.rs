//! Log lines: their fields, what is escaped, and how long they may be.

use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::FromRawFd;
use std::process::Command;

use crate::harness::builds::{Build, Server, program};
use crate::harness::net::test_client::{echo, with_timeouts};
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::wait_until;
use crate::harness::tempdir::TempDir;

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
    let time = tcp::time;
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

/// What the log shows of a message.
fn shown(server: &mut Server, client: &mut TcpStream, message: &[u8]) -> String {
    assert_eq!(echo(client, message), message.to_ascii_uppercase());
    let line = server.running.stdout.wait_for("to_upper before:");
    line.split_once(">> ").unwrap_or_else(|| panic!("no message in {line:?}")).1.to_string()
}

/// Each of the 256 bytes as a message of its own, and characters at the edges of what is escaped.
#[test]
fn each_byte_and_character_is_escaped_or_unchanged() {
    let mut server = Server::launch(server("tcp_server", "me"));
    let mut client = server.connect();
    for byte in 0..=255 {
        let expected = match byte {
            0 => r"\0".to_string(),
            b'\t' => r"\t".to_string(),
            b'\n' => r"\n".to_string(),
            b'\r' => r"\r".to_string(),
            b'\\' => r"\\".to_string(),
            1..=0x1f | 0x7f => format!("\\u{{{byte:x}}}"),
            0x20..=0x7e => char::from(byte).to_string(),
            0x80.. => format!("\\x{byte:02x}"),
        };
        assert_eq!(shown(&mut server, &mut client, &[byte]), expected, "byte {byte:#x}");
    }
    // Control, format and separator characters: the first and the last of a range, and single ones.
    for c in "\u{80}\u{9f}\u{a0}\u{ad}\u{600}\u{605}\u{61c}\u{6dd}\u{70f}\u{8e2}\u{1680}\u{180e}\u{2000}\u{200f}\u{2028}\
        \u{202f}\u{205f}\u{2064}\u{2066}\u{206f}\u{3000}\u{feff}\u{fff9}\u{fffb}\u{110bd}\u{13430}\u{1bca0}\u{1d173}\
        \u{e0001}\u{e007f}"
        .chars()
    {
        let expected = format!("\\u{{{:x}}}", u32::from(c));
        assert_eq!(shown(&mut server, &mut client, c.to_string().as_bytes()), expected);
    }
    // Their neighbours, a combining mark without a letter, a private and an unassigned character, and the last one.
    for c in "¡\u{ac}\u{ae}\u{606}\u{61d}\u{2010}\u{2027}\u{2030}\u{205e}\u{2065}\u{2070}\u{3001}\u{301}\u{e000}\u{378}\u{ffff}\
        \u{10ffff}'\"`"
        .chars()
    {
        let message = c.to_string();
        assert_eq!(shown(&mut server, &mut client, message.as_bytes()), message, "{:x}", u32::from(c));
    }
}

/// The log names the client by its whole address, also by one of 15 characters.
#[test]
fn a_long_address_is_logged_whole() {
    let mut server = Server::launch(server("tcp_server", "me"));
    let address = |ip: [u8; 4], port: u16| libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(Ipv4Addr::from(ip)).to_be() },
        sin_zero: [0; 8],
    };
    let (from, to) = (address([127, 100, 100, 100], 0), address([127, 0, 0, 1], server.port));
    let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    let mut client = unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        assert_eq!(libc::bind(socket, (&raw const from).cast(), length), 0, "all of 127.0.0.0/8 is local");
        assert_eq!(libc::connect(socket, (&raw const to).cast(), length), 0, "the server listens");
        with_timeouts(TcpStream::from_raw_fd(socket))
    };
    echo(&mut client, b"hello");
    let port = client.local_addr().expect("a connected socket has an address").port();
    server.running.stdout.wait_for(&format!("accept() success:: [127.100.100.100: {port}] | 4"));
    server.running.stdout.wait_for(&format!("to_upper before:[127.100.100.100:{port}]>> hello"));
}

/// Whatever the clock says is logged, from second 0 to years that C's `asctime` cannot write, and also backwards.
#[test]
fn any_clock_is_logged() {
    const CLOCK: [(&str, &str); 8] = [
        ("0", "Thu Jan  1 00:00:00 1970"),
        ("1700000000", "Tue Nov 14 22:13:20 2023"),
        ("1699999999", "Tue Nov 14 22:13:19 2023"),
        ("-1", "Wed Dec 31 23:59:59 1969"),
        ("253402300800", "Sat Jan  1 00:00:00 10000"),
        ("67767976233532799", "Tue Dec 31 23:59:59 2147483647"),
        ("67767976233532800", "Wed Jan  1 00:00:00 2147483648"),
        ("9223372036854775807", "??? ???  0 00:00:00 1900"),
    ];
    if cfg!(not(all(target_env = "gnu", target_pointer_width = "64"))) {
        return crate::harness::skip::skip("a clock of any second: only with a dynamic 64-bit C library");
    }
    let directory = TempDir::empty();
    let seconds = CLOCK.map(|(second, _)| format!("{second}LL")).join(",");
    let source = format!(
        "#include <time.h>\ntime_t time(time_t *t) {{ static long long s[] = {{ {seconds} }}; static int n; (void)t; \
         return s[n < {} ? n++ : n]; }}\n",
        CLOCK.len() - 1
    );
    let source = directory.write("clock.c", source);
    let mut built = Command::new("cc");
    built.args(["-shared", "-fPIC", "-o"]).arg(directory.join("clock.so")).arg(source);
    assert!(built.status().is_ok_and(|status| status.success()), "cc builds a library");
    // LD_PRELOAD cannot name a path with a space.
    let server =
        server("tcp_server", "me").env("LD_LIBRARY_PATH", &*directory).env("LD_PRELOAD", "clock.so");
    let server = Server::launch(server.env("TZ", "UTC0"));
    let mut client = server.connect();
    echo(&mut client, b"hello");
    echo(&mut client, b"still there?");
    let log = server.log();
    let times: Vec<&str> = log.iter().map(|line| fields(line)[1]).collect();
    assert_eq!(times, CLOCK.map(|(_, time)| time));
}

/// As printed, a line is as long as its arguments, as with C's stdio.
#[test]
fn as_printed_a_line_has_no_limit() {
    for (length, user) in [4000, 4100, 5000, 100_000].map(|length| (length, "u".repeat(length))) {
        let mut server = Server::launch(Launch::new(program(Build::AsPrinted, "tcp_server")).user(&user));
        // It listens before it has written the line that says so.
        server.running.stdout.wait_for("listen() success");
        let log = server.log();
        assert_eq!(log.len(), 3, "with a USER of {length} bytes");
        let [level, _, logged, message] = fields(&log[2]);
        assert!((level, message) == ("DEBUG", "listen() success::3") && logged == user, "{length} bytes");
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
