//! `make lanes`: one session, traced on both sides, drawn with a column per process.

use std::path::Path;

use crate::harness::net::ports::free_port;
use crate::harness::session;
use crate::harness::switches;
use crate::harness::terminal::{colours, wide_columns};
use crate::harness::trace::diagram::{CUT, draw};
use crate::harness::trace::mermaid::mermaid;
use crate::harness::trace::{capture, may_trace, svg};
use crate::say;

/// Draws the file that `TRACE` names; or a session of the programs in a directory: the server, and how many clients.
/// One line says why it cannot.
pub fn lanes(words: &[String]) -> Result<bool, String> {
    let trace = std::env::var_os("TRACE").unwrap_or_default();
    let format = switches::value("FORMAT").unwrap_or_default();
    if !["", "text", "svg", "mermaid"].contains(&&*format) {
        return Err(say!(
            "lanes: FORMAT is text, svg or mermaid, not {format}",
            "lanes: FORMAT 是 text、svg 或 mermaid，不是 {format}"
        ));
    }
    // A file has no width.
    let width = if ["svg", "mermaid"].contains(&&*format) { 0 } else { wide_columns("lanes", 120)? };
    let events = match words {
        [] => {
            let name = trace.to_string_lossy();
            capture::open(Path::new(&trace)).map_err(|why| format!("lanes: {name}: {why}"))?
        }
        [bin, server, clients] => {
            let count = clients.parse().ok().filter(|count| (1..=4).contains(count));
            let count = count.ok_or(say!(
                "lanes: CLIENTS is 1 to 4, not {clients}",
                "lanes: CLIENTS 是 1 到 4，不是 {clients}"
            ))?;
            may_trace()?;
            session::run(Path::new(bin), server, count, free_port())
        }
        _ => panic!("the Makefile names a trace, or programs, a server and clients"),
    };
    match &*format {
        "svg" => print!("{}", svg::standalone(&events)),
        "mermaid" => print!("{}", mermaid(&events)),
        _ => {
            let drawing = draw(&events, width, colours());
            print!("{drawing}");
            if drawing.contains(CUT) {
                println!(
                    "{}",
                    say!("{CUT}: cut; a wider terminal shows all", "{CUT}：已截断，终端更宽时完整显示")
                );
            }
        }
    }
    Ok(true)
}
