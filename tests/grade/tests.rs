//! The grader: full marks for the port, what the errata say for the article, and one point less for one mistake.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::article::{article, build};
use crate::grade::grade;
use crate::harness::builds::{Build, PROGRAMS, exclusive, program, root};
use crate::harness::pool::parallel;
use crate::harness::skip::skip;

/// A program, what it is to be like, and what it is to lose: the ids and lessons of the failed lines.
type Subject = (PathBuf, &'static str, &'static str);

/// A grading mostly waits.
fn all_lose(programs: &[Subject]) {
    let _turn = exclusive();
    let wrong = parallel(4, programs, |(program, like, expected)| {
        let mut lines = grade(program, like, false).unwrap_or_else(|why| panic!("{why}"));
        lines.retain(|line| line.verdict == "FAIL");
        let lost: Vec<String> = lines.iter().map(|line| format!("{}/{}", line.id, line.lesson)).collect();
        let seen: Vec<String> = lines.into_iter().map(|line| line.text).collect();
        let wrong = format!("{} as {like}, to lose {expected:?}: {lost:?} {seen:#?}", program.display());
        (lost.join(" ") != *expected).then_some(wrong)
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_port_gets_full_marks() {
    let builds = [Build::Fixed, Build::Static];
    let programs = builds.iter().flat_map(|&build| PROGRAMS.map(|name| (program(build, name), name, "")));
    all_lose(&programs.collect::<Vec<_>>());
}

#[test]
fn each_other_program_loses_its_points_and_no_others() {
    all_lose(&[as_printed(), the_articles(), flawed()].concat());
}

/// The errata that can be seen from outside. Erratum 14 is stdio's, which the port has not; erratum 4 ends
/// version two at its first client, and what comes after cannot be seen.
fn as_printed() -> Vec<Subject> {
    let lost = [
        "13/21 9/14 9/20 15/21 10/13 12/18 17/17",
        "13/21 9/14 9/20 15/21 11/18 12/18 17/17",
        "13/21 9/14 9/20 15/21 4/11 17/17",
        "13/21 1/4 6/14 8/14 5/15 7/19",
    ];
    [0, 1, 2, 3].map(|i| (program(Build::AsPrinted, PROGRAMS[i]), PROGRAMS[i], lost[i])).into()
}

/// The same of the article's C++, with errata 1 to 4 mended and as printed.
fn the_articles() -> Vec<Subject> {
    let Some(article) = article() else {
        skip("the article's own programs, graded: no ARTICLE");
        return Vec::new();
    };
    let lost = [
        ["13/21 9/14 9/20 15/21 10/13 12/18 17/17"; 2],
        ["13/21 9/14 9/20 15/21 11/18 12/18 14/16 17/17"; 2],
        ["13/21 9/14 9/20 15/21 11/18 11/11 12/18 14/16 17/17", "13/21 9/14 9/20 15/21 4/11 17/17"],
        ["13/21 6/14 8/14 5/15 7/19", "13/21 1/4 6/14 8/14 5/15 7/19"],
    ];
    let both = |(name, lost): (_, [_; 2])| {
        [false, true]
            .map(|printed| (build::program(&article, printed, name), name, lost[usize::from(printed)]))
    };
    PROGRAMS.into_iter().zip(lost).flat_map(both).collect()
}

/// A line of the list is a mistake, and the point that it costs.
fn flawed() -> Vec<Subject> {
    let (mut programs, directory) = (Vec::new(), root().join("target/flawed"));
    std::fs::create_dir_all(&directory).unwrap();
    for line in include_str!("mutants/mistakes.txt").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mistake, like, ref lost @ ..] = words[..] else { panic!("{line:?}") };
        let source = if like == "tcp_client" { "student_client" } else { "student_server" };
        let source = root().join("tests/grade/mutants").join(source).with_extension("c");
        let built = directory.join(format!("{like}.{mistake}"));
        let kind = PROGRAMS.iter().position(|name| *name == like).unwrap() + 1;
        let mut cc = Command::new("cc");
        cc.args(["-Wall", "-Werror", "-pthread"]).arg(format!("-DKIND={kind}"));
        cc.arg(format!("-DMISTAKE={mistake}")).arg("-o").arg(&built).arg(source);
        assert!(cc.status().expect("cc is there").success());
        programs.push((built, like, lost.first().copied().unwrap_or("")));
    }
    let python = root().join("tests/grade/mutants/student.py");
    if Command::new("python3").arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        programs.push((python, "tcp_server_fork", "9/14"));
    }
    programs
}

/// What cannot be judged is said in a line.
#[test]
fn what_cannot_be_judged_is_said() {
    let says = |program: &Path| grade(program, "tcp_server", false).err().unwrap();
    assert!(says(Path::new("/nowhere")).contains("No such file"));
    assert!(says(&root().join("Makefile")).contains("no program"));
    assert!(says(Path::new("/bin/true")).contains("never listens"));
}
