//! Proves that a trace is read, told and drawn as it happened, and the same conversation always the same.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use crate::support::conversation::Conversation;
use crate::support::programs::*;
use crate::support::strace::{self, What};
use crate::support::swimlanes::{Options, draw};

/// A conversation with the server of the double fork, as strace wrote it, and its drawing.
const TRACE: &str = include_str!("../lanes/double_fork.strace");
const DRAWING: &str = include_str!("../lanes/double_fork.txt");

fn drawn(trace: &str) -> String {
    draw(&strace::read(trace), &Options::default())
}

fn held(server: &str, clients: usize) -> String {
    let bin = program(Build::Mended, server);
    let events = Conversation::hold(bin.parent().expect("a directory"), server, clients, free_port());
    draw(&events, &Options::default())
}

/// Calls, results, errors, strings, halves of calls, signals and ends are read as strace writes them.
#[test]
fn a_trace_is_read() {
    let events = strace::read(TRACE);
    assert_eq!(strace::pids(&events), [101, 102, 103, 201]);
    let names: Vec<&str> = strace::calls(&events, 102).iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["close", "clone", "exit_group"]);
    let calls = strace::calls(&events, 103);
    assert_eq!(calls[0].bytes(1).as_deref(), Some(&b"hello"[..]), "joined: {:?}", calls[0]);
    assert_eq!((calls[0].fd(), calls[0].returned()), (Some(4), Some(5)));
    let ends: Vec<&What> =
        events.iter().map(|event| &event.what).filter(|what| matches!(what, What::End(_))).collect();
    assert_eq!(ends.len(), 4);

    let failed =
        strace::read("connect(3, {sin_port=htons(80)}, 16) = -1 ECONNREFUSED (Connection refused)\n");
    assert_eq!(failed[0].call().and_then(|call| call.errno.as_deref()), Some("ECONNREFUSED"));
    let odd = strace::read("write(1, \"a, \\\")(\\0\\33\", 7) = 7\n");
    assert_eq!(odd[0].call().and_then(|call| call.bytes(1)).as_deref(), Some(&b"a, \")(\0\x1b"[..]));
}

/// The recorded trace has just this drawing.
#[test]
fn the_double_fork_is_drawn() {
    assert_eq!(drawn(TRACE), DRAWING, "\n{}", drawn(TRACE));
}

/// Who was quicker makes no difference, where neither waited for the other.
#[test]
fn the_drawing_does_not_depend_on_who_was_quicker() {
    // The parent closes its copy after the child is gone, and the grandchild sleeps at once.
    let slower = TRACE
        .replace("101 49.231029 close", "101 49.231459 close")
        .replace("101 49.231042 wait4", "101 49.231460 wait4");
    assert_ne!(slower, TRACE);
    assert_eq!(drawn(&slower), DRAWING, "\n{}", drawn(&slower));
    // The client's file first.
    let lines: Vec<&str> = TRACE.lines().collect();
    let (server, client): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.starts_with('1'));
    assert_eq!(drawn(&[client, server].concat().join("\n")), DRAWING);
}

/// A call more, less or changed is seen.
#[test]
fn another_trace_has_another_drawing() {
    let waited = "<... wait4 resumed>NULL, 0, NULL) = 102";
    let no_wait = TRACE.replace(
        waited,
        "<... wait4 resumed>NULL, 0xc1e2 /* W??? */, NULL) = -1 EINVAL (Invalid argument)",
    );
    assert!(drawn(&no_wait).contains("waitpid(child, peer_port) EINVAL"), "\n{}", drawn(&no_wait));
    let open: Vec<&str> = TRACE.lines().filter(|line| !line.contains("49.231142 close(3)")).collect();
    assert_ne!(drawn(&open.join("\n")), DRAWING);
}

/// No line is wider than asked, in any width; what is long is cut with a sign.
#[test]
fn it_fits_the_width() {
    let long = TRACE.replace("hello", &"long ".repeat(20));
    for width in 60..=120 {
        for trace in [TRACE, &long] {
            let options = Options { width, ..Options::default() };
            let drawing = draw(&strace::read(trace), &options);
            for line in drawing.lines() {
                assert!(line.chars().count() <= width, "{width}:\n{drawing}");
            }
            // accept waits; the word is cut where it is typed, sent and read.
            let cuts = drawing.matches('…').count();
            assert!(cuts >= if trace == TRACE { 1 } else { 4 }, "{width}:\n{drawing}");
        }
    }
}

/// Colours change no character.
#[test]
fn colours_change_no_character() {
    let options = Options { colour: true, ..Options::default() };
    let coloured = draw(&strace::read(TRACE), &options);
    let mut plain = String::new();
    for (number, piece) in coloured.split('\x1b').enumerate() {
        plain += if number == 0 { piece } else { piece.split_once('m').expect("a colour").1 };
    }
    assert_eq!(plain, DRAWING);
}

/// A real conversation with the double fork is drawn as the recorded one.
#[test]
fn a_conversation_is_drawn_as_recorded() {
    let drawing = held("tcp_server_double_fork", 1);
    assert_eq!(drawing, DRAWING, "\n{drawing}");
}

/// The same conversation has the same drawing, with every server and two clients.
#[test]
fn the_same_conversation_has_the_same_drawing() {
    for server in SERVERS {
        let (first, second) = (held(server, 2), held(server, 2));
        assert_eq!(first, second, "\n{first}\n{second}");
        assert!(first.lines().all(|line| line.chars().count() <= 120), "\n{first}");
    }
}

/// The server of one process lets the second client wait, and serves it when the first has quit.
#[test]
fn the_second_client_is_seen_waiting() {
    let drawing = held("tcp_server", 2);
    let at = |text: &str| drawing.find(text).unwrap_or_else(|| panic!("no {text}:\n{drawing}"));
    assert!(at("write(3, \"world\")") < at("write(3, \"quit\")"), "\n{drawing}");
    assert!(at("write(3, \"quit\")") < at("▶│ read(4) = \"world\""), "\n{drawing}");
    // Its connection and its word arrive late; all else stands beside its cause.
    assert_eq!(drawing.matches("├╌").count(), 2, "\n{drawing}");
    assert!(!drawing.contains("◀╌"), "\n{drawing}");
}

/// `make lanes` draws a trace that is there already, with no colours into a pipe.
#[test]
fn make_lanes_draws_a_file() {
    let mut make = make_lanes("tests/lanes/double_fork.strace");
    let output = make.output().expect("make runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with(DRAWING), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

/// A trace that is not there is one line and a failure.
#[test]
fn a_missing_trace_is_said() {
    let output = make_lanes("no/such/file").output().expect("make runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).to_string();
    assert!(said.contains("lanes: no/such/file: No such file"), "{said}");
}

/// A terminal gets colours, unless `NO_COLOR` is set.
#[test]
fn no_color_is_respected() {
    for (value, coloured) in [("", true), ("1", false)] {
        let (mut terminal, slave) = terminal();
        let mut make = make_lanes("tests/lanes/double_fork.strace");
        let mut running =
            make.env("NO_COLOR", value).stdout(slave).stderr(Stdio::null()).spawn().expect("make runs");
        drop(make);
        let mut seen = Vec::new();
        // A terminal whose other side is closed fails to be read, after the last byte.
        let _ = terminal.read_to_end(&mut seen);
        assert!(running.wait().expect("it ends").success());
        let seen = String::from_utf8_lossy(&seen).to_string();
        assert!(seen.contains("grandchild"), "{seen}");
        assert_eq!(seen.contains('\x1b'), coloured, "NO_COLOR={value}: {seen}");
    }
}

/// A terminal's two sides: the screen, and what a program writes to.
fn terminal() -> (File, File) {
    let mut name = [0; 64];
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let screen = unsafe { File::from_raw_fd(libc::posix_openpt(flags)) };
    unsafe {
        libc::grantpt(screen.as_raw_fd());
        libc::unlockpt(screen.as_raw_fd());
        libc::ptsname_r(screen.as_raw_fd(), name.as_mut_ptr(), name.len());
    }
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    let path = name.to_str().expect("a path");
    let mut options = File::options();
    let slave = options.read(true).write(true).custom_flags(libc::O_NOCTTY).open(path);
    (screen, slave.expect("a terminal opens"))
}

fn make_lanes(trace: &str) -> Command {
    let mut make = Command::new("make");
    make.args(["--silent", "lanes", &format!("TRACE={trace}")]).current_dir(root());
    for variable in ["MAKEFLAGS", "MFLAGS", "NO_COLOR"] {
        make.env_remove(variable);
    }
    make
}
