//! `make grade`: one program, or a folder of them. What to grade, and how, is in the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use crate::grade::grading;
use crate::grade::outcome::{Finding, score};
use crate::grade::report::{ClassTable, Format, Graded, LineColumns, print};
use crate::grade::startable;
use crate::grade::submissions::{Submission, submissions};
use crate::grade::table::checks;
use crate::harness::builds::PROGRAMS;
use crate::harness::pool::parallel;
use crate::harness::report::message;
use crate::say;

/// So many programs of a class at a time, where there are processors for them.
const AT_A_TIME: usize = 2;

fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether a program gets full marks; a class that was graded is well in any case.
pub fn grade() -> Result<bool, String> {
    startable::limits().map_err(|why| format!("grade: {why}"))?;
    let like = set("LIKE").map_or(PROGRAMS[1].into(), |like| like.to_string_lossy().into_owned());
    if !PROGRAMS.contains(&&*like) {
        let all = PROGRAMS.join(" ");
        return Err(say!(
            "grade: LIKE is one of {all}, not {like}",
            "grade: LIKE 只能是 {all} 之一，不是 {like}"
        ));
    }
    let format = match set("FORMAT").map(|format| format.to_string_lossy().into_owned()).as_deref() {
        None | Some("table") => Format::Table,
        Some("csv") => Format::Csv,
        Some("json") => Format::Json,
        Some(other) => {
            return Err(say!(
                "grade: FORMAT is csv or json, not {other}",
                "grade: FORMAT 只能是 csv 或 json，不是 {other}"
            ));
        }
    };
    let asked = [(set("SERVER_BIN"), &*like), (set("CLIENT_BIN"), "tcp_client")];
    let single = asked.iter().any(|(name, _)| name.is_some());
    match set("DIR") {
        Some(_) if single => Err(say!(
            "grade: give DIR for a folder, or SERVER_BIN and CLIENT_BIN for programs",
            "grade: DIR 用于整个目录，SERVER_BIN 和 CLIENT_BIN 用于单个程序，请只用一种"
        )),
        Some(folder) => class(Path::new(&folder), &like, format),
        None if single => programs(asked, format),
        None => Err(say!(
            "grade: say which program: make grade SERVER_BIN=./my_server LIKE=tcp_server CLIENT_BIN=./my_client",
            "grade: 请指定程序：make grade SERVER_BIN=./my_server LIKE=tcp_server CLIENT_BIN=./my_client"
        )),
    }
}

/// A line for each check.
fn programs(asked: [(Option<OsString>, &str); 2], format: Format) -> Result<bool, String> {
    let (quiet, verbose) = (set("QUIET").is_some(), set("VERBOSE").is_some());
    let (mut passed, mut all) = (0, 0);
    for (name, like) in asked {
        let Some(name) = name else { continue };
        let program = Path::new(&name);
        let lines = LineColumns::of(like);
        let plain = format == Format::Table && !quiet;
        let mut header = Some(lines.header()).filter(|_| plain);
        let show = |finding: &Finding| {
            if plain {
                print(&format!("{}{}", header.take().unwrap_or_default(), lines.line(finding)));
            }
        };
        let graded = grading::grade(program, like, checks(like), verbose && plain, show);
        if format != Format::Table {
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            let mut class = ClassTable::new(format, like, [&*name].into_iter());
            let row = class.row(&name, &graded);
            print(&format!("{}{row}{}", class.header(), class.footer()));
        }
        let findings = graded.map_err(|why| format!("grade: {}: {why}", program.display()))?;
        let (more_passed, more) = score(&findings);
        (passed, all) = (passed + more_passed, all + more);
    }
    if format == Format::Table {
        print(&format!("Score: {passed} of {all}\n"));
    }
    Ok(passed == all)
}

/// A row for each program, in their order, as soon as it and those before it are known.
fn class(folder: &Path, like: &str, format: Format) -> Result<bool, String> {
    let all = submissions(folder).map_err(|why| format!("grade: {why}"))?;
    if all.is_empty() {
        let folder = folder.display();
        return Err(say!(
            "grade: {folder}: there is no executable in it",
            "grade: {folder}：其中没有可执行文件"
        ));
    }
    let class = ClassTable::new(format, like, all.iter().map(|submission| &*submission.name));
    print(&class.header());
    let rows = Mutex::new((class, BTreeMap::new(), 0));
    let places: Vec<(usize, &Submission)> = all.iter().enumerate().collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    parallel(AT_A_TIME.min(processors), &places, |&(place, submission)| {
        let graded = graded(submission, like);
        let mut rows = rows.lock().expect("no row panics");
        let (class, known, next) = &mut *rows;
        known.insert(place, graded);
        while let Some(graded) = known.get(next) {
            print(&class.row(&all[*next].name, graded));
            *next += 1;
        }
    });
    print(rows.into_inner().expect("no row panics").0.footer());
    Ok(true)
}

/// A grading that goes wrong is a reason, and no end of the others.
fn graded(submission: &Submission, like: &str) -> Graded {
    let program = submission.program.clone()?;
    catch_unwind(AssertUnwindSafe(|| grading::grade(&program, like, checks(like), false, |_| {})))
        .unwrap_or_else(|panic| {
            let message = message(&*panic);
            Err(say!("the grader failed: {message}", "评分程序出错：{message}"))
        })
}
