//! Signals end what they should end, at once, and nothing else.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::programs::*;

/// Whether any process is left in the group that `pid` leads.
fn group_lives(pid: u32) -> bool {
    unsafe { libc::kill(-(pid as i32), 0) == 0 }
}

/// Clients in the middle of a conversation.
fn talking(server: &Server, count: usize) -> Vec<TcpStream> {
    let talking = || {
        let mut client = server.connect();
        assert_eq!(said(&mut client, b"words"), b"WORDS");
        client
    };
    (0..count).map(|_| talking()).collect()
}

/// Ctrl-C on `make run-server` ends parent and children, closes every client, and frees the port.
#[test]
fn an_interrupt_ends_the_whole_family() {
    for name in SERVERS {
        let port = free_port();
        let mut make = Command::new("make");
        make.args(["--silent", "run-server", "AS_PRINTED=", "STATIC="])
            .args([format!("SERVER={name}"), format!("PORT={port}")])
            .current_dir(root())
            .env_remove("MAKEFLAGS")
            .env_remove("MFLAGS");
        let mut running = Running::start(&mut make);
        running.stdout.wait_for("listen() success");
        let server = Server { running, port };
        let clients = talking(&server, if name == "tcp_server" { 1 } else { 3 });

        let mut running = server.running;
        // The terminal sends it to all of its foreground processes.
        unsafe { libc::kill(-(running.pid() as i32), libc::SIGINT) };
        for mut client in clients {
            assert_eq!(rest(&mut client), b"");
        }
        assert_ne!(running.wait(), 0);
        eventually("nothing is left", || !group_lives(running.pid()));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    }
}

/// SIGTERM ends the parent alone: clients being served finish, new ones are refused.
#[test]
fn an_ended_parent_leaves_its_clients_served() {
    for name in &SERVERS[1..] {
        let mut server = Server::start(name);
        let clients = talking(&server, 3);
        server.running.signal(libc::SIGTERM);
        assert_eq!(server.running.wait(), 128 + libc::SIGTERM);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).is_err());
        for mut client in clients {
            assert_eq!(said(&mut client, b"still here"), b"STILL HERE");
            client.write_all(b"quit").expect("it is taken");
            assert_eq!(rest(&mut client), b"");
        }
        eventually("nothing is left", || !group_lives(server.pid()));
    }
}

/// The one process that serves ends at once, and its client with it.
#[test]
fn an_ended_server_of_one_process_is_gone() {
    let mut server = Server::start("tcp_server");
    let mut clients = talking(&server, 1);
    server.running.signal(libc::SIGTERM);
    assert_eq!(server.running.wait(), 128 + libc::SIGTERM);
    assert_eq!(rest(&mut clients[0]), b"");
    eventually("nothing is left", || !group_lives(server.pid()));
}

/// SIGCHLD by the thousand, and two hundred children that end at once, lose nobody.
#[test]
fn a_storm_of_sigchld_loses_nobody() {
    for name in &SERVERS[1..] {
        let server = Server::start(name);
        let pid = server.pid();
        let before = descriptors(pid);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // To all of them: the children too.
                    unsafe { libc::kill(-(pid as i32), libc::SIGCHLD) };
                }
            });
            // Whatever the outcome, the storm ends.
            struct Over<'a>(&'a AtomicBool);
            impl Drop for Over<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Relaxed);
                }
            }
            let _over = Over(&over);
            let mut clients = talking(&server, 200);
            for client in &mut clients {
                assert_eq!(said(client, b"still here"), b"STILL HERE");
            }
            drop(clients);
            server.serves();
        });
        eventually("no child is left", || children(pid).is_empty());
        eventually("no descriptor is left", || descriptors(pid) == before);
        server.serves();
    }
}

/// Stopped and continued, over and over, a server still serves everybody.
#[test]
fn stopped_and_continued_a_server_serves() {
    for name in SERVERS {
        let server = Server::start(name);
        for _ in 0..50 {
            let mut client = server.connect();
            for words in ["one", "two"] {
                server.running.signal(libc::SIGSTOP);
                client.write_all(words.as_bytes()).expect("the kernel takes it");
                server.running.signal(libc::SIGCONT);
                let mut reply = [0; 3];
                client.read_exact(&mut reply).expect("it is served");
                assert_eq!(reply, words.to_uppercase().as_bytes());
            }
        }
    }
}
