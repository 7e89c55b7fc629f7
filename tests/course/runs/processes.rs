//! Lessons 7 to 11, 16, 18, 23 and 28: fork, zombies, waitpid, failing calls.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::article;
use crate::course::sessions::{client, ends, greeter, serve, stop, stop_now, traced, traced_server, visit};
use crate::course::sockets::{children_in, ss, words};
use crate::course::views::{
    Blocks, ViewNames, as_strace, beside, both, calls, drawn_from_connect, from, only, strace_line, table,
};
use crate::harness::builds::Build::Fixed;
use crate::harness::builds::{Server, program};
use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::{connect, echo, read_rest};
use crate::harness::process::launch::{Launch, Limit, Running};
use crate::harness::process::procfs::{descendants, waits_in_accept};
use crate::harness::process::wait::{wait_for_some, wait_until};
use crate::harness::session;
use crate::harness::tempdir::TempDir;
use crate::harness::trace::parse::{self, Event, What};
use crate::harness::trace::render::forks;

/// One session with a forking server, drawn; and what `look` sees while the client is served.
fn session_and(server: &str, mut look: impl FnMut(&Running, u16) -> String) -> Blocks {
    let program = program(Fixed, server);
    let directory = program.parent().expect("the program is in a directory");
    let (port, mut seen) = (free_port(), String::new());
    let events = session::run_and(directory, server, 1, port, |programs| seen = look(&programs[0], port));
    vec![Some(drawn_from_connect(&events)), Some(seen)]
}

/// 7: which process holds which descriptor after a fork.
pub fn fork() -> Blocks {
    session_and("tcp_server_fork", |server, port| {
        let child = descendants(server.pid())[0];
        let names = ViewNames::server(port).process(server.pid(), "PARENT").process(child, "CHILD");
        let each_has_one = |rows: &str| !rows.contains("),(");
        let held = ss(&format!("-p sport = :{port}"), &names, each_has_one);
        let rows = held.lines().map(|row| {
            let cells: Vec<&str> = row.split('\t').collect();
            [cells[0], cells[3], cells[5]].join("\t")
        });
        table(&rows.collect::<Vec<_>>().join("\n"))
    })
}

/// 8: a parent whose `close` is skipped, with 16 descriptors.
pub fn descriptor_leak() -> Blocks {
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
    // Before the first client the C library closes its own files: libraries, the time zone.
    let before = only(as_strace(&stop(serve("tcp_server_fork"))), &["close("]).len();
    let skipped = format!("inject=close:retval=0:when={}+", before + 1);
    let ways = [&[][..], &["-e", &skipped]];
    vec![Some(beside(["with close", "close skipped"], ways.map(accepted)))]
}

/// 9: children that have exited, and a parent that does or does not ignore SIGCHLD.
pub fn zombies() -> Blocks {
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
    vec![Some(beside(["SIGCHLD ignored", "signal(SIGCHLD) skipped"], ways.map(after_three)))]
}

/// 10: parent, child and grandchild.
pub fn double_fork() -> Blocks {
    session_and("tcp_server_double_fork", |server, port| {
        let parent = server.pid();
        let held = ss(&format!("-p sport = :{port}"), &ViewNames::default(), |rows| rows.contains("ESTAB"));
        let holder = held.split("ESTAB").nth(1).and_then(|row| row.split("pid=").nth(1)?.split(',').next());
        let grandchild: u32 =
            holder.and_then(|pid| pid.parse().ok()).expect("a process has the connection");
        let parent_of = |pid: u32| -> u32 {
            let seen = words("ps", &["-o", "ppid=", "-p", &pid.to_string()]).concat().concat();
            seen.parse().expect("ps shows the parent")
        };
        let (above, system) = (parent_of(parent), parent_of(grandchild));
        assert!(system != parent, "the grandchild is an orphan, not the server's child");
        let row = |pid, above, names: ViewNames| format!("{}\t{}\n", names.of(pid), names.of(above));
        let names = ViewNames::default();
        let rows = [
            row(parent, above, names.clone().process(parent, "PARENT").process(above, "SHELL")),
            row(grandchild, system, names.process(grandchild, "GRANDCHILD").process(system, "SYSTEM")),
        ];
        table(&format!("PID\tPPID\n{}", rows.concat()))
    })
}

/// 11: erratum 4.
pub fn waitpid_options() -> Blocks {
    let parents = both(|build| {
        let server = traced_server(build, "tcp_server_double_fork", &[]);
        visit(server.port);
        let calls = from(calls(&stop(server)), "fork() = child");
        calls.iter().map(|call| call.replace("peer_port", "CLIENT_PORT")).collect()
    });
    vec![Some(parents)]
}

/// 16: how often the parent's unwritten log lines are written.
pub fn buffers() -> Blocks {
    let counted = |program: PathBuf| {
        let directory = TempDir::empty();
        let log = directory.join("log");
        let file = std::fs::File::create(&log).expect("the log can be created");
        let mut server = Server::launch(Launch::new(program).user("student").stdout(file));
        (0..2).for_each(|_| visit(server.port));
        server.running.signal(libc::SIGTERM);
        server.running.wait_for_descendants();
        let log = std::fs::read_to_string(log).expect("the log can be read");
        let lines = ["socket() success", "bind() success", "listen() success", "accept() success"];
        table(&lines.map(|line| format!("{line}\t{}", log.matches(line).count())).join("\n"))
    };
    let name = "tcp_server_double_fork";
    let article = article::article().map(|article| counted(article::program(&article, false, name)));
    vec![article, Some(counted(program(Fixed, name)))]
}

/// 18: calls that strace makes fail.
pub fn failing_calls() -> Blocks {
    let calls = |build, fault, session: fn(&Server)| {
        let server = traced_server(build, "tcp_server_fork", &["-e", fault]);
        session(&server);
        calls(&stop(server))
    };
    let accepts = both(|build| {
        let calls = calls(build, "inject=accept:error=EMFILE:when=1..3", |server| {
            echo(&mut connect(server.port), b"hello");
            wait_until("the child exits", || descendants(server.pid()).is_empty());
        });
        only(calls, &["accept(", "usleep"]).into_iter().take(8).collect()
    });
    let forks = both(|build| {
        let calls = calls(build, "inject=clone:error=EAGAIN:when=1", |server| {
            assert_eq!(read_rest(&mut connect(server.port)), b"");
        });
        from(calls, "accept(")
    });
    vec![Some(accepts), Some(forks)]
}

/// 23: orphans of process 1. `None` where this machine does not allow a PID namespace.
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

/// 28: a session with three processes, as `strace -f` writes it.
pub fn interleaved() -> Blocks {
    vec![Some(wait_for_some("the child exits after the parent has called wait4", interleaved_once))]
}

/// `None` if the child was quicker than its parent's `wait4`: that trace looks different.
fn interleaved_once() -> Option<String> {
    let Server { running, port } = serve("tcp_server_double_fork");
    let mut peer = connect(port);
    let client = peer.local_addr().expect("the client is connected").port();
    echo(&mut peer, b"hello");
    peer.write_all(b"quit").expect("the kernel takes four bytes");
    read_rest(&mut peer);
    wait_until("the grandchild exits", || running.trace().matches("+++ exited with 0").count() == 2);
    wait_until("the server blocks in accept", || waits_in_accept(running.pid()));
    running.signal(libc::SIGINT);
    let events = ends(running);
    let [parent, child, grandchild] = parse::pids(&events)[..] else { panic!("three processes") };
    let names = ViewNames::server(port).port(client, "CLIENT");
    let names = names.process(parent, "PARENT").process(child, "CHILD").process(grandchild, "GRANDCHILD");

    let mut lines: HashMap<u32, Vec<String>> = HashMap::new();
    for event in events.iter().filter(|event| !is_log(event)) {
        lines.entry(event.pid).or_default().push(with_names(event, &names));
    }
    let parents = lines[&parent].iter().skip_while(|line| !line.starts_with("accept("));
    let parents: Vec<&String> = parents.collect();
    let position = |start: &str| parents.iter().position(|line| line.starts_with(start));
    if position("--- SIGCHLD")? < position("wait4(")? {
        return None;
    }
    // In the two calls that block, another process does something meanwhile.
    let last = parents.iter().rposition(|line| line.starts_with("accept("))?;
    let mut text = String::new();
    let mut add = |pid, line: &str| text += &format!("{} {line}\n", names.of(pid));
    for (at, line) in parents.iter().enumerate() {
        let meanwhile = match line.split_once('(').map_or("", |(name, _)| name) {
            "wait4" => child,
            "accept" if at == last => grandchild,
            _ => {
                add(parent, line);
                continue;
            }
        };
        let (name, _) = line.split_once('(')?;
        let (first, second) = line.split_once(", ")?;
        add(parent, &format!("{first},  <unfinished ...>"));
        lines[&meanwhile].iter().for_each(|line| add(meanwhile, line));
        add(parent, &format!("<... {name} resumed>{second}"));
    }
    Some(names.show(&text))
}

fn is_log(event: &Event) -> bool {
    event.call().is_some_and(|call| call.name == "write" && call.fd() == Some(1))
}

/// A line of strace with names for the processes in it.
fn with_names(event: &Event, names: &ViewNames) -> String {
    let mut event = event.clone();
    if let What::Call(call) = &mut event.what {
        let named = |number: &str| number.parse().map_or(number.to_string(), |pid| names.of(pid));
        if forks(call) || call.name == "wait4" {
            call.result = named(&call.result);
        }
        if call.name == "wait4" {
            call.args[0] = named(&call.args[0]);
        }
    }
    strace_line(&event)
}
