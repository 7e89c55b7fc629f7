//! Grades one program: a first session with it, and then its checks.

use std::path::Path;
use std::sync::Mutex;

use crate::grade::manner::{Ending, Manner, Reply};
use crate::grade::outcome::{Finding, Observed};
use crate::grade::server::GradedServer;
use crate::grade::subject::Subject;
use crate::grade::table::{Check, Need};
use crate::grade::{client, schedule, startable};

/// Grades a program that is to be like one of the article's by these checks, and hands each finding to `show` as soon as
/// it and those before it are known. An error: it cannot be judged.
pub fn grade(
    program: &Path,
    like: &str,
    chosen: Vec<&'static Check>,
    verbose: bool,
    show: impl FnMut(&Finding) + Send,
) -> Result<Vec<Finding>, String> {
    startable::is_program(program)?;
    let supervisors = &Mutex::default();
    let mut subject = Subject::new(program, like, supervisors);
    schedule::bounded(supervisors, || {
        let mut lost = Vec::new();
        if subject.is_client() {
            schedule::undisturbed(|| {
                client::connected(&subject, &client::ports(), client::Input::Terminal).map(drop)
            })
            .unwrap_or_else(|_| lost.push(Need::Connected));
        } else {
            let (manner, binds) = schedule::undisturbed(|| first_session(&subject))?;
            (subject.manner, subject.binds) = (manner, binds);
            if manner.ending == Ending::Never {
                lost.push(Need::Answer);
            }
            if !binds {
                lost.push(Need::Port);
            }
        }
        Ok(schedule::run(&subject, chosen, &lost, verbose, show))
    })
}

/// How the server answers, and whether it listens on its port.
fn first_session(subject: &Subject) -> Result<(Manner, bool), String> {
    let server = match GradedServer::new(subject) {
        Ok(server) => server,
        Err(Observed::Fail { seen, .. } | Observed::Skip(seen)) => return Err(seen),
    };
    let manner = server.connect().map(|mut client| Manner::of(&mut client));
    let never = Manner { ending: Ending::Never, reply: Reply::Other };
    Ok((manner.unwrap_or(never), server.port == server.told))
}
