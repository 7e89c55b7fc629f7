//! The formatter and the argument parsing agree with independent references, and valgrind finds nothing.
//!
//! `make sanitise` runs this file under valgrind too.

use std::ffi::CString;
use std::process::Command;
use tcp::vsnprintf::{Value, va_start, vsnprintf};
use tcp::{Buffer, bad_word, pieces};

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
        vsnprintf(&mut buffer, format, va_start(&[Value::Str(&one), Value::Int(number), Value::Str(&two)]));

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
fn a_word_is_a_port_or_an_address_and_nothing_else() {
    const ADDRESSES: &str =
        "127.0.0.1 0 1.2 1.2.3 1.16777215 1.2.65535 4294967295 0x7f.1 0X7f.0.0.1 017.0.0.1 255.255.255.255";
    const NO_PORTS: &str = "+1 -1 1x 1.0 0x1 1e3 ٣ 4294967297";
    const NO_ADDRESSES: &str = "999.1.1.1 256.1 1.16777216 1.2.65536 4294967296 1.2.3.4.5 1.2.3.256 08 .1 1. 1..2 \
        a 1.2.3.x -1 +1 ٣";
    const AROUND: [&str; 7] = ["", " ", "1 x", "1 ", " 1", "1\n", "1\tx"];
    let is_port = |word: &str| bad_word(None, &c_string(word)).is_none();
    let is_address = |word: &str| bad_word(Some(&c_string(word)), c"1").is_none();
    for number in 0..=70_000 {
        assert_eq!(is_port(&number.to_string()), (1..=65535).contains(&number), "{number}");
    }
    assert!(is_port("00080"));
    ADDRESSES.split(' ').for_each(|word| assert!(is_address(word), "{word:?}"));
    NO_PORTS.split(' ').chain(AROUND).for_each(|word| assert!(!is_port(word), "{word:?}"));
    NO_ADDRESSES.split(' ').chain(AROUND).for_each(|word| assert!(!is_address(word), "{word:?}"));
}

/// The pieces of a line make up the line; a read of the server takes each, and none can be mistaken for `quit`.
#[test]
fn the_pieces_of_a_line_are_the_line() {
    let line: Vec<u8> = (0..5000).map(|index| index as u8).collect();
    for len in 0..line.len() {
        let line = &line[..len];
        assert!(pieces(line, 1023).flatten().eq(line));
        assert!(pieces(line, 1023).all(|piece| piece.len() < 1024 && (piece.len() != 4 || len == 4)));
    }
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
