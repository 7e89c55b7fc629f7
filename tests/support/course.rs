//! What is run for each lesson, as its "What to type" says, and what each of its trace blocks then shows.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::article;
use super::beyond;
use super::conversation;
use super::programs::*;
use super::skip::skip;
use super::stage::*;
use super::strace::{self, Event, What};

/// The blocks of a lesson. `None`: not measured, for want of the article.
pub type Blocks = Vec<Option<String>>;

/// What makes them.
type Run = fn() -> Blocks;

/// What is run for a lesson, by its number.
pub const COURSE: &[(usize, Run)] = &[
    (0, reading),
    (1, listening),
    (2, one_message),
    (3, nobodys_port),
    (4, byte_order),
    (5, second_client),
    (6, backlog),
    (7, descriptors_of_two),
    (8, leak),
    (9, zombies),
    (10, double_fork),
    (11, third_argument),
    (12, varargs),
    (13, sigpipe),
    (14, byte_stream),
    (15, end_of_input),
    (16, buffers),
    (17, time_wait),
    (18, failing_calls),
    (19, beyond::server_gone),
    (20, beyond::slow_reader),
    (21, beyond::other_words),
    (22, beyond::delayed_ack),
    (23, beyond::process_one),
    (24, beyond::packets),
    (25, beyond::write_your_own),
];

/// 0: one short conversation, as strace writes it.
fn reading() -> Blocks {
    let Server { mut running, port } = traced_server(Build::Mended, "tcp_server_double_fork", &[]);
    let mut peer = connect(port);
    let from = peer.local_addr().expect("it is connected").port();
    said(&mut peer, b"hello");
    peer.write_all(b"quit").expect("it is sent");
    rest(&mut peer);
    eventually("the grandchild is gone", || running.trace().matches("+++ exited with 0").count() == 2);
    eventually("the server waits for a client", || accepts(running.pid()));
    running.signal(libc::SIGINT);
    running.wait_for_all();
    let mut events = running.events();
    let pids = strace::pids(&events);
    // The parent's share from its first client on, and without the log.
    let first = events.iter().position(|event| event.call().is_some_and(|call| call.name == "accept"));
    events.drain(..first.expect("it has accepted"));
    events.retain(|event| event.call().is_none_or(|call| call.name != "write" || call.fd() == Some(4)));
    let names = [u64::from(port), from.into(), pids[0].into(), pids[1].into(), pids[2].into()];
    let names: Vec<_> =
        names.into_iter().zip(["8080", "CLIENT", "PARENT", "CHILD", "GRANDCHILD"]).collect();
    vec![Some(named(&as_written(&events, &pids), &names))]
}

/// What the first of `pids` did as `strace -f` writes it, the others' share where it sleeps.
fn as_written(events: &[Event], pids: &[u32]) -> String {
    let Some((&pid, below)) = pids.split_first() else { return String::new() };
    let (mut text, mut told) = (String::new(), false);
    for event in events.iter().filter(|event| event.pid == pid) {
        let line = match &event.what {
            What::Call(call) if ["wait4", "accept"].contains(&call.name.as_str()) && call.result != "4" => {
                let (name, first) = (&call.name, &call.args[0]);
                let errno = call
                    .errno
                    .as_ref()
                    .map_or("", |_| " ERESTARTSYS (To be restarted if SA_RESTART is set)");
                let rest =
                    if name == "wait4" { call.args[1..].join(", ") } else { "..., [16]".to_string() };
                text += &format!("{pid} {name}({first},  <unfinished ...>\n");
                // The child's share, or that of the last that is left.
                let whose = if told { &below[1..] } else { &below[..1] };
                text += &whose.iter().map(|&pid| as_written(events, &[pid])).collect::<String>();
                told = true;
                format!("<... {name} resumed>{rest}) = {}{errno}", call.result)
            }
            What::Call(call) if call.name == "clone" => {
                format!("clone(child_stack=NULL, flags=...|SIGCHLD, ...) = {}", call.result)
            }
            What::Call(call) => format!("{}({}) = {}", call.name, call.args.join(", "), call.result),
            What::Signal(name) => format!("--- {name} {{si_signo={name}, ...}} ---"),
            What::End(end) => format!("+++ {end} +++"),
        };
        text += &format!("{pid} {line}\n");
    }
    text
}

/// 1: what a listening socket costs.
fn listening() -> Blocks {
    let server = traced_server(Build::Mended, "tcp_server", &[]);
    let port = server.port.into();
    let mut calls = as_strace(&stop(server), &[(port, "8080")]);
    // The loader's and the log's are not what the lesson is about.
    calls.retain(|call| !["read(", "write(", "close("].iter().any(|name| call.starts_with(name)));
    vec![Some(calls.join("\n"))]
}

/// A conversation of one client with a server: `hello`, then `quit`. What was seen of both.
fn conversation(server: &str) -> Vec<Event> {
    let programs = program(Build::Mended, server);
    let directory = programs.parent().expect("they have a directory");
    without_our_end(conversation::hold(directory, server, 1, free_port()))
}

/// 2: one message.
fn one_message() -> Blocks {
    vec![Some(drawn(&conversation("tcp_server")))]
}

/// 3: the client's port that nobody chose.
fn nobodys_port() -> Blocks {
    let server = traced_server(Build::Mended, "tcp_server_fork", &[]);
    let port = server.port;
    let first = client(port);
    let first_port = client_port(port, &[]);
    let second = client(port);
    let second_port = client_port(port, &[first_port]);
    let names = [(port.into(), "8080"), (first_port.into(), "FIRST"), (second_port.into(), "SECOND")];
    let mut rows = ss(port);
    rows.retain(|row| [first_port, second_port].contains(&port_of(&row[3])));
    rows.sort_by_key(|row| port_of(&row[3]) == second_port);
    quits(second);
    let wanted = |calls: Vec<String>, names: &[&str]| -> Vec<String> {
        calls.into_iter().filter(|call| names.iter().any(|name| call.starts_with(name))).collect()
    };
    let client = wanted(as_strace(&quits(first), &names), &["socket(", "connect("]);
    let server = wanted(as_strace(&stop(server), &names), &["accept("]);
    vec![Some(client.join("\n")), Some(server[..2].join("\n")), Some(named_table(&rows, &names))]
}

/// 4: erratum 1. The very port of the lesson, at an address that no other test has.
fn byte_order() -> Blocks {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let ip = format!("127.4.{high}.{low}");
    let mut server = launch(Build::Mended, "tcp_server").arg("18080").arg(&ip).start();
    server.stdout.wait_for("listen() success");
    let calls = |build| {
        let client = launch(build, "tcp_client").arg(&ip).arg("18080").traced(seeing(&[]));
        let mut client = client.start();
        client.end_input();
        let mut calls = told(&ends(&mut client)).calls("client");
        calls.retain(|call| call.starts_with("connect("));
        vec![calls[0].replace(&ip, "127.0.0.1")]
    };
    let (printed, mended) = (calls(Build::AsPrinted), calls(Build::Mended));
    vec![Some(beside(("as printed", &printed), ("mended", &mended)))]
}

/// 5: the second client of a server that serves one.
fn second_client() -> Blocks {
    let server = Server::launch(launch(Build::Mended, "tcp_server"));
    let port = server.port;
    let mut first = client(port);
    says(&mut first, "hello");
    let first_port = client_port(port, &[]);
    let mut second = client(port);
    let second_port = client_port(port, &[first_port]);
    types(&mut second, "me too");
    let names = [(port.into(), "8080"), (first_port.into(), "FIRST"), (second_port.into(), "SECOND")];
    // The server's side: the listening socket, then one socket a client.
    let own = || -> Vec<_> { ss(port).into_iter().filter(|row| port_of(&row[3]) == port).collect() };
    let listed = |mut rows: Vec<Vec<String>>| {
        rows.sort_by_key(|row| (row[0] != "LISTEN", row[4].ends_with(&second_port.to_string())));
        rows.insert(0, row(&["State", "Recv-Q", "Send-Q", "Local", "Peer"]));
        Some(named_table(&rows, &names))
    };
    eventually("the second client's bytes lie in the kernel", || own().iter().any(|row| row[1] == "6"));
    let before = listed(own());
    quits(first);
    second.stdout.wait_for("Server EchoME TOO");
    eventually("the first connection is over", || {
        own().iter().filter(|row| row[0] == "ESTAB").count() == 1
    });
    let mut after = own();
    after.retain(|row| row[0] != "TIME-WAIT");
    let after = listed(after);
    quits(second);
    vec![before, after]
}

/// 6: how many may wait, and what the next one sees.
fn backlog() -> Blocks {
    let server = Server::launch(launch(Build::Mended, "tcp_server"));
    let port = server.port;
    let mut served = client(port);
    says(&mut served, "hello");
    let waiting: Vec<Running> = (0..6).map(|_| client(port)).collect();
    let next = waiting_client(Build::Mended, port, &[]);
    let clients = |state: &str| {
        let rows = ss(port).into_iter().filter(|row| row[0] == state && port_of(&row[4]) == port);
        vec![state.to_string(), rows.count().to_string()]
    };
    eventually("the next client asks", || clients("SYN-SENT")[1] == "1");
    let listening = ss(port).into_iter().find(|row| row[0] == "LISTEN").expect("the server listens");
    let rows = [row(&["State", "Recv-Q", "Send-Q"]), listening[..3].to_vec()];
    let counts = [row(&["clients", ""]), clients("ESTAB"), clients("SYN-SENT")];
    let mut calls = told(&stop_now(next)).calls("client");
    calls.retain(|call| call.starts_with("connect("));
    drop(waiting);
    let calls = named(&calls[0], &[(port.into(), "8080")]);
    vec![Some(table(&rows)), Some(table(&counts)), Some(calls)]
}

/// 7: who holds which descriptor after a fork.
fn descriptors_of_two() -> Blocks {
    let server = Server::launch(launch(Build::Mended, "tcp_server_fork"));
    let (port, parent) = (server.port, server.pid());
    let mut client = client(port);
    says(&mut client, "hello");
    let child = children(parent)[0];
    let held = || asked("ss", &["-Htanp", &format!("sport = :{port}")]);
    eventually("each has closed the other's", || held().iter().all(|row| !row[5].contains("),(")));
    let wanted = |row: Vec<String>| vec![row[0].clone(), row[3].clone(), row[5].clone()];
    let mut rows: Vec<_> = held().into_iter().map(wanted).collect();
    rows.sort_by_key(|row| row[0] != "LISTEN");
    let names = [(port.into(), "8080"), (parent.into(), "PARENT"), (child.into(), "CHILD")];
    let held = named_table(&rows, &names);
    quits(client);
    vec![Some(drawn_from_connect(&conversation("tcp_server_fork"))), Some(held)]
}

/// How often the C library closes something before the first client: what it loads, the time zone.
fn closes_before_accept() -> usize {
    let events = stop(traced_server(Build::Mended, "tcp_server_fork", &[]));
    events.iter().filter_map(|event| event.call()).filter(|call| call.name == "close").count()
}

/// 8: a parent whose `close` never happens, with 16 descriptors.
fn leak() -> Blocks {
    let accepted = |options: &[&str]| {
        let server = launch(Build::Mended, "tcp_server_fork").limit('n', 16).traced(seeing(options));
        let mut server = Server::launch(server);
        for _ in 0..12 {
            let mut client = client(server.port);
            says(&mut client, "hello");
            client.end_input();
            client.wait();
        }
        let last = client(server.port);
        server.running.stdout.wait_for("accept()");
        drop(last);
        let told = told(&stop_now(server.running));
        let calls = told.calls("server").into_iter().filter(|call| call.starts_with("accept("));
        calls.take(13).collect::<Vec<String>>()
    };
    let close_never_happens = format!("inject=close:retval=0:when={}+", closes_before_accept() + 1);
    let (kept, lost) = (accepted(&[]), accepted(&["-e", &close_never_happens]));
    vec![Some(beside(("close", &kept), ("no close", &lost)))]
}

/// 9: children that have ended, and a parent that does or does not ignore SIGCHLD.
fn zombies() -> Blocks {
    let after_three = |options: &[&str], left: usize| {
        let server = traced_server(Build::Mended, "tcp_server_fork", options);
        let parent = server.pid();
        for _ in 0..3 {
            let mut client = client(server.port);
            says(&mut client, "hello");
            quits(client);
        }
        let list = || asked("ps", &["--ppid", &parent.to_string(), "-o", "stat=,args="]);
        let ended = |list: &[Vec<String>]| list.iter().all(|row| row[0].starts_with('Z'));
        eventually("the children have ended", || list().len() == left && ended(&list()));
        let mut seen: Vec<String> =
            list().iter().map(|row| format!("{}  {}", &row[0][..1], row[1..].join(" "))).collect();
        if seen.is_empty() {
            seen.push("(no children)".to_string());
        }
        let mut lines = told(&stop(server)).calls("server");
        lines.retain(|call| call.starts_with("signal(SIGCHLD"));
        lines.extend(seen);
        lines
    };
    let ignored = after_three(&[], 0);
    let forgotten = after_three(&["-e", "inject=rt_sigaction:retval=0:when=2"], 3);
    vec![Some(beside(("SIGCHLD ignored", &ignored), ("the call taken away", &forgotten)))]
}

/// 10: parent, child and grandchild.
fn double_fork() -> Blocks {
    let server = Server::launch(launch(Build::Mended, "tcp_server_double_fork"));
    let (port, parent) = (server.port, server.pid());
    let mut client = client(port);
    says(&mut client, "hello");
    eventually("the child is gone", || children(parent).is_empty());
    let held = asked("ss", &["-Htnp", &format!("sport = :{port}")]);
    let pid = held[0][5].split("pid=").nth(1).and_then(|rest| rest.split(',').next());
    let grandchild = pid.expect("somebody holds the connection").to_string();
    let parents = |pid: &str| asked("ps", &["-o", "ppid=", "-p", pid]).concat().concat();
    assert_ne!(parents(&grandchild), parent.to_string(), "the grandchild is the system's");
    let parent = parent.to_string();
    let mut rows = [row(&["PID", "PPID"]), row(&["PARENT", "SHELL"]), row(&["GRANDCHILD", "SYSTEM"])];
    if raw() {
        rows[1] = row(&[&parent, &parents(&parent)]);
        rows[2] = row(&[&grandchild, &parents(&grandchild)]);
    }
    quits(client);
    vec![Some(drawn_from_connect(&conversation("tcp_server_double_fork"))), Some(table(&rows))]
}

/// 11: erratum 4.
fn third_argument() -> Blocks {
    let parent = |build| {
        let mut server = traced_server(build, "tcp_server_double_fork", &[]);
        let mut client = client(server.port);
        says(&mut client, "hello");
        quits(client);
        let events = if build == Build::AsPrinted { ends(&mut server.running) } else { stop(server) };
        let calls = told(&events).calls("server").into_iter().skip_while(|call| call != "fork() = child");
        calls.map(|call| with_port_as_options(&call)).collect::<Vec<String>>()
    };
    let (printed, mended) = (parent(Build::AsPrinted), parent(Build::Mended));
    vec![Some(beside(("as printed", &printed), ("mended", &mended)))]
}

/// A port as options is another in every run: `waitpid(child, CLIENT_PORT)`.
fn with_port_as_options(call: &str) -> String {
    match call.split_once("waitpid(child, ") {
        Some((_, rest)) if !raw() => {
            let result = rest.split_once(')').map_or("", |(_, result)| result);
            format!("waitpid(child, CLIENT_PORT){result}")
        }
        _ => call.to_string(),
    }
}

/// 12: erratum 2, in C++ and in a copy of `src/`.
fn varargs() -> Blocks {
    let crash = article::article().and_then(|article| {
        let directory = crashing_server(&article);
        let (mut server, port) = quiet(Launch::of(directory.join("server")).traced(seeing(&[])));
        let mut peer = connect(port);
        said(&mut peer, b"hello");
        drop(peer);
        let ended = server.wait_within(Duration::from_secs(8));
        let _ = std::fs::remove_dir_all(directory);
        if ended != Some(128 + libc::SIGSEGV) {
            skip("lesson 12: what this compiler makes of erratum 2 does not crash");
            return None;
        }
        let calls = told(&ends(&mut server)).calls("server").into_iter();
        Some(calls.skip_while(|call| !call.starts_with("accept(")).collect::<Vec<_>>().join("\n"))
    });
    vec![crash, Some(refused_line())]
}

/// A server whose log goes into a buffer or a file, when it listens.
fn quiet(server: Launch) -> (Running, u16) {
    let port = free_port();
    let mut server = server.arg(port.to_string()).arg("127.0.0.1").start();
    server.listens(port, PATIENCE).expect("it listens");
    (server, port)
}

/// The article's server with every erratum in it: the directory where it is built.
fn crashing_server(article: &Path) -> PathBuf {
    let directory = root().join(format!("target/lessons/crash-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("target can be written to");
    let listings = article::listings(article);
    for (file, name) in
        [("tcp.hpp", "tcp.hpp"), ("logMessage.hpp", "logMessage.hpp"), ("server.cc", "tcpServer.cc")]
    {
        std::fs::write(directory.join(file), listings.get(name)).expect("target can be written to");
    }
    let built = Command::new("g++")
        .args(["-O2", "-w", "-o", "server", "server.cc"])
        .current_dir(&directory)
        .status();
    assert!(built.expect("g++ is installed").success());
    directory
}

/// What the compiler says when the arguments of a line stand inside its format.
fn refused_line() -> String {
    let copy = root().join(format!("target/lessons/varargs-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&copy);
    std::fs::create_dir_all(&copy).expect("target can be written to");
    for file in ["src", "Cargo.toml", "Cargo.lock", "tests"] {
        let copied = Command::new("cp").arg("-r").arg(root().join(file)).arg(&copy).status();
        assert!(copied.expect("cp is there").success());
    }
    let file = copy.join("src/tcp_server.rs");
    let source = std::fs::read_to_string(&file).expect("it was copied");
    let good = "\"Client has quited:[%s:%d]\", client_ip, client_port)";
    let printed = "\"Client has quited:[%s:%d],client_ip,client_port\")";
    assert!(source.contains(good));
    std::fs::write(&file, source.replace(good, printed)).expect("it can be written to");
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--offline", "--lib", "--target-dir", "target"])
        .current_dir(&copy)
        .output();
    let built = built.expect("cargo runs");
    assert!(!built.status.success(), "the line compiles");
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    let _ = std::fs::remove_dir_all(&copy);
    let refused = "the format asks for another number of arguments";
    let place = said.lines().find_map(|line| line.find("log_message!(").map(|start| &line[start..]));
    assert!(said.contains(refused), "{said}");
    format!("error: {refused}\nsrc/tcp_server.rs: {}", place.expect("it names the place"))
}

/// 13: a write to a client that has gone.
fn sigpipe() -> Blocks {
    let calls = |build| {
        let mut server = traced_server(build, "tcp_server", &["-s", "4"]);
        let mut first = client(server.port);
        says(&mut first, "hello");
        let mut gone = connect(server.port);
        gone.write_all(&[b'a'; 20_000]).expect("the kernel takes it");
        drop(gone);
        quits(first);
        let events = if build == Build::AsPrinted {
            ends(&mut server.running)
        } else {
            server.running.stdout.wait_for("write::");
            stop(server)
        };
        let calls = told(&events).calls("server").into_iter();
        // The second client's.
        first_and_last_pair(calls.skip_while(|call| !call.starts_with("close(")).skip(1).collect())
    };
    let (printed, mended) = (calls(Build::AsPrinted), calls(Build::Mended));
    vec![Some(beside(("as printed", &printed), ("mended", &mended)))]
}

/// Of a read and a write that are made again and again, the first two and the last two.
fn first_and_last_pair(calls: Vec<String>) -> Vec<String> {
    let moves = |call: &String| call.starts_with("read(") || call.starts_with("write(");
    let first = calls.iter().position(moves).expect("there is a read");
    let last = calls.iter().rposition(moves).expect("there is a write");
    let kept = |index: usize| index < first + 2 || index + 2 > last;
    calls.into_iter().enumerate().filter(|(index, _)| kept(*index)).map(|(_, call)| call).collect()
}

/// 14: pieces, and what is glued together.
fn byte_stream() -> Blocks {
    // What the server did for its last client.
    let reads = |server: Server| {
        let calls = told(&stop(server)).calls("server");
        let mut clients = calls.split(|call| call.starts_with("accept(")).filter(|calls| !calls.is_empty());
        clients.next_back().map(<[String]>::to_vec).expect("it had a client")
    };
    let server = traced_server(Build::Mended, "tcp_server", &[]);
    let mut peer = connect(server.port);
    said(&mut peer, b"qu");
    said(&mut peer, b"it");
    said(&mut peer, b"quit\n");
    drop(peer);
    let pieces = reads(server);

    let server = traced_server(Build::Mended, "tcp_server", &[]);
    let mut first = client(server.port);
    says(&mut first, "hello");
    let mut peer = connect(server.port);
    peer.write_all(b"one").expect("the kernel takes it");
    peer.write_all(b"two").expect("the kernel takes it");
    quits(first);
    let mut reply = [0; 6];
    std::io::Read::read_exact(&mut peer, &mut reply).expect("the server replies");
    drop(peer);
    let glued = reads(server);

    let long_line = |build| {
        let mut server = Server::launch(launch(Build::Mended, "tcp_server"));
        let mut client = client_of(build, server.port, &["-s", "4"]);
        types(&mut client, &"a".repeat(1500));
        server.running.stdout.wait_for("to_upper after");
        server.running.stdout.wait_for("to_upper after");
        let calls = as_strace(&quits(client), &[]);
        let ours = |call: &String| call.starts_with("read(3, \"") || call.starts_with("write(3");
        let calls = calls.into_iter().filter(ours).filter(|call| !call.contains("ELF"));
        // Whether the second piece is there when the first is read, nobody can say.
        let either = |call: String| match call.strip_suffix("= 1024").or(call.strip_suffix("= 1023")) {
            Some(read) if read.starts_with("read") => format!("{read}= 1023 or 1024"),
            _ => call.replace("= 476", "= 477").replace("= 477", "= 477 or 476"),
        };
        let either = |call: String| if build == Build::AsPrinted && !raw() { either(call) } else { call };
        calls.map(either).collect::<Vec<String>>()
    };
    let (printed, mended) = (long_line(Build::AsPrinted), long_line(Build::Mended));
    let long = beside(("as printed", &printed), ("mended", &mended));
    vec![Some(pieces.join("\n")), Some(glued.join("\n")), Some(long)]
}

/// 15: a client whose input has ended.
fn end_of_input() -> Blocks {
    let calls = |build| {
        let server = Server::launch(launch(Build::Mended, "tcp_server"));
        let mut client = client_of(build, server.port, &[]);
        client.end_input();
        let events = if build == Build::AsPrinted {
            eventually("it has asked a thousand times", || client.trace().lines().count() > 2_100);
            stop_now(client)
        } else {
            ends(&mut client)
        };
        let calls = told(&events).calls_and_log("client");
        let mut calls: Vec<String> =
            calls.into_iter().skip_while(|call| !call.contains("Please enter")).collect();
        if build == Build::AsPrinted {
            assert!(calls.len() > 2_000, "it has asked a thousand times");
            calls.truncate(6);
            calls.push("... and so on, more than 1,000 times".to_string());
        }
        calls
    };
    let (printed, mended) = (calls(Build::AsPrinted), calls(Build::Mended));
    vec![Some(beside(("as printed", &printed), ("mended", &mended)))]
}

/// The log of a double-fork server, written to a file, after two clients.
fn log_of_two_clients(program: &Path) -> String {
    let log = std::env::temp_dir().join(format!("lesson-{}.log", std::process::id()));
    let file = std::fs::File::create(&log).expect("it can be written to");
    let (mut server, port) = quiet(Launch::of(program).user("student").stdout(file));
    for _ in 0..2 {
        let mut client = client(port);
        says(&mut client, "hello");
        quits(client);
    }
    server.signal(libc::SIGTERM);
    server.wait_for_all();
    let text = std::fs::read_to_string(&log).expect("the log is there");
    let _ = std::fs::remove_file(&log);
    text
}

/// 16: who writes the parent's unwritten lines.
fn buffers() -> Blocks {
    let counted = |program: &Path| {
        let log = log_of_two_clients(program);
        let count = |what: &str| log.lines().filter(|line| line.contains(what)).count().to_string();
        let line = |what: &&str| vec![what.to_string(), count(what)];
        let lines = ["socket() success", "bind() success", "listen() success", "accept() success"];
        table(&lines.iter().map(line).collect::<Vec<_>>())
    };
    let article =
        of_the_article(|article| counted(&article::program(article, false, "tcp_server_double_fork")));
    vec![article, Some(counted(&program(Build::Mended, "tcp_server_double_fork")))]
}

/// 17: a server that comes back too early.
fn time_wait() -> Blocks {
    let twice = |options: &[&str]| {
        let server = traced_server(Build::Mended, "tcp_server", options);
        let port = server.port;
        let mut client = client(port);
        says(&mut client, "hello");
        let names = [(port.into(), "8080"), (client_port(port, &[]).into(), "CLIENT")];
        quits(client);
        let ours = |row: &Vec<String>| row[0] == "TIME-WAIT" && port_of(&row[3]) == port;
        let waits = || ss(port).into_iter().find(ours);
        eventually("the connection is kept for a while", || waits().is_some());
        let kept = named_table(&[waits().expect("it was found")], &names);
        stop(server);

        let again = launch(Build::Mended, "tcp_server").traced(seeing(options));
        let mut again = again.arg(port.to_string()).arg("127.0.0.1").start();
        let events = if options.is_empty() {
            again.stdout.wait_for("listen() success");
            stop(Server { running: again, port })
        } else {
            ends(&mut again)
        };
        let calls = told(&events).calls("server").into_iter();
        let calls = calls.skip_while(|call| !call.starts_with("setsockopt("));
        (kept, calls.map(|call| named(&call, &[(port.into(), "8080")])).collect::<Vec<String>>())
    };
    let (kept, without) = twice(&["-e", "inject=setsockopt:retval=0"]);
    let (_, with) = twice(&[]);
    vec![Some(kept), Some(beside(("the call taken away", &without), ("SO_REUSEADDR", &with)))]
}

/// 18: calls that strace makes fail.
fn failing_calls() -> Blocks {
    let calls = |build, fault: &str, conversation: fn(&Server)| {
        let fault = format!("inject={fault}");
        let mut server = traced_server(build, "tcp_server_fork", &["-e", &fault]);
        conversation(&server);
        let dies = build == Build::AsPrinted && fault.contains("clone");
        told(&if dies { ends(&mut server.running) } else { stop(server) }).calls("server").into_iter()
    };
    let short_talk = |server: &Server| {
        let mut peer = connect(server.port);
        said(&mut peer, b"hello");
        drop(peer);
        eventually("the child is gone", || children(server.pid()).is_empty());
    };
    let accept = |build| {
        let calls = calls(build, "accept:error=EMFILE:when=1..3", short_talk);
        let wanted = |call: &String| call.starts_with("accept(") || call.starts_with("usleep");
        calls.filter(wanted).take(6).collect::<Vec<_>>()
    };
    let refused = |server: &Server| assert_eq!(rest(&mut connect(server.port)), b"");
    let fork = |build| {
        let calls = calls(build, "clone:error=EAGAIN:when=1", refused);
        calls.skip_while(|call| !call.starts_with("accept(")).collect::<Vec<_>>()
    };
    let both = |of: &dyn Fn(Build) -> Vec<String>| {
        Some(beside(("as printed", &of(Build::AsPrinted)), ("mended", &of(Build::Mended))))
    };
    vec![both(&accept), both(&fork)]
}
