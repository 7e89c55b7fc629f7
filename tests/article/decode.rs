//! The text of a file, whatever it is encoded in: UTF-8, UTF-16 and GB 18030, and the pages inside a web archive (MHTML).

use std::io::Write;
use std::process::{Command, Stdio};

use crate::say;

/// The texts in a file: one, or each page of a web archive; none if it is not text.
pub fn texts(bytes: Vec<u8>) -> Result<Vec<String>, String> {
    let parts = parts(&bytes).unwrap_or_else(|| vec![bytes]);
    let texts: Result<Vec<Option<String>>, String> = parts.into_iter().map(text).collect();
    Ok(texts?.iter().flatten().map(|text| tidy(text)).collect())
}

/// Lines end with `\n`, spaces are spaces, and what takes no room is left out.
fn tidy(text: &str) -> String {
    let tidied = |c: char| match c {
        '\r' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => Some(' '),
        '\0' | '\u{1e}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => None,
        '\u{2060}'..='\u{2064}' | '\u{feff}' => None,
        other => Some(other),
    };
    text.replace("\r\n", "\n").chars().filter_map(tidied).collect()
}

fn text(bytes: Vec<u8>) -> Result<Option<String>, String> {
    if let Some(encoding) = encoding(&bytes) {
        return converted(encoding, bytes).map(Some);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        // Safari's web archive has the page among other things.
        Err(error) if error.as_bytes().starts_with(b"bplist") => {
            Ok(Some(String::from_utf8_lossy(error.as_bytes()).into_owned()))
        }
        Err(error) if error.as_bytes().contains(&0) => Ok(None),
        // What a Chinese page is in otherwise; GBK and GB 2312 are parts of it.
        Err(error) => converted("GB18030", error.into_bytes()).map(Some),
    }
}

/// By its byte-order mark, or by the zero bytes that UTF-16 has in every other place.
fn encoding(bytes: &[u8]) -> Option<&'static str> {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let many = bytes.len() / 4;
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] => Some("UTF-32BE"),
        [0xff, 0xfe, ..] => Some("UTF-16LE"),
        [0xfe, 0xff, ..] => Some("UTF-16BE"),
        _ if bytes.len() < 8 => None,
        _ if zeros(1) > many && zeros(0) * 8 < many => Some("UTF-16LE"),
        _ if zeros(0) > many && zeros(1) * 8 < many => Some("UTF-16BE"),
        _ => None,
    }
}

/// By `iconv`, without what it cannot convert: the code itself is ASCII.
fn converted(encoding: &str, bytes: Vec<u8>) -> Result<String, String> {
    let missing = |_| {
        say!(
            "iconv is missing, which converts {encoding}: install it (libc-bin, glibc-common or musl-utils)",
            "缺少转换 {encoding} 编码的 iconv，请安装（libc-bin、glibc-common 或 musl-utils）"
        )
    };
    let mut iconv = Command::new("iconv");
    iconv.args(["-c", "-f", encoding, "-t", "UTF-8"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut iconv = iconv.stderr(Stdio::null()).spawn().map_err(missing)?;
    let mut input = iconv.stdin.take().expect("it is a pipe");
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = iconv.wait_with_output().map_err(missing)?;
    let _ = writer.join();
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The texts of a web archive as Chrome saves it.
fn parts(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).into_owned();
    if !start.to_lowercase().contains("content-type: multipart/related") {
        return None;
    }
    let boundary =
        start.split_once("boundary=")?.1.trim_start_matches('"').split(['"', '\r', '\n', ';']).next()?;
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let mut parts = Vec::new();
    for part in text.split(&format!("--{boundary}")).skip(1) {
        let Some((head, body)) = part.split_once("\n\n") else { continue };
        let head = head.to_lowercase();
        if !head.contains("content-type: text/") || head.contains("text/css") {
            continue;
        }
        parts.push(match head.split_once("transfer-encoding:").map_or("", |(_, how)| how.trim_start()) {
            how if how.starts_with("quoted-printable") => quoted_printable(body),
            how if how.starts_with("base64") => base64(body),
            _ => body.as_bytes().to_vec(),
        });
    }
    Some(parts)
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut pieces = text.split('=');
    let mut bytes = pieces.next().unwrap_or("").as_bytes().to_vec();
    for piece in pieces {
        match piece.strip_prefix('\n') {
            Some(rest) => bytes.extend(rest.bytes()),
            None => match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => bytes.extend([byte].iter().chain(&piece.as_bytes()[2..])),
                None => bytes.extend(b"=".iter().chain(piece.as_bytes())),
            },
        }
    }
    bytes
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values: Vec<u32> = text
        .bytes()
        .filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte))
        .map(|value| value as u32)
        .collect();
    let mut bytes = Vec::new();
    for group in values.chunks(4) {
        let value = group.iter().fold(0, |sum, digit| sum << 6 | digit) << (6 * (4 - group.len()));
        bytes.extend(value.to_be_bytes()[1..].iter().take(group.len().saturating_sub(1)));
    }
    bytes
}
