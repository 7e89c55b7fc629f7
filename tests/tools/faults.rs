//! The fault matrix as a table: how many faults end well, in the article's C++ and in the port.
//!
//! `ARTICLE` names a saved copy of the article; without it the port stands alone. Both as printed, they are
//! compared; `RECORD=1` keeps what the C++ comes to.

use std::process::ExitCode;

use crate::say;
use crate::support::article::article;
use crate::support::language::{chinese, columns};
use crate::support::matrix::rules::ends_well;
use crate::support::matrix::{Kind, Subject, cases, lines, record, recorded, run};
use crate::support::programs::SERVERS;

const SIDE_BY_SIDE: usize = 4;

/// What fails, and what must come of it.
const ROWS: [[&str; 4]; 10] = [
    [
        "start",
        "启动",
        "FATAL names the call and the reason, the exit status too",
        "FATAL 行写明调用和原因，退出码与之对应",
    ],
    ["log", "日志", "the line is lost, and nothing else", "只丢失这一行"],
    [
        "accept",
        "accept",
        "logged; who waits is served; calm meanwhile",
        "记日志；等待者最终得到服务；期间不空转",
    ],
    ["read", "read", "that client alone is closed", "只关闭该客户端的连接"],
    [
        "write",
        "write",
        "the rest follows, or that client alone is closed",
        "写完剩余字节，或只关闭该客户端的连接",
    ],
    ["fork", "fork", "that client alone is closed", "只关闭该客户端的连接"],
    ["waitpid", "waitpid", "all are served", "所有客户端照常得到服务"],
    [
        "client: start",
        "客户端：启动",
        "FATAL names the call and the reason, the exit status too",
        "FATAL 行写明调用和原因，退出码与之对应",
    ],
    ["client: log", "客户端：日志", "the line is lost, and nothing else", "只丢失这一行"],
    [
        "client: all else",
        "客户端：其余",
        "FATAL, status 8, no echo of its own making",
        "FATAL，退出码 8，不显示并未收到的回显",
    ],
];

fn row(name: &str, kind: Kind) -> usize {
    match kind {
        Kind::Start if name == "tcp_client" => 7,
        kind if name == "tcp_client" => 9 - usize::from(kind.is_log()),
        Kind::Start => 0,
        Kind::Accept => 2,
        Kind::Read => 3,
        Kind::Fork | Kind::InnerFork => 5,
        Kind::Wait => 6,
        kind => 4 - 3 * usize::from(kind.is_log()),
    }
}

/// Of each row, how many faults end well, and how many there are.
fn judged(subject: impl Fn(&'static str) -> Subject) -> [[usize; 2]; ROWS.len()] {
    let mut counts = [[0, 0]; ROWS.len()];
    for name in SERVERS.into_iter().chain(["tcp_client"]) {
        let subject = subject(name);
        let cases = cases(&subject);
        for (case, outcome) in cases.iter().zip(run(&subject, &cases, SIDE_BY_SIDE)) {
            let [well, all] = &mut counts[row(name, case.kind)];
            (*well, *all) = (*well + 1, *all + 1);
            if let Err(how) = ends_well(&subject, case, &outcome) {
                *well -= 1;
                eprintln!("  {name}, {case}: {how}");
            }
        }
    }
    counts
}

/// As printed: the port's outcomes beside the C++'s, or beside the record; whether all are alike.
fn compared() -> bool {
    let (mut alike, mut all, mut kept) = (0, 0, String::new());
    for name in SERVERS.into_iter().chain(["tcp_client"]) {
        let port = lines(&Subject::port(true, name), SIDE_BY_SIDE);
        let cpp = article().map_or_else(
            || recorded(name),
            |copy| lines(&Subject::article(&copy, true, name), SIDE_BY_SIDE),
        );
        alike += port.iter().filter(|line| cpp.contains(line)).count();
        all += port.len().max(cpp.len());
        for line in cpp.iter().filter(|line| !port.contains(line)) {
            println!("- {line}");
        }
        for line in port.iter().filter(|line| !cpp.contains(line)) {
            println!("+ {line}");
        }
        kept += &(cpp.join("\n") + "\n");
    }
    if article().is_some() && std::env::var("RECORD").is_ok_and(|word| !word.is_empty()) {
        std::fs::write(record(), kept).expect("the record is written");
    }
    println!(
        "{}",
        say!(
            "as printed, {alike} of {all} end as in the article's C++",
            "按原文构建：{all} 个故障中有 {alike} 个的结局与原文的 C++ 相同"
        )
    );
    alike == all
}

pub fn main(_words: &[String]) -> ExitCode {
    let cpp = article().map(|copy| {
        eprintln!(
            "{}",
            say!("the article's C++, errata 1 to 4 mended:", "原文的 C++（已改正勘误 1 至 4）：")
        );
        judged(|name| Subject::article(&copy, false, name))
    });
    eprintln!("{}", say!("the port:", "移植版："));
    let port = judged(|name| Subject::port(false, name));

    let shown = |counts: &[usize; 2]| format!("{}/{}", counts[0], counts[1]);
    let wide =
        |text: &str, width: usize| text.to_string() + &" ".repeat(width.saturating_sub(columns(text)));
    let language = usize::from(chinese());
    println!("{} {} {}", wide("", 18), wide("C++", 7), say!("port", "移植版"));
    for (index, row) in ROWS.iter().enumerate() {
        let cpp = cpp.as_ref().map_or("-".to_string(), |cpp| shown(&cpp[index]));
        let (what, must) = (row[language], row[2 + language]);
        println!("{} {} {} {must}", wide(what, 18), wide(&cpp, 7), wide(&shown(&port[index]), 7));
    }
    let alike = compared();
    if alike && port.iter().all(|[well, all]| well == all) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
