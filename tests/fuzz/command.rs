//! `make fuzz`: `ARTICLE`, how many `SECONDS` to play, the `SEED` of the first session. `RECORD=1` records the first
//! sessions for `make test`; `MUTANTS=1` plays to broken ports, or to the one that
//! `ONLY` names.

use std::time::Duration;

use crate::article::build::{Built, built, to_run};
use crate::article::fixes;
use crate::article::given;
use crate::fuzz::mutants::find_all;
use crate::fuzz::record::record;
use crate::fuzz::search::{FuzzFinding, Pair, SHRINKING, search};
use crate::harness::builds::{Build, program};
use crate::harness::lockstep::play::ProgramSet;
use crate::harness::net::namespace::in_own_network;
use crate::harness::net::ports::free_long_port;
use crate::harness::switches::{is_on, value};
use crate::say;

/// Whether no difference was found; or one line that says why nothing was played.
pub fn fuzz() -> Result<bool, String> {
    let (seconds, seed) = (number("SECONDS", 60)?, number("SEED", 1)?);
    let pairs = pairs()?;
    if is_on("RECORD") {
        let builds = pairs.map(|pair| (pair.name, pair.cpp));
        let port = free_long_port();
        in_own_network(|| record(&builds, port))?;
        println!("{}", say!("recorded: tests/fuzz/recorded.txt", "已记录：tests/fuzz/recorded.txt"));
        return Ok(true);
    }
    if is_on("MUTANTS") {
        return find_all(pairs.map(|pair| pair.cpp), seed, value("ONLY"));
    }
    let FuzzFinding { played, unstable, difference, .. } =
        search(&pairs, seed, Duration::from_secs(seconds), SHRINKING);
    let found = difference.is_some();
    difference.iter().for_each(|difference| println!("{difference}"));
    for seed in unstable {
        println!(
            "{}",
            say!(
                "seed {seed}: not the same twice, not counted as a difference",
                "种子 {seed}：两次结果不一致，不算差异"
            )
        );
    }
    for (build, count) in played {
        let result = match found {
            true => say!("{build}: {count} random sessions", "{build}：{count} 个随机会话"),
            false => say!(
                "{build}: {count} random sessions, no difference",
                "{build}：{count} 个随机会话，没有差异"
            ),
        };
        println!("{result}");
    }
    Ok(!found)
}

fn number(name: &str, default: u64) -> Result<u64, String> {
    let text = value(name).unwrap_or(default.to_string());
    text.parse().map_err(|_| say!("{name}={text}: give a number", "{name}={text}：应为数字"))
}

/// The article's C++ beside the port, as printed and fixed.
fn pairs() -> Result<[Pair; 2], String> {
    let article = given()?;
    let pair = |printed: bool| {
        let errata = if printed { to_run(true) } else { fixes::all() };
        let Built { directory, without, .. } = built(&article, &errata)?;
        match without.into_iter().next() {
            Some((program, why)) => Err(format!("{program}: {why}")),
            None => {
                let name = if printed { "as-printed" } else { "fixed" };
                Ok(Pair { name, cpp: ProgramSet { directory, printed }, port: of_the_port(printed) })
            }
        }
    };
    Ok([pair(true)?, pair(false)?])
}

pub fn of_the_port(printed: bool) -> ProgramSet {
    let build = if printed { Build::AsPrinted } else { Build::Fixed };
    ProgramSet { directory: program(build, ""), printed }
}
