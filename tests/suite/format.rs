//! The formatter and the argument parsing agree with independent references, and valgrind finds nothing.
//!
//! `make sanitise` runs this file under valgrind too.

use std::ffi::CString;
use std::process::Command;

use crate::support::programs::*;
use crate::support::random::Random;
use crate::support::skip::skip;
use tcp::vsnprintf::{Value, va_start, vsnprintf};
use tcp::{Buffer, bad_word, pieces};

/// Up to `longest` bytes other than NUL, which ends a string of C.
fn c_bytes(random: &mut Random, longest: usize) -> Vec<u8> {
    (0..random.below(longest)).map(|_| 1 + random.below(255) as u8).collect()
}

/// What C makes of a part of a format, with the argument that it asks for.
fn c_snprintf(format: &str, argument: Option<&Value>) -> Vec<u8> {
    let format = CString::new(format).expect("no NUL");
    let mut out = vec![0_u8; 4096];
    let (start, size) = (out.as_mut_ptr().cast(), out.len());
    let length = match argument {
        None => unsafe { libc::snprintf(start, size, format.as_ptr()) },
        Some(Value::Int(number)) => unsafe { libc::snprintf(start, size, format.as_ptr(), *number) },
        Some(Value::Str(string)) => {
            let string = CString::new(*string).expect("no NUL");
            unsafe { libc::snprintf(start, size, format.as_ptr(), string.as_ptr()) }
        }
    };
    out.truncate(length as usize);
    out
}

/// Every format makes what C's snprintf makes of it, cut where the buffer is full.
#[test]
fn the_formatter_is_snprintf() {
    const LITERALS: [&str; 6] = ["", "", " success::", "before:[", "d", "语言>> "];
    const NUMBERS: [i32; 6] = [0, -1, 9, 10, i32::MAX, i32::MIN];
    let mut random = Random(1);
    for _ in 0..5000 {
        let strings: Vec<Vec<u8>> = (0..4).map(|_| c_bytes(&mut random, 600)).collect();
        let (mut format, mut arguments, mut expected) = (String::new(), Vec::new(), Vec::new());
        for string in &strings {
            let (conversion, argument) = match random.below(5) {
                0 => ("", None),
                1 => ("%d", Some(Value::Int(NUMBERS[random.below(6)]))),
                2 => ("%d", Some(Value::Int(random.next() as i32))),
                _ => ("%s", Some(Value::Str(string))),
            };
            let part = LITERALS[random.below(LITERALS.len())].to_string() + conversion;
            expected.extend(c_snprintf(&part, argument.as_ref()));
            format += &part;
            arguments.extend(argument);
        }
        let mut buffer = Buffer::<1022>::EMPTY;
        vsnprintf(&mut buffer, &format, va_start(&arguments));
        expected.truncate(1022);
        assert_eq!(buffer.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}

fn c_string(word: &str) -> CString {
    CString::new(word).expect("no NUL")
}

/// A port is 1 to 65535, decimal, nothing around it; every other word is none.
#[test]
fn a_port_is_a_number_and_nothing_else() {
    const PARTS: [&str; 16] =
        ["0", "1", "6", "5", "535", "65", "9", "+", "-", " ", "x", ".", "\t", "e", "\u{663}", "00000"];
    let expected = |word: &str| {
        let digits = !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit());
        digits && word.parse().is_ok_and(|number: u128| (1..=65535).contains(&number))
    };
    let is_port = |word: &str| bad_word(None, &c_string(word)).is_none();
    let mut random = Random(2);
    let mut words: Vec<String> = (0..=66_000).map(|number: u32| number.to_string()).collect();
    words.extend(
        (0..5000).map(|_| (0..random.below(6)).map(|_| PARTS[random.below(PARTS.len())]).collect()),
    );
    let wrong: Vec<&String> = words.iter().filter(|word| is_port(word) != expected(word)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// inet(3): one to four numbers, decimal, octal or hexadecimal; the last fills what is left of 32 bits.
fn is_inet(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let number = |part: &&str| {
        let (digits, base) = match part.as_bytes() {
            [b'0', b'x' | b'X', ..] => (&part[2..], 16),
            [b'0', _, ..] => (&part[1..], 8),
            _ => (*part, 10),
        };
        // No sign: from_str_radix would take one.
        let plain = digits.bytes().all(|c| c.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(digits, base).ok()).flatten()
    };
    let Some(numbers) = parts.iter().map(number).collect::<Option<Vec<u64>>>() else {
        return false;
    };
    let Some((last, first)) = numbers.split_last() else {
        return false;
    };
    let bits_left = 32_usize.saturating_sub(8 * first.len());
    parts.len() <= 4 && first.iter().all(|&part| part < 256) && last >> bits_left == 0
}

/// An address is what inet_aton takes, and nothing behind it.
#[test]
fn an_address_is_what_inet_says() {
    const PARTS: [&str; 20] = [
        "127",
        "0",
        "1",
        "255",
        "256",
        "999",
        ".",
        ".",
        ".",
        ".",
        "0x7f",
        "0x",
        "017",
        "08",
        "4294967295",
        "16777216",
        " ",
        "a",
        "-1",
        "65536",
    ];
    let mut random = Random(3);
    let mut words: Vec<String> = (0..50_000)
        .map(|_| (0..random.below(8)).map(|_| PARTS[random.below(PARTS.len())]).collect())
        .collect();
    words.extend(["127.0.0.1", "999.1.1.1", "127.0.0.1 x", "1.2.3.4.5", "", "0"].map(String::from));
    let good = words.iter().filter(|word| is_inet(word)).count();
    assert!(good > 1000, "only {good} of these are addresses");
    let is_address = |word: &str| bad_word(Some(&c_string(word)), c"1").is_none();
    let wrong: Vec<&String> = words.iter().filter(|word| is_address(word) != is_inet(word)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
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
        let valgrind = Launch::of("valgrind").args(["--quiet", "--leak-check=full"]);
        valgrind.arg(program(Build::Mended, name))
    };
    for name in SERVERS {
        let mut server = Server::launch(checked(name));
        let mut client = checked("tcp_client").arg("127.0.0.1").arg(server.port.to_string()).start();
        client.type_in(b"words\n\n");
        client.type_in(&[b'x'; 3000]);
        client.type_in(b"\n\0\x1b\xff\nquit\n");
        assert_eq!(client.wait(), 0);
        assert_eq!(client.stderr.all(), Vec::<String>::new());
        server.running.stdout.wait_for("Service close");
        server.running.signal(libc::SIGTERM);
        server.running.wait();
        let found = server.running.stderr.all();
        assert!(!found.iter().any(|line| line.starts_with("==")), "{name}: {found:#?}");
    }
}
