//! The sessions of the lessons: the programs under strace, clients that type, and their end.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::builds::Build::{AsPrinted, Fixed};
use crate::harness::builds::{Build, Server, program, root};
use crate::harness::process::launch::{Launch, Running};
use crate::harness::process::procfs::waits_in_accept;
use crate::harness::process::wait::{wait_for_some, wait_until};
use crate::harness::session::trace_of_calls;
use crate::harness::trace::parse::Event;

/// A program of a build under strace with further options; its log lines name this user.
pub fn traced(build: Build, name: &str, options: &[&str]) -> Launch {
    Launch::new(program(build, name)).user("student").traced(trace_of_calls(options))
}

/// A listening server under strace with further options.
pub fn traced_server(build: Build, name: &str, options: &[&str]) -> Server {
    Server::launch(traced(build, name, options))
}

/// A listening server of the fixed build.
pub fn serve(name: &str) -> Server {
    traced_server(Fixed, name, &[])
}

/// A client of the server at `port`, not necessarily connected yet.
pub fn waiting_client(build: Build, port: u16, options: &[&str]) -> Running {
    // Erratum 1: as printed, the client swaps the bytes of the port, so it is given the swapped one.
    let given = if build == AsPrinted { port.swap_bytes() } else { port };
    traced(build, "tcp_client", options).arg("127.0.0.1").arg(given.to_string()).start()
}

/// A connected client of the server at `port`.
pub fn client_of(build: Build, port: u16, options: &[&str]) -> Running {
    let mut client = waiting_client(build, port, options);
    client.stdout.wait_for("connect() success");
    client
}

/// A connected client of the fixed build.
pub fn client(port: u16) -> Running {
    client_of(Fixed, port, &[])
}

/// A connected client that has sent `hello`.
pub fn greeter(port: u16) -> Running {
    let mut client = client(port);
    says(&mut client, "hello");
    client
}

/// A client sends `hello` and quits.
pub fn visit(port: u16) {
    quits(greeter(port));
}

/// Types a line into a client.
pub fn types(client: &mut Running, line: &str) {
    client.type_in(format!("{line}\n").as_bytes());
}

/// Types a line into a client and waits for its echo.
pub fn says(client: &mut Running, line: &str) {
    types(client, line);
    client.stdout.wait_for(&format!("Server Echo{}", line.to_uppercase()));
}

/// Types `quit` into a client and waits for its end. What strace saw of the client.
pub fn quits(mut client: Running) -> Vec<Event> {
    types(&mut client, "quit");
    ends(client)
}

/// Waits until the program has ended. What strace saw.
pub fn ends(mut running: Running) -> Vec<Event> {
    running.wait_for_descendants();
    running.events()
}

/// Waits until the server blocks in `accept`, or has ended.
pub fn wait_for_accept(server: &mut Server) {
    let pid = server.pid();
    wait_until("the server blocks in accept", || waits_in_accept(pid) || server.running.has_ended());
}

/// Waits until the server blocks in `accept`, or has ended, and ends it. What strace saw.
pub fn stop(mut server: Server) -> Vec<Event> {
    wait_for_accept(&mut server);
    stop_now(server.running)
}

/// Ends a program. What strace saw.
pub fn stop_now(running: Running) -> Vec<Event> {
    running.signal(libc::SIGTERM);
    ends(running)
}

/// Runs a shell script in a directory; `$ROOT` is the project's directory.
pub fn sh(directory: &Path, script: &str) -> Output {
    let shell = Command::new("sh").args(["-c", script]).current_dir(directory).env("ROOT", root()).output();
    shell.expect("sh is installed")
}

/// A loopback address that no other test uses.
pub fn own_address() -> String {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.4.{high}.{low}")
}

/// The call that a process blocks in, as strace leaves it: `read(0`. strace before 7 ends it with a comma.
pub fn blocked_in(running: &Running) -> String {
    wait_for_some("the process blocks in a call", || {
        let trace = running.trace();
        let (_, line) = trace.rsplit_once('\n')?;
        let call = &line[line[..line.find('(')?].rfind(' ')? + 1..];
        Some(call.trim_end_matches([' ', ',']).to_string())
    })
}
