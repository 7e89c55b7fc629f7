//! `make bench`: speed and cost of the servers, in turns, beside the article's C++ and a baseline in C.

#[path = "../article/mod.rs"]
#[allow(dead_code, unused_imports)] // the tests use the rest
mod article;
mod cost;
#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;
mod linked;
mod load;
mod plot;
mod results;
mod subjects;
mod tables;

use std::thread;
use std::time::{Duration, Instant};

use results::Measure::{self, *};
use results::Results;
use subjects::{BASELINE, BenchSubject, Subjects};

use harness::builds::{Server, root};
use harness::process::launch::Launch;
use harness::switches::is_on;

/// How long one measurement takes.
const SLICE: Duration = Duration::from_millis(100);

/// What is measured, in how many rounds.
const ALL: [(Measure, usize); 10] = [
    (Sessions, 21),
    (Latency(1), 5),
    (Latency(50), 5),
    (Latency(200), 5),
    (Trips(5), 9),
    (Trips(1023), 9),
    (Pss, 10),
    (PageFaults, 5),
    (CallsBeforeSocket, 1),
    (CallsPerMessage, 1),
];

/// One measurement of a subject; none if this is not measured of it.
fn measure_once(measure: Measure, subject: &BenchSubject, server: &Server) -> Option<f64> {
    match measure {
        // The kernel chooses the processor of a new thread again.
        Sessions => thread::scope(|scope| {
            let client = scope.spawn(|| load::rate(SLICE, || load::session(server.port, 1)));
            Some(client.join().expect("the client is served"))
        }),
        Trips(size) => {
            let trips = || load::round_trips(server.port, size, SLICE / 2);
            Some(load::on_one_processor(server.pid(), trips))
        }
        Pss if !subject.forks() => None,
        // Where the kernel puts the stack differs from start to start, and can cost a page.
        Pss => cost::pss_per_connection(&subject.start(None)),
        Latency(_) | Percentile(..) => None,
        PageFaults => cost::page_faults_per_connection(server),
        CallsBeforeSocket => Some(cost::calls(subject)[0]),
        CallsPerMessage => Some(cost::calls(subject)[1]),
    }
}

/// Measures all subjects in turns: a disturbance of the machine disturbs all of them.
fn measure(subjects: &Subjects, started: Instant) -> Results {
    let servers: Vec<Server> = subjects.servers.iter().map(|subject| subject.start(None)).collect();
    let mut results = Results::default();
    for (measure, rounds) in ALL {
        eprintln!("{:>3} s: {}", started.elapsed().as_secs(), measure.head());
        for _ in 0..rounds {
            for (subject, server) in subjects.servers.iter().zip(&servers) {
                match measure {
                    Latency(clients) => latency(&mut results, subject, server, clients),
                    _ => results.add(measure, &subject.name, measure_once(measure, subject, server)),
                }
            }
            if measure == Sessions {
                others(&mut results, subjects, &servers);
            }
        }
    }
    results
}

/// Two percentiles of a session. A server of one process serves one client at a time.
fn latency(results: &mut Results, subject: &BenchSubject, server: &Server, clients: usize) {
    if clients == 1 || subject.forks() {
        let times = load::latencies(server.port, clients, 2 * SLICE);
        for percent in [50, 99] {
            let value = results::quantile(times.clone(), percent as f64 / 100.0);
            results.add(Percentile(percent, clients), &subject.name, value);
        }
    }
}

/// A round of the clients, all of the same server, and of only `fork`.
fn others(results: &mut Results, subjects: &Subjects, servers: &[Server]) {
    let baseline = subjects.servers.iter().position(|subject| subject.name == BASELINE);
    let port = servers[baseline.unwrap_or(1)].port;
    for client in &subjects.clients {
        results.add(Sessions, &client.name, client.client_sessions(port));
    }
    for forks in &subjects.forks {
        results.add(Sessions, &forks.name, forks.forks_alone(SLICE));
    }
}

/// Writes the tables into the bench's page, after its mark, and the plot beside it.
fn record(text: &str, plot: String) {
    const MARK: &str = "<!-- written by: make bench RECORD=1 -->\n";
    let page = root().join("tests/bench/README.md");
    let was = std::fs::read_to_string(&page).expect("tests/bench/README.md is readable");
    let (prose, _) = was.split_once(MARK).expect("tests/bench/README.md has the mark");
    std::fs::write(&page, format!("{prose}{MARK}\n{}\n", text.trim_end()))
        .expect("tests/bench can be written");
    std::fs::write(page.with_file_name("bench.svg"), plot).expect("tests/bench can be written");
}

/// The machine, versions and load, without which figures mean nothing.
const MACHINE: &str = r#"
    sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1
    echo "$(nproc) $1"
    uname -srm
    for tool in ldd rustc g++; do "$tool" --version 2>/dev/null | head -n 1; done
    date +%F
    echo "$2$(cut -d ' ' -f 1 /proc/loadavg)""#;

/// Measures the ways of linking in turns, and prints a table.
fn link_flags() {
    let subjects = linked::subjects();
    let servers: Vec<Server> = subjects.iter().map(|(subject, _)| subject.start(None)).collect();
    let mut results = Results::default();
    for (measure, rounds) in [(Sessions, 41), (PageFaults, 5), (Pss, 10)] {
        for _ in 0..rounds {
            for ((subject, _), server) in subjects.iter().zip(&servers) {
                results.add(measure, &subject.name, measure_once(measure, subject, server));
            }
        }
    }
    println!("{}", tables::linked(&subjects, &results));
}

fn main() {
    if is_on("LINK_FLAGS") {
        return link_flags();
    }
    let (started, subjects) = (Instant::now(), subjects::all());
    let machine = Launch::new("sh").args(["-c", MACHINE, "sh"]).arg(say!("cores", "核"));
    let machine = machine.arg(say!("load average before: ", "开始时的平均负载："));
    let machine = machine.start().stdout.all().join("; ");
    let results = measure(&subjects, started);
    let text = format!("{machine}.\n\n{}", tables::text(&subjects, &results));
    println!("{text}{} s", started.elapsed().as_secs());
    if std::env::var("RECORD").is_ok_and(|record| !record.is_empty()) {
        record(&text, plot::svg(&subjects.servers, &results));
    }
}
