//! `make bench`: speed and cost of the servers, in turns, beside the article's C++ and a bare floor.

mod contenders;
mod cost;
mod load;
mod plot;
mod processor;
mod report;
mod results;
#[path = "../support/mod.rs"]
#[allow(dead_code)] // the tests use the rest
mod support;

use std::io::{IsTerminal, Result, Write, stderr};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use contenders::{Contender, Server};
use load::Held;
use processor::OneProcessor;
use report::Report;
use results::{Measure, Results};
use support::programs::{eventually, root};

/// How long a contender's turn is.
const SLICE: Duration = Duration::from_millis(100);

/// On a machine that is busy or slow, three rounds must do from here on.
const LATE: Duration = Duration::from_secs(120);

struct Bench {
    started: Instant,
    step: usize,
    machine: String,
    contenders: Vec<Contender>,
    servers: Vec<Server>,
    results: Results,
    broken: Vec<String>,
}

impl Bench {
    const STEPS: usize = 11;

    fn start() -> Self {
        let started = Instant::now();
        let contenders = contenders::all();
        let servers = contenders.iter().map(|contender| Server::start(&contender.command));
        Bench {
            started,
            step: 0,
            machine: machine(),
            servers: servers.collect(),
            contenders,
            results: Results::default(),
            broken: Vec::new(),
        }
    }

    /// Says where the bench is, in one line on a terminal.
    fn next(&mut self, what: &str) {
        self.step += 1;
        let (back, end) = if stderr().is_terminal() { ("\r\x1b[K", "") } else { ("", "\n") };
        let (step, seconds) = (self.step, self.started.elapsed().as_secs());
        eprint!("{back}{step:>2} of {}, {seconds:>3} s: {what}{end}", Bench::STEPS);
        let _ = stderr().flush();
    }

    /// Gives each contender that `takes_part` its turn, and then each the next one.
    fn in_turns(
        &mut self,
        rounds: usize,
        takes_part: impl Fn(&Contender) -> bool,
        turn: impl Fn(usize, &Contender, &Server, &mut Results) -> Result<()>,
    ) {
        for round in 0..rounds {
            if round >= 3 && self.started.elapsed() > LATE {
                break;
            }
            for (index, (contender, server)) in self.contenders.iter().zip(&self.servers).enumerate() {
                if takes_part(contender)
                    && let Err(error) = turn(index, contender, server, &mut self.results)
                {
                    self.broken.push(format!("{}: {error}", contender.name));
                }
            }
        }
    }

    fn conversations(&mut self, clients: usize, rounds: usize) {
        self.next(&format!("conversations a second, {clients} at once"));
        let takes_part = |contender: &Contender| clients == 1 || contender.forks();
        self.in_turns(rounds, takes_part, |index, _, server, results| {
            let rate = load::connections(server.port, clients, SLICE)?;
            results.add(Measure::Clients(clients), index, rate);
            Ok(())
        });
    }

    fn round_trips(&mut self, size: usize, connections: usize) {
        self.next(&format!("round trips of {size} bytes, {connections} at once"));
        let takes_part = |contender: &Contender| connections == 1 || contender.forks();
        self.in_turns(11, takes_part, |index, _, server, results| {
            let _together = (connections == 1).then(|| OneProcessor::with(server.group()));
            let trips = load::round_trips(server.port, connections, size, SLICE / 2)?;
            results.add(Measure::Trips(size, connections), index, trips.a_second);
            results.add(Measure::P50(size, connections), index, trips.p50);
            results.add(Measure::P99(size, connections), index, trips.p99);
            Ok(())
        });
    }

    fn one_way(&mut self) {
        self.next("MB a second, one way");
        let everybody = |_: &Contender| true;
        self.in_turns(5, everybody, |index, _, server, results| {
            results.add(Measure::OneWay, index, load::one_way(server.port, 8 << 20)?);
            Ok(())
        });
    }

    fn memory(&mut self) {
        self.next("memory an idle connection");
        // The kernel lays a stack out anew at each start, and that decides about a page.
        self.in_turns(5, Contender::forks, |index, contender, _, results| {
            let fresh = Server::start(&contender.command);
            results.add(Measure::Pss, index, cost::pss_a_connection(&fresh)?);
            Ok(())
        });
    }

    fn work(&mut self) {
        self.next("page faults and processor time");
        let everybody = |_: &Contender| true;
        self.in_turns(5, everybody, |index, _, server, results| {
            let Some(work) = cost::work_a_connection(server)? else {
                return Ok(());
            };
            results.add(Measure::PageFaults, index, work.page_faults);
            results.add(Measure::Processor, index, work.microseconds);
            Ok(())
        });
    }

    fn calls(&mut self) {
        self.next("system calls");
        let everybody = |_: &Contender| true;
        self.in_turns(1, everybody, |index, contender, _, results| {
            results.add(Measure::Size, index, contender.size().map(|size| size as f64));
            let Some(calls) = cost::calls(contender)? else {
                return Ok(());
            };
            results.add(Measure::CallsBeforeSocket, index, calls.before_socket);
            results.add(Measure::CallsAMessage, index, calls.a_message);
            Ok(())
        });
    }

    /// The tables on standard output and, with the plot, in `target`.
    fn report(&self) {
        let report = Report { contenders: &self.contenders, results: &self.results };
        let text = format!("# make bench\n\n{}.\n\n{}", self.machine, report.text());
        println!("{text}");
        let target = root().join("target");
        std::fs::write(target.join("bench.md"), text).expect("target can be written");
        let plot = plot::svg(&self.contenders, &self.results);
        std::fs::write(target.join("bench.svg"), plot).expect("target can be written");
        println!("target/bench.md, target/bench.svg; {} s", self.started.elapsed().as_secs());
    }
}

/// The rate of one client as ever more idle connections are held, then without them again.
fn grow(index: usize, contender: &Contender, server: &Server, results: &mut Results) -> Result<()> {
    let mut held = Held::none();
    let before = cost::processes(server.group()).len();
    for idle in [0, 100, 500, 1000] {
        if contender.holds(idle) {
            held.grow(server.port, idle)?;
            results.add(Measure::Idle(idle), index, load::connections(server.port, 1, SLICE)?);
        }
    }
    held.release()?;
    eventually("the idle have gone", || cost::processes(server.group()).len() <= before);
    Ok(())
}

/// Room for a thousand connections, as far as this machine allows it.
fn raise_descriptors() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
}

/// Machine, versions, and what else ran: a figure without them is worth nothing.
fn machine() -> String {
    let first_line = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.lines().next().map(str::to_string)
    };
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let said = [
        cpu.map(|cpu| format!("{}, {cores} cores", cpu.trim_start_matches(['\t', ':', ' ']))),
        first_line("uname", "-sr"),
        first_line("ldd", "--version"),
        first_line("rustc", "--version"),
        first_line("g++", "--version"),
        first_line("date", "+%F"),
        load.split(' ').next().map(|load| format!("load average before: {load}")),
    ];
    said.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn main() -> ExitCode {
    raise_descriptors();
    let mut bench = Bench::start();
    bench.conversations(1, 21);
    bench.conversations(8, 9);
    bench.next("conversations a second, with idle connections held");
    bench.in_turns(5, |contender| contender.holds(0), grow);
    for (size, connections) in [(5, 1), (5, 8), (1023, 1), (1023, 8)] {
        bench.round_trips(size, connections);
    }
    bench.one_way();
    bench.memory();
    bench.work();
    bench.calls();
    eprintln!();
    bench.report();
    for line in &bench.broken {
        eprintln!("{line}");
    }
    if bench.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
