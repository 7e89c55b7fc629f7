//! The sequence diagram in the language of Mermaid: the lines of `diagram.rs` in the same order.

use crate::harness::trace::causality::{Role, tell};
use crate::harness::trace::diagram::lines;
use crate::harness::trace::parse::Event;

/// A call that affects no other process is a note; one that does is an arrow with both calls.
pub fn mermaid(events: &[Event]) -> String {
    let story = tell(events);
    let lines = lines(&story);
    let mut text = "sequenceDiagram\n".to_string();
    // Clients left, as in the other forms.
    let mut first: Vec<usize> =
        (0..story.processes.len()).filter(|&process| story.is_first(process)).collect();
    first.sort_by_key(|&process| story.processes[process].role != Role::Client);
    for index in first {
        text += &format!("    participant P{index} as {}\n", escaped(&story.processes[index].name));
    }
    for (number, effect) in lines {
        let step = &story.steps[number];
        let process = step.process;
        let words = escaped(&step.words[0]);
        if let Some(child) = step.made {
            let name = escaped(&story.processes[child].name);
            text +=
                &format!("    create participant P{child} as {name}\n    P{process}->>P{child}: {words}\n");
        } else if let Some(effect) = effect.map(|effect| &story.steps[effect]) {
            // Mermaid ends a lifeline only with a message.
            if step.ends && story.processes[process].role >= Role::Child {
                text += &format!("    destroy P{process}\n");
            }
            let both = format!("{words} → {}", escaped(&effect.words[0]));
            text += &format!("    P{process}->>P{}: {both}\n", effect.process);
        } else if let Some(cause) = step.cause {
            text += &format!("    P{}-->>P{process}: {words}\n", story.steps[cause].process);
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
