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

use contenders::Contender;
use results::Measure::{self, *};
use results::Results;
use support::programs::{Launch, Server, eventually, root};

/// How long a contender's turn is.
const SLICE: Duration = Duration::from_millis(100);

/// On a machine that is busy or slow, three rounds must do from here on.
const LATE: Duration = Duration::from_secs(110);

type TakesPart = fn(&Contender) -> bool;
type Turn = fn(&Contender, &Server) -> Result<Vec<f64>>;

/// What is measured: how many rounds, of whom, and a turn, which brings a value of each of the measures, or none.
const ALL: [(&[Measure], usize, TakesPart, Turn); 8] = [
    (&[Clients(1)], 21, |_| true, |_, server| Ok(vec![load::connections(server.port, 1, SLICE)?])),
    (&[Clients(8)], 9, Contender::forks, |_, server| Ok(vec![load::connections(server.port, 8, SLICE)?])),
    (&[Idle], 3, Contender::holds, |_, server| {
        let before = cost::processes(server).len();
        let held = load::held(server.port, 1000)?;
        let rate = load::connections(server.port, 1, SLICE)?;
        held.into_iter().try_for_each(load::quit)?;
        eventually("the idle have gone", || cost::processes(server).len() <= before);
        Ok(vec![rate])
    }),
    (&[Trips(5)], 9, |_| true, |_, server| round_trips(server, 5)),
    (&[Trips(1023)], 9, |_| true, |_, server| round_trips(server, 1023)),
    (&[Pss], 5, Contender::forks, |contender, _| {
        // The kernel lays a stack out anew at each start, and that decides about a page.
        Ok(Vec::from_iter(cost::pss_a_connection(&contender.start(|launch| launch))?))
    }),
    (
        &[PageFaults, Processor],
        5,
        |_| true,
        |_, server| Ok(cost::work_a_connection(server)?.into_iter().flatten().collect()),
    ),
    (
        &[CallsBeforeSocket, CallsAMessage],
        1,
        |_| contenders::found("strace").is_some(),
        |contender, _| Ok(cost::calls(contender)?.to_vec()),
    ),
];

fn round_trips(server: &Server, size: usize) -> Result<Vec<f64>> {
    load::on_one_processor(server.pid(), || Ok(vec![load::round_trips(server.port, size, SLICE / 2)?]))
}

/// Gives each contender its turn, and then each the next one. Whether all turns came to their end.
fn measure(contenders: &[Contender], started: Instant, results: &mut Results) -> bool {
    let servers: Vec<Server> =
        contenders.iter().map(|contender| contender.start(|launch| launch)).collect();
    let mut well = true;
    for (measures, rounds, takes_part, turn) in ALL {
        let heads: Vec<String> = measures.iter().map(|measure| measure.head()).collect();
        eprintln!("{:>3} s: {}", started.elapsed().as_secs(), heads.join(", "));
        for round in 0..rounds {
            if round >= 3 && started.elapsed() > LATE {
                break;
            }
            let all = contenders.iter().zip(&servers);
            for (contender, server) in all.filter(|(contender, _)| takes_part(contender)) {
                match turn(contender, server) {
                    Ok(values) => {
                        let values = measures.iter().zip(values);
                        values.for_each(|(&measure, value)| results.add(measure, &contender.name, value));
                    }
                    Err(error) => {
                        eprintln!("{}: {error}", contender.name);
                        well = false;
                    }
                }
            }
        }
    }
    well
}

/// Writes the tables in the bench's page, behind its mark, and the plot beside it.
fn record(text: &str, plot: String) {
    const MARK: &str = "<!-- written by: make bench RECORD=1 -->\n";
    let page = root().join("tests/bench/README.md");
    let was = std::fs::read_to_string(&page).expect("the page is there");
    let (prose, _) = was.split_once(MARK).expect("its mark is there");
    std::fs::write(&page, format!("{prose}{MARK}\n{}\n", text.trim_end())).expect("it is written");
    std::fs::write(page.with_file_name("bench.svg"), plot).expect("it is written");
}

/// Machine, versions, and what else ran: a figure without them is worth nothing.
const MACHINE: &str = r#"
    sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1
    echo "$(nproc) $1"
    uname -srm
    for tool in ldd rustc g++; do "$tool" --version 2>/dev/null | head -n 1; done
    date +%F
    echo "$2$(cut -d ' ' -f 1 /proc/loadavg)""#;

fn machine() -> String {
    let sh = Launch::of("sh").args(["-c", MACHINE, "sh"]);
    let sh = sh.arg(say!("cores", "核")).arg(say!("load average before: ", "开始时的平均负载："));
    sh.start().stdout.all().join("; ")
}

fn main() -> ExitCode {
    let (started, contenders, machine) = (Instant::now(), contenders::all(), machine());
    let mut results = Results::default();
    let well = measure(&contenders, started, &mut results);
    let text = format!("{machine}.\n\n{}", report::text(&contenders, &results));
    println!("{text}{} s", started.elapsed().as_secs());
    if std::env::var("RECORD").is_ok_and(|record| !record.is_empty()) {
        record(&text, plot::svg(&contenders, &results));
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
