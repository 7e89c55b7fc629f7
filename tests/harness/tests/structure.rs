//! The layout that tests/README.md describes holds: dependencies go one way, and no module needs one that needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::harness::builds::root;

/// What each folder may import beside its own modules; a folder that is not here is a tool.
const SHARED: [(&str, &[&str]); 2] = [("harness", &[]), ("article", &["harness"])];

/// Module names, and the modules that each mentions: `grade::servers` to `harness::process::launch`.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// All source files below `folder`, each with its module's name.
fn sources(folder: &Path, module: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("a source folder is readable").flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
        let child =
            |name: &str| if module.is_empty() { name.to_string() } else { format!("{module}::{name}") };
        if path.is_dir() {
            sources(&path, &child(&name), found);
        } else if let Some(stem) = name.strip_suffix(".rs") {
            let module = if stem == "mod" { module.to_string() } else { child(stem) };
            found.insert(module, std::fs::read_to_string(&path).expect("a source file is readable"));
        }
    }
}

/// Source without comments and without the text of strings.
fn code(source: &str) -> String {
    let source = source.replace("'\"'", "").replace("\\\\", "").replace("\\\"", "");
    let mut code = String::new();
    // Every other piece is a string, and a comment may hold quotes, too.
    let (mut in_string, mut in_comment) = (false, false);
    for (at, c) in source.char_indices() {
        match c {
            '\n' if !in_string => (in_comment, code) = (false, code + "\n"),
            _ if in_comment => {}
            '"' => in_string = !in_string,
            '/' if !in_string && source[at..].starts_with("//") => in_comment = true,
            _ if !in_string => code.push(c),
            _ => {}
        }
    }
    code
}

/// All paths in the code, `use` groups taken apart: `a::{b, c::{d}}` is a::b and a::c::d.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let (mut stack, mut word) = (Vec::new(), String::new());
    for c in code.chars().chain([';']) {
        match c {
            _ if c.is_alphanumeric() || c == '_' || c == ':' => word.push(c),
            '{' => {
                let prefix = if word.ends_with("::") {
                    format!("{}{word}", stack.last().unwrap_or(&String::new()))
                } else {
                    String::new()
                };
                stack.push(prefix);
                word.clear();
            }
            _ => {
                if !word.is_empty() {
                    paths.push(format!("{}{word}", stack.last().unwrap_or(&String::new())));
                    word.clear();
                }
                if c == '}' {
                    stack.pop();
                }
            }
        }
    }
    paths
}

fn graph() -> Graph {
    let mut sources_of = BTreeMap::new();
    sources(&root().join("tests"), "", &mut sources_of);
    let known: BTreeSet<&String> = sources_of.keys().collect();
    let mut graph = Graph::new();
    for (module, source) in &sources_of {
        let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let mut mentioned = BTreeSet::new();
        for path in paths(&code(source)) {
            // `super` of a file is its folder; a child's name may be used as it is.
            let path = if let Some(path) = path.strip_prefix("crate::") {
                path.to_string()
            } else if let Some(path) = path.strip_prefix("super::super::") {
                let above = parent.rsplit_once("::").map_or("", |(above, _)| above);
                format!("{above}::{path}")
            } else if let Some(path) = path.strip_prefix("super::") {
                format!("{parent}::{path}")
            } else if path.contains("::") {
                format!("{module}::{path}")
            } else {
                continue;
            };
            // The longest beginning that is a file.
            let path = path.trim_start_matches("::");
            let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
            let file = ends.map(|end| path[..end].to_string()).filter(|name| known.contains(name)).last();
            mentioned.extend(file.filter(|file| file != module));
        }
        graph.insert(module.clone(), mentioned);
    }
    graph
}

fn folder(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

/// Tools import no other tool; what they share imports none of them.
#[test]
fn dependencies_go_one_way() {
    let mut wrong = Vec::new();
    for (module, mentioned) in graph() {
        // The programs' roots join everything.
        if ["suite", "tools"].contains(&module.as_str()) {
            continue;
        }
        let shared = SHARED.iter().find(|(name, _)| *name == folder(&module));
        let allowed = shared.map_or(&["harness", "article"][..], |(_, allowed)| allowed);
        for other in mentioned {
            if folder(&other) != folder(&module) && !allowed.contains(&folder(&other)) {
                wrong.push(format!("{module} imports {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No module can reach itself.
#[test]
fn there_are_no_circles() {
    let graph = graph();
    let mut circles = Vec::new();
    for (module, mentioned) in &graph {
        for other in mentioned {
            let mut seen = BTreeSet::new();
            let mut next = vec![other];
            while let Some(at) = next.pop() {
                if seen.insert(at) {
                    next.extend(&graph[at]);
                }
            }
            if seen.contains(module) {
                circles.push(format!("{module} needs {other}, which needs it"));
            }
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// A type's name says what it is, wherever it is read: no two types share one.
#[test]
fn a_type_name_has_one_meaning() {
    let mut sources_of = BTreeMap::new();
    sources(&root().join("tests"), "", &mut sources_of);
    let mut modules_of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (module, source) in &sources_of {
        for line in source.lines() {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let kinds = ["struct ", "enum ", "type ", "trait "];
            let Some(declared) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) else { continue };
            let name = declared.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            modules_of.entry(name.to_string()).or_default().push(module);
        }
    }
    modules_of.retain(|_, modules| modules.len() > 1);
    let doubled: Vec<String> =
        modules_of.iter().map(|(name, modules)| format!("{name}: {}", modules.join(", "))).collect();
    assert!(doubled.is_empty(), "types with the same name:\n{}", doubled.join("\n"));
}

/// Each test that a table of tests/README.md names is one.
#[test]
fn the_guarantees_have_their_tests() {
    let readme =
        std::fs::read_to_string(root().join("tests/README.md")).expect("tests/README.md is readable");
    let program = std::env::current_exe().expect("a test knows its program");
    let listed = Command::new(program).arg("--list").output().expect("it lists its tests").stdout;
    let listed = String::from_utf8(listed).expect("names are text");
    let mut named = 0;
    for line in readme.lines().filter(|line| line.starts_with('|')) {
        for name in line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains("::tests::") || name.matches("::").count() == 2)
        {
            let test = format!("{name}: test");
            assert!(listed.lines().any(|line| line == test), "tests/README.md: {name} is no test");
            named += 1;
        }
    }
    assert!(named > 0, "tests/README.md names no test");
}

/// tests/README.md is a map: every file that it names exists, and every folder has a row.
#[test]
fn the_map_is_true() {
    let tests = root().join("tests");
    let map = std::fs::read_to_string(tests.join("README.md")).expect("tests/README.md is readable");
    let mut missing = Vec::new();
    for line in map.lines().filter(|line| line.starts_with('|')) {
        // A name without a folder is beside the one before.
        let mut beside = tests.clone();
        for name in line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| !name.contains([' ', '=']) && !name.starts_with('/'))
        {
            let is_file = [".rs", ".txt"].iter().any(|end| name.ends_with(end));
            if !is_file && !name.ends_with('/') {
                continue;
            }
            let path = if tests.join(name).exists() { tests.join(name) } else { beside.join(name) };
            if !path.exists() {
                missing.push(format!("{name} does not exist"));
            }
            beside = if is_file { path.parent().expect("a file has a folder").to_path_buf() } else { path };
        }
    }
    for entry in std::fs::read_dir(&tests).expect("tests/ is readable").flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        if entry.path().is_dir() && !map.contains(&format!("`{name}/`")) {
            missing.push(format!("the folder {name} is not in the table"));
        }
    }
    assert!(missing.is_empty(), "in tests/README.md\n{}", missing.join("\n"));
}

/// The checks see a path in each of its forms.
#[test]
fn paths_are_found() {
    let code = code("use crate::a::{b, c::{D, e}}; // crate::x\nfn f() { servers::run(\"crate::y::z\") }");
    let found = paths(&code);
    for path in ["crate::a::b", "crate::a::c::D", "crate::a::c::e", "servers::run"] {
        assert!(found.iter().any(|found| found == path), "{path}: {found:?}");
    }
    assert!(!found.iter().any(|path| path.contains("crate::x") || path.contains("y::z")), "{found:?}");
}
