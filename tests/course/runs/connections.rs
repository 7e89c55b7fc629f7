//! Lessons 0 to 6 and 17: sockets, ports, queues.

use crate::course::sessions::{
    client, ends, greeter, own_address, quits, serve, stop, stop_now, traced, traced_server, types,
    waiting_client,
};
use crate::course::sockets::{SOCKETS, own_port, ss};
use crate::course::views::{Blocks, ViewNames, as_strace, beside, both, calls, drawn, from, only, table};
use crate::harness::builds::Build::Fixed;
use crate::harness::builds::{Server, program};
use crate::harness::net::ports::free_port;
use crate::harness::process::launch::Running;
use crate::harness::session;

/// 0: one process and three calls: a client without a server.
pub fn refused() -> Blocks {
    let port = free_port();
    let events = ends(waiting_client(Fixed, port, &[]));
    let lines = only(as_strace(&events), &["socket(", "connect(", "exit_group(", "+++"]);
    vec![Some(ViewNames::server(port).show(&lines.join("\n")))]
}

/// 1: the calls that create a listening socket.
pub fn listening_socket() -> Blocks {
    let server = serve("tcp_server");
    let names = ViewNames::server(server.port);
    // Without those of the loader and of the log.
    let ours = ["rt_sigaction(", "socket(", "setsockopt(", "bind(", "listen(", "accept("];
    let calls = only(as_strace(&stop(server)), &ours).join("\n");
    let (calls, _) = calls.rsplit_once(", ..., [16]").expect("the last call is the accept that blocks");
    vec![Some(names.show(calls))]
}

/// 2: one message.
pub fn one_message() -> Blocks {
    let server = program(Fixed, "tcp_server");
    let directory = server.parent().expect("the program is in a directory");
    vec![Some(drawn(&session::run(directory, "tcp_server", 1, free_port())))]
}

/// 3: the port that the kernel chooses for a client.
pub fn client_port() -> Blocks {
    let server = serve("tcp_server_fork");
    let port = server.port;
    let (first, second) = (client(port), client(port));
    let names = ViewNames::server(port).port(own_port(&first), "FIRST").port(own_port(&second), "SECOND");
    let both_are_there = |rows: &str| rows.lines().count() == 2;
    let connections = ss(&format!("dport = :{port}"), &names, both_are_there);
    quits(second);
    let client = only(as_strace(&quits(first)), &["socket(", "connect("]);
    let server = only(as_strace(&stop(server)), &["accept("]);
    let show = |calls: &[String]| Some(names.show(&calls.join("\n")));
    vec![show(&client), show(&server[..2]), Some(table(&connections))]
}

/// 4: erratum 1. The lesson's own port, at an address that no other test has.
pub fn byte_order() -> Blocks {
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

/// 5: the second client of a server that serves one at a time.
pub fn second_client() -> Blocks {
    let server = serve("tcp_server");
    let port = server.port;
    let first = greeter(port);
    let mut second = client(port);
    types(&mut second, "me too");
    let names = ViewNames::server(port).port(own_port(&first), "FIRST").port(own_port(&second), "SECOND");
    // The server's side: the listening socket, then one socket per client.
    let side = format!("exclude time-wait sport = :{port}");
    let before = ss(&side, &names, |rows| rows.contains("ESTAB\t6"));
    quits(first);
    second.stdout.wait_for("Server EchoME TOO");
    let after = ss(&side, &names, |rows| rows.lines().count() == 2);
    quits(second);
    [before, after].map(|rows| Some(table(&format!("{SOCKETS}{rows}")))).into()
}

/// 6: how many clients are queued, and what the next one sees.
pub fn backlog() -> Blocks {
    let server = serve("tcp_server");
    let names = ViewNames::server(server.port);
    let _served = greeter(server.port);
    let _queued: Vec<Running> = (0..6).map(|_| client(server.port)).collect();
    let next = waiting_client(Fixed, server.port, &[]);
    let one_connects = |rows: &str| rows.contains("SYN-SENT");
    let clients = ss(&format!("dport = :{}", server.port), &names, one_connects);
    let count = |state: &str| format!("{state}\t{}\n", clients.matches(state).count());
    let counts = format!("clients\n{}{}", count("ESTAB"), count("SYN-SENT"));
    let listening = ss(&format!("-l sport = :{}", server.port), &names, |rows| !rows.is_empty());
    let (queue, _) = listening.split_once("\t127").expect("the listening socket has an address");
    let listening = table(&format!("State\tRecv-Q\tSend-Q\n{queue}"));
    let connects = only(calls(&stop_now(next)), &["connect("]);
    vec![Some(listening), Some(table(&counts)), Some(names.show(&connects.concat()))]
}

/// 17: a server that is started again too early.
pub fn time_wait() -> Blocks {
    let mut kept = String::new();
    let again = |options| {
        let server = traced_server(Fixed, "tcp_server", options);
        let port = server.port;
        let client = greeter(port);
        let names = ViewNames::server(port).port(own_port(&client), "CLIENT");
        quits(client);
        let waits = |rows: &str| rows.starts_with("TIME-WAIT");
        kept = ss(&format!("exclude listening sport = :{port}"), &names, waits);
        stop(server);
        let again = traced(Fixed, "tcp_server", options).arg(port.to_string()).arg("127.0.0.1");
        let server = Server { running: again.start(), port };
        from(calls(&stop(server)), "setsockopt(")
    };
    let ways = [&["-e", "inject=setsockopt:retval=0"][..], &[]].map(again);
    let starts = beside(["setsockopt skipped", "SO_REUSEADDR"], ways);
    vec![Some(table(&kept)), Some(starts)]
}
