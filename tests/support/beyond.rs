//! What is run for lessons 19 to 25: servers that go away, readers that do not read, the kernel below the calls.

use std::io::Write;
use std::process::Command;

use super::course::Blocks;
use super::grade::{grade, score};
use super::peer::{connect, said};
use super::programs::*;
use super::run::{Launch, Running};
use super::stage::*;
use super::strace::Event;

/// What a process has done so far, its printing too.
fn done(events: &[Event], process: &str) -> Vec<String> {
    let lines = told(&without_our_end(events.to_vec())).calls_and_log(process);
    let shortened = |line: String| match line.split_once("\\0") {
        Some((text, _)) => format!("{text}\\0..."),
        None => line,
    };
    lines.into_iter().map(shortened).collect()
}

/// The call that a process sleeps in, as strace leaves it: half a line.
fn asleep(running: &Running) -> String {
    eventually_some("it sleeps in a call", || {
        let trace = running.trace();
        let (_, line) = trace.rsplit_once('\n')?;
        let name = line[..line.find('(')?].rfind(' ')?;
        Some(line[name..].trim().to_string())
    })
}

/// 19: a client whose server goes away.
pub fn server_gone() -> Blocks {
    let left_alone = |build| {
        let mut server = Server::launch(launch(Build::Mended, "tcp_server"));
        let port = server.port;
        let mut client = client_of(build, port, &["-s", "200"]);
        says(&mut client, "hello");
        let names = [(port.into(), "8080"), (client_port(port, &[]).into(), "CLIENT")];
        server.running.end();
        eventually("both ends are closed on one side", || {
            let rows = ss(port);
            ["CLOSE-WAIT", "FIN-WAIT-2"].iter().all(|state| rows.iter().any(|row| row[0] == *state))
        });
        let mut rows = ss(port);
        rows.sort();
        rows.insert(0, row(&["State", "Recv-Q", "Send-Q", "Local", "Peer"]));
        let asleep = asleep(&client);
        client.type_in(b"one\n");
        if build == Build::AsPrinted {
            client.stdout.wait_for("Server Echoone");
            client.type_in(b"two\n");
        }
        client.wait_for_all();
        let mut calls = done(&client.events(), "client");
        let from = calls.iter().position(|call| call.contains("\"one")).expect("it was typed");
        calls.drain(..from);
        (format!("{}client  {asleep}\n", named_table(&rows, &names)), calls)
    };
    let ((seen, printed), (_, mended)) = (left_alone(Build::AsPrinted), left_alone(Build::Mended));
    vec![Some(seen), Some(beside(("as printed", &printed), ("mended", &mended)))]
}

/// 20: nobody reads.
pub fn slow_reader() -> Blocks {
    // Both ends of the only connection, when its server has come to rest with all four queues full.
    let full = |server: &Server, push: &mut dyn FnMut()| {
        let calls = || server.running.trace();
        let mut times = 0;
        let mut rests = || {
            push();
            times = if state(server.pid()) == Some('S') { times + 1 } else { 0 };
            times > 50 && calls().rsplit('\n').next().is_some_and(|call| call.contains("write(4, "))
        };
        // On a busy machine the way there is long; what makes calls has not come to its end.
        let mut before = 0;
        while !within(PATIENCE, &mut rests) {
            let now = calls().len();
            assert!(now > before, "the server rests, but not in write");
            before = now;
        }
        let mut rows = eventually_some("all queues are full", || {
            push();
            let mut rows = ss(server.port);
            // The server's end may close its window with few bytes in it.
            let few = |row: &[String]| port_of(&row[3]) == server.port && row[1] != "0";
            rows.retain(|row| row[0] == "ESTAB" && (row[1].len() > 4 || few(row)) && row[2].len() > 4);
            (rows.len() == 2).then_some(rows)
        });
        rows.sort_by_key(|row| port_of(&row[3]) != server.port);
        let names = [(server.port.into(), "8080"), (port_of(&rows[1][3]).into(), "CLIENT")];
        // How many wait is the kernel's own affair.
        rows.iter_mut().for_each(|row| row[1..3].fill("MANY".to_string()));
        rows.insert(0, row(&["State", "Recv-Q", "Send-Q", "Local", "Peer"]));
        format!("{}server  {}\n", named_table(&rows, &names), asleep(&server.running))
    };

    let server = traced_server(Build::Mended, "tcp_server", &["-s", "4"]);
    let mut peer = connect(server.port);
    peer.set_nonblocking(true).expect("it is a socket");
    let chunk = [b'a'; 1 << 16];
    let slow = full(&server, &mut || while matches!(peer.write(&chunk), Ok(1..)) {});

    let server = traced_server(Build::Mended, "tcp_server", &["-s", "4"]);
    let mut client = client_of(Build::AsPrinted, server.port, &["-s", "4"]);
    let line = vec![b'a'; 1 << 20];
    (0..40).for_each(|_| client.type_in(&line));
    client.type_in(b"\n");
    let both = full(&server, &mut || {});
    vec![Some(slow), Some(format!("{both}client  {}\n", asleep(&client)))]
}

/// 21: words that the C library understands in its own way.
pub fn other_words() -> Blocks {
    // 4464 at an address that no other test has.
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let own = format!("127.4.{high}.{low}");
    let free = free_port().to_string();
    let outcome = |build, port: &str, ip: &str| {
        let mut server = launch(build, "tcp_server").arg(port).arg(ip).start();
        let mark = format!("pid={},", server.pid());
        let listens = || asked("ss", &["-Htlnp"]).into_iter().find(|row| row.concat().contains(&mark));
        eventually("it listens, or has ended", || server.has_ended() || listens().is_some());
        let Some(row) = listens() else { return server.stderr.wait_for("bad ") };
        let known = ["4464", "8080"].contains(&port_of(&row[3]).to_string().as_str());
        let address = row[3].replace(&free, "8080").replace(&own, "127.0.0.1");
        if known || port.parse() == Ok(port_of(&row[3])) { address } else { "127.0.0.1:ANY".to_string() }
    };
    let words = [("70000", own.as_str()), ("abc", &own), (free.as_str(), "999.1.1.1"), (&free, "127.1")];
    let rows = words.map(|(port, ip)| {
        let typed = format!("{port} {ip}").replace(&free, "8080").replace(&own, "127.0.0.1");
        vec![typed, outcome(Build::AsPrinted, port, ip), outcome(Build::Mended, port, ip)]
    });
    let rows = [vec![row(&["typed", "as printed listens at", "mended"])], rows.to_vec()].concat();

    let logged = |build| {
        let mut server = Server::launch(launch(build, "tcp_server"));
        let words = b"\x1b[31mred\nFATAL | now | root | disk on fire";
        let mut client = connect(server.port);
        let port = u64::from(client.local_addr().expect("it is connected").port());
        said(&mut client, words);
        server.running.stdout.wait_for("to_upper after");
        let lines = server.running.stdout.seen.iter().skip_while(|line| !line.contains("to_upper before"));
        let lines = lines.take_while(|line| !line.contains("to_upper after"));
        let shown =
            lines.map(|line| line.rsplit("student | ").next().unwrap_or(line).replace('\x1b', "^["));
        shown.map(|line| named(&line, &[(port, "CLIENT")]) + "\n").collect::<String>()
    };
    let logs = [("as printed", Build::AsPrinted), ("mended", Build::Mended)];
    let logs = logs.map(|(title, build)| format!("{title}\n{}", logged(build)));
    vec![Some(table(&rows)), Some(logs.join("\n"))]
}

/// 22: an acknowledgement that waits for company. `None` without perl.
pub fn delayed_ack() -> Blocks {
    let client = |port: u16, words: [&str; 2], settings: &[&str]| {
        let script = root().join("tests/lessons/messages.pl");
        let client = Launch::of("perl").arg(script).arg(port.to_string()).args(words);
        settings.iter().fold(client, |client, name| client.env(name, "1"))
    };
    if Command::new("perl").arg("-v").output().is_err() {
        return vec![None, None, None];
    }
    let server = Server::launch(launch(Build::Mended, "tcp_server"));
    let usual = |length: &str, settings: &[&str]| {
        let took = client(server.port, [length, "15"], settings).start().stdout.all();
        let took = took.iter().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
        let mut took: Vec<u32> = took.collect();
        took.sort_unstable();
        let usual = if took[7] < 25 { "at once" } else { "40 ms" };
        row(&[&format!("{length} bytes"), &settings.concat(), usual])
    };
    let ways = [("1000", &[][..]), ("1500", &[]), ("1500", &["QUICKACK"]), ("1500", &["NODELAY"])];
    let messages = ways.map(|(length, settings)| usual(length, settings));

    let mut traced = traced_server(Build::Mended, "tcp_server", &["-s", "4"]);
    client(traced.port, ["1500", "1"], &[]).start().wait();
    traced.running.stdout.wait_for("Service close");
    let mut calls = as_strace(&traced.running.events(), &[]);
    calls.retain(|call| call.contains("(4, \"aaaa") || call.contains("(4, \"AAAA"));

    let _talks = client(server.port, ["1500", "100000"], &[]).start();
    let held = eventually_some("the second write is held back", || {
        let shown = asked("ss", &["-Htin", &format!("sport = :{}", server.port)]).concat();
        let queues =
            shown.iter().filter(|word| word.starts_with("unacked:") || word.starts_with("notsent:"));
        let queues = queues.cloned().collect::<Vec<_>>().join("  ");
        queues.ends_with(":477").then(|| format!("Send-Q {}  {queues}", shown[2]))
    });
    vec![Some(table(&messages)), Some(calls.join("\n")), Some(held)]
}

/// The words that start a program as process 1 of its own, as far as this machine lets a user: `None` if it does not.
fn as_process_1() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [
        &["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"],
        &["--pid", "--fork", "--mount-proc"],
    ];
    let works = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).arg("true").output();
        tried.is_ok_and(|output| output.status.success())
    };
    WAYS.iter().find(works).copied()
}

/// 23: orphans of process 1. `None` where nobody may be process 1.
pub fn process_one() -> Blocks {
    let Some(way) = as_process_1() else { return vec![None] };
    let left = |before: &[&str], states: &str| {
        let first = Launch::of("unshare").args(way).args(before);
        let first = first.arg(program(Build::Mended, "tcp_server_double_fork")).user("student");
        let server = Server::launch(first);
        let one = children(server.pid())[0];
        for _ in 0..3 {
            let mut client = client(server.port);
            says(&mut client, "hello");
            quits(client);
        }
        let list = || asked("ps", &["--ppid", &one.to_string(), "-o", "stat=,comm="]);
        let seen = || list().iter().map(|row| row[0][..1].to_string()).collect::<String>();
        eventually("the clients' servers have ended", || seen() == states);
        let lines = list().into_iter().map(|row| format!("{}  {}", &row[0][..1], row[1..].join(" ")));
        lines.collect::<Vec<String>>()
    };
    let alone = left(&[], "ZZZ");
    let reaped = left(&["sh", "-c", "\"$@\" & wait", "sh"], "S");
    vec![Some(beside(("the server is process 1", &alone), ("a shell that waits is process 1", &reaped)))]
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
fn with_packets(drawing: &str, events: &[Event], packets: &[Packet], server: u16, client: u16) -> String {
    let connects = |event: &&Event| mark(event).is_some_and(|mark| mark.starts_with("connect("));
    let clients: Vec<u32> = events.iter().filter(connects).map(|event| event.pid).collect();
    let mut sent: Vec<(String, Vec<String>)> = Vec::new();
    let ours = packets.iter().filter(|packet| packet.from == client || packet.to == client);
    for packet in ours.filter(|packet| !packet.what.is_empty()) {
        // A SYN is answered by the kernel itself: that belongs to the call that sent it.
        let by_client = packet.from != server || ["SYN+ACK", "RST"].contains(&packet.what.as_str());
        let calls = events.iter().filter(|event| event.at.is_some_and(|at| at <= packet.at));
        let calls = calls.filter(|event| clients.contains(&event.pid) == by_client);
        // What a process that is not drawn has sent stands where the next call is.
        let mark = calls.filter_map(mark).next_back().unwrap_or_default();
        let words = format!("{} {}", if packet.from == server { '◀' } else { '▶' }, packet.what);
        match sent.last_mut().filter(|(call, _)| *call == mark && !mark.is_empty()) {
            Some((_, packets)) => packets.push(words),
            None => sent.push((mark, vec![words])),
        }
    }
    let mut sent = sent.into_iter().peekable();
    let mut rows = Vec::new();
    for line in drawing.lines() {
        let packets = sent.next_if(|(mark, _)| line.contains(mark.as_str()));
        rows.push(vec![line.to_string(), packets.map_or(String::new(), |(_, packets)| packets.join("  "))]);
    }
    assert!(sent.next().is_none(), "each call that sends is drawn: {drawing}");
    table(&rows)
}

/// A tcpdump of what passes on `port`, if somebody may capture here.
fn capture(port: u16) -> Option<Running> {
    Command::new("tcpdump").arg("--version").output().ok()?;
    let capture =
        Launch::of("tcpdump").args(["-l", "-n", "-tt", "--immediate-mode", "-i", "lo", "tcp", "port"]);
    let mut capture = capture.arg(port.to_string()).start();
    while !capture.stderr.line()?.contains("listening on") {}
    Some(capture)
}

/// 24: packets, and the calls that send them. `None` where nobody may capture.
pub fn packets() -> Blocks {
    let mut server = traced_server(Build::Mended, "tcp_server", &["-s", "200"]);
    let port = server.port;
    let Some(mut capture) = capture(port) else { return vec![None, None] };
    let seen = |capture: &mut Running, enough: &dyn Fn(&Packet) -> bool| loop {
        let line = capture.stdout.line().expect("the capture goes on");
        if packet(&line).is_some_and(|packet| enough(&packet)) {
            break;
        }
    };
    let port_of_client = |client: &Running| {
        let mut rows = asked("ss", &["-Htnp", &format!("dport = :{port}")]).into_iter();
        let row = rows.find(|row| row.concat().contains(&format!("pid={},", client.pid())));
        port_of(&row.expect("it is connected")[3])
    };

    let mut client = client_of(Build::Mended, port, &["-s", "200"]);
    let first = port_of_client(&client);
    says(&mut client, "hello");
    client.type_in(b"quit\n");
    client.wait_for_all();
    seen(&mut capture, &|packet| packet.from == first && packet.what == "FIN");
    eventually("the server waits again", || server.running.trace().ends_with("accept(3, "));
    let events = [client.events(), without_our_end(server.running.events())].concat();
    let talk = drawn_from_connect(&events);
    let talk =
        talk.lines().filter(|line| line.contains(char::is_alphanumeric)).collect::<Vec<_>>().join("\n");

    let mut left = client_of(Build::Mended, port, &["-s", "200"]);
    let second = port_of_client(&left);
    says(&mut left, "hello");
    server.running.end();
    left.type_in(b"one\n");
    left.wait_for_all();
    let refused = launch(Build::Mended, "tcp_client").arg("127.0.0.1").arg(port.to_string());
    let mut refused = refused.traced(seeing(&["-s", "200"])).start();
    refused.wait_for_all();
    seen(&mut capture, &|packet| packet.what == "RST" && packet.to != second);
    let packets: Vec<Packet> = capture.stdout.seen.iter().filter_map(|line| packet(line)).collect();
    let third = packets.last().expect("something was sent").to;
    let late = [(left, second), (refused, third)].map(|(client, own)| {
        let events = client.events();
        let calls = done(&events, "client").into_iter().filter(|call| !call.starts_with(['p', 'l', 'e']));
        let calls = calls.skip_while(|call| !call.starts_with("connect("));
        let calls = calls.map(|call| named(&call, &[(port.into(), "8080")]) + "\n").collect::<String>();
        with_packets(&calls, &events, &packets, port, own)
    });
    vec![Some(with_packets(&talk, &events, &packets, port, first)), Some(late.join("\n"))]
}

/// 25: what `make grade` says of each step from an empty file to full marks.
pub fn write_your_own() -> Blocks {
    let directory = std::env::temp_dir().join(format!("steps-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let graded = &|step: usize| {
        let own = directory.join(format!("step-{step}"));
        let mut compiler = Command::new("cc");
        compiler.arg(format!("-DSTEP={step}")).arg("-o").arg(&own);
        let built = compiler.arg(root().join("tests/lessons/my_server.c")).output().expect("cc is there");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let like =
            ["tcp_server", "tcp_server_fork", "tcp_server_double_fork"][step.saturating_sub(4).div_ceil(2)];
        let lines = grade(&own, like, false).expect("it can be judged");
        let broken = lines.iter().filter(|line| line.verdict == "FAIL").map(|line| line.id);
        let broken = broken.collect::<Vec<&str>>().join(" ");
        let (kept, all) = score(&lines);
        vec![step.to_string(), like.to_string(), format!("{kept} of {all}"), broken]
    };
    let mut rows = vec![row(&["step", "LIKE", "score", "broken"])];
    std::thread::scope(|scope| {
        let graded = (1..=7).map(|step| scope.spawn(move || graded(step))).collect::<Vec<_>>();
        rows.extend(graded.into_iter().map(|graded| graded.join().expect("it is graded")));
    });
    let _ = std::fs::remove_dir_all(&directory);
    vec![Some(table(&rows))]
}
