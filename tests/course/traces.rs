//! What is run for each lesson, as its "What to type" says, and what each of its trace blocks then shows.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::article;
use crate::course::beyond;
use crate::course::stage::{
    SOCKETS, as_strace, asked, beside, both, calls, calls_and_log, children_in, client, client_of,
    conversation, drawn, drawn_from_connect, ends, from, greeter, named, only, own_address, own_port,
    quits, serve, sh, ss, stop, stop_now, table, traced, traced_server, types, visit, waiting_client,
};
use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::{Server, program};
use crate::harness::net::test_client::{connect, echo, read_rest};
use crate::harness::process::launch::{Launch, Limit, Running};
use crate::harness::process::procfs::{descendants, waits_in_accept};
use crate::harness::process::wait::wait_until;
use crate::harness::session::trace_of_calls;
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;
use crate::harness::trace::parse;
use crate::harness::trace::render::raw;

/// The blocks of a lesson. `None`: not measured, for want of the article.
pub type Blocks = Vec<Option<String>>;

/// What is run for each lesson, from 0 on.
pub const COURSE: [fn() -> Blocks; 26] = [
    reading,
    listening,
    one_message,
    nobodys_port,
    byte_order,
    second_client,
    backlog,
    descriptors_of_two,
    leak,
    zombies,
    double_fork,
    third_argument,
    varargs,
    sigpipe,
    byte_stream,
    end_of_input,
    buffers,
    time_wait,
    failing_calls,
    beyond::server_gone,
    beyond::slow_reader,
    beyond::other_words,
    beyond::delayed_ack,
    beyond::process_one,
    beyond::packets,
    beyond::write_your_own,
];

/// 0: one short conversation, as strace writes it.
fn reading() -> Blocks {
    let Server { running, port } = serve("tcp_server_double_fork");
    let mut peer = connect(port);
    let from = peer.local_addr().expect("it is connected").port();
    echo(&mut peer, b"hello");
    peer.write_all(b"quit").expect("it is sent");
    read_rest(&mut peer);
    wait_until("the grandchild is gone", || running.trace().matches("+++ exited with 0").count() == 2);
    wait_until("the server waits for a client", || waits_in_accept(running.pid()));
    running.signal(libc::SIGINT);
    let events = ends(running);
    let [parent, child, grandchild] = parse::pids(&events)[..] else { panic!("three processes") };
    // Of what is written, the log is left out.
    let share = |pid: u32| {
        let mut own = as_strace(events.iter().filter(|event| event.pid == pid));
        own.retain(|line| !line.starts_with("write(1"));
        own.iter().map(|line| format!("{pid} {line}\n")).collect::<String>()
    };
    let mut text = share(parent);
    text.drain(..text.find(&format!("{parent} accept(")).expect("it has accepted"));
    // A child that has ended before its parent waits is another story; a process 1023 has the name of what is read.
    if text.find("--- SIGCHLD") < text.find("wait4(") || [parent, child, grandchild].contains(&1023) {
        return reading();
    }
    // In the last of these calls the parent sleeps, while the other goes on.
    for (name, other) in [("wait4", child), ("accept", grandchild)] {
        let call = text.rfind(&format!("{name}(")).expect("the parent waits");
        let inside = call + text[call..].find(", ").expect("it has arguments") + 2;
        let meanwhile = share(other);
        text.insert_str(inside, &format!(" <unfinished ...>\n{meanwhile}{parent} <... {name} resumed>"));
    }
    let names = [(port.into(), "8080"), (from.into(), "CLIENT"), (parent, "PARENT")];
    let names = [&names[..], &[(child, "CHILD"), (grandchild, "GRANDCHILD")]].concat();
    vec![Some(named(&text, &names))]
}

/// 1: what a listening socket costs.
fn listening() -> Blocks {
    let server = serve("tcp_server");
    let names = [(server.port, "8080")];
    // The loader's and the log's are not what the lesson is about.
    let ours = ["rt_sigaction(", "socket(", "setsockopt(", "bind(", "listen(", "accept("];
    let calls = only(as_strace(&stop(server)), &ours).join("\n");
    let (calls, _) = calls.rsplit_once("..., [16]").expect("it sleeps in accept");
    vec![Some(named(calls, &names))]
}

/// 2: one message.
fn one_message() -> Blocks {
    vec![Some(drawn(&conversation("tcp_server")))]
}

/// 3: the client's port that nobody chose.
fn nobodys_port() -> Blocks {
    let server = serve("tcp_server_fork");
    let port = server.port;
    let (first, second) = (client(port), client(port));
    let names = [(port, "8080"), (own_port(&first), "FIRST"), (own_port(&second), "SECOND")];
    let both_are_there = |rows: &str| rows.lines().count() == 2;
    let connections = ss(&format!("dport = :{port}"), &names, both_are_there);
    quits(second);
    let client = only(as_strace(&quits(first)), &["socket(", "connect("]);
    let server = only(as_strace(&stop(server)), &["accept("]);
    let on_paper = |calls: &[String]| Some(named(&calls.join("\n"), &names));
    vec![on_paper(&client), on_paper(&server[..2]), Some(table(&connections))]
}

/// 4: erratum 1. The very port of the lesson, at an address that no other test has.
fn byte_order() -> Blocks {
    let ip = own_address();
    let mut server = traced(Fixed, "tcp_server", &[]).arg("18080").arg(&ip).start();
    server.stdout.wait_for("listen() success");
    let connects = both(|build| {
        let mut client = traced(build, "tcp_client", &[]).arg(&ip).arg("18080").start();
        client.end_input();
        let calls = only(calls(&ends(client)), &["connect("]);
        calls.iter().map(|call| call.replace(&ip, "127.0.0.1")).collect()
    });
    vec![Some(connects)]
}

/// 5: the second client of a server that serves one.
fn second_client() -> Blocks {
    let server = serve("tcp_server");
    let port = server.port;
    let first = greeter(port);
    let mut second = client(port);
    types(&mut second, "me too");
    let names = [(port, "8080"), (own_port(&first), "FIRST"), (own_port(&second), "SECOND")];
    // The server's side: the listening socket, then one socket a client.
    let side = format!("exclude time-wait sport = :{port}");
    let before = ss(&side, &names, |rows| rows.contains("ESTAB\t6"));
    quits(first);
    second.stdout.wait_for("Server EchoME TOO");
    let after = ss(&side, &names, |rows| rows.lines().count() == 2);
    quits(second);
    [before, after].map(|rows| Some(table(&format!("{SOCKETS}{rows}")))).into()
}

/// 6: how many may wait, and what the next one sees.
fn backlog() -> Blocks {
    let server = serve("tcp_server");
    let names = [(server.port, "8080")];
    let _served = greeter(server.port);
    let _waiting: Vec<Running> = (0..6).map(|_| client(server.port)).collect();
    let next = waiting_client(Fixed, server.port, &[]);
    let asking = |rows: &str| rows.contains("SYN-SENT");
    let clients = ss(&format!("dport = :{}", server.port), &names, asking);
    let count = |state: &str| format!("{state}\t{}\n", clients.matches(state).count());
    let counts = format!("clients\n{}{}", count("ESTAB"), count("SYN-SENT"));
    let listening = ss(&format!("-l sport = :{}", server.port), &names, |rows| !rows.is_empty());
    let (waiting, _) = listening.split_once("\t127").expect("it has an address");
    let listening = table(&format!("State\tRecv-Q\tSend-Q\n{waiting}"));
    let connects = only(calls(&stop_now(next)), &["connect("]);
    vec![Some(listening), Some(table(&counts)), Some(named(&connects.concat(), &names))]
}

/// 7: who holds which descriptor after a fork.
fn descriptors_of_two() -> Blocks {
    let server = serve("tcp_server_fork");
    let (port, parent) = (server.port, server.pid());
    let client = greeter(port);
    let names = [(port.into(), "8080"), (parent, "PARENT"), (descendants(parent)[0], "CHILD")];
    let each_has_closed_the_others = |rows: &str| !rows.contains("),(");
    let held = ss(&format!("-p sport = :{port}"), &names, each_has_closed_the_others);
    quits(client);
    let rows = held.lines().map(|row| {
        let words: Vec<&str> = row.split('\t').collect();
        [words[0], words[3], words[5]].join("\t")
    });
    let held = table(&rows.collect::<Vec<_>>().join("\n"));
    vec![Some(drawn_from_connect(&conversation("tcp_server_fork"))), Some(held)]
}

/// 8: a parent whose `close` never happens, with 16 descriptors.
fn leak() -> Blocks {
    let accepted = |options: &[&str]| {
        let mut server =
            Server::launch(traced(Fixed, "tcp_server_fork", options).limit(Limit::Descriptors, 16));
        for _ in 0..12 {
            let mut client = greeter(server.port);
            client.end_input();
            client.wait();
            server.running.stdout.wait_for("accept()");
        }
        drop(client(server.port));
        server.running.stdout.wait_for("accept()");
        let calls = only(calls(&stop_now(server.running)), &["accept("]);
        calls[..13].to_vec()
    };
    // The C library closes something before the first client: what it loads, the time zone.
    let before = only(as_strace(&stop(serve("tcp_server_fork"))), &["close("]).len();
    let close_never_happens = format!("inject=close:retval=0:when={}+", before + 1);
    let ways = [&[][..], &["-e", &close_never_happens]];
    vec![Some(beside(["close", "no close"], ways.map(accepted)))]
}

/// 9: children that have ended, and a parent that does or does not ignore SIGCHLD.
fn zombies() -> Blocks {
    let after_three = |(options, states): (&[&str], &str)| {
        let server = traced_server(Fixed, "tcp_server_fork", options);
        (0..3).for_each(|_| visit(server.port));
        let mut left = children_in(states, server.pid(), "stat=,args=");
        if left.is_empty() {
            left.push("(no children)".to_string());
        }
        [only(calls(&stop(server)), &["signal(SIGCHLD"]), left].concat()
    };
    let ways = [(&[][..], ""), (&["-e", "inject=rt_sigaction:retval=0:when=2"], "ZZZ")];
    vec![Some(beside(["SIGCHLD ignored", "the call taken away"], ways.map(after_three)))]
}

/// 10: parent, child and grandchild.
fn double_fork() -> Blocks {
    let server = serve("tcp_server_double_fork");
    let (port, parent) = (server.port, server.pid());
    let client = greeter(port);
    wait_until("the child is gone", || descendants(parent).is_empty());
    let held = ss(&format!("-p sport = :{port}"), &[(port, "8080")], |rows| rows.contains("ESTAB"));
    let grandchild = held.split("ESTAB").nth(1).and_then(|row| row.split("pid=").nth(1)?.split(',').next());
    let grandchild = grandchild.expect("somebody holds the connection").parse().expect("a number");
    let row = |pid: u32, name, above_it| {
        let above = asked("ps", &["-o", "ppid=", "-p", &pid.to_string()]).concat().concat();
        assert!(pid == parent || above != parent.to_string(), "the grandchild is the system's");
        named(&format!("{pid}\t{above}\n"), &[(pid.to_string(), name), (above, above_it)])
    };
    let rows = [row(parent, "PARENT", "SHELL"), row(grandchild, "GRANDCHILD", "SYSTEM")].concat();
    quits(client);
    let drawing = drawn_from_connect(&conversation("tcp_server_double_fork"));
    vec![Some(drawing), Some(table(&format!("PID\tPPID\n{rows}")))]
}

/// 11: erratum 4.
fn third_argument() -> Blocks {
    let parents = both(|build| {
        let server = traced_server(build, "tcp_server_double_fork", &[]);
        visit(server.port);
        let calls = from(calls(&stop(server)), "fork() = child");
        calls.iter().map(|call| call.replace("peer_port", "CLIENT_PORT")).collect()
    });
    vec![Some(parents)]
}

/// 12: erratum 2, in C++ and in a copy of `src/`.
fn varargs() -> Blocks {
    vec![article::article().and_then(|article| crash(&article)), Some(refused_line())]
}

/// What the article's server does with every erratum in it; `None` if it does not crash.
fn crash(article: &Path) -> Option<String> {
    let (listings, directory) = (article::listings(article), TempDir::empty());
    for name in ["tcp.hpp", "logMessage.hpp", "tcpServer.cc"] {
        directory.write(name, listings.get(name));
    }
    let built = sh(&directory, "g++ -O2 -w -o server tcpServer.cc");
    assert!(built.status.success(), "{built:?}");
    let mut server = Server::launch(Launch::new(directory.join("server")).traced(trace_of_calls(&[])));
    echo(&mut server.connect(), b"hello");
    if server.running.wait_timeout(Duration::from_secs(8)) != Some(128 + libc::SIGSEGV) {
        skip("lesson 12: what this compiler makes of erratum 2 does not crash");
        return None;
    }
    Some(from(calls(&ends(server.running)), "accept(").join("\n"))
}

/// What the compiler says when the arguments of a line stand inside its format.
fn refused_line() -> String {
    let script = r#"
        cp -r "$ROOT"/src "$ROOT"/tests "$ROOT"/Cargo.* .
        sed -i 's/\(quited:\[%s:%d\]\)", client_ip, client_port)/\1,client_ip,client_port")/' src/tcp_server.rs
        cargo check --quiet --offline --lib --target-dir target"#;
    let built = sh(&TempDir::empty(), script);
    let said = String::from_utf8_lossy(&built.stderr);
    let refused = "error[E0277]: `()` is not an argument for the conversion 's'";
    assert!(!built.status.success() && said.contains(refused), "{said}");
    let place = said.lines().find_map(|line| line.find("log_message!(").map(|start| &line[start..]));
    format!("{refused}\nsrc/tcp_server.rs: {}", place.expect("it names the place"))
}

/// 13: a write to a client that has gone.
fn sigpipe() -> Blocks {
    let second_client = both(|build| {
        let mut server = traced_server(build, "tcp_server", &["-s", "4"]);
        let first = greeter(server.port);
        let mut gone = connect(server.port);
        gone.write_all(&[b'a'; 20_000]).expect("the kernel takes it");
        drop(gone);
        quits(first);
        (0..2).for_each(|_| _ = server.running.stdout.wait_for("accept() success"));
        let mut calls = from(calls(&stop(server)), "close(").split_off(1);
        // It reads and writes again and again: the first two and the last two are shown.
        let moves = only(calls.clone(), &["read(", "write("]).len();
        calls.drain(3..(moves - 1).max(3));
        calls
    });
    vec![Some(second_client)]
}

/// 14: pieces, and what is glued together.
fn byte_stream() -> Blocks {
    let for_the_last_client = |server| {
        let calls = calls(&stop(server));
        let mut clients = calls.split(|call| call.starts_with("accept("));
        clients.nth_back(1).expect("it had a client").join("\n")
    };
    let server = serve("tcp_server");
    let mut peer = connect(server.port);
    for piece in ["qu", "it", "quit\n"] {
        echo(&mut peer, piece.as_bytes());
    }
    drop(peer);
    let pieces = for_the_last_client(server);

    let server = serve("tcp_server");
    let first = greeter(server.port);
    let mut peer = connect(server.port);
    for word in ["one", "two"] {
        peer.write_all(word.as_bytes()).expect("the kernel takes it");
    }
    quits(first);
    peer.read_exact(&mut [0; 6]).expect("the server replies");
    drop(peer);
    let glued = for_the_last_client(server);

    let long_line = both(|build| {
        let mut server = serve("tcp_server");
        let mut client = client_of(build, server.port, &["-s", "4"]);
        types(&mut client, &"a".repeat(1500));
        (0..2).for_each(|_| _ = server.running.stdout.wait_for("to_upper after"));
        let calls = as_strace(&quits(client));
        let calls = only(calls, &["write(3", "read(3, \"AAAA\"", "read(3, \"\""]).into_iter();
        // Whether the second piece is there when the first is read, nobody can say.
        let either = |call: String| match call.rsplit_once(" = ") {
            _ if build == Fixed || raw() => call,
            Some((read, "1023" | "1024")) => format!("{read} = 1023 or 1024"),
            Some((read, "476" | "477")) => format!("{read} = 477 or 476"),
            _ => call,
        };
        calls.map(either).collect()
    });
    vec![Some(pieces), Some(glued), Some(long_line)]
}

/// 15: a client whose input has ended.
fn end_of_input() -> Blocks {
    let asks = both(|build| {
        let server = serve("tcp_server");
        let mut client = client_of(build, server.port, &[]);
        client.end_input();
        if build == AsPrinted {
            wait_until("it has asked a thousand times", || client.trace().lines().count() > 2_100);
            client.signal(libc::SIGTERM);
        }
        let mut calls = from(calls_and_log(&ends(client)), "print Please enter");
        if calls.len() > 2_000 {
            calls.truncate(6);
            calls.push("... and so on, more than 1,000 times".to_string());
        }
        calls
    });
    vec![Some(asks)]
}

/// 16: who writes the parent's unwritten lines.
fn buffers() -> Blocks {
    let counted = |program: PathBuf| {
        let directory = TempDir::empty();
        let log = directory.join("log");
        let file = std::fs::File::create(&log).expect("it can be written to");
        let mut server = Server::launch(Launch::new(program).user("student").stdout(file));
        (0..2).for_each(|_| visit(server.port));
        server.running.signal(libc::SIGTERM);
        server.running.wait_for_descendants();
        let log = std::fs::read_to_string(log).expect("the log is there");
        let lines = ["socket() success", "bind() success", "listen() success", "accept() success"];
        table(&lines.map(|line| format!("{line}\t{}", log.matches(line).count())).join("\n"))
    };
    let name = "tcp_server_double_fork";
    let article = article::article().map(|article| counted(article::program(&article, false, name)));
    vec![article, Some(counted(program(Fixed, name)))]
}

/// 17: a server that comes back too early.
fn time_wait() -> Blocks {
    let mut kept = String::new();
    let again = |options| {
        let server = traced_server(Fixed, "tcp_server", options);
        let port = server.port;
        let client = greeter(port);
        let names = [(port, "8080"), (own_port(&client), "CLIENT")];
        quits(client);
        let waits = |rows: &str| rows.starts_with("TIME-WAIT");
        kept = ss(&format!("exclude listening sport = :{port}"), &names, waits);
        stop(server);
        let again = traced(Fixed, "tcp_server", options).arg(port.to_string()).arg("127.0.0.1");
        let server = Server { running: again.start(), port };
        from(calls(&stop(server)), "setsockopt(")
    };
    let ways = [&["-e", "inject=setsockopt:retval=0"][..], &[]].map(again);
    let starts = beside(["the call taken away", "SO_REUSEADDR"], ways);
    vec![Some(table(&kept)), Some(starts)]
}

/// 18: calls that strace makes fail.
fn failing_calls() -> Blocks {
    let calls = |build, fault, conversation: fn(&Server)| {
        let server = traced_server(build, "tcp_server_fork", &["-e", fault]);
        conversation(&server);
        calls(&stop(server))
    };
    let accepts = both(|build| {
        let calls = calls(build, "inject=accept:error=EMFILE:when=1..3", |server| {
            echo(&mut connect(server.port), b"hello");
            wait_until("the child is gone", || descendants(server.pid()).is_empty());
        });
        only(calls, &["accept(", "usleep"]).into_iter().take(7).collect()
    });
    let forks = both(|build| {
        let calls = calls(build, "inject=clone:error=EAGAIN:when=1", |server| {
            assert_eq!(read_rest(&mut connect(server.port)), b"");
        });
        from(calls, "accept(")
    });
    vec![Some(accepts), Some(forks)]
}
