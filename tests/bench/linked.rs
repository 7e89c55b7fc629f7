//! `make bench LINK_FLAGS=1`: what other ways of linking the port change, beside the way it is linked.

use std::process::Command;

use crate::harness::builds::{Build, PROGRAMS, root, target};
use crate::say;
use crate::subjects::BenchSubject;

/// A name, the build that it varies, and rustc's options.
const WAYS: [(&str, Build, &str); 6] = [
    ("one segment for code and data", Build::Fixed, "-C link-arg=-Wl,-z,noseparate-code"),
    ("no PIE", Build::Fixed, "-C relocation-model=static"),
    ("no PIE, one segment", Build::Fixed, "-C relocation-model=static -C link-arg=-Wl,-z,noseparate-code"),
    ("static, one segment", Build::Static, "-C link-arg=-Wl,-z,noseparate-code"),
    ("static, no PIE", Build::Static, "-C relocation-model=static"),
    (
        "static, no PIE, one segment",
        Build::Static,
        "-C relocation-model=static -C link-arg=-Wl,-z,noseparate-code",
    ),
];

/// Version one as it is linked in both builds, and in all other ways; each with the name of what it is compared with.
pub fn subjects() -> Vec<(BenchSubject, String)> {
    let usual = [Build::Fixed, Build::Static].map(|build| BenchSubject::port(build, 1));
    let names = usual.each_ref().map(|subject| subject.name.clone());
    let mut all: Vec<(BenchSubject, String)> = usual.into_iter().zip(names.clone()).collect();
    for (at, (name, build, options)) in WAYS.into_iter().enumerate() {
        let base = &names[usize::from(build == Build::Static)];
        let directory = target().join(format!("bench/linked-{at}"));
        let mut make = Command::new("make");
        make.arg("--silent").arg("build").current_dir(root());
        make.env("RUSTFLAGS", options);
        make.env("STATIC", if build == Build::Static { "1" } else { "" });
        // Beside the usual build, which stays as it is.
        make.arg(format!("target={}", directory.display()));
        if !make.status().is_ok_and(|status| status.success()) {
            eprintln!("{}", say!("{name}: not built", "{name}：构建失败"));
            continue;
        }
        let part = if build == Build::Static { "static/release" } else { "release" };
        let program = directory.join(part).join(PROGRAMS[1]);
        all.push((BenchSubject::at(name, 1, program), base.clone()));
    }
    all
}
