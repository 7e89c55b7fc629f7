//! A trace is read and drawn as it happened, and the same session always has the same diagram.

use crate::harness::builds::{Build, SERVERS, make_command, program, root, run_make};
use crate::harness::net::ports::free_port;
use crate::harness::session;
use crate::harness::text::display_width;
use crate::harness::trace::diagram::{CUT, draw};
use crate::harness::trace::mermaid::mermaid;
use crate::harness::trace::{parse, svg};

/// A session with the server of the double fork, as strace wrote it, and its diagram.
const TRACE: &str = include_str!("recorded/double_fork.strace");
const DRAWING: &str = include_str!("recorded/double_fork.txt");

fn drawn(trace: &str) -> String {
    draw(&parse::read(trace), 120, false)
}

/// Errors in any language and odd strings are read as strace writes them.
#[test]
fn a_trace_is_read() {
    let text = "connect(3, {port=htons(80)}, 16) = -1 ECONNREFUSED (拒绝连接)\nwrite(1, \"a, \\\")(\\0\\33\", 7) = 7\n";
    let events = parse::read(text);
    assert_eq!(events[0].call().and_then(|call| call.errno.as_deref()), Some("ECONNREFUSED"));
    assert_eq!(events[1].call().and_then(|call| call.bytes(1)).as_deref(), Some(&b"a, \")(\0\x1b"[..]));
}

/// The recorded trace has just this drawing, whatever makes a child, and whichever of two processes that did not wait was quicker.
#[test]
fn the_double_fork_is_drawn() {
    let clone = "clone(child_stack=NULL, flags=SIGCHLD)";
    let clone3 = "clone3({flags=CLONE_CHILD_SETTID, exit_signal=SIGCHLD}, 88)";
    let ends = "<TCP:[127.0.0.1:23987->127.0.0.1:49634]>";
    for changes in [
        vec![],
        vec![(clone, "fork()")],
        vec![(clone, "vfork()")],
        vec![(clone, clone3)],
        // What `-yy` says.
        vec![("(4,", &format!("(4{ends},")), (", [16]) = 4", &format!(", [16]) = 4{ends}"))],
        // The parent closes its copy after the child is gone, and the grandchild sleeps at once.
        vec![("29 close", "459 close"), ("42 wait4", "460 wait4")],
    ] {
        let change = |trace: String, (was, is): &(&str, &str)| {
            assert!(trace.contains(was), "{was}");
            trace.replace(was, is)
        };
        let drawing = drawn(&changes.iter().fold(TRACE.to_string(), change));
        assert_eq!(drawing, DRAWING, "{changes:?}\n{drawing}");
    }
    // The client's file first.
    let (server, client): (Vec<&str>, Vec<&str>) = TRACE.lines().partition(|line| line.starts_with('1'));
    assert_eq!(drawn(&[client, server].concat().join("\n")), DRAWING);
}

/// No line is wider than asked, in any width; what is long is cut with a sign; a wide letter takes two columns.
#[test]
fn it_fits_the_width() {
    // A long word is cut where it is typed, sent and read. The sign is not the one of a call that waits.
    for (word, cut) in [("hello", 0), (&"long ".repeat(20), 3), (&"中文".repeat(20), 3)] {
        for width in 60..=120 {
            let drawing = draw(&parse::read(&TRACE.replace("hello", word)), width, false);
            assert!(drawing.lines().all(|line| display_width(line) <= width), "{width}:\n{drawing}");
            assert!(drawing.matches(CUT).count() >= cut, "{width}:\n{drawing}");
            assert_eq!(drawing.matches('…').count(), 1, "{width}:\n{drawing}");
        }
    }
    let wide = drawn(&TRACE.replace("hello", "中文"));
    assert_eq!(wide.replace("中文", "abcd"), drawn(&TRACE.replace("hello", "abcd")), "\n{wide}");
}

/// A terminal gets colours, unless `NO_COLOR` is set; they change no character. A pipe gets none.
#[test]
fn colours_change_no_character() {
    let coloured = draw(&parse::read(TRACE), 120, true);
    let plain = coloured.split('\x1b').map(|piece| piece.split_once('m').map_or(piece, |(_, text)| text));
    assert_eq!(plain.collect::<String>(), DRAWING);
    let lanes = ["lanes", "TRACE=tests/lanes/recorded/double_fork.strace"];
    assert_eq!(run_make(&lanes).1, DRAWING);
    for (value, coloured) in [("", true), ("1", false)] {
        let mut make = make_command(&lanes).env("NO_COLOR", value).terminal(120).start();
        assert_eq!(make.wait(), 0);
        make.screen().wait_for("grandchild", 2);
        assert_eq!(make.screen().text().contains('\x1b'), coloured, "NO_COLOR={value}");
    }
}

/// SVG and Mermaid have the events of each line of the text, in the same order, whatever the events are.
#[test]
fn every_format_has_the_same_events() {
    for word in ["hello", "a;b # %% <i>&amp; c"] {
        let events = parse::read(&TRACE.replace("hello", word));
        let text = draw(&events, 400, false);
        let rows: Vec<Vec<&str>> = text.lines().map(events_of).filter(|row| !row.is_empty()).collect();

        // The texts of a height are a row.
        let svg = svg::standalone(&events);
        let texts = svg.lines().filter(|line| line.starts_with("<text")).map(|line| {
            let attribute = |name: &str| line.split(name).nth(1).and_then(|rest| rest.split('"').next());
            let [x, y] =
                [" x=\"", " y=\""].map(|name| attribute(name).and_then(|number| number.parse().ok()));
            let text = line.split_once('>').map_or("", |(_, text)| text.trim_end_matches("</text>"));
            (y.unwrap_or(0_u32), x.unwrap_or(0_u32), text)
        });
        let mut drawn: Vec<(u32, u32, String)> = Vec::new();
        for (y, x, text) in texts {
            drawn.push((y, x, text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")));
        }
        assert!(drawn.is_sorted_by_key(|(y, ..)| y), "the order of time: {svg}");
        drawn.sort();
        let drawn: Vec<Vec<&str>> = drawn
            .chunk_by(|one, next| one.0 == next.0)
            .map(|row| row.iter().map(|text| &*text.2).collect())
            .collect();
        assert_eq!(drawn, rows);

        // A line each; names are where a process is created.
        let mermaid = mermaid(&events);
        let messages = mermaid.lines().filter_map(|line| Some(line.split_once(": ")?.1));
        let messages: Vec<String> = messages
            .map(|text| text.replace("#59;", ";").replace("#37;", "%").replace("#35;", "#"))
            .collect();
        let names = ["child", "grandchild"];
        let expected: Vec<Vec<&str>> = rows[1..]
            .iter()
            .map(|row| row.iter().copied().filter(|text| !names.contains(text)).collect())
            .collect();
        assert_eq!(messages.len(), expected.len(), "{mermaid}");
        for (message, row) in messages.iter().zip(&expected) {
            let mut both: Vec<&str> = message.split(" → ").collect();
            both.sort_by_key(|text| row.iter().position(|other| other == text));
            assert_eq!(&both, row, "{mermaid}");
        }
        for (name, creates) in
            [("child", "create participant P2 as child"), ("client", "participant P1 as client")]
        {
            assert!(mermaid.contains(creates), "{name}: {mermaid}");
        }
    }
}

/// The texts between the lines and arrows of a row.
fn events_of(row: &str) -> Vec<&str> {
    let texts = row.split(|c| "│┼├┤┬╵─╌▶◀".contains(c)).map(str::trim);
    // The first row has only names, far apart.
    texts.flat_map(|text| text.split("    ")).map(str::trim).filter(|text| !text.is_empty()).collect()
}

/// `FORMAT` chooses; on a terminal of 80 columns each line fits, below 60 one line asks for a wider one.
#[test]
fn format_and_width_are_asked_for() {
    let trace = "TRACE=tests/lanes/recorded/double_fork.strace";
    assert!(
        run_make(&["lanes", trace, "FORMAT=svg"])
            .1
            .starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")
    );
    assert!(run_make(&["lanes", trace, "FORMAT=mermaid"]).1.starts_with("sequenceDiagram\n"));
    let (status, shown, said) = run_make(&["lanes", trace, "FORMAT=png"]);
    assert!(
        status != 0
            && shown.trim().is_empty()
            && said.contains("lanes: FORMAT is text, svg or mermaid, not png\n"),
        "{said}"
    );
    let on_terminal = |columns| {
        let mut make = make_command(&["lanes", trace]).env("TERM", "dumb").terminal(columns).start();
        let status = make.wait();
        make.screen().wait_until(|shown| shown.contains("wider"));
        (status, make.screen().text().replace('\r', ""))
    };
    let (status, shown) = on_terminal(60);
    let drawn = shown.lines().filter(|line| line.contains('│'));
    assert!(
        status == 0 && drawn.clone().count() > 20 && drawn.clone().all(|line| display_width(line) <= 60),
        "{shown}"
    );
    // TERM=dumb has no colours.
    assert!(
        shown.contains(CUT) && shown.contains("a wider terminal shows all") && !shown.contains('\x1b'),
        "{shown}"
    );
    let (status, shown) = on_terminal(59);
    assert!(
        status != 0 && shown.contains("lanes: the terminal has 59 columns; make it 60 or wider\n"),
        "{shown}"
    );
}

/// With every server the same session has the same diagram; the server of one process lets the second client
/// wait, and serves it when the first has quit.
#[test]
fn a_session_has_its_recorded_diagram() {
    for (server, clients, drawing) in [
        (SERVERS[0], 2, include_str!("recorded/tcp_server.txt")),
        (SERVERS[1], 4, include_str!("recorded/tcp_server_fork.txt")),
        (SERVERS[2], 2, include_str!("recorded/tcp_server_double_fork.txt")),
    ] {
        let bin = program(Build::Fixed, server);
        let bin = bin.parent().expect("a directory");
        let drawn = draw(&session::run(bin, server, clients, free_port()), 120, false);
        assert_eq!(drawn, drawing, "\n{drawn}");
    }
}

/// What cannot be drawn is one line that says why, and a failure.
#[test]
fn what_cannot_be_drawn_is_said() {
    for (word, why) in [
        ("TRACE=no/such/file", format!("lanes: {}/no/such/file: No such file", root().display())),
        ("TRACE=README.md", format!("lanes: {}/README.md: strace has seen no call", root().display())),
        ("SERVER=nonsense", "SERVER=nonsense: it is one of tcp_server tcp_server_fork".to_string()),
        ("CLIENTS=5", "lanes: CLIENTS is 1 to 4, not 5".to_string()),
    ] {
        let (status, drawing, said) = run_make(&["lanes", word]);
        assert!(status != 0 && drawing.trim().is_empty(), "{word}: {status}\n{drawing}");
        let not_makes = |line: &&str| !line.starts_with("make") && !line.starts_with(' ');
        let own: Vec<&str> = said.lines().filter(not_makes).collect();
        assert!(own.len() == 1 && own[0].starts_with(&why), "{word}: {said}");
    }
}
