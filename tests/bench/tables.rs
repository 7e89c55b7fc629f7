//! The tables: what was measured, and which of the figures asked for are reached.

use super::results::Measure::{self, *};
use super::results::Results;
use super::subjects::{BASELINE, BASELINE_STATIC, BenchSubject, RAW, Subjects};
use crate::harness::builds::{PROGRAMS, SERVERS};
use crate::harness::text::{display_width, padded};
use crate::say;

/// A Markdown table, in columns on a terminal too: names on the left, numbers on the right.
fn table(rows: &[Vec<String>]) -> String {
    let mut rows = padded(rows, 1);
    let line = |cell: &String| "-".repeat(display_width(cell));
    let lines: Vec<String> = rows[0].iter().map(line).collect();
    let rule = format!("|-{}-|-{}:|\n", lines[0], lines[1..].join(":|-"));
    let head = rows.remove(0);
    let shown = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    shown(&head) + &rule + &rows.iter().map(shown).collect::<String>() + "\n"
}

/// The tables of what was measured.
pub fn text(subjects: &Subjects, results: &Results) -> String {
    let about = say!(
        "A session: connect, 5 bytes, reply, quit, end. Each cell: the median of the rounds; in brackets its \
         ratio to the article's C++ (where there is none: to the baseline); half of the interquartile range.",
        "一次会话：连接、5 字节、应答、quit、结束。每格是各轮的中位数；括号里是与文章 C++ 程序之比（没有它时与 baseline \
         之比）；最后是四分位距的一半。"
    );
    let section = |title: String, measures: &[Measure]| {
        let mut rows = vec![vec![title]];
        rows[0].extend(measures.iter().map(|measure| measure.head()));
        let Subjects { servers, clients, forks } = subjects;
        for subject in servers.iter().chain(clients).chain(forks) {
            let cells = measures.iter().map(|&measure| cell(results, measure, subject));
            let cells = Vec::from_iter(cells);
            if cells.iter().all(Option::is_none) {
                continue;
            }
            let cell = |cell: Option<String>| cell.unwrap_or("-".into());
            rows.push(std::iter::once(subject.name.clone()).chain(cells.into_iter().map(cell)).collect());
        }
        table(&rows)
    };
    let speed = section(say!("per second", "每秒"), &[Sessions, Trips(5), Trips(1023)]);
    let percentiles = [1, 50, 200].map(|clients| [Percentile(50, clients), Percentile(99, clients)]);
    let latency = section(say!("µs per session", "每次会话 µs"), &percentiles.concat());
    let cost = [Pss, PageFaults, CallsBeforeSocket, CallsPerMessage];
    let cost = section(say!("per session", "每次会话"), &cost);
    let price = price_of_page_faults(subjects, results);
    format!("{about}\n\n{speed}{latency}{cost}{price}{}", figures(results))
}

/// What a session takes longer than without any library, divided by its additional page faults.
fn price_of_page_faults(subjects: &Subjects, results: &Results) -> String {
    let heads = [
        say!("beyond no library, per session", "比不用任何库多出，每次会话"),
        say!("µs", "µs"),
        say!("page faults", "缺页次数"),
        say!("µs per page fault", "每次缺页 µs"),
    ];
    let mut rows = vec![heads.to_vec()];
    let seen = |name: &str| {
        let faults = results.median(PageFaults, name).filter(|faults| *faults > 1.0)?;
        Some((1e6 / results.median(Sessions, name)?, faults))
    };
    for subject in subjects.servers.iter().filter(|subject| subject.name != RAW) {
        if let Some(((time, faults), (least, fewest))) = seen(&subject.name).zip(seen(RAW)) {
            let (time, faults) = (time - least, faults - fewest);
            let cells = [format!("{time:.0}"), format!("{faults:.1}"), format!("{:.1}", time / faults)];
            rows.push(std::iter::once(subject.name.clone()).chain(cells).collect());
        }
    }
    table(&rows)
}

/// What other ways of linking change; each with the name of what it is compared with.
pub fn linked(subjects: &[(BenchSubject, String)], results: &Results) -> String {
    let heads = [say!("linked", "链接方式"), Sessions.head(), PageFaults.head(), Pss.head()];
    let mut rows = vec![heads.to_vec()];
    for (subject, base) in subjects {
        let name = &subject.name;
        let ratio = results.ratio(Sessions, name, base).unwrap_or_default();
        let number = |measure| {
            results.median(measure, name).map_or("-".to_string(), |median| format!("{median:.1}"))
        };
        rows.push(vec![name.clone(), format!("{ratio:.2}"), number(PageFaults), number(Pss)]);
    }
    table(&rows)
}

/// A number, or a rate with its ratio and spread.
fn cell(results: &Results, measure: Measure, subject: &BenchSubject) -> Option<String> {
    let name = &subject.name;
    let median = results.median(measure, name)?;
    Some(match measure {
        Percentile(..) => {
            let cpp = format!("{}, C++", PROGRAMS[subject.listing]);
            let ratio = results.ratio(measure, name, &cpp);
            format!("{median:.0}{}", ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})")))
        }
        Latency(_) => return None,
        CallsBeforeSocket => format!("{median:.0}"),
        Pss | PageFaults => format!("{median:.1}"),
        CallsPerMessage => format!("{median:.2}"),
        Sessions | Trips(_) => {
            let cpp = format!("{}, C++", PROGRAMS[subject.listing]);
            let ratio = results.ratio(measure, name, &cpp).or(results.ratio(measure, name, BASELINE));
            let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
            format!("{median:.0}{ratio} ±{:.0}%", 100.0 * results.spread(measure, name)?)
        }
    })
}

/// What was asked of the servers that fork, what was measured, and whether it is reached.
fn figures(results: &Results) -> String {
    let heads = [say!("figures", "指标"), say!("asked", "要求"), say!("measured", "实测"), String::new()];
    let mut rows = vec![heads.to_vec()];
    let mut row = |what: String, sign: char, asked: Option<f64>, measured: Option<f64>| {
        let holds = |(asked, measured)| if sign == '≥' { measured >= asked } else { measured <= asked };
        let reached = match asked.zip(measured).map(holds) {
            Some(true) => say!("ok", "达到"),
            Some(false) => say!("NO", "未达到"),
            None => "-".into(),
        };
        let asked = asked.map_or("-".into(), |asked| format!("{sign} {asked:.2}"));
        let measured = measured.map_or("-".into(), |measured| format!("{measured:.2}"));
        rows.push(vec![what, asked, measured, reached]);
    };
    let builds = [("", BASELINE, 1.35, 0.88, 0.65), (", static", BASELINE_STATIC, 1.60, 0.90, 0.85)];
    for (suffix, baseline, to_cpp, to_baseline, to_raw) in builds {
        let name = format!("{}{suffix}", SERVERS[1]);
        let rate = say!("sessions per second, {name}", "每秒会话数，{name}");
        let rate_to = |other: &str| results.ratio(Sessions, &name, other);
        let cpp = format!("{}, C++", SERVERS[1]);
        row(say!("{rate}, to the C++", "{rate}，与 C++ 之比"), '≥', Some(to_cpp), rate_to(&cpp));
        row(
            say!("{rate}, to the baseline", "{rate}，与 baseline 之比"),
            '≥',
            Some(to_baseline),
            rate_to(baseline),
        );
        row(say!("{rate}, to no library", "{rate}，与不用任何库之比"), '≥', Some(to_raw), rate_to(RAW));
        let slowest = results.ratio(Percentile(99, 200), &name, &cpp);
        row(
            say!(
                "p99 of a session with 200 clients, {name}, to the C++",
                "200 个客户端时会话的 p99，{name}，与 C++ 之比"
            ),
            '≤',
            Some(0.80),
            slowest,
        );
        for server in &SERVERS[1..] {
            let (name, cpp) = (format!("{server}{suffix}"), format!("{server}, C++"));
            let pss = say!("Pss an idle connection, {name}", "空闲连接的 Pss，{name}");
            let ratio = results.ratio(Pss, &name, &cpp);
            row(say!("{pss}, to the C++", "{pss}，与 C++ 之比"), '≤', Some(0.50), ratio);
        }
    }
    table(&rows)
}
