//! What is run for lessons 19 to 25: servers that go away, readers that do not read, the kernel below the calls.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use crate::course::stage::{
    SOCKETS, address, as_strace, asked, asleep, beside, both, calls, calls_and_log, children_in, client_of,
    drawn_from_connect, ends, from, greeter, named, only, own_address, own_port, quits, says, serve, sh,
    ss, table, traced, traced_server, types, visit, waiting_client,
};
use crate::course::traces::Blocks;
use crate::grade::{grade, score};
use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::{SERVERS, Server, program, root};
use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::{connect, echo};
use crate::harness::pool::parallel;
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::descendants;
use crate::harness::process::wait::{wait_at_most, wait_for_some, wait_until};
use crate::harness::tempdir::TempDir;
use crate::harness::trace::parse::Event;

/// 19: a client whose server goes away.
pub fn server_gone() -> Blocks {
    let mut left_alone = String::new();
    let goes_on = both(|build| {
        let mut server = serve("tcp_server");
        let port = server.port;
        let mut client = client_of(build, port, &[]);
        says(&mut client, "hello");
        let names = [(port, "8080"), (own_port(&client), "CLIENT")];
        server.running.end();
        let closed_on_one_side = |rows: &str| rows.contains("CLOSE-WAIT") && rows.contains("FIN-WAIT-2");
        let sockets = ss(&format!("sport = :{port} or dport = :{port}"), &names, closed_on_one_side);
        left_alone = table(&format!("{SOCKETS}{sockets}")) + &format!("client  {}\n", asleep(&client));
        types(&mut client, "one");
        if build == AsPrinted {
            client.stdout.wait_for("Server Echoone");
            types(&mut client, "two");
        }
        from(calls_and_log(&ends(client)), "read(0) = \"one")
    });
    vec![Some(left_alone), Some(goes_on)]
}

/// 20: nobody reads.
pub fn slow_reader() -> Blocks {
    // Both ends of the only connection, when its server has come to rest with all four queues full.
    let full = |server: &Server, client: u16, push: &mut dyn FnMut()| {
        // On a busy machine the way there is long; what makes calls has not come to its end.
        let mut before = 0;
        while server.running.trace().len() > before {
            before = server.running.trace().len();
            wait_at_most(Duration::from_millis(500), || {
                push();
                false
            });
        }
        let names = [(server.port, "8080"), (client, "CLIENT")];
        let is_full = |row: &str| {
            let words: Vec<&str> = row.split('\t').collect();
            // The server's end may close its window with few bytes in it.
            let few = words[3].ends_with(":8080") && words[1] != "0";
            (words[1].len() > 4 || few) && words[2].len() > 4
        };
        let words = format!("exclude listening sport = :{0} or dport = :{0}", server.port);
        let sockets = ss(&words, &names, |rows| rows.lines().filter(|row| is_full(row)).count() == 2);
        // How many wait is the kernel's own affair.
        let addresses =
            sockets.lines().filter(|row| is_full(row)).map(|row| row.splitn(4, '\t').last().unwrap_or(row));
        let rows = addresses.map(|addresses| format!("ESTAB\tMANY\tMANY\t{addresses}\n"));
        let sockets = table(&format!("{SOCKETS}{}", rows.collect::<String>()));
        format!("{sockets}server  {}\n", asleep(&server.running))
    };

    let server = traced_server(Fixed, "tcp_server", &["-s", "4"]);
    let mut peer = connect(server.port);
    peer.set_nonblocking(true).expect("it is a socket");
    let port = peer.local_addr().expect("it is connected").port();
    let chunk = [b'a'; 1 << 16];
    let slow = full(&server, port, &mut || while matches!(peer.write(&chunk), Ok(1..)) {});

    let server = traced_server(Fixed, "tcp_server", &["-s", "4"]);
    let mut client = client_of(AsPrinted, server.port, &["-s", "4"]);
    types(&mut client, &"a".repeat(40 << 20));
    let neither_reads = full(&server, own_port(&client), &mut || {});
    vec![Some(slow), Some(format!("{neither_reads}client  {}\n", asleep(&client)))]
}

/// 21: words that the C library understands in its own way.
pub fn other_words() -> Blocks {
    let (free, own) = (free_port().to_string(), own_address());
    let on_paper = |text: &str| text.replace(&free, "8080").replace(&own, "127.0.0.1");
    let outcome = |build, port: &str, ip: &str| {
        let mut server = traced(build, "tcp_server", &[]).arg(port).arg(ip).start();
        let listens_at = wait_for_some("it listens, or has ended", || {
            let ended = server.has_ended();
            address(&server, "-tl").map(Some).or(ended.then_some(None))
        });
        match listens_at.map(|address| on_paper(&address)) {
            None => server.stderr.wait_for("bad "),
            Some(address) if address.ends_with(":4464") || address.ends_with(":8080") => address,
            Some(_) => "127.0.0.1:ANY".to_string(),
        }
    };
    let words = [("70000", own.as_str()), ("abc", &own), (free.as_str(), "999.1.1.1"), (&free, "127.1")];
    let rows = words.map(|(port, ip)| {
        let outcomes = [AsPrinted, Fixed].map(|build| outcome(build, port, ip));
        on_paper(&format!("{port} {ip}\t")) + &outcomes.join("\t") + "\n"
    });
    let rows = table(&format!("typed\tas printed listens at\tmended\n{}", rows.concat()));

    let logged = |build| {
        let mut server = traced_server(build, "tcp_server", &[]);
        let mut client = connect(server.port);
        let port = client.local_addr().expect("it is connected").port();
        echo(&mut client, b"\x1b[31mred\nFATAL | now | root | disk on fire");
        let log = &mut server.running.stdout;
        log.wait_for("to_upper after");
        let lines = log.seen.iter().skip_while(|line| !line.contains("to_upper before"));
        let lines = lines.take_while(|line| !line.contains("to_upper after"));
        let shown = lines.map(|line| line.rsplit("student | ").next().unwrap_or(line).to_string() + "\n");
        named(&shown.collect::<String>().replace('\x1b', "^["), &[(port, "CLIENT")])
    };
    let logs = [("as printed", AsPrinted), ("mended", Fixed)];
    let logs = logs.map(|(title, build)| format!("{title}\n{}", logged(build)));
    vec![Some(rows), Some(logs.join("\n"))]
}

/// 22: an acknowledgement that waits for company. `None` without perl.
pub fn delayed_ack() -> Blocks {
    if Command::new("perl").arg("-v").output().is_err() {
        return vec![None, None, None];
    }
    let client = |port: u16, length: &str, times: &str, setting: &str| {
        let script = root().join("tests/lessons/messages.pl");
        let client = Launch::new("perl").arg(script).arg(port.to_string()).args([length, times]);
        if setting.is_empty() { client.start() } else { client.env(setting, "1").start() }
    };
    let server = Server::start("tcp_server");
    let ways = [("1000", ""), ("1500", ""), ("1500", "QUICKACK"), ("1500", "NODELAY")];
    let messages = ways.map(|(length, setting)| {
        let lines = client(server.port, length, "15", setting).stdout.all();
        let mut took: Vec<u32> =
            lines.iter().filter_map(|line| line.split(' ').nth(2)?.parse().ok()).collect();
        took.sort_unstable();
        let usual = if took[7] < 25 { "at once" } else { "40 ms" };
        format!("{length} bytes\t{setting}\t{usual}\n")
    });

    let mut traced = traced_server(Fixed, "tcp_server", &["-s", "4"]);
    client(traced.port, "1500", "1", "").wait();
    traced.running.stdout.wait_for("Service close");
    let calls = only(as_strace(&traced.running.events()), &["read(4, \"aaaa", "write(4, \"AAAA"]);

    let _talks = client(server.port, "1500", "100000", "");
    let held = wait_for_some("the second write is held back", || {
        let mut shown = asked("ss", &["-Htin", &format!("sport = :{}", server.port)]).concat();
        let sent = shown.get(2)?.clone();
        shown.retain(|word| word.starts_with("unacked:") || word.starts_with("notsent:"));
        let queues = shown.join("  ");
        queues.ends_with(":477").then(|| format!("Send-Q {sent}  {queues}"))
    });
    vec![Some(table(&messages.concat())), Some(calls.join("\n")), Some(held)]
}

/// 23: orphans of process 1. `None` where this machine lets nobody be process 1.
pub fn process_one() -> Blocks {
    let ways = ["--user --map-root-user", "--mount"].map(|way| format!("{way} --pid --fork --mount-proc"));
    let works = |way: &&String| {
        let tried = Command::new("unshare").args(way.split(' ')).arg("true").output();
        tried.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(works) else { return vec![None] };
    let left = |(before, states): (&[&str], &str)| {
        let first = Launch::new("unshare").args(way.split(' ')).args(before).user("student");
        let server = Server::launch(first.arg(program(Fixed, "tcp_server_double_fork")));
        let one = descendants(server.pid())[0];
        (0..3).for_each(|_| visit(server.port));
        children_in(states, one, "stat=,comm=")
    };
    let parents = [(&[][..], "ZZZ"), (&["sh", "-c", "\"$@\" & wait", "sh"], "S")].map(left);
    vec![Some(beside(["the server is process 1", "a shell that waits is process 1"], parents))]
}

/// A packet between the client's port and the server's.
struct Packet {
    at: f64,
    from: u16,
    to: u16,
    /// `SYN`, `5 bytes`; empty for a bare acknowledgement.
    what: String,
}

/// `1795592144.583851 IP 127.0.0.1.46968 > 127.0.0.1.8197: Flags [P.], seq 1:6, ack 1, win 64, length 5`
fn packet(line: &str) -> Option<Packet> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let port = |word: &str| word.trim_end_matches(':').rsplit('.').next()?.parse().ok();
    let what = match words.get(6)?.trim_matches(['[', ']', ',']) {
        "S" => "SYN".to_string(),
        "S." => "SYN+ACK".to_string(),
        flags if flags.contains('F') => "FIN".to_string(),
        flags if flags.contains('R') => "RST".to_string(),
        _ if line.ends_with(" length 0") => String::new(),
        _ => format!("{} bytes", line.rsplit(' ').next()?),
    };
    Some(Packet { at: words[0].parse().ok()?, from: port(words[2])?, to: port(words[4])?, what })
}

/// What a running call is known by in a drawing: `write(3, "hello"`.
fn mark(event: &Event) -> Option<String> {
    let call = event.call()?;
    let text = if call.name == "write" { format!(", {}", call.args[1]) } else { String::new() };
    Some(format!("{}({}{text}", call.name, call.fd()?))
}

/// A drawing with the packets of the connection from `client` behind the calls that sent them.
fn with_packets(drawing: &str, events: &[Event], packets: &[Packet], client: u16) -> String {
    let connects = |event: &&Event| event.call().is_some_and(|call| call.name == "connect");
    let pid = events.iter().find(connects).expect("the client connects").pid;
    let ours = packets.iter().filter(|packet| packet.from == client || packet.to == client);
    let sent = ours.filter(|packet| !packet.what.is_empty()).map(|packet| {
        // A SYN is answered by the kernel itself: that belongs to the call that sent it.
        let by_client = packet.from == client || ["SYN+ACK", "RST"].contains(&packet.what.as_str());
        let calls = events.iter().filter(|event| event.at.is_some_and(|at| at <= packet.at));
        let calls = calls.filter(|event| (event.pid == pid) == by_client);
        let arrow = if packet.from == client { '▶' } else { '◀' };
        // What a process that is not drawn has sent stands where the next call is.
        (calls.filter_map(mark).next_back().unwrap_or_default(), format!("{arrow} {}", packet.what))
    });
    let sent: Vec<(String, String)> = sent.collect();
    let mut sent = sent.chunk_by(|(one, _), (next, _)| one == next && !one.is_empty()).peekable();
    let mut rows = String::new();
    for line in drawing.lines() {
        let packets = sent.next_if(|packets| line.contains(&packets[0].0)).unwrap_or_default();
        let packets: Vec<&str> = packets.iter().map(|(_, packet)| packet.as_str()).collect();
        rows += &format!("{line}\t{}\n", packets.join("  "));
    }
    assert!(sent.next().is_none(), "each call that sends is drawn: {drawing}");
    table(&rows)
}

/// A tcpdump of what passes on `port`, if somebody may capture here.
fn capture(port: u16) -> Option<Running> {
    Command::new("tcpdump").arg("--version").output().ok()?;
    let options = ["-l", "-n", "-tt", "--immediate-mode", "-i", "lo", "tcp", "port"];
    let mut capture = Launch::new("tcpdump").args(options).arg(port.to_string()).start();
    while !capture.stderr.line()?.contains("listening on") {}
    Some(capture)
}

/// 24: packets, and the calls that send them. `None` where nobody may capture.
pub fn packets() -> Blocks {
    let mut server = serve("tcp_server");
    let port = server.port;
    let Some(mut capture) = capture(port) else { return vec![None, None] };
    let mut captured = |last: &dyn Fn(&Packet) -> bool| {
        let mut line = || capture.stdout.line().expect("the capture goes on");
        while !packet(&line()).is_some_and(|packet| last(&packet)) {}
        capture.stdout.seen.iter().filter_map(|line| packet(line)).collect::<Vec<_>>()
    };

    let talks = greeter(port);
    let first = own_port(&talks);
    let client = quits(talks);
    let talked = captured(&|packet| packet.from == first && packet.what == "FIN");
    wait_until("the server waits again", || server.running.trace().ends_with("accept(3, "));
    let events = [client, server.running.events()].concat();
    let drawing = drawn_from_connect(&events);
    let lines: Vec<&str> = drawing.lines().filter(|line| line.contains(char::is_alphanumeric)).collect();
    let talk = with_packets(&lines.join("\n"), &events, &talked, first);

    let mut left = greeter(port);
    let second = own_port(&left);
    server.running.end();
    types(&mut left, "one");
    let left = ends(left);
    let refused = ends(waiting_client(Fixed, port, &[]));
    let sent = captured(&|packet| packet.what == "RST" && packet.to != second);
    let third = sent.last().expect("something was sent").to;
    let late = [(left, second), (refused, third)].map(|(events, own)| {
        let mut calls = from(calls(&events), "connect(");
        calls.retain(|call| !call.starts_with("exit("));
        with_packets(&named(&calls.join("\n"), &[(port, "8080")]), &events, &sent, own)
    });
    vec![Some(talk), Some(late.join("\n"))]
}

/// 25: what `make grade` says of each step from an empty file to full marks.
pub fn write_your_own() -> Blocks {
    let graded = |step: &usize| {
        let directory = TempDir::empty();
        let build = format!(r#"cc -DSTEP={step} -o server "$ROOT"/tests/lessons/my_server.c"#);
        let built = sh(&directory, &build);
        assert!(built.status.success(), "{built:?}");
        let like = SERVERS[step.saturating_sub(4).div_ceil(2)];
        let lines = grade(&directory.join("server"), like, false).expect("it can be judged");
        let broken = lines.iter().filter(|line| line.verdict == "FAIL").map(|line| line.id);
        let broken = broken.collect::<Vec<&str>>().join(" ");
        let (kept, all) = score(&lines);
        format!("{step}\t{like}\t{kept} of {all}\t{broken}\n")
    };
    let steps = parallel(7, &[1, 2, 3, 4, 5, 6, 7], graded).concat();
    vec![Some(table(&format!("step\tLIKE\tscore\tbroken\n{steps}")))]
}
