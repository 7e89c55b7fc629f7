//! What a host does to a server, and what comes of it: limits, streams that nobody takes, signals.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Stdio;

use crate::support::kernel::*;
use crate::support::programs::*;
use crate::support::streams::Screen;

fn of(name: &str) -> Launch {
    Launch::of(program(Build::Mended, name))
}

/// A program that a shell becomes once it has done something.
fn behind(shell: &str, name: &str) -> Launch {
    let shell = format!("{shell}; exec \"$@\"");
    Launch::of("sh").args(["-c", &shell, "sh"]).arg(program(Build::Mended, name))
}

/// A server that may be unable to say that it listens.
fn quiet(launch: Launch) -> Server {
    let port = free_port();
    let mut running = launch.arg(port.to_string()).arg("127.0.0.1").start();
    running.listens(port, PATIENCE).expect("it listens");
    Server { running, port }
}

/// It serves three clients, and lives.
fn serves_on(server: &mut Server) {
    (0..3).for_each(|_| server.serves());
    assert!(!server.running.has_ended());
}

/// `ulimit -n`: out of descriptors, a server asks calmly and serves who waited as soon as there is one.
#[test]
fn out_of_descriptors_a_client_waits() {
    for name in SERVERS {
        // 0, 1, 2 and the listening socket.
        let mut server = quiet(behind("ulimit -Sn 4", name));
        server.running.attach(&Trace::of("accept").first_alone());
        let mut client = server.connect();
        client.write_all(b"words").expect("the kernel takes it");
        let tries = |server: &Server| -> Vec<f64> {
            let events = server.running.events();
            let failed =
                events.iter().filter(|event| event.call().is_some_and(|call| call.errno.is_some()));
            failed.filter_map(|event| event.at).collect()
        };
        eventually("it asks again and again", || tries(&server).len() > 10);
        // The second follows the first at once.
        let tries = tries(&server)[1..].to_vec();
        assert!(tries.windows(2).all(|pair| pair[1] - pair[0] > 0.015), "{name}: {tries:?}");
        server.running.let_go();
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        let pid = server.pid() as i32;
        unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, std::ptr::null(), &raw mut limit) };
        limit.rlim_cur = limit.rlim_max;
        unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, &raw const limit, std::ptr::null_mut()) };
        let mut reply = [0; 5];
        client.read_exact(&mut reply).expect("it is served");
        assert_eq!(&reply, b"WORDS");
        drop(client);
        serves_on(&mut server);
    }
}

/// A full disk, a pipe whose reader has gone, a terminal that hung up: lines are lost, and nothing else.
#[test]
fn a_log_that_nobody_takes_is_lost_alone() {
    let full_disk = || OwnedFd::from(File::options().write(true).open("/dev/full").expect("it is there"));
    let closed_pipe = || {
        let mut ends = [0; 2];
        assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
        let [reader, writer] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        drop(reader);
        writer
    };
    let gone_terminal = || {
        let (screen, master, slave) = Screen::open(80, 24);
        drop((screen, master));
        OwnedFd::from(slave)
    };
    for name in SERVERS {
        for log in [full_disk(), closed_pipe(), gone_terminal()] {
            let again = log.try_clone().expect("a descriptor is left");
            serves_on(&mut quiet(of(name).stdout(Stdio::from(log)).stderr(Stdio::from(again))));
        }
    }
}

const STREAMS: [&str; 4] = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"];

/// Without its standard streams a server serves, and no line of log goes to a client.
#[test]
fn without_streams_a_server_serves() {
    for name in SERVERS {
        for streams in STREAMS {
            let mut server = quiet(behind(&format!("exec {streams}"), name));
            serves_on(&mut server);
            for stream in 0..=2 {
                let target = std::fs::read_link(format!("/proc/{}/fd/{stream}", server.pid()));
                let safe = target.is_ok_and(|target| !target.to_string_lossy().starts_with("socket:"));
                assert!(safe, "{name} without {streams}: {stream}");
            }
        }
    }
}

/// Where their places can't be filled, `socket` has failed.
#[test]
fn a_place_that_cannot_be_filled_is_a_failed_socket() {
    let refused = Trace::all().option("-P").option("/dev/null").inject("?open,openat:error=EMFILE");
    let launch = behind("exec >&-", "tcp_server").traced(refused);
    let mut server = launch.arg(free_port().to_string()).arg("127.0.0.1").start();
    assert_eq!(server.wait(), 1);
    server.stderr.wait_for("socket() failed::Too many open files");
}

/// Without its standard streams the client ends by itself, and sends the server no line of log.
#[test]
fn without_streams_the_client_ends() {
    for streams in STREAMS {
        let mut server = Server::start("tcp_server_fork");
        let client = behind(&format!("exec {streams}"), "tcp_client");
        let mut client = client.arg("127.0.0.1").arg(server.port.to_string()).start();
        if !streams.contains('<') {
            client.type_in(b"words\nquit\n");
        }
        assert_eq!(client.wait(), 0, "without {streams}");
        server.running.stdout.wait_for("Service close");
        let log = server.log();
        assert!(!log.iter().any(|line| line.contains(">> DEBUG")), "{log:#?}");
    }
}

fn talking(server: &Server, count: usize) -> Vec<TcpStream> {
    let mut clients: Vec<TcpStream> = (0..count).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(said(client, b"words"), b"WORDS");
    }
    clients
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
        assert_eq!(server.running.wait_for_all(), 128 + libc::SIGTERM);
    }
}

/// Signals that end nobody are not noticed by anybody, whatever call they meet.
#[test]
fn harmless_signals_are_not_noticed() {
    for name in SERVERS {
        let server = Server::start(name);
        let mut client = server.connect();
        for _ in 0..20 {
            for signal in [libc::SIGSTOP, libc::SIGCONT, libc::SIGWINCH, libc::SIGCHLD, libc::SIGURG] {
                group(server.pid()).iter().for_each(|&pid| _ = unsafe { libc::kill(pid as i32, signal) });
            }
            assert_eq!(said(&mut client, b"words"), b"WORDS");
        }
        drop(client);
        server.serves();
        assert!(!server.log().iter().any(|line| line.contains("Interrupted")));
    }
}
