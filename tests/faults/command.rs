//! `make faults`: a table of how many faults have the right consequence, in the corrected C++ and in the port, and
//! whether the outcomes of both are the same, as printed and fixed.
//!
//! `ARTICLE` names a saved copy of the article; without it the recorded outcomes take the place of the C++.
//! Words choose cases by a part of their names. `RECORD=1` records what the C++ does.

use crate::article::build::{VERSIONS, Version};
use crate::article::{article, given};
use crate::faults::matrix::{FaultObserved, RECORD, observe, recorded_of};
use crate::faults::oracle::{consequence, row_of, rows};
use crate::harness::builds::root;
use crate::harness::i18n::chinese;
use crate::harness::preflight::reason;
use crate::harness::switches::is_on;
use crate::harness::text::table;
use crate::harness::trace::may_trace;
use crate::say;

/// Whether all consequences are right and all outcomes the same; or one line that says why nothing is compared.
pub fn faults(words: &[String]) -> Result<bool, String> {
    may_trace()?;
    let words: Vec<String> =
        words.iter().flat_map(|word| word.split([' ', ','])).map(str::to_string).collect();
    let record = is_on("RECORD");
    if record && !words.is_empty() {
        return Err(say!("RECORD=1 records all: without ONLY", "RECORD=1 记录全部故障，不能同时用 ONLY"));
    }
    let copy = if record { Some(given()?) } else { article() };
    println!("{}", legend());

    let mut all_well = true;
    let mut lines = Vec::new();
    for version in VERSIONS {
        let (english, in_chinese) = match version {
            Version::AsPrinted => ("as printed", "原文版"),
            Version::Fixed => ("fixed", "修正版"),
        };
        let version_name = if chinese() { in_chinese } else { english };
        eprintln!("{}", say!("{version_name}: running …", "{version_name}：运行中……"));
        let port = observe(None, version, &words);
        let cpp = copy.as_deref().map(|copy| observe(Some(copy), version, &words));
        if port.is_empty() {
            let word = words.join(" ");
            return Err(say!(
                "ONLY={word}: it is part of no case's name",
                "ONLY={word}：没有名称包含它的故障"
            ));
        }
        if version == Version::Fixed {
            all_well &= show_table(cpp.as_deref(), &port);
        }
        let port: Vec<String> = port.iter().map(|observed| observed.line(version)).collect();
        let cpp = match cpp {
            Some(cpp) => cpp.iter().map(|observed| observed.line(version)).collect(),
            None => recorded_of(version, &words),
        };
        for (sign, these, others) in [('-', &cpp, &port), ('+', &port, &cpp)] {
            these.iter().filter(|line| !others.contains(line)).for_each(|line| println!("{sign} {line}"));
        }
        let same = port.iter().filter(|line| cpp.contains(line)).count();
        let all = port.len().max(cpp.len());
        let line = say!(
            "{version_name}: {same} of {all} faults have the same outcome in the port as in the C++",
            "{version_name}：{all} 个故障中有 {same} 个在移植版和 C++ 中结果相同"
        );
        println!("{line}");
        all_well &= same == all;
        lines.extend(cpp);
    }
    if record {
        let text = lines.join("\n") + "\n";
        std::fs::write(root().join(RECORD), text)
            .map_err(|error| format!("{RECORD}: {}", reason(&error)))?;
        println!("{}", say!("recorded: {RECORD}", "已记录：{RECORD}"));
    }
    Ok(all_well)
}

fn legend() -> String {
    say!(
        "Each call of the four programs fails with an errno, is `short`: it reports 3 bytes, or does `nothing`: it reports\n\
        0. `first`: the first such call, `later`: the second, `forever`: all. `Log` is a log line, `InnerFork` the child's\n\
        fork, `Terminal` standard input or output. 5/6: the right thing follows from 5 of 6 faults. `calls`: the calls from\n\
        the fault (`!`) on.",
        "四个程序的每个调用都以某个错误码失败，或者 `short`：只报告 3 个字节，或者 `nothing`：报告 0 个字节。`first`：第一次这样的调用，`later`：第二次，\n\
        `forever`：每一次。`Log` 是一行日志，`InnerFork` 是子进程的 fork，`Terminal` 是标准输入或标准输出。\n\
        5/6：6 个故障中有 5 个处理正确。`calls` 之后是从故障（`!`）开始的调用。"
    )
}

/// Prints of each kind of call how many faults have the right consequence; whether all have in the port.
fn show_table(cpp: Option<&[FaultObserved]>, port: &[FaultObserved]) -> bool {
    let cpp_counts = cpp.map(|cpp| counts("C++", cpp));
    let port_counts = counts(&say!("the port", "移植版"), port);
    let shown = |[right, all]: [usize; 2]| format!("{right}/{all}");
    let mut lines = vec![vec![String::new(), "C++".to_string(), say!("port", "移植版"), String::new()]];
    for (index, row) in rows().iter().enumerate().filter(|(index, _)| port_counts[*index][1] > 0) {
        let cpp = cpp_counts.as_ref().map_or("-".to_string(), |counts| shown(counts[index]));
        let (what, must) = if chinese() { (row[2], row[4]) } else { (row[1], row[3]) };
        lines.push(vec![what.to_string(), cpp, shown(port_counts[index]), must.to_string()]);
    }
    print!("{}", table(&lines));
    let all_right = |counts: &Vec<[usize; 2]>| counts.iter().all(|[right, all]| right == all);
    all_right(&port_counts) && cpp_counts.as_ref().is_none_or(all_right)
}

/// Of each row, how many faults have the right consequence, of how many; what is wrong is printed.
fn counts(name: &str, observed: &[FaultObserved]) -> Vec<[usize; 2]> {
    let mut counts = vec![[0, 0]; rows().len()];
    for FaultObserved { program, is_client, case, outcome } in observed {
        let row = row_of(*is_client, case);
        counts[row][1] += 1;
        match consequence(*is_client, case, outcome) {
            Ok(()) => counts[row][0] += 1,
            Err(why) => println!(
                "{}",
                say!("{name}, {program}, {}: {why}", "{name}，{program}，{}：{why}", case.name)
            ),
        }
    }
    counts
}
