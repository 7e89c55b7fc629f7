//! The grader: full marks for the port, what the errata say for the article, and one point less for one mistake.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::support::article::build;
use crate::support::grade::{Like, grade};
use crate::support::programs::{Build, SERVERS, program, root, turn};

const PROGRAMS: [&str; 4] = [SERVERS[0], SERVERS[1], SERVERS[2], "tcp_client"];

/// What a program loses: of each failed line its name and lesson; and the lines.
fn loses(program: PathBuf, like: &str) -> Result<(String, Vec<String>), String> {
    let mut lines = grade(program, Like::of(like).expect("it is one of the four"), false)?;
    lines.retain(|line| line.verdict == "FAIL");
    let names = lines.iter().map(|line| format!("{}/{}", line.id, line.lesson)).collect::<Vec<_>>();
    Ok((names.join(" "), lines.into_iter().map(|line| line.text).collect()))
}

/// Several at a time: a grading mostly waits.
fn all_lose(programs: &[(PathBuf, &str, &str)]) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((program, like, expected)) = programs.get(next.fetch_add(1, Relaxed)) {
            let lost = loses(program.clone(), like);
            if !matches!(&lost, Ok((names, _)) if names == expected) {
                let line = format!("{} as {like}: {lost:#?}, not {expected:?}", program.display());
                wrong.lock().unwrap().push(line);
            }
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|_| _ = scope.spawn(work)));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_port_gets_full_marks() {
    let _turn = turn();
    let builds = [Build::Mended, Build::Static];
    let programs = builds.iter().flat_map(|&build| PROGRAMS.map(|name| (program(build, name), name, "")));
    all_lose(&programs.collect::<Vec<_>>());
}

/// The errata that can be seen from outside. Erratum 14 is stdio's, which the port has not; erratum 4 ends
/// version two at its first client, and what comes after cannot be seen.
#[test]
fn the_port_as_printed_loses_its_errata() {
    let _turn = turn();
    let lost = [
        "13/21 9/14 9/20 15/21 10/13 12/18 17/17",
        "13/21 9/14 9/20 15/21 11/18 12/18 17/17",
        "13/21 9/14 9/20 15/21 4/11 17/17",
        "13/21 1/4 6/14 8/14 5/15 7/19",
    ];
    let programs = [0, 1, 2, 3].map(|i| (program(Build::AsPrinted, PROGRAMS[i]), PROGRAMS[i], lost[i]));
    all_lose(&programs);
}

/// The same of the article's C++, with errata 1 to 4 mended and as printed.
#[test]
fn the_article_loses_its_errata() {
    let _turn = turn();
    let Some(article) = std::env::var_os("ARTICLE").filter(|path| !path.is_empty()) else {
        return;
    };
    let lost = [
        ["13/21 9/14 9/20 15/21 10/13 12/18 17/17"; 2],
        ["13/21 9/14 9/20 15/21 11/18 12/18 14/16 17/17"; 2],
        ["13/21 9/14 9/20 15/21 11/18 11/11 12/18 14/16 17/17", "13/21 9/14 9/20 15/21 4/11 17/17"],
        ["13/21 6/14 8/14 5/15 7/19", "13/21 1/4 6/14 8/14 5/15 7/19"],
    ];
    let mut programs = Vec::new();
    for (name, lost) in PROGRAMS.iter().zip(lost) {
        for (printed, lost) in [false, true].into_iter().zip(lost) {
            programs.push((build::program(Path::new(&article), printed, name), *name, lost));
        }
    }
    all_lose(&programs);
}

/// One mistake a line: what it is, and the point that it costs.
const MISTAKES: &str = include_str!("../flawed/mistakes.txt");

#[test]
fn a_mistake_costs_its_point_and_no_other() {
    let _turn = turn();
    let mut programs = Vec::new();
    for line in MISTAKES.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mistake, like, ref lost @ ..] = words[..] else { panic!("{line:?}") };
        let source = if like == "tcp_client" { "student_client" } else { "student_server" };
        let built = root().join("target/flawed").join(format!("{like}.{mistake}"));
        std::fs::create_dir_all(built.parent().unwrap()).unwrap();
        let kind = PROGRAMS.iter().position(|name| *name == like).unwrap() + 1;
        let mut cc = Command::new("cc");
        cc.args([
            "-Wall",
            "-Werror",
            "-pthread",
            &format!("-DKIND={kind}"),
            &format!("-DMISTAKE={mistake}"),
        ]);
        let source = root().join("tests/flawed").join(source).with_extension("c");
        assert!(cc.arg("-o").arg(&built).arg(source).status().expect("cc is there").success());
        programs.push((built, like, lost.first().copied().unwrap_or("")));
    }
    let python = root().join("tests/flawed/student.py");
    if Command::new("python3").arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        programs.push((python, "tcp_server_fork", "9/14"));
    }
    all_lose(&programs);
}

/// What cannot be judged is said in a line.
#[test]
fn what_cannot_be_judged_is_said() {
    let _turn = turn();
    let says = |program: &Path| loses(program.to_path_buf(), "tcp_server").unwrap_err();
    assert!(says(Path::new("/nowhere")).contains("No such file"));
    assert!(says(&root().join("Makefile")).contains("no program"));
    assert!(says(Path::new("/bin/true")).contains("never listens"));
}
