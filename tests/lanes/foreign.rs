//! Traces of programs that are not ours, made with any of strace's options, are drawn alike; otherwise one line says what to do.

use std::path::PathBuf;

use crate::harness::tempdir::TempDir;
use crate::harness::trace::capture;
use crate::harness::trace::diagram::draw;

/// A forking server in Python and a C server with an event loop, each with a client that was not traced.
const PYTHON: [&str; 2] = [include_str!("recorded/python.strace"), include_str!("recorded/python.txt")];
const EVENT_LOOP: [&str; 2] =
    [include_str!("recorded/event_loop.strace"), include_str!("recorded/event_loop.txt")];
/// Our server and client, both traced.
const BOTH: [&str; 2] =
    [include_str!("recorded/double_fork.strace"), include_str!("recorded/double_fork.txt")];

fn drawn(trace: &str) -> Result<String, String> {
    Ok(draw(&capture::read(trace)?, 120, false))
}

/// A trace with each line changed: its process, its time and the rest.
fn changed(trace: &str, change: impl Fn(&str, f64, &str) -> String) -> String {
    let mut changed = String::new();
    for line in trace.lines() {
        let (pid, rest) = line.split_once(' ').expect("a process");
        let (time, rest) = rest.split_once(' ').expect("a time");
        changed += &(change(pid, time.parse().expect("a number"), rest) + "\n");
    }
    changed
}

/// Seconds as a time of day.
fn clock(time: f64) -> String {
    let seconds = time as u64 % 86400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[test]
fn calls_of_other_names_are_drawn() {
    for [trace, drawing] in [PYTHON, EVENT_LOOP] {
        let drawn = drawn(trace).expect("it is a trace");
        assert_eq!(drawn, drawing, "\n{drawn}");
    }
}

/// The options change how lines look, not what they mean.
#[test]
fn options_change_nothing() {
    type Change = fn(&str, f64, &str) -> String;
    let changes: [(&str, Change); 14] = [
        ("-ttt", |pid, time, rest| format!("{pid} {time:.6} {rest}")),
        ("no times", |pid, _, rest| format!("{pid} {rest}")),
        ("-t", |pid, time, rest| format!("{pid} {} {rest}", clock(time))),
        ("-tt", |pid, time, rest| {
            format!("{pid} {}.{:06} {rest}", clock(time), (time.fract() * 1e6) as u32)
        }),
        ("-r", |pid, _, rest| format!("{pid}      0.000123 {rest}")),
        ("-r -ttt", |pid, time, rest| format!("{pid} {time:.6} (+     0.000123) {rest}")),
        ("-n", |pid, _, rest| format!("{pid} [  43] {rest}")),
        ("-n -i", |pid, _, rest| format!("{pid} [ 288] [00007f1a6d1089f0] {rest}")),
        ("-i, a signal", |pid, time, rest| format!("{pid} {time:.6} [????????????????] {rest}")),
        ("-T", |pid, time, rest| {
            format!("{pid} {time:.6} {rest}{}", if rest.contains(" = ") { " <0.000012>" } else { "" })
        }),
        ("-Y", |pid, time, rest| format!("{pid}<python3> {time:.6} {rest}")),
        ("on a terminal", |pid, _, rest| format!("[pid {pid:>5}] {rest}")),
        ("strace 6.16", |pid, time, rest| format!("{pid} {time:.6} {rest}").replace(",  <unf", " <unf")),
        ("colours", |pid, _, rest| {
            format!(
                "\x1b[0m[\x1b[35mpid {pid}\x1b[0m]\x1b[35m {}\x1b[0m",
                rest.replace('(', "\x1b[0m(\x1b[35m")
            )
        }),
    ];
    for [trace, drawing] in [PYTHON, EVENT_LOOP] {
        for (option, change) in changes {
            // A line that breaks off has no end of a call.
            let trace = changed(trace, change).replace(", \n", ", ");
            let resumed = if option == "strace 6.16" { "resumed>, " } else { "resumed>" };
            let trace = trace
                .replace("resumed>{", &format!("{resumed}{{"))
                .replace("resumed>0x", &format!("{resumed}0x"));
            let drawn = drawn(&trace).unwrap_or_else(|why| panic!("{option}: {why}"));
            assert_eq!(drawn, drawing, "{option}\n{drawn}");
            assert_eq!(self::drawn(&trace.replace('\n', "\r\n")).as_deref(), Ok(drawing), "{option}, CRLF");
        }
    }
}

/// Arguments are the same with the names of descriptors, of arguments, with numbers, and in hexadecimal.
#[test]
fn arguments_are_simplified() {
    let connection = "<TCP:[127.0.0.1:23987->127.0.0.1:49634]>";
    let changes: [&[(&str, &str)]; 5] = [
        &[("(4,", &format!("(4{connection},")), ("= 4\n", &format!("= 4{connection}\n"))],
        &[("(4,", "(4<socket:[81234]>,"), ("(3,", "(3<socket:[81233]>,"), ("= 202\n", "= 202<python3>\n")],
        &[
            ("(4, ", "(fd=4, "),
            (", 1024, ", ", size=1024, "),
            ("listen(3, 8)", "listen(sockfd=3, backlog=8)"),
        ],
        &[("(AF_INET, SOCK_STREAM", "(0x2 /* AF_INET */, 0x1 /* SOCK_STREAM */")],
        &[
            ("\"hello\"", r#""\x68\x65\x6c\x6c\x6f""#),
            ("\"127.0.0.1\"", r#""\x31\x32\x37\x2e\x30\x2e\x30\x2e\x31""#),
        ],
    ];
    for changes in changes {
        let change = |trace: String, (was, is): &(&str, &str)| {
            assert!(trace.contains(was), "{was}");
            trace.replace(was, is)
        };
        let drawn = drawn(&changes.iter().fold(PYTHON[0].to_string(), change)).expect("it is a trace");
        assert_eq!(drawn, PYTHON[1], "{changes:?}\n{drawn}");
    }
}

/// On a terminal strace's own messages divide a line, and the first process has no number while it is alone.
#[test]
fn a_terminal_is_read() {
    let mut trace = changed(PYTHON[0], |pid, _, rest| format!("[pid {pid}] {rest}"));
    let fork = trace.find("[pid 201] clone(").expect("it forks");
    let before = trace[..fork].replace("[pid 201] ", "");
    let after = trace[fork..].replacen("[pid 201] ", "", 1).replacen(
        "|SIGCHLD, ",
        "|SIGCHLDstrace: Process 202 attached\n, ",
        1,
    );
    trace = before + &after;
    let ended = trace.find("[pid 202] +++").expect("the child ends");
    trace = trace[..ended].to_string() + &trace[ended..].replace("[pid 201] ", "");
    assert_eq!(drawn(&trace).as_deref(), Ok(PYTHON[1]), "{trace}");
}

/// Without a trace of the forks, who reads from a connection that it did not open is a child.
#[test]
fn a_filtered_trace_is_drawn() {
    let network: Vec<&str> = PYTHON[0]
        .lines()
        .filter(|line| {
            ["socket(", "bind(", "listen(", "accept4", "recv", "send"]
                .iter()
                .any(|call| line.contains(call))
        })
        .collect();
    let drawn = drawn(&network.join("\n")).expect("it is a trace");
    let first = drawn.lines().next().unwrap_or_default();
    assert_eq!(
        first.split_whitespace().collect::<Vec<_>>(),
        ["client", "(not", "traced)", "server", "child"],
        "{drawn}"
    );
    assert!(
        drawn.contains("(sends \"hello\") ─") && drawn.contains("▶│ recvfrom(4) = \"hello\""),
        "{drawn}"
    );
}

/// What a shell does that starts both programs is no part of the session.
#[test]
fn a_shell_is_left_out() {
    let shell = "9 1699999999.1 rt_sigaction(SIGCHLD, {sa_handler=0x55, sa_flags=0}, NULL, 8) = 0\n\
        9 1699999999.2 clone(child_stack=NULL, flags=SIGCHLD) = 201\n201 1699999999.3 close(0) = 0\n\
        9 1699999999.4 clone(child_stack=NULL, flags=SIGCHLD) = 11\n11 1699999999.5 exit_group(0) = ?\n\
        11 1699999999.6 +++ exited with 0 +++\n9 1699999999.7 wait4(-1, NULL, 0, NULL) = 11\n";
    let trace = shell.to_string() + PYTHON[0];
    assert_eq!(drawn(&trace).as_deref(), Ok(PYTHON[1]));
}

/// A trace that was cut off is drawn to its last call: the connection is still open.
#[test]
fn a_cut_trace_is_drawn() {
    let end = PYTHON[0].find("\"quit\"").expect("it is read");
    let drawn = drawn(&PYTHON[0][..end]).expect("it is a trace");
    assert!(drawn.contains("│ recvfrom(4) …") && !drawn.contains("(end of input)"), "{drawn}");
}

/// Files of both ends may be joined in any order; without their times the order would be a guess.
#[test]
fn both_ends_are_joined() {
    let (server, client): (Vec<&str>, Vec<&str>) = BOTH[0].lines().partition(|line| line.starts_with('1'));
    let both = client.join("\n") + "\n" + &server.join("\n");
    assert_eq!(drawn(&both).as_deref(), Ok(BOTH[1]));
    // A client that was traced without -f has no number.
    let client: Vec<&str> = client.iter().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
    assert_eq!(drawn(&(server.join("\n") + "\n" + &client.join("\n"))).as_deref(), Ok(BOTH[1]));
    // Through midnight.
    let night = |pid: &str, time: f64, rest: &str| {
        let time = time + 86400.0 - 51.6;
        format!("{pid} {}.{:06} {rest}", clock(time), (time.fract() * 1e6) as u32)
    };
    let server = changed(&server.join("\n"), night);
    assert!(drawn(&server).is_ok_and(|drawn| drawn.contains("server") && drawn.contains("(not traced)")));
    type Change = fn(&str, f64, &str) -> String;
    let uncertain: [Change; 3] = [
        |pid, _, rest| format!("{pid} {rest}"),
        |pid, _, rest| format!("{pid}      0.000123 {rest}"),
        |pid, time, rest| format!("{pid} {} {rest}", clock(time)),
    ];
    for change in uncertain {
        let why = drawn(&changed(&both, change)).expect_err("nobody knows the order");
        assert!(why.contains("strace -f -ttt -o"), "{why}");
    }
}

/// A client whose server was not traced gets a lane for it.
#[test]
fn an_untraced_server_has_a_lane() {
    let client: Vec<&str> = BOTH[0].lines().filter(|line| !line.starts_with('1')).collect();
    let drawn = drawn(&client.join("\n")).expect("it is a trace");
    for row in [
        "connect(3, 127.0.0.1:23987) ─────▶┊ (accepts)",
        "▶┊ (receives \"hello\")",
        "┤ (sends \"HELLO\")",
        "┤ (closes)",
    ] {
        assert!(drawn.contains(row), "{row}\n{drawn}");
    }
    assert!(
        drawn.starts_with("client")
            && drawn.lines().next().is_some_and(|row| row.ends_with("server (not traced)"))
    );
}

/// The files of `-ff`, with and without times.
#[test]
fn files_of_each_process_are_joined() {
    let desk = TempDir::empty();
    let write = |name: &str, with_time: bool| -> PathBuf {
        for process in ["201", "202"] {
            let own: Vec<String> = PYTHON[0]
                .lines()
                .filter_map(|line| line.strip_prefix(process)?.strip_prefix(' '))
                .map(|line| {
                    if with_time { line } else { line.split_once(' ').map_or(line, |(_, rest)| rest) }
                        .to_string()
                })
                .collect();
            desk.write(&format!("{name}.{process}"), own.join("\n"));
        }
        desk.join(name)
    };
    let events = capture::open(&write("timed", true)).expect("it is a trace");
    assert_eq!(draw(&events, 120, false), PYTHON[1]);
    let why = capture::open(&write("untimed", false)).expect_err("nobody knows the order");
    assert!(why.contains("strace -f -ttt -o"), "{why}");
}

/// What is no trace of sockets is said in one line.
#[test]
fn other_files_are_refused() {
    let summary = "% time     seconds  usecs/call     calls    errors syscall\n100.00    0.000012           3         4           read\n";
    for (trace, why) in [
        (summary, "(-c)"),
        ("a text\n", "trace"),
        ("1 openat(AT_FDCWD, \"x\", O_RDONLY) = 3\n", "-ttt"),
        ("1 io_uring_enter(4, 1, 1, 0, NULL, 8) = 1\n", "io_uring"),
    ] {
        let line = drawn(trace).expect_err("it cannot be drawn");
        assert!(line.contains(why) && line.lines().count() == 1, "{line}");
    }
}
