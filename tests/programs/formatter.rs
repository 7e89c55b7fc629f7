//! The formatter and the argument parsing agree with independent references, and valgrind finds nothing.
//!
//! `make sanitise` runs this file under valgrind too.

use std::ffi::CString;
use std::process::Command;
use tcp::vsnprintf::{Value, va_start, vsnprintf};
use tcp::{Buffer, chunk};

use crate::harness::builds::{Build, SERVERS, Server, program};
use crate::harness::process::launch::Launch;
use crate::harness::random::Random;
use crate::harness::skip::skip;

fn c_string(word: impl Into<Vec<u8>>) -> CString {
    CString::new(word).expect("no NUL")
}

/// Formats make what C's snprintf makes of them, cut where the buffer is full.
#[test]
fn the_formatter_is_snprintf() {
    const FORMATS: [&str; 3] = ["%s%d%s", "d%s success::%dd%s]\n", "语言>> %s before:[ %d语 %s语"];
    const NUMBERS: [i32; 6] = [0, -1, 9, 10, i32::MAX, i32::MIN];
    let mut random = Random(1);
    for _ in 0..5000 {
        let format = FORMATS[random.below(FORMATS.len())];
        let number = NUMBERS[random.below(NUMBERS.len())];
        let mut string = || (0..random.below(600)).map(|_| 1 + random.below(255) as u8).collect();
        let [one, two]: [Vec<u8>; 2] = [string(), string()];
        let mut buffer = Buffer::<1022>::EMPTY;
        let values = [Value::Str(&one), Value::Int(number), Value::Str(&two)];
        vsnprintf(&mut buffer, format, &mut va_start(&values));

        let [format, one, two] = [format.as_bytes(), &one, &two].map(c_string);
        let [format, one, two] = [&format, &one, &two].map(|string| string.as_ptr());
        let mut expected = [0_u8; 1023];
        let start = expected.as_mut_ptr().cast();
        let length = unsafe { libc::snprintf(start, expected.len(), format, one, number, two) };
        let expected = &expected[..1022.min(length as usize)];
        assert_eq!(buffer.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}

/// A port is 1 to 65535, decimal; an address is what inet(3) says, one to four numbers; nothing is around either.
#[test]
fn only_a_port_and_an_address_are_accepted() {
    const PORTS: &str = "1 9 10 80 00080 8080 32767 32768 65534 65535 0000000000000000000065535";
    const NO_PORTS: &str =
        "0 000 65536 65537 70000 131152 +1 -1 1x 1.0 0x1 1e3 ٣ 4294967297 18446744073709551617";
    // No host has one of these addresses, so a server that accepts it cannot bind, and ends.
    const ADDRESSES: &str = "192.0.2.1 192.513 192.0.513 3221225985 0xc0.0x201 0Xc0.0.0x2.01 0300.0.2.1 \
        1.16777215 1.2.65535 192.255.255.255";
    const NO_ADDRESSES: &str = "999.1.1.1 256.1 1.16777216 1.2.65536 4294967296 1.2.3.4.5 1.2.3.256 08 .1 1. 1..2 \
        a 1.2.3.x -1 +1 ٣";
    const AROUND: [&str; 7] = ["", " ", "1 x", "1 ", " 1", "1\n", "1\tx"];
    let judged = |name: &str, arguments: [&str; 2]| {
        let mut running = Launch::new(program(Build::Fixed, name)).args(arguments).start();
        (running.wait(), running.stderr.all().concat())
    };
    for port in PORTS.split(' ') {
        let (status, said) = judged("tcp_server", [port, "192.0.2.1"]);
        assert_eq!(status, 2, "port {port:?}: {said}");
    }
    for ip in ADDRESSES.split(' ') {
        let (status, said) = judged("tcp_server", ["1", ip]);
        assert_eq!(status, 2, "ip {ip:?}: {said}");
    }
    let bad_ports = NO_PORTS.split(' ').chain(AROUND).map(|port| ("port", port));
    for (what, argument) in NO_ADDRESSES.split(' ').chain(AROUND).map(|ip| ("ip", ip)).chain(bad_ports) {
        let [port, ip] = if what == "port" { [argument, "192.0.2.1"] } else { ["1", argument] };
        for (name, arguments) in [("tcp_server", [port, ip]), ("tcp_client", [ip, port])] {
            let (status, said) = judged(name, arguments);
            assert_eq!(status, 4, "{name}, {what} {argument:?}: {said}");
            let reported = said.starts_with(&format!("bad {what}: {}", argument.replace('\n', "")));
            assert!(reported, "{name}, {what} {argument:?}: {said}");
        }
    }
}

/// Where both are bad, the address is named.
#[test]
fn of_two_bad_arguments_the_address_is_named() {
    for (name, arguments) in
        [("tcp_server", ["70000", "999.1.1.1"]), ("tcp_client", ["999.1.1.1", "70000"])]
    {
        let mut running = Launch::new(program(Build::Fixed, name)).args(arguments).start();
        assert_eq!(running.wait(), 4);
        assert_eq!(running.stderr.line().as_deref(), Some("bad ip: 999.1.1.1"), "{name}");
    }
}

/// C's functions take every argument that a safe caller can give.
#[test]
fn safe_functions_take_any_argument() {
    let zero = tcp::localtime(&0);
    for (year, shown) in [(i32::MAX, "2147485547"), (i32::MIN, "-2147481748"), (-1901, "-1"), (-1900, "0")]
    {
        let text = tcp::asctime(&tcp::tm { tm_year: year, ..zero });
        assert!(text.ends_with(format!(" {shown}\n").as_bytes()), "{}", text.escape_ascii());
    }
    for any in [i32::MIN, -1, 60, i32::MAX] {
        let tm = tcp::tm {
            tm_wday: any,
            tm_mon: any,
            tm_mday: any,
            tm_hour: any,
            tm_min: any,
            tm_sec: any,
            ..zero
        };
        assert!(tcp::asctime(&tm).starts_with(b"??? ???"));
    }
    assert_eq!(tcp::strstr(b"abc", c""), Some(0));
    assert_eq!(tcp::strstr(b"", c""), Some(0));
    assert_eq!(tcp::strstr(b"abc", c"bc"), Some(1));
    assert_eq!(tcp::strstr(b"ab", c"abc"), None);
    let mut peer = tcp::zeroed();
    let mut peerlen = u32::MAX;
    assert_eq!(tcp::accept(-1, &mut peer, &mut peerlen), -1);
    assert_eq!(peerlen, 16, "no more than the address has");
    for number in [-1, 0, 1, i32::MAX, i32::MIN] {
        assert!(!tcp::strerror(number).is_empty());
    }
    let ip = tcp::inet_ntoa(tcp::in_addr { s_addr: u32::MAX });
    assert_eq!(&ip[..], b"255.255.255.255");
}

/// The chunks of a line make up the line; one read of the server takes each, and none could read as `quit`.
#[test]
fn chunks_make_up_the_line() {
    for len in 1..5000 {
        let mut left = len;
        while left > 0 {
            let n = chunk(left, 1023);
            assert!(n > 0 && n <= left && n < 1024 && (n != 4 || len == 4), "{n} of {left} of {len}");
            left -= n;
        }
    }
    assert_eq!(chunk(0, 1023), 0);
}

/// Where valgrind is installed, it finds no error in a server, in its children, in the client.
#[test]
fn valgrind_finds_nothing() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skip("valgrind is not installed");
    }
    let checked = |name| {
        let valgrind = Launch::new("valgrind").args(["--quiet", "--leak-check=full"]);
        valgrind.arg(program(Build::Fixed, name))
    };
    for name in SERVERS {
        let mut server = Server::launch(checked(name));
        let mut client = checked("tcp_client").arg("127.0.0.1").arg(server.port.to_string()).start();
        client.type_in(&[b"words\n\n", &[b'x'; 3000][..], b"\n\0\x1b\xff\nquit\n"].concat());
        assert_eq!(client.wait(), 0);
        assert_eq!(client.stderr.all(), Vec::<String>::new());
        server.running.stdout.wait_for("Service close");
        server.running.signal(libc::SIGTERM);
        server.running.wait();
        let found = server.running.stderr.all();
        assert!(!found.iter().any(|line| line.starts_with("==")), "{name}: {found:#?}");
    }
}
