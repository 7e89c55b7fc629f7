//! `make bench`: speed and cost of the servers, in turns, beside the article's C++ and a bare floor.

mod contenders;
mod cost;
mod load;
mod plot;
mod report;
mod results;
#[path = "../support/mod.rs"]
#[allow(dead_code)] // the tests use the rest
mod support;

use std::io::Result;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use contenders::{Contender, Server};
use load::{Held, OneProcessor};
use report::Report;
use results::{Measure, Results};
use support::programs::{Launch, eventually, root};

/// How long a contender's turn is.
const SLICE: Duration = Duration::from_millis(100);

/// On a machine that is busy or slow, three rounds must do from here on.
const LATE: Duration = Duration::from_secs(110);

struct Bench {
    started: Instant,
    machine: String,
    contenders: Vec<Contender>,
    servers: Vec<Server>,
    results: Results,
    broken: bool,
}

impl Bench {
    fn start() -> Self {
        let started = Instant::now();
        let contenders = contenders::all();
        Bench {
            started,
            machine: machine(),
            servers: contenders.iter().map(|contender| Server::start(contender, None)).collect(),
            contenders,
            results: Results::default(),
            broken: false,
        }
    }

    /// Gives each contender that `takes_part` its turn, which brings a value of each of `measures` or none, and then
    /// each the next one.
    fn in_turns(
        &mut self,
        what: String,
        rounds: usize,
        takes_part: impl Fn(&Contender) -> bool,
        measures: &[Measure],
        turn: impl Fn(&Contender, &Server) -> Result<Vec<f64>>,
    ) {
        eprintln!("{:>3} s: {what}", self.started.elapsed().as_secs());
        for round in 0..rounds {
            if round >= 3 && self.started.elapsed() > LATE {
                break;
            }
            let all = self.contenders.iter().zip(&self.servers).enumerate();
            for (index, (contender, server)) in all.filter(|(_, (contender, _))| takes_part(contender)) {
                match turn(contender, server) {
                    Ok(values) => {
                        let values = measures.iter().zip(values);
                        values.for_each(|(&measure, value)| self.results.add(measure, index, value));
                    }
                    Err(error) => {
                        eprintln!("{}: {error}", contender.name);
                        self.broken = true;
                    }
                }
            }
        }
    }

    fn measure(&mut self) {
        for (clients, rounds) in [(1, 21), (8, 9)] {
            let what = say!("conversations a second, {clients} at once", "每秒会话数，同时 {clients} 个");
            let takes_part = |contender: &Contender| clients == 1 || contender.forks();
            self.in_turns(what, rounds, takes_part, &[Measure::Clients(clients)], |_, server| {
                Ok(vec![load::connections(server.port, clients, SLICE)?])
            });
        }
        let what = say!("conversations a second, 1000 idle held", "每秒会话数，另有 1000 个空闲连接");
        self.in_turns(what, 3, Contender::holds, &[Measure::Idle], |_, server| {
            let (mut held, before) = (Held::default(), cost::processes(server).len());
            held.grow(server.port, 1000)?;
            let rate = load::connections(server.port, 1, SLICE)?;
            held.release()?;
            eventually("the idle have gone", || cost::processes(server).len() <= before);
            Ok(vec![rate])
        });
        for size in [5, 1023] {
            let what = say!("round trips of {size} bytes", "{size} 字节的往返");
            self.in_turns(
                what,
                9,
                |_| true,
                &[Measure::Trips(size)],
                |_, server| {
                    let _together = OneProcessor::with(server.group());
                    Ok(vec![load::round_trips(server.port, size, SLICE / 2)?])
                },
            );
        }
        let what = say!("memory an idle connection", "每个空闲连接的内存");
        self.in_turns(what, 5, Contender::forks, &[Measure::Pss], |contender, _| {
            // The kernel lays a stack out anew at each start, and that decides about a page.
            Ok(Vec::from_iter(cost::pss_a_connection(&Server::start(contender, None))?))
        });
        let what = say!("page faults and processor time", "缺页与 CPU 时间");
        self.in_turns(
            what,
            5,
            |_| true,
            &[Measure::PageFaults, Measure::Processor],
            |_, server| Ok(cost::work_a_connection(server)?.into_iter().flatten().collect()),
        );
        let what = say!("system calls", "系统调用");
        if contenders::found("strace").is_some() {
            let measures = [Measure::CallsBeforeSocket, Measure::CallsAMessage];
            self.in_turns(
                what,
                1,
                |_| true,
                &measures,
                |contender, _| Ok(cost::calls(contender)?.to_vec()),
            );
        }
    }

    /// The tables on standard output; with `record` in the bench's page too, behind its mark, and the plot beside it.
    fn report(&self, record: bool) {
        let report = Report { contenders: &self.contenders, results: &self.results };
        let text = format!("{}.\n\n{}", self.machine, report.text());
        println!("{text}{} s", self.started.elapsed().as_secs());
        if record {
            const MARK: &str = "<!-- written by: make bench RECORD=1 -->\n";
            let page = root().join("tests/bench/README.md");
            let was = std::fs::read_to_string(&page).expect("the page is there");
            let (prose, _) = was.split_once(MARK).expect("its mark is there");
            std::fs::write(&page, format!("{prose}{MARK}\n{}\n", text.trim_end())).expect("it is written");
            let plot = plot::svg(&self.contenders, &self.results);
            std::fs::write(page.with_file_name("bench.svg"), plot).expect("it is written");
        }
    }
}

/// Room for a thousand connections, as far as this machine allows it.
fn raise_descriptors() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
}

/// Machine, versions, and what else ran: a figure without them is worth nothing.
fn machine() -> String {
    let says = |program: &str, argument: &str| {
        Launch::of(contenders::found(program)?).arg(argument).start().stdout.line()
    };
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let said = [
        cpu.map(|cpu| cpu.trim_start_matches(['\t', ':', ' ']).to_string()),
        Some(say!("{cores} cores", "{cores} 核")),
        says("uname", "-srm"),
        says("ldd", "--version"),
        says("rustc", "--version"),
        says("g++", "--version"),
        says("date", "+%F"),
        load.split(' ').next().map(|load| say!("load average before: {load}", "开始时的平均负载：{load}")),
    ];
    said.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn main() -> ExitCode {
    raise_descriptors();
    let mut bench = Bench::start();
    bench.measure();
    bench.report(std::env::var("RECORD").is_ok_and(|record| !record.is_empty()));
    if bench.broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
