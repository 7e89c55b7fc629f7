//! `make grade`: a program judged by what it does, a line a promise.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::say;
use crate::support::grade::{Like, Line, grade, score};
use crate::support::language::columns;

/// Where `make` was typed; what to grade, and how, stands in the environment.
pub fn main(words: &[String]) -> ExitCode {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let here = words.first().map_or(Path::new("."), Path::new);
    let like = set("LIKE").unwrap_or_else(|| "tcp_server_fork".into());
    let (quiet, verbose) = (set("QUIET").is_some(), set("VERBOSE").is_some());
    let server = match Like::of(&like) {
        Some(like) if like != Like::Client => like,
        _ => {
            return fail(&say!(
                "LIKE is one of tcp_server tcp_server_fork tcp_server_double_fork",
                "LIKE 只能是 tcp_server、tcp_server_fork、tcp_server_double_fork 之一"
            ));
        }
    };
    let asked = [(set("SERVER_BIN"), server), (set("CLIENT_BIN"), Like::Client)];
    let programs: Vec<(PathBuf, Like)> =
        asked.into_iter().filter_map(|(name, like)| Some((here.join(name?), like))).collect();
    if programs.is_empty() {
        return fail(&say!(
            "say which program: make grade SERVER_BIN=./my_server LIKE=tcp_server CLIENT_BIN=./my_client",
            "请指定程序：make grade SERVER_BIN=./my_server LIKE=tcp_server CLIENT_BIN=./my_client"
        ));
    }
    let (mut kept, mut all) = (0, 0);
    for (program, like) in programs {
        let lines = match grade(program, like, verbose && !quiet) {
            Ok(lines) => lines,
            Err(why) => return fail(&why),
        };
        let (ok, of) = score(&lines);
        (kept, all) = (kept + ok, all + of);
        if !quiet {
            print!("{}", shown(&lines));
        }
    }
    println!("{}", say!("Score: {kept} of {all}", "得分：{kept} / {all}"));
    if kept == all { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("grade: {why}");
    ExitCode::from(2)
}

/// `FAIL  10  goes on when a client vanishes: … make lesson N=13`
fn shown(lines: &[Line]) -> String {
    let id = lines.iter().map(|line| line.id.len()).max().unwrap_or(0);
    let failed = lines.iter().filter(|line| line.verdict == "FAIL");
    let width = failed.map(|line| columns(&line.text)).max().unwrap_or(0);
    let mut shown = String::new();
    for line in lines {
        shown += &format!("{:4}  {:id$}  {}", line.verdict, line.id, line.text);
        if line.verdict == "FAIL" {
            let gap = " ".repeat(width - columns(&line.text));
            shown += &format!("{gap}  make lesson N={}", line.lesson);
        }
        shown.push('\n');
        for call in line.proof.lines() {
            shown += &format!("          {call}\n");
        }
    }
    shown
}
