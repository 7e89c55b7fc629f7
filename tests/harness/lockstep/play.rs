//! Plays a session to one program: every step waits until all processes block again, so that two runs do the same.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use crate::harness::lockstep::session::{LockstepSession, LockstepStep, SERVER};
use crate::harness::process::launch::{Launch, Running, Trace, while_nothing_forks};
use crate::harness::process::procfs::state;
use crate::harness::process::quiet::settles;
use crate::harness::process::wait::wait_until;
use crate::harness::trace::normalise::{Process, normalise, quoted, without_repetition};

/// The programs to play to: a directory of four, and how they are built.
#[derive(Clone)]
pub struct ProgramSet {
    pub directory: PathBuf,
    /// With the errata, so that the client takes its port's bytes the other way round.
    pub printed: bool,
}

/// How long a program may take to block again.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The most bytes of one write: more might be read in parts that depend on the time.
const LARGEST_WRITE: usize = 16 << 10;
/// Prompts that show that a client prompts forever (erratum 5).
const FOREVER: usize = 200;

/// What every process does, and what every peer sees, as rows.
pub fn play(session: &LockstepSession, programs: &ProgramSet, port: u16) -> Vec<Process> {
    let mut run = LockstepRun::new(session, programs, port);
    run.settle();
    for step in &session.steps {
        run.step(step);
    }
    run.finish()
}

struct LockstepRun<'a> {
    session: &'a LockstepSession,
    programs: &'a ProgramSet,
    address: SocketAddrV4,
    listener: Option<TcpListener>,
    program: Running,
    peers: BTreeMap<&'static str, TcpStream>,
    /// What the peers have seen.
    seen: BTreeMap<&'static str, Vec<String>>,
    stopped: bool,
    /// How it had to be ended, if it did not block.
    stuck: Option<&'static str>,
    input_ended: bool,
}

impl<'a> LockstepRun<'a> {
    fn new(session: &'a LockstepSession, programs: &'a ProgramSet, port: u16) -> Self {
        let address = SocketAddrV4::new(unused_address(), port);
        let listener = (!session.is_of_a_server())
            .then(|| TcpListener::bind(address).expect("nobody else has this address"));
        let words = match session.is_of_a_server() {
            true => [port.to_string(), address.ip().to_string()],
            // Erratum 1.
            false if programs.printed => [address.ip().to_string(), port.swap_bytes().to_string()],
            false => [address.ip().to_string(), port.to_string()],
        };
        let launch =
            Launch::new(format!("./{}", session.program)).args(words).directory(&programs.directory);
        let program = launch.clean_env().user("me").output_on_terminal().traced(traced()).start();
        if let Some(stdin) = &program.stdin {
            unsafe { libc::fcntl(stdin.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        }
        let (peers, seen) = (BTreeMap::new(), BTreeMap::new());
        let (stopped, stuck, input_ended) = (false, None, false);
        let mut run = LockstepRun {
            session,
            programs,
            address,
            listener,
            program,
            peers,
            seen,
            stopped,
            stuck,
            input_ended,
        };
        if let Some(listener) = &run.listener {
            listener.set_nonblocking(true).expect("it is a socket");
            run.settle();
            let listener = run.listener.as_ref().expect("it was there");
            if let Ok((stream, _)) = listener.accept() {
                run.peers.insert(SERVER, ready(stream));
            }
        }
        run
    }

    fn step(&mut self, step: &LockstepStep) {
        match step {
            LockstepStep::Connects(name) => match TcpStream::connect(self.address) {
                Ok(stream) => _ = self.peers.insert(name, ready(stream)),
                Err(error) => self.saw(name, error.kind().to_string()),
            },
            LockstepStep::Sends(name, bytes) => {
                for part in bytes.chunks(LARGEST_WRITE) {
                    let Some(mut peer) = self.peers.get(name) else { return };
                    match peer.write(part) {
                        Ok(sent) if sent == part.len() => self.settle(),
                        Ok(sent) => {
                            self.saw(name, format!("sends {sent} bytes"));
                            break;
                        }
                        Err(error) => {
                            self.saw(name, error.kind().to_string());
                            break;
                        }
                    }
                }
            }
            LockstepStep::Reads(name) => self.reads(name),
            LockstepStep::ClosesHalf(name) => {
                _ = self.peers.get(name).map(|peer| peer.shutdown(Shutdown::Write))
            }
            LockstepStep::Resets(name) => {
                let peer = self.peers.remove(name);
                peer.iter().for_each(reset);
                while_nothing_forks(|| drop(peer));
            }
            LockstepStep::Leaves(name) => while_nothing_forks(|| drop(self.peers.remove(name))),
            LockstepStep::Stop => self.stop(),
            LockstepStep::Continue => self.go_on(),
            LockstepStep::Types(bytes) => {
                for part in bytes.chunks(LARGEST_WRITE) {
                    let Some(stdin) = self.program.stdin.as_mut() else { return };
                    // A client that waits for its server, or has ended, reads no more.
                    let typed = stdin.write(part).unwrap_or(0);
                    self.settle();
                    if typed < part.len() {
                        self.saw("user", format!("types {typed} bytes"));
                        break;
                    }
                }
            }
            LockstepStep::EndsInput => {
                while_nothing_forks(|| self.program.end_input());
                self.input_ended = true;
            }
        }
        self.settle();
    }

    fn saw(&mut self, name: &'static str, what: String) {
        self.seen.entry(name).or_default().push(what);
    }

    /// Takes what has come, and what comes because there is room for it again.
    fn reads(&mut self, name: &'static str) {
        let mut came = Vec::new();
        loop {
            let Some(mut peer) = self.peers.get(name) else { return };
            let before = came.len();
            let end = match peer.read_to_end(&mut came) {
                Ok(_) => "end".to_string(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => "waits".to_string(),
                Err(error) => error.kind().to_string(),
            };
            if came.len() == before || end != "waits" {
                return self.saw(name, format!("{} {end}", quoted(&came)));
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        if self.stopped || self.stuck.is_some() {
            return;
        }
        let peers = Vec::from_iter(self.peers.values());
        let prompts_forever = self.programs.printed && self.input_ended;
        let screen = self.program.screen();
        let enough = || prompts_forever && screen.text().matches("Please enter").count() > FOREVER;
        if settles(&self.program, &peers, TIME_LIMIT, enough) {
            return;
        }
        self.stuck = Some(if enough() { "prompts forever" } else { "never blocks" });
        self.program.signal_group(libc::SIGKILL);
        let ended = |pid| matches!(state(pid), None | Some('Z'));
        wait_until("all its processes have ended", || self.program.group().into_iter().all(ended));
    }

    fn stop(&mut self) {
        let running = |pid: &u32| !matches!(state(*pid), None | Some('Z'));
        let alive = self.program.group().into_iter().filter(running).count();
        if self.stopped || alive == 0 || self.stuck.is_some() {
            return;
        }
        let stops = |program: &Running| program.trace().matches("--- stopped by SIGSTOP ---").count();
        let before = stops(&self.program);
        self.program.signal_group(libc::SIGSTOP);
        wait_until("all its processes have stopped", || stops(&self.program) >= before + alive);
        self.stopped = true;
    }

    fn go_on(&mut self) {
        if std::mem::replace(&mut self.stopped, false) {
            self.program.signal_group(libc::SIGCONT);
        }
    }

    /// Ends what has not ended, and tells what all have done.
    fn finish(mut self) -> Vec<Process> {
        self.go_on();
        self.settle();
        for name in Vec::from_iter(self.peers.keys().copied()) {
            self.reads(name);
        }
        self.settle();
        self.program.signal_group(libc::SIGTERM);
        self.program.wait_for_descendants();
        let port = self.address.port();
        let ports = [(u32::from(port), "PORT"), (u32::from(port.swap_bytes()), "PORT, bytes swapped")];
        let role = if self.session.is_of_a_server() { "server" } else { "client" };
        let mut processes = normalise(&self.program.events(), role, &ports);
        let address = self.address.ip().to_string();
        for process in &mut processes {
            process.rows = match self.stuck {
                Some("prompts forever") => without_repetition(std::mem::take(&mut process.rows)),
                // Where SIGKILL came is chance.
                Some(_) => vec!["never blocks".to_string()],
                None => std::mem::take(&mut process.rows),
            };
            for row in &mut process.rows {
                *row = row.replace(&address, "127.0.0.1");
            }
        }
        let peers =
            self.seen.into_iter().map(|(name, rows)| Process { name: format!("peer {name}"), rows });
        processes.into_iter().chain(peers).collect()
    }
}

/// All calls but those that the C library makes for itself, by a filter in the kernel.
fn traced() -> Trace {
    const LEFT_OUT: &str = "trace=!brk,mmap,munmap,mremap,mprotect,madvise,set_tid_address,set_robust_list,\
        futex,rt_sigprocmask,prlimit64,pread64";
    Trace::all().option("-y").option("--seccomp-bpf").option("-e").option(LEFT_OUT)
}

/// Another loopback address each time: no connection that is over keeps a program from its port.
fn unused_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Relaxed);
    let of_this_process = 1 + std::process::id() % 250;
    Ipv4Addr::new(127, of_this_process as u8, (number / 250) as u8, 1 + (number % 250) as u8)
}

/// Sends what it is given at once, and waits for nothing.
fn ready(stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("it is a socket");
    stream.set_nonblocking(true).expect("it is a socket");
    stream
}

/// When it is closed, it is reset.
fn reset(stream: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let (size, linger) = (size_of_val(&linger) as u32, (&raw const linger).cast());
    unsafe { libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, linger, size) };
}
