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
const SESSION: &str = "conversation";
const CLIENTS_SESSION: &str = "messages";

/// The form of a listing that a trace is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Printed,
    Fixed,
}

/// All rows of a program, those of the session first.
pub fn records(program: &str, form: Form) -> Vec<Record> {
    let folder = if form == Form::Printed { "as-printed" } else { "fixed" };
    let path = root().join("tests/compare/traces").join(folder).join(format!("{program}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut records = parse(&text);
    let session = if program == "tcp_client" { CLIENTS_SESSION } else { SESSION };
    // The session of a server has the client's rows, too.
    records.retain(|record| {
        record.scenario != SESSION || (record.process == "client") == (program == "tcp_client")
    });
    records.sort_by_key(|record| record.scenario != session);
    records
}

fn parse(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let (mut scenario, mut process) = ("", "");
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("== ") {
            scenario = heading.split(':').next().unwrap_or(heading);
        } else if let Some(row) = line.strip_prefix("    ").filter(|_| !scenario.is_empty()) {
            records.push(Record {
                scenario: scenario.to_string(),
                process: process.to_string(),
                text: row.to_string(),
            });
        } else {
            process = line;
        }
    }
    records
}
