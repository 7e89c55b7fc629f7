//! What strace recorded of the article's C++: the traces of `make compare`, read for the page.

use crate::harness::builds::root;

/// A row of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub scenario: String,
    pub process: String,
    pub text: String,
}

/// The scenario that is shown where several have the call: a server and a client, both traced.
const SESSION: &str = "session";
const CLIENTS_SESSION: &str = "messages";

/// The form of a listing that a trace is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Printed,
    Fixed,
}

/// All rows of a program, those of the session first.
pub fn records(program: &str, form: Form) -> Vec<Record> {
    let path = root().join(format!("tests/compare/traces/{program}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut records = parse(&text, form);
    let session = if program == "tcp_client" { CLIENTS_SESSION } else { SESSION };
    // The session of a server has the client's rows, too.
    records.retain(|record| {
        record.scenario != SESSION || (record.process == "client") == (program == "tcp_client")
    });
    records.sort_by_key(|record| record.scenario != session);
    records
}

/// A line begins with two spaces, or with the sign of the only form that has it.
fn parse(text: &str, form: Form) -> Vec<Record> {
    let sign = if form == Form::Printed { "- " } else { "+ " };
    let mut records = Vec::new();
    let (mut scenario, mut process) = ("", "");
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("== ") {
            scenario = heading.split(':').next().unwrap_or(heading);
            continue;
        }
        let Some(line) = line.strip_prefix("  ").or(line.strip_prefix(sign)) else { continue };
        match line.strip_prefix("    ") {
            Some(row) => records.push(Record {
                scenario: scenario.to_string(),
                process: process.to_string(),
                text: row.to_string(),
            }),
            None => process = line,
        }
    }
    records
}
