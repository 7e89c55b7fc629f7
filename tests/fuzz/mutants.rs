//! Broken ports, built from `mutants.txt`: whether random sessions find them, and how soon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fuzz::search::{FuzzFinding, Pair, search};
use crate::harness::builds::{root, target};
use crate::harness::lockstep::play::ProgramSet;
use crate::harness::process::launch::Launch;
use crate::say;

/// How soon each must be found.
const AT_MOST: Duration = Duration::from_secs(60);
/// A build may have to compile libc first.
const BUILDING: Duration = Duration::from_secs(600);

pub struct Mutant {
    pub name: &'static str,
    pub says: &'static str,
    pub file: &'static str,
    from: &'static str,
    to: &'static str,
}

pub fn mutants() -> Vec<Mutant> {
    let mutant = |text: &'static str| {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let mut line = || lines.next().expect("a mutant has four lines").trim();
        let (name, says) = line().split_once(": ").expect("a mutant has a name");
        Mutant { name, says, file: line(), from: line(), to: line() }
    };
    include_str!("mutants.txt").split("\n== ").skip(1).map(mutant).collect()
}

impl Mutant {
    /// The file with the change, or why there is none.
    pub fn source(&self) -> Result<String, String> {
        let source = std::fs::read_to_string(root().join(self.file))
            .map_err(|error| format!("{}: {error}", self.file))?;
        match source.matches(self.from).count() {
            1 => Ok(source.replace(self.from, self.to)),
            count => Err(format!("{}: {:?} is {count} times in {}", self.name, self.from, self.file)),
        }
    }

    /// A copy of the project's sources with the change, built both ways, as its name in `target/` says.
    fn build(&self) -> Result<[PathBuf; 2], String> {
        let copy = target().join("fuzz").join(self.name);
        let _ = std::fs::remove_dir_all(copy.join("src"));
        for file in ["Cargo.toml", "Cargo.lock", "src", "src/bin"] {
            copy_into(&root().join(file), &copy.join(file)).map_err(|error| format!("{file}: {error}"))?;
        }
        std::fs::write(copy.join(self.file), self.source()?)
            .map_err(|error| format!("{}: {error}", self.file))?;
        let mut directories = Vec::new();
        for (name, features) in [("as-printed", "as_printed"), ("fixed", "")] {
            let target = copy.join(name);
            let cargo = Launch::new("cargo").args([
                "build",
                "--quiet",
                "--release",
                "--bins",
                "--features",
                features,
            ]);
            let mut cargo = cargo.arg("--target-dir").arg(&target).directory(&copy).start();
            if cargo.wait_timeout(BUILDING) != Some(0) {
                return Err(format!("{}: {}", self.name, cargo.stderr.all().join("\n")));
            }
            directories.push(target.join("release"));
        }
        Ok(directories.try_into().expect("there are two builds"))
    }
}

/// A file, or the files of a directory without those below.
fn copy_into(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        std::fs::create_dir_all(to.parent().expect("it is below another directory"))?;
        return std::fs::copy(from, to).map(drop);
    }
    for entry in std::fs::read_dir(from)?.flatten().filter(|entry| entry.path().is_file()) {
        copy_into(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Plays random sessions to each mutant, or to the one of that name; whether all were found in time.
pub fn find_all(cpp: [ProgramSet; 2], first_seed: u64, only: Option<String>) -> Result<bool, String> {
    let mut all = true;
    let mut chosen = mutants();
    if let Some(only) = only {
        let names = Vec::from_iter(chosen.iter().map(|mutant| mutant.name)).join(" ");
        chosen.retain(|mutant| mutant.name == only);
        if chosen.is_empty() {
            return Err(say!("ONLY={only}: it is one of: {names}", "ONLY={only}：可取下列名称：{names}"));
        }
    }
    for mutant in chosen {
        let ports = mutant.build()?;
        let pairs = cpp.iter().zip(ports).map(|(cpp, directory)| Pair {
            name: if cpp.printed { "as-printed" } else { "fixed" },
            cpp: cpp.clone(),
            port: ProgramSet { directory, printed: cpp.printed },
        });
        let FuzzFinding { played, difference, after, .. } =
            search(&Vec::from_iter(pairs), first_seed, AT_MOST, Duration::ZERO);
        let (name, says, seconds) = (mutant.name, mutant.says, after.as_secs());
        let sessions: usize = played.values().sum();
        let result = match difference {
            Some(_) => say!(
                "found after {seconds} s, {sessions} sessions",
                "{seconds} 秒后找到，{sessions} 个会话"
            ),
            None => say!(
                "NOT found in {seconds} s, {sessions} sessions",
                "{seconds} 秒内没有找到，{sessions} 个会话"
            ),
        };
        println!("{name}: {says} {result}");
        all &= difference.is_some();
    }
    Ok(all)
}
