//! The limits a real host sets, and what comes of each: the README's table of them is tested here.

use std::fs::File;
use std::io::{Error, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::support::programs::*;

type Limit = libc::__rlimit_resource_t;

/// In a child before its program: the soft limit of it.
fn limited(resource: Limit, soft: u64) -> std::io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::getrlimit(resource, &mut limit) };
    limit.rlim_cur = soft;
    let set = unsafe { libc::setrlimit(resource, &limit) };
    if set == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Gives `pid` its hard limit: whoever ran out of something has it again.
fn unlimited(pid: u32, resource: Limit) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::prlimit(pid as i32, resource, std::ptr::null(), &mut limit) };
    limit.rlim_cur = limit.rlim_max;
    let set = unsafe { libc::prlimit(pid as i32, resource, &limit, std::ptr::null_mut()) };
    assert_eq!(set, 0);
}

/// A server whose process does `first` before it becomes the server.
fn server(
    command: &mut Command,
    first: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static,
) -> Server {
    let port = free_port();
    unsafe { command.arg(port.to_string()).arg("127.0.0.1").pre_exec(first) };
    let running = Running::start(command);
    eventually("it listens", || is_listening(port));
    Server { running, port }
}

fn of(name: &str) -> Command {
    Command::new(program(Build::Mended, name))
}

/// In a child before its program: `fd` is `file` from now on.
fn replaced(fd: i32, file: &File) -> std::io::Result<()> {
    let done = unsafe { libc::dup2(file.as_raw_fd(), fd) };
    if done == fd { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Serves three clients, and nothing but their answers reaches them.
fn serves_on(server: &mut Server) {
    for _ in 0..3 {
        server.serves();
    }
    assert_eq!(server.running.wait_within(std::time::Duration::ZERO), None);
}

/// `ulimit -n`: out of descriptors, a server asks calmly and serves who waited as soon as there is one.
#[test]
fn out_of_descriptors_a_client_waits() {
    for name in SERVERS {
        // 0, 1, 2 and the listening socket.
        let mut server = server(&mut of(name), || limited(libc::RLIMIT_NOFILE, 4));
        let mut client = server.connect();
        client.write_all(b"words").expect("the kernel takes it");
        let text = "accept() failed::Too many open files";
        server.running.stdout.wait_for(text);
        let start = Instant::now();
        for _ in 0..20 {
            server.running.stdout.wait_for(text);
        }
        assert!(start.elapsed().as_secs_f64() > 20.0 / 100.0, "more than 100 tries a second");
        unlimited(server.pid(), libc::RLIMIT_NOFILE);
        let mut reply = [0; 5];
        client.read_exact(&mut reply).expect("it is served");
        assert_eq!(&reply, b"WORDS");
        drop(client);
        serves_on(&mut server);
    }
}

/// A program that a user without rights can run too, wherever the checkout lies.
struct Copied(PathBuf);

impl Copied {
    fn of(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}.{}.{}", std::process::id(), free_port()));
        std::fs::copy(program(Build::Mended, name), &path).expect("it is copied");
        Copied(path)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// `ulimit -u`: a refused fork, the parent's or the child's, costs this client and no other.
#[test]
fn out_of_processes_one_client_is_closed() {
    // Its keeper, the server, and for its first client one more; the double fork needs another for a moment.
    for (name, processes) in [(SERVERS[1], 3), (SERVERS[2], 4)] {
        let copied = Copied::of(name);
        let mut command = Command::new(&copied.0);
        let root = unsafe { libc::geteuid() } == 0;
        // The limit is not for root: a user that nobody is. Any other user has processes enough.
        if root {
            command.uid(54_000 + u32::from(free_port())).gid(54_000);
        }
        let processes = if root { processes } else { 1 };
        let mut server = server(&mut command, move || limited(libc::RLIMIT_NPROC, processes));
        let first = root.then(|| {
            let mut first = server.connect();
            assert_eq!(said(&mut first, b"words"), b"WORDS");
            first
        });
        let mut refused = server.connect();
        assert_eq!(rest(&mut refused), b"", "{name} has a process too many");
        let text = "Server fork() failed:Resource temporarily unavailable";
        server.running.stderr.wait_for(text);
        if let Some(mut first) = first {
            assert_eq!(said(&mut first, b"still here"), b"STILL HERE");
        } else {
            unlimited(server.pid(), libc::RLIMIT_NPROC);
        }
        eventually("there is a process for the next", || {
            let mut next = server.connect();
            next.write_all(b"next").is_ok() && next.read(&mut [0; 4]).is_ok_and(|count| count == 4)
        });
    }
}

/// `ulimit -f`: the log ends at the limit, the service does not.
#[test]
fn a_log_at_its_limit_is_all_that_ends() {
    for name in SERVERS {
        let path = std::env::temp_dir().join(format!("{name}.{}.log", std::process::id()));
        let log = File::create(&path).expect("it is created");
        let mut server = server(&mut of(name), move || {
            limited(libc::RLIMIT_FSIZE, 1000)?;
            replaced(1, &log)
        });
        serves_on(&mut server);
        let log = std::fs::read(&path).expect("it is there");
        std::fs::remove_file(&path).expect("it is removed");
        assert_eq!(log.len(), 1000);
    }
}

/// A full disk, a pipe whose reader has gone, one that is full, a terminal that hung up: service goes on.
#[test]
fn a_log_that_nobody_takes_is_lost_alone() {
    let full_disk = || File::options().write(true).open("/dev/full").expect("it is there");
    let closed_pipe = || pipe().1;
    let full_pipe = || {
        let (reader, mut writer) = pipe();
        unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        while writer.write(&[b'x'; 4096]).is_ok() {}
        // The reader never reads, for as long as the test runs.
        let _ = reader.into_raw_fd();
        writer
    };
    let gone_terminal = || {
        let (mut ours, mut theirs) = (0, 0);
        let (name, settings, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
        let made = unsafe { libc::openpty(&mut ours, &mut theirs, name, settings, size) };
        assert_eq!(made, 0);
        drop(unsafe { OwnedFd::from_raw_fd(ours) });
        unsafe { File::from_raw_fd(theirs) }
    };
    for name in SERVERS {
        for log in [full_disk(), closed_pipe(), full_pipe(), gone_terminal()] {
            let mut server = server(&mut of(name), move || {
                replaced(1, &log)?;
                replaced(2, &log)
            });
            serves_on(&mut server);
        }
    }
}

fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) }
}

/// In a child before its program: these streams are closed.
fn closed(streams: &[i32]) -> std::io::Result<()> {
    for &stream in streams {
        unsafe { libc::close(stream) };
    }
    Ok(())
}

const STREAMS: [&[i32]; 5] = [&[0], &[1], &[2], &[0, 1], &[0, 1, 2]];

/// Without its standard streams a server serves, and no line of log goes to a client.
#[test]
fn without_streams_a_server_serves() {
    for name in SERVERS {
        for streams in STREAMS {
            let mut server = server(&mut of(name), move || closed(streams));
            serves_on(&mut server);
            let pid = server.pid();
            let target = |fd| std::fs::read_link(format!("/proc/{pid}/fd/{fd}"));
            for fd in 0..=2 {
                let target = target(fd).map(|path| path.display().to_string());
                let safe = target.is_ok_and(|target| !target.starts_with("socket:"));
                assert!(safe, "{name} without {streams:?}: {fd} is a socket");
            }
        }
    }
}

/// Without its standard streams the client ends by itself, and sends the server no line of log.
#[test]
fn without_streams_the_client_ends() {
    for streams in STREAMS {
        let mut server = Server::start("tcp_server_fork");
        let mut command = of("tcp_client");
        command.arg("127.0.0.1").arg(server.port.to_string());
        unsafe { command.pre_exec(move || closed(streams)) };
        let mut client = Running::start(&mut command);
        if !streams.contains(&0) {
            client.type_in(b"words\nquit\n");
        }
        let status = client.wait();
        server.running.stdout.wait_for("Service close");
        let log = server.log();
        assert!(!log.iter().any(|line| line.contains(">> DEBUG")), "{log:#?}");
        assert_eq!(status, 0, "without {streams:?}");
    }
}
