//! `make bench`: speed and cost of the servers, in turns, beside the article's C++ and a bare floor.

#[path = "../article/mod.rs"]
#[allow(dead_code, unused_imports)] // the tests use the rest
mod article;
mod contenders;
mod cost;
#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;
mod load;
mod plot;
mod report;
mod results;

use std::thread;
use std::time::{Duration, Instant};

use contenders::Contender;
use results::Measure::{self, *};
use results::Results;

use harness::builds::{Server, root};
use harness::process::launch::Launch;

/// How long a contender's turn is.
const SLICE: Duration = Duration::from_millis(100);

/// What is measured, in how many rounds.
const ALL: [(Measure, usize); 7] = [
    (Conversations, 21),
    (Trips(5), 9),
    (Trips(1023), 9),
    (Pss, 5),
    (PageFaults, 5),
    (CallsBeforeSocket, 1),
    (CallsAMessage, 1),
];

/// What comes of a contender's turn, if it takes part in this.
fn turn(measure: Measure, contender: &Contender, server: &Server) -> Option<f64> {
    match measure {
        // A new thread finds its processor anew.
        Conversations => thread::scope(|scope| {
            let client = scope.spawn(|| load::rate(SLICE, || load::conversation(server.port, 1)));
            Some(client.join().expect("it is served"))
        }),
        Trips(size) => {
            let trips = || load::round_trips(server.port, size, SLICE / 2);
            Some(load::on_one_processor(server.pid(), trips))
        }
        Pss if !contender.forks() => None,
        // The kernel lays a stack out anew at each start, and that decides about a page.
        Pss => cost::pss_a_connection(&contender.start(None)),
        PageFaults => cost::page_faults_a_connection(server),
        CallsBeforeSocket => Some(cost::calls(contender)[0]),
        CallsAMessage => Some(cost::calls(contender)[1]),
    }
}

/// Gives each contender its turn, and then each the next one.
fn measure(contenders: &[Contender], started: Instant) -> Results {
    let servers: Vec<Server> = contenders.iter().map(|contender| contender.start(None)).collect();
    let mut results = Results::default();
    for (measure, rounds) in ALL {
        eprintln!("{:>3} s: {}", started.elapsed().as_secs(), measure.head());
        for _ in 0..rounds {
            for (contender, server) in contenders.iter().zip(&servers) {
                results.add(measure, &contender.name, turn(measure, contender, server));
            }
        }
    }
    results
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

fn main() {
    let (started, contenders) = (Instant::now(), contenders::all());
    let machine = Launch::new("sh").args(["-c", MACHINE, "sh"]).arg(say!("cores", "核"));
    let machine = machine.arg(say!("load average before: ", "开始时的平均负载："));
    let machine = machine.start().stdout.all().join("; ");
    let results = measure(&contenders, started);
    let text = format!("{machine}.\n\n{}", report::text(&contenders, &results));
    println!("{text}{} s", started.elapsed().as_secs());
    if std::env::var("RECORD").is_ok_and(|record| !record.is_empty()) {
        record(&text, plot::svg(&contenders, &results));
    }
}
