//! Random sessions: a seed is a session, always the same.
//!
//! Only what the kernel decides by time is left out: no more connections at once than the queue of `listen` holds, and
//! no more bytes for a stopped program than its socket takes.

use crate::harness::builds::PROGRAMS;
use crate::harness::lockstep::session::{CLIENTS, LockstepSession, LockstepStep, SERVER};
use crate::harness::random::Random;

/// How many connections the queue of `listen(…, 5)` holds.
const QUEUE: usize = 6;
/// What a stopped program is sent at most, by all.
const UNREAD: usize = 24 << 10;
const LONGEST: usize = 100_000;

pub fn session(seed: u64) -> LockstepSession {
    // Neighbouring seeds are to have nothing in common.
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = Random((mixed ^ mixed >> 29).max(1));
    for _ in 0..4 {
        random.next();
    }
    // Version two as printed ends at its first client, and is the least interesting.
    let program = PROGRAMS[[0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3][random.below(12)]];
    let steps = match program {
        "tcp_client" => of_the_client(&mut random),
        _ => of_a_server(&mut random, program == "tcp_server"),
    };
    LockstepSession { name: format!("seed-{seed}"), program, steps }
}

/// A client of a server, as the generator knows it.
struct Client {
    name: &'static str,
    reads: bool,
    has_closed: bool,
}

fn of_a_server(random: &mut Random, one_process: bool) -> Vec<LockstepStep> {
    let mut steps = Vec::new();
    let most = 1 + random.below(6);
    let (mut open, mut connections, mut stopped) = (Vec::<Client>::new(), 0, None);
    for _ in 0..3 + random.below(22) {
        let may_connect = connections < QUEUE && open.len() < most;
        let connects = open.is_empty() || random.below(3) == 0;
        if may_connect && connects {
            let free = CLIENTS.into_iter().find(|name| open.iter().all(|client| client.name != *name));
            let name = free.expect("there are more names than clients");
            open.push(Client { name, reads: random.below(5) > 0, has_closed: false });
            connections += 1;
            steps.push(LockstepStep::Connects(name));
            continue;
        }
        if random.below(14) == 0 && stopped.is_none() {
            stopped = Some(UNREAD);
            steps.push(LockstepStep::Stop);
            continue;
        }
        if stopped.is_some() && random.below(4) == 0 {
            stopped = None;
            steps.push(LockstepStep::Continue);
            continue;
        }
        if open.is_empty() {
            break;
        }
        let at = random.below(open.len());
        let client = &mut open[at];
        match random.below(20) {
            0 => {
                client.has_closed = true;
                steps.push(LockstepStep::ClosesHalf(client.name));
            }
            1 => steps.push(LockstepStep::Resets(open.remove(at).name)),
            2 => steps.push(LockstepStep::Leaves(open.remove(at).name)),
            _ if client.has_closed => steps.push(LockstepStep::Reads(client.name)),
            _ => {
                // A server of one process reads nothing of who waits: what they send is limited too.
                let most = if one_process && open.len() > 1 { Some(UNREAD / 4) } else { stopped };
                for mut bytes in message(random) {
                    bytes.truncate(most.unwrap_or(LONGEST));
                    stopped = stopped.map(|left: usize| left.saturating_sub(bytes.len()));
                    if !bytes.is_empty() {
                        steps.push(LockstepStep::Sends(open[at].name, bytes));
                    }
                }
                if open[at].reads {
                    steps.push(LockstepStep::Reads(open[at].name));
                }
            }
        }
    }
    steps
}

fn of_the_client(random: &mut Random) -> Vec<LockstepStep> {
    let (mut steps, mut stopped) = (Vec::new(), false);
    for _ in 0..1 + random.below(10) {
        let mut lines = message(random).concat();
        // One line, or several at once.
        if random.below(2) == 0 {
            lines.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        }
        if random.below(8) > 0 {
            lines.push(b'\n');
        }
        let mut reply = lines.to_ascii_uppercase();
        reply.retain(|byte| *byte != b'\n');
        if stopped {
            lines.truncate(UNREAD);
            reply.truncate(UNREAD);
        }
        steps.push(LockstepStep::Types(lines));
        if random.below(16) == 0 {
            stopped = !stopped;
            steps.push(if stopped { LockstepStep::Stop } else { LockstepStep::Continue });
        }
        if random.below(8) > 0 {
            steps.push(LockstepStep::Reads(SERVER));
        }
        match random.below(16) {
            // Late: not before the next line.
            0 => continue,
            1 => steps.push(LockstepStep::Leaves(SERVER)),
            2 => steps.push(LockstepStep::Resets(SERVER)),
            3 => steps.push(LockstepStep::ClosesHalf(SERVER)),
            // Too much.
            4 => reply = reply.repeat(2),
            5 => reply.extend(message(random).concat()),
            // Too little.
            6 => reply.truncate(random.below(reply.len() + 1)),
            7 => reply = b"quit".to_vec(),
            8 => reply = message(random).concat(),
            _ => {}
        }
        reply.truncate(if stopped { UNREAD } else { LONGEST });
        let pieces = if random.below(3) == 0 { 1 + random.below(4) } else { 1 };
        for piece in reply.chunks(reply.len().div_ceil(pieces).max(1)) {
            steps.push(LockstepStep::Sends(SERVER, piece.to_vec()));
        }
    }
    if stopped {
        steps.push(LockstepStep::Continue);
    }
    match random.below(4) {
        0 => steps.push(LockstepStep::EndsInput),
        1 => steps.push(LockstepStep::Leaves(SERVER)),
        _ => {
            steps.push(LockstepStep::Types(quit(random, b"\n")));
            steps.push(LockstepStep::Reads(SERVER));
            steps.push(LockstepStep::Leaves(SERVER));
        }
    }
    steps
}

/// What one side says, in the parts in which it is sent.
fn message(random: &mut Random) -> Vec<Vec<u8>> {
    if random.below(10) == 0 {
        let end = ["", "", "", "\n", "\0", " ", "\r\n"][random.below(7)];
        let word = quit(random, end.as_bytes());
        let cut = random.below(word.len());
        return match random.below(3) {
            0 => vec![word[..cut].to_vec(), word[cut..].to_vec()],
            _ => vec![word],
        };
    }
    let length = match random.below(60) {
        0..=29 => 1 + random.below(20),
        30..=44 => 1 + random.below(1000),
        // Around what one read takes, and what the log takes.
        45..=50 => [1023, 1023 * 2, 1023 * 3, 1024, 980, 4096][random.below(6)] - 6 + random.below(12),
        51..=56 => 1023 * random.below(4) + [4, 4, 1, 5][random.below(4)],
        57..=58 => 1 + random.below(16_000),
        _ => 1 + random.below(LONGEST),
    };
    let mut bytes = content(random, length);
    // The last that a read gets may spell quit.
    if random.below(20) == 0 && length > 4 {
        bytes.truncate(length / 1023 * 1023);
        bytes.extend(quit(random, b""));
    }
    vec![bytes]
}

fn quit(random: &mut Random, end: &[u8]) -> Vec<u8> {
    let mut word = b"quit".to_vec();
    if random.below(2) == 0 {
        word.iter_mut().filter(|_| random.below(2) == 0).for_each(u8::make_ascii_uppercase);
    }
    [&word, end].concat()
}

fn content(random: &mut Random, length: usize) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "hello",
        "World",
        " ",
        "quit",
        "%s%n%d",
        "\\x41",
        "你好，世界",
        "é",
        "DEBUG | ",
        "\n",
        "a\tb",
        "\u{202e}left",
    ];
    match random.below(10) {
        0..=4 => {
            let words = std::iter::repeat_with(|| WORDS[random.below(WORDS.len())].as_bytes());
            let mut bytes = Vec::from_iter(words.take(length / 2 + 1).flatten().copied());
            bytes.truncate(length);
            bytes
        }
        5 => vec![b'a' + random.below(26) as u8; length],
        6 => random.bytes(length),
        7 => (0..length).map(|at| at as u8).collect(),
        // Text with NULs.
        _ => {
            let mut bytes = vec![b'x'; length];
            for _ in 0..1 + random.below(3) {
                let at = [0, length - 1, random.below(length)][random.below(3)];
                bytes[at] = 0;
            }
            bytes
        }
    }
}
