//! `make grade`: a program judged by what it does, a line a promise.

use std::path::Path;

use crate::grade::{self, Line, score};
use crate::harness::builds::SERVERS;
use crate::harness::text::display_width;
use crate::say;

/// Whether it gets full marks. What to grade, and how, is in the environment.
pub fn grade() -> Result<bool, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let like = set("LIKE").map_or("tcp_server_fork".into(), |like| like.to_string_lossy().into_owned());
    let (quiet, verbose) = (set("QUIET").is_some(), set("VERBOSE").is_some());
    if !SERVERS.contains(&&*like) {
        return Err(say!(
            "grade: LIKE is one of tcp_server tcp_server_fork tcp_server_double_fork",
            "grade: LIKE 只能是 tcp_server、tcp_server_fork、tcp_server_double_fork 之一"
        ));
    }
    let asked = [(set("SERVER_BIN"), &*like), (set("CLIENT_BIN"), "tcp_client")];
    let mut graded = Vec::new();
    for (name, like) in asked {
        let Some(name) = name else { continue };
        let lines = grade::grade(Path::new(&name), like, verbose && !quiet)
            .map_err(|why| format!("grade: {why}"))?;
        if !quiet {
            print!("{}", shown(&lines));
        }
        graded.extend(lines);
    }
    if graded.is_empty() {
        return Err(say!(
            "grade: say which program: make grade SERVER_BIN=./my_server LIKE=tcp_server CLIENT_BIN=./my_client",
            "grade: 请指定程序：make grade SERVER_BIN=./my_server LIKE=tcp_server CLIENT_BIN=./my_client"
        ));
    }
    let (kept, all) = score(&graded);
    println!("Score: {kept} of {all}");
    Ok(kept == all)
}

/// `FAIL  10  goes on when a client vanishes: … make lesson N=13`
fn shown(lines: &[Line]) -> String {
    let id = lines.iter().map(|line| line.id.len()).max().unwrap_or(0);
    let failed = lines.iter().filter(|line| line.verdict == "FAIL");
    let width = failed.map(|line| display_width(&line.text)).max().unwrap_or(0);
    let mut shown = String::new();
    for Line { verdict, id: name, text, lesson, proof } in lines {
        shown += &format!("{verdict:4}  {name:id$}  {text}");
        if *verdict == "FAIL" {
            shown += &format!("{}  make lesson N={lesson}", " ".repeat(width - display_width(text)));
        }
        shown.push('\n');
        proof.lines().for_each(|call| shown += &format!("          {call}\n"));
    }
    shown
}
