//! The sequence diagram in the language of Mermaid: the lines of `diagram.rs` in the same order.

use crate::harness::trace::causality::step_graph;
use crate::harness::trace::diagram::lines;
use crate::harness::trace::graph::Role;
use crate::harness::trace::parse::Event;

/// A call that affects no other process is a note; one that does is an arrow with both calls.
pub fn mermaid(events: &[Event]) -> String {
    let graph = step_graph(events);
    let lines = lines(&graph);
    let mut text = "sequenceDiagram\n".to_string();
    // Clients left, as in the other forms.
    let mut first: Vec<usize> =
        (0..graph.processes.len()).filter(|&process| graph.is_first(process)).collect();
    first.sort_by_key(|&process| graph.processes[process].role != Role::Client);
    for index in first {
        text += &format!("    participant P{index} as {}\n", escaped(&graph.processes[index].name));
    }
    for (number, effect) in lines {
        let step = &graph.steps[number];
        let process = step.process;
        let words = escaped(&step.words[0]);
        if let Some(child) = step.made {
            let name = escaped(&graph.processes[child].name);
            text +=
                &format!("    create participant P{child} as {name}\n    P{process}->>P{child}: {words}\n");
        } else if let Some(effect) = effect.map(|effect| &graph.steps[effect]) {
            // Mermaid ends a lifeline only with a message.
            if step.ends && graph.processes[process].role >= Role::Child {
                text += &format!("    destroy P{process}\n");
            }
            let both = format!("{words} → {}", escaped(&effect.words[0]));
            text += &format!("    P{process}->>P{}: {both}\n", effect.process);
        } else if let Some(cause) = step.cause {
            text += &format!("    P{}-->>P{process}: {words}\n", graph.steps[cause].process);
        } else {
            text += &format!("    Note over P{process}: {words}\n");
        }
    }
    text
}

/// `#` begins an entity, `;` and `%%` end a statement.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;").replace(';', "#59;").replace("#35#59;", "#35;").replace("%%", "#37;#37;")
}
