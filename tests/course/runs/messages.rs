//! Lessons 13 to 15, 19, 20 and 22: what happens to bytes between a write and a read.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use crate::course::sessions::{
    blocked_in, client_of, ends, greeter, quits, says, serve, stop, traced_server, types,
};
use crate::course::sockets::{SOCKETS, own_port, ss, words};
use crate::course::views::{Blocks, ViewNames, as_strace, both, calls, calls_and_log, from, only, table};
use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::{Server, root};
use crate::harness::net::test_client::{connect, echo};
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::{wait_at_most, wait_for_some, wait_until};
use crate::harness::trace::render::raw;

/// 13: a write to a client that has disconnected.
pub fn sigpipe() -> Blocks {
    let second_client = both(|build| {
        let mut server = traced_server(build, "tcp_server", &["-s", "4"]);
        let first = greeter(server.port);
        let mut gone = connect(server.port);
        gone.write_all(&[b'a'; 20_000]).expect("the kernel takes 20,000 bytes");
        drop(gone);
        quits(first);
        (0..2).for_each(|_| _ = server.running.stdout.wait_for("accept() success"));
        let mut calls = from(calls(&stop(server)), "close(").split_off(1);
        // Of many reads and writes the first and the last two are shown.
        let moves = only(calls.clone(), &["read(", "write("]).len();
        calls.drain(3..(moves - 1).max(3));
        calls
    });
    vec![Some(second_client)]
}

/// 14: chunks, and messages that arrive as one.
pub fn byte_stream() -> Blocks {
    let for_the_last_client = |server| {
        let calls = calls(&stop(server));
        let mut clients = calls.split(|call| call.starts_with("accept("));
        clients.nth_back(1).expect("the server had a client").join("\n")
    };
    let server = serve("tcp_server");
    let mut peer = connect(server.port);
    for chunk in ["qu", "it", "quit\n"] {
        echo(&mut peer, chunk.as_bytes());
    }
    drop(peer);
    let chunks = for_the_last_client(server);

    let server = serve("tcp_server");
    let first = greeter(server.port);
    let mut peer = connect(server.port);
    for message in ["one", "two"] {
        peer.write_all(message.as_bytes()).expect("the kernel takes three bytes");
    }
    quits(first);
    peer.read_exact(&mut [0; 6]).expect("the server replies");
    drop(peer);
    let joined = for_the_last_client(server);

    let long_line = both(|build| {
        let mut server = serve("tcp_server");
        let mut client = client_of(build, server.port, &["-s", "4"]);
        types(&mut client, &"a".repeat(1500));
        (0..2).for_each(|_| _ = server.running.stdout.wait_for("to_upper after"));
        let calls = as_strace(&quits(client));
        let calls = only(calls, &["write(3", "read(3, \"AAAA\"", "read(3, \"\""]).into_iter();
        // Whether the second chunk is there at the first read depends on the run.
        let either = |call: String| match call.rsplit_once(" = ") {
            _ if build == Fixed || raw() => call,
            Some((read, "1023" | "1024")) => format!("{read} = 1023 or 1024"),
            Some((read, "476" | "477")) => format!("{read} = 477 or 476"),
            _ => call,
        };
        calls.map(either).collect()
    });
    vec![Some(chunks), Some(joined), Some(long_line)]
}

/// 15: a client at the end of its input.
pub fn end_of_input() -> Blocks {
    let prompts = both(|build| {
        let server = serve("tcp_server");
        let mut client = client_of(build, server.port, &[]);
        client.end_input();
        if build == AsPrinted {
            wait_until("the client prompts a thousand times", || client.trace().lines().count() > 2_100);
            client.signal(libc::SIGTERM);
        }
        let mut calls = from(calls_and_log(&ends(client)), "print Please enter");
        if calls.len() > 2_000 {
            calls.truncate(6);
            calls.push("... and so on, more than 1,000 times".to_string());
        }
        calls
    });
    vec![Some(prompts)]
}

/// 19: a client whose server exits.
pub fn server_gone() -> Blocks {
    let mut left_alone = String::new();
    let goes_on = both(|build| {
        let mut server = serve("tcp_server");
        let port = server.port;
        let mut client = client_of(build, port, &[]);
        says(&mut client, "hello");
        let names = ViewNames::server(port).port(own_port(&client), "CLIENT");
        server.running.end();
        let closed_on_one_side = |rows: &str| rows.contains("CLOSE-WAIT") && rows.contains("FIN-WAIT-2");
        let sockets = ss(&format!("sport = :{port} or dport = :{port}"), &names, closed_on_one_side);
        left_alone = table(&format!("{SOCKETS}{sockets}")) + &format!("client  {}\n", blocked_in(&client));
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
    let server = traced_server(Fixed, "tcp_server", &["-s", "4"]);
    let mut peer = connect(server.port);
    peer.set_nonblocking(true).expect("it is a socket");
    let port = peer.local_addr().expect("the client is connected").port();
    let chunk = [b'a'; 1 << 16];
    let slow = full_queues(&server, port, || while matches!(peer.write(&chunk), Ok(1..)) {});

    let server = traced_server(Fixed, "tcp_server", &["-s", "4"]);
    let mut client = client_of(AsPrinted, server.port, &["-s", "4"]);
    types(&mut client, &"a".repeat(40 << 20));
    let neither_reads = full_queues(&server, own_port(&client), || {});
    vec![Some(slow), Some(format!("{neither_reads}client  {}\n", blocked_in(&client)))]
}

/// Both ends of the server's only connection, once all four queues are full; `push` sends more.
fn full_queues(server: &Server, client: u16, mut push: impl FnMut()) -> String {
    // On a busy machine this takes long; as long as the server makes calls, it is not over.
    let mut before = 0;
    while server.running.trace().len() > before {
        before = server.running.trace().len();
        wait_at_most(Duration::from_millis(500), || {
            push();
            false
        });
    }
    let names = ViewNames::server(server.port).port(client, "CLIENT");
    let is_full = |row: &str| {
        let cells: Vec<&str> = row.split('\t').collect();
        // The server's end may close its window with few bytes in it.
        let few = cells[3].ends_with(":8080") && cells[1] != "0";
        (cells[1].len() > 4 || few) && cells[2].len() > 4
    };
    let filter = format!("exclude listening sport = :{0} or dport = :{0}", server.port);
    let sockets = ss(&filter, &names, |rows| rows.lines().filter(|row| is_full(row)).count() == 2);
    // How many bytes are queued depends on the kernel.
    let addresses = sockets.lines().map(|row| row.splitn(4, '\t').last().unwrap_or(row));
    let rows = addresses.map(|addresses| format!("ESTAB\tMANY\tMANY\t{addresses}\n"));
    let sockets = table(&format!("{SOCKETS}{}", rows.collect::<String>()));
    format!("{sockets}server  {}\n", blocked_in(&server.running))
}

/// 22: delayed acknowledgements. `None` without perl.
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
        let line = client(server.port, length, "15", setting).stdout.all().concat();
        let median =
            line.split("median ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
        let median = median.unwrap_or_else(|| panic!("messages.pl prints no median: {line}"));
        let usual = if median < 25 { "less than 1 ms" } else { "about 40 ms" };
        format!("{length} bytes\t{setting}\t{usual}\n")
    });

    let mut traced = traced_server(Fixed, "tcp_server", &["-s", "4"]);
    client(traced.port, "1500", "1", "").wait();
    traced.running.stdout.wait_for("Service close");
    let calls = only(as_strace(&traced.running.events()), &["read(4, \"aaaa", "write(4, \"AAAA"]);

    let _sends = client(server.port, "1500", "100000", "");
    let held = wait_for_some("the second write is held back", || {
        let mut shown = words("ss", &["-Htin", &format!("sport = :{}", server.port)]).concat();
        let queued = shown.get(2)?.clone();
        shown.retain(|word| word.starts_with("unacked:") || word.starts_with("notsent:"));
        let queues = shown.join("  ");
        queues.ends_with(":477").then(|| format!("Send-Q {queued}  {queues}"))
    });
    vec![Some(table(&messages.concat())), Some(calls.join("\n")), Some(held)]
}
