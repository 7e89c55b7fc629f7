//! Lessons 12 and 21: a format string, arguments and client data that are not checked.

use std::path::Path;
use std::time::Duration;

use crate::article;
use crate::course::sessions::{ends, own_address, sh, traced, traced_server};
use crate::course::sockets::address;
use crate::course::views::{Blocks, ViewNames, calls, from, table};
use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::Server;
use crate::harness::net::ports::free_port;
use crate::harness::net::test_client::{connect, echo};
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::wait_for_some;
use crate::harness::session::trace_of_calls;
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;

/// 12: erratum 2, in C++ and in a copy of `src/`.
pub fn varargs() -> Blocks {
    vec![article::article().and_then(|article| crash(&article)), Some(compile_error())]
}

/// What the article's server does with all its errata; `None` if it does not crash.
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
        skip("lesson 12: erratum 2 does not crash with this compiler");
        return None;
    }
    Some(from(calls(&ends(server.running)), "accept(").join("\n"))
}

/// The compiler's error for a log line whose arguments are inside its format string.
fn compile_error() -> String {
    let script = r#"
        cp -r "$ROOT"/src "$ROOT"/tests "$ROOT"/Cargo.* .
        sed -i 's/\(quited:\[%s:%d\]\)", client_ip, client_port)/\1,client_ip,client_port")/' src/tcp_server.rs
        cargo check --quiet --offline --lib --target-dir target"#;
    let built = sh(&TempDir::empty(), script);
    let text = String::from_utf8_lossy(&built.stderr);
    assert!(!built.status.success(), "the compiler accepts the line of erratum 2");
    let place = text.lines().find_map(|line| line.find("log_message!(").map(|start| &line[start..]));
    let why = text.lines().find(|line| line.starts_with("error[") && line.contains("conversion"));
    let (why, place) = why.zip(place).unwrap_or_else(|| panic!("no error about the format:\n{text}"));
    format!("{why}\nsrc/tcp_server.rs: {place}")
}

/// 21: arguments that the C library reads in its own way, and client data in the log.
pub fn bad_arguments() -> Blocks {
    let (free, own) = (free_port().to_string(), own_address());
    let shown = |text: &str| text.replace(&free, "8080").replace(&own, "127.0.0.1");
    let outcome = |build, port: &str, ip: &str| {
        let mut server = traced(build, "tcp_server", &[]).arg(port).arg(ip).start();
        let listens_at = wait_for_some("the server listens, or exits", || {
            let ended = server.has_ended();
            address(&server, "-tl").map(Some).or(ended.then_some(None))
        });
        match listens_at.map(|address| shown(&address)) {
            None => server.stderr.wait_for("bad "),
            Some(address) if address.ends_with(":4464") || address.ends_with(":8080") => address,
            Some(_) => "127.0.0.1:ANY".to_string(),
        }
    };
    let typed = [("70000", own.as_str()), ("abc", &own), (free.as_str(), "999.1.1.1"), (&free, "127.1")];
    let rows = typed.map(|(port, ip)| {
        let outcomes = [AsPrinted, Fixed].map(|build| outcome(build, port, ip));
        shown(&format!("{port} {ip}\t")) + &outcomes.join("\t") + "\n"
    });
    let rows = table(&format!("typed\tas printed: listens at\tfixed\n{}", rows.concat()));

    let logged = |build| {
        let mut server = traced_server(build, "tcp_server", &[]);
        let mut client = connect(server.port);
        let port = client.local_addr().expect("the client is connected").port();
        echo(&mut client, b"\x1b[31mred\nFATAL | now | root | disk on fire");
        let log = &mut server.running.stdout;
        log.wait_for("to_upper after");
        let lines = log.seen.iter().skip_while(|line| !line.contains("to_upper before"));
        let lines = lines.take_while(|line| !line.contains("to_upper after"));
        let lines = lines.map(|line| line.rsplit("student | ").next().unwrap_or(line).to_string() + "\n");
        ViewNames::default().port(port, "CLIENT").show(&lines.collect::<String>().replace('\x1b', "^["))
    };
    let logs = [("as printed", AsPrinted), ("fixed", Fixed)];
    let logs = logs.map(|(title, build)| format!("{title}\n{}", logged(build)));
    vec![Some(rows), Some(logs.join("\n"))]
}
