//! What calls do to sockets, whatever they are named: `recvmsg` and `readv` read, `accept4` accepts.

use crate::harness::trace::parse::{Call, Event, What, unquoted};

/// What a call does, as far as a drawing tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Socket,
    Option,
    Bind,
    Listen,
    Connect,
    Accept,
    Read,
    Write,
    Shutdown,
    Close,
    /// Copies a descriptor.
    Copy,
    /// Waits until a descriptor is ready.
    Wait,
    Fork,
    WaitForChild,
    Signal,
    Sleep,
    Exit,
    Other,
}

pub fn kind(name: &str) -> Kind {
    match name {
        "socket" => Kind::Socket,
        "setsockopt" => Kind::Option,
        "bind" => Kind::Bind,
        "listen" => Kind::Listen,
        "connect" => Kind::Connect,
        "accept" | "accept4" => Kind::Accept,
        "read" | "readv" | "recv" | "recvfrom" | "recvmsg" | "recvmmsg" => Kind::Read,
        "write" | "writev" | "send" | "sendto" | "sendmsg" | "sendmmsg" | "sendfile" | "sendfile64" => {
            Kind::Write
        }
        "shutdown" => Kind::Shutdown,
        "close" => Kind::Close,
        "dup" | "dup2" | "dup3" | "fcntl" | "fcntl64" => Kind::Copy,
        "poll" | "ppoll" | "ppoll_time64" | "select" | "_newselect" | "pselect6" | "pselect6_time64" => {
            Kind::Wait
        }
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => Kind::Wait,
        "fork" | "vfork" | "clone" | "clone3" => Kind::Fork,
        "wait4" | "waitid" | "waitpid" => Kind::WaitForChild,
        "rt_sigaction" | "sigaction" => Kind::Signal,
        "clock_nanosleep" | "clock_nanosleep_time64" | "nanosleep" => Kind::Sleep,
        "exit_group" | "exit" => Kind::Exit,
        _ => Kind::Other,
    }
}

/// A call without what options of strace add: names of descriptors (`-y`), of programs (`-Y`) and of arguments (`-N`), numbers
/// beside constants (`-X verbose`), and hexadecimal strings (`-x`).
pub fn simplified(event: &Event) -> Event {
    let mut event = event.clone();
    if let What::Call(call) = &mut event.what {
        let forks = kind(&call.name) == Kind::Fork;
        for arg in &mut call.args {
            let named = arg
                .find('=')
                .filter(|at| !forks && arg[..*at].chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            *arg = readable(&without_names(named.map_or(arg, |at| &arg[at + 1..])));
        }
        call.result = without_names(&call.result);
    }
    event
}

/// Without what is in `<>` after a number, which may contain the same: `0</dev/pts/1<char 136:1>>`, `3<TCP:[…->…]>`.
fn without_names(text: &str) -> String {
    let (mut plain, mut depth, mut quoted, mut before) = (String::new(), 0, false, ' ');
    for c in text.chars() {
        quoted ^= c == '"' && before != '\\' && depth == 0;
        match c {
            '<' if !quoted && (depth > 0 || before.is_ascii_digit()) => depth += 1,
            '>' if depth > 0 && before != '-' => depth -= 1,
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
        before = c;
    }
    plain.replace("(deleted)", "")
}

/// Strings as strace writes them without `-x`, and `AF_INET` for `0x2 /* AF_INET */`.
fn readable(arg: &str) -> String {
    let mut plain = String::new();
    let mut rest = arg;
    while let Some(at) = rest.find('"').filter(|_| arg.contains("\\x")) {
        let Some((bytes, after)) = unquoted(&rest[at..]) else { break };
        plain = plain + &rest[..at] + "\"" + &bytes.escape_ascii().to_string().replace("\\'", "'") + "\"";
        rest = after;
    }
    plain += rest;
    while let Some((before, after)) = plain.split_once(" /* ") {
        let Some((name, tail)) = after.split_once(" */").filter(|(name, _)| !name.contains('?')) else {
            break;
        };
        let before = match before.strip_suffix('"').and_then(|before| before.rsplit_once('"')) {
            Some((before, _)) => before,
            None => before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()),
        };
        plain = format!("{before}{name}{tail}");
    }
    plain
}

/// The text that a call reads or writes, quoted; several pieces are one.
pub fn data(call: &Call) -> String {
    let Some(arg) = call.args.get(1).filter(|arg| !arg.starts_with('"')) else {
        return call.args.get(1).cloned().unwrap_or_default();
    };
    let (mut data, mut cut) = (String::new(), false);
    for piece in arg.split("iov_base=\"").skip(1) {
        let mut end = 0;
        while piece[end..].starts_with(|c| c != '"') {
            end += if piece[end..].starts_with('\\') {
                2
            } else {
                piece[end..].chars().next().map_or(1, char::len_utf8)
            };
        }
        data += &piece[..end.min(piece.len())];
        cut |= piece[end.min(piece.len())..].starts_with("\"...");
    }
    format!("\"{data}\"{}", if cut { "..." } else { "" })
}

/// The descriptors that a call waits for, and those that are ready.
pub fn waited_for(call: &Call) -> (Vec<i32>, Vec<i32>) {
    let fds = |text: &str| -> Vec<i32> {
        let after = |start: &str| -> Vec<i32> {
            let numbers = text.split(start).skip(1);
            numbers
                .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
                .collect()
        };
        // `poll` has `fd=3`, `epoll_wait` may have it in `data={fd=3, …}` or as `data=3`.
        let mut fds = after("fd=");
        if fds.is_empty() {
            fds = [after("u32="), after("data=")].concat();
        }
        fds
    };
    let set = |text: &str| -> Vec<i32> {
        let inside = text
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'))
            .map_or("", |(inside, _)| inside);
        inside.split(' ').filter_map(|fd| fd.parse().ok()).collect()
    };
    let arg = |index: usize| call.args.get(index).map_or("", String::as_str);
    match &*call.name {
        name if name.contains("select") => {
            ([set(arg(1)), set(arg(2))].concat(), call.details.split(',').flat_map(set).collect())
        }
        name if name.starts_with("epoll") => (vec![call.fd().unwrap_or(-1)], fds(arg(1))),
        _ => (fds(arg(0)), fds(&call.details)),
    }
}
