//! The client at its edges: a reply after quit, and an input that cannot be read.

use std::fs::File;
use std::io::Write;

use crate::harness::builds::{Build, program};
use crate::harness::net::test_client::{read_rest, start_client};
use crate::harness::process::launch::{Launch, Running};

fn client(port: u16) -> Launch {
    Launch::new(program(Build::Fixed, "tcp_client")).arg("127.0.0.1").arg(port.to_string())
}

/// What the client has printed to the user, without its log.
fn shown(client: &mut Running) -> String {
    client.stdout.all().into_iter().filter(|line| !line.contains(" | ")).collect::<Vec<_>>().join("\n")
}

/// A server may answer `quit`, and with less than four bytes: what came is printed, and nothing is missed.
#[test]
fn a_short_reply_to_quit_is_printed() {
    let (mut client, mut server) = start_client(client);
    client.type_in(b"quit\n");
    server.write_all(b"bye").expect("the client is connected");
    server.shutdown(std::net::Shutdown::Write).expect("the client is connected");
    assert_eq!(read_rest(&mut server), b"quit");
    assert_eq!(client.wait(), 0);
    assert_eq!(shown(&mut client), "Please enterServer Echobye");
}

/// An input that cannot be read is reported with its own descriptor, not with the socket's.
#[test]
fn an_unreadable_input_is_named_by_its_descriptor() {
    let directory = File::open("/").expect("there is a root directory");
    let (mut client, mut server) = start_client(|port| client(port).stdin(directory));
    assert_eq!(read_rest(&mut server), b"");
    assert_eq!(client.wait(), 8);
    let said = client.stderr.all().concat();
    assert!(said.ends_with(" | Client getline() failed: 0 : Is a directory"), "{said}");
}
