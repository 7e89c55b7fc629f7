//! Peers that were not traced: what they did follows from what the traced process read and wrote.

use crate::harness::trace::graph::{ALL, End, Lifeline, Role, Step, StepGraph};

/// Adds a process for each connection whose other end is not in the trace; one that ended before serves again.
pub fn add_peers(graph: &mut StepGraph, ends: &[End]) {
    // The processes that were added: whether they are servers, and when their last connection was over.
    let mut added: Vec<(usize, bool, f64)> = Vec::new();
    for end in ends {
        let began = graph.steps[end.step].over;
        let free = added.iter_mut().find(|(_, server, over)| *server != end.server && *over < began);
        let process = match free {
            Some((process, ..)) => *process,
            None => {
                let role = if end.server { Role::Client } else { Role::Server };
                graph.processes.push(Lifeline { name: String::new(), role, traced: false });
                added.push((graph.processes.len() - 1, !end.server, 0.0));
                graph.processes.len() - 1
            }
        };
        let over = add_steps(graph, end, process);
        added.iter_mut().filter(|added| added.0 == process).for_each(|added| added.2 = over);
    }
    for server in [true, false] {
        let alike: Vec<usize> =
            added.iter().filter(|added| added.1 == server).map(|added| added.0).collect();
        for (number, process) in alike.iter().enumerate() {
            let kind = if server { "server" } else { "client" };
            let number = if alike.len() > 1 { format!(" {}", number + 1) } else { String::new() };
            graph.processes[*process].name = format!("{kind}{number} (not traced)");
        }
    }
}

/// The steps of a peer, in the order of those they belong to. When the last one was over.
fn add_steps(graph: &mut StepGraph, end: &End, process: usize) -> f64 {
    let mut seen: Vec<(usize, usize, bool)> = Vec::new();
    seen.extend(end.received.iter().map(|&(bytes, step)| (step, bytes, true)));
    seen.extend(end.sent.iter().map(|&(bytes, step)| (step, bytes, false)));
    seen.sort();
    // Of several that close it, the last one is the end.
    let last_close = seen.iter().rposition(|&(_, bytes, received)| bytes == ALL && !received);
    let mut closed = false;
    let mut over = graph.steps[end.step].over;
    for (at, &(other, bytes, received)) in seen.iter().enumerate() {
        let is_close = bytes == ALL;
        if is_close && (closed || !received && Some(at) != last_close) {
            continue;
        }
        closed |= is_close;
        let data = data(&graph.steps[other].words[0]);
        let words = match (bytes, received) {
            (0, true) => vec!["(connects)".to_string()],
            (0, false) => vec!["(accepts)".to_string()],
            (ALL, true) => vec!["(closes)".to_string()],
            (ALL, false) => vec!["(end of input)".to_string()],
            (_, true) => vec![format!("(sends {data})"), "(sends)".to_string()],
            (_, false) => vec![format!("(receives {data})"), "(receives)".to_string()],
        };
        let step = &graph.steps[other];
        over = step.over;
        let mut own = Step { process, words, began: step.began, over: step.over, ..Step::default() };
        let number = graph.steps.len();
        if received {
            own.outside = true;
            graph.steps[other].cause = Some(number);
            graph.steps[other].outside = false;
        } else {
            own.cause = Some(other);
        }
        graph.steps.push(own);
    }
    over
}

/// The string in the words of a read or a write.
fn data(words: &str) -> &str {
    let Some(start) = words.find('"') else { return "" };
    let end = words.rfind('"').unwrap_or(start);
    let end = if words[end + 1..].starts_with("...") { end + 4 } else { end + 1 };
    &words[start..end]
}
