//! How a failed test is reported: what failed, where, the difference, and the commands that run it again.
//!
//! A report is printed once, when the failure happens. Of one kind the first ten are shown and the others
//! counted. A panic becomes a report too, so `assert!` and `expect` need no more than say what was awaited.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use crate::harness::diff::{WIDTH, cut, unified};
use crate::harness::wrap::pieces;

/// The longest report, in lines.
const LONGEST: usize = 60;
/// Reports of one kind that are shown.
const SHOWN: usize = 10;

/// What is known of a failure. [`Failure::fail`] reports it and ends the test.
pub struct Failure {
    what: String,
    case: Option<String>,
    place: Option<String>,
    body: Vec<String>,
    rerun: Option<String>,
    record: Option<String>,
}

impl Failure {
    /// What is wrong, in one sentence.
    pub fn new(what: impl Display) -> Self {
        let what = what.to_string();
        Failure { what, case: None, place: None, body: Vec::new(), rerun: None, record: None }
    }

    /// The case, where the test's name does not say it: `tcp_server, no-words, fixed`.
    pub fn case(mut self, case: impl Display) -> Self {
        self.case = Some(case.to_string());
        self
    }

    /// The file and line where the case is written.
    pub fn place(mut self, file: impl Display, line: usize) -> Self {
        self.place = Some(format!("{file}:{line}"));
        self
    }

    /// The process that the next differences are of.
    pub fn process(self, name: impl Display) -> Self {
        self.note(format!("process: {name}"))
    }

    /// Any other text, as it is.
    pub fn note(mut self, text: impl Display) -> Self {
        self.body.extend(text.to_string().lines().map(|line| cut(line, 0)));
        self
    }

    /// What was expected and what came, as a unified diff.
    pub fn diff(mut self, expected: &str, actual: &str) -> Self {
        self.body.extend(["--- expected".to_string(), "+++ actual".to_string()]);
        self.body.extend(unified(expected, actual));
        self
    }

    /// The command that runs this case alone, where it is not `cargo test` and the test's name.
    pub fn rerun(mut self, command: impl Display) -> Self {
        self.rerun = Some(command.to_string());
        self
    }

    /// The command that records the expected data again.
    pub fn record(mut self, command: impl Display) -> Self {
        self.record = Some(command.to_string());
        self
    }

    /// Prints the report; the test goes on, and is to fail at its end.
    pub fn print(&self) {
        print(&self.text(&test_name()));
    }

    /// Prints the report and ends the test.
    pub fn fail(self) -> ! {
        self.print();
        end_test()
    }

    /// The report as lines, at most [`LONGEST`].
    pub fn text(&self, test: &str) -> String {
        let mut head = vec![format!("FAILED {test}: {}", self.what)];
        head.extend(self.case.iter().map(|case| format!("  case: {case}")));
        head.extend(
            CONTEXT.with_borrow(|all| Vec::from_iter(all.iter().map(|it| format!("  during: {it}")))),
        );
        head.extend(self.place.iter().map(|place| format!("  at: {place}")));
        let rerun = self.rerun.clone().unwrap_or_else(|| format!("cargo test {test} -- --exact"));
        let mut tail = vec![format!("  run again: {rerun}")];
        tail.extend(self.record.iter().map(|command| format!("  record again: {command}")));

        // The text of a panic may be long itself.
        let wrapped = head.iter().flat_map(|line| line.lines()).flat_map(|line| pieces(line, 0, WIDTH));
        let mut head: Vec<String> = wrapped.map(str::to_string).collect();
        let room = LONGEST - tail.len() - 1;
        let body = head.split_off(head.len().min(room)).into_iter().chain(self.body.iter().cloned());
        let mut body: Vec<String> = body.collect();
        let room = room - head.len();
        if body.len() > room {
            let more = body.len() - room;
            body.truncate(room);
            body.push(format!("… {more} more lines"));
        }
        let body = body.iter().map(|line| format!("  | {line}"));
        let lines: Vec<String> = head.into_iter().chain(body).chain(tail).collect();
        lines.join("\n") + "\n"
    }
}

/// Ends a test whose failures have been printed, without another report.
pub fn end_test() -> ! {
    // A panic would be reported.
    resume_unwind(Box::new("reported"))
}

thread_local! {
    static CONTEXT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Names what this thread does, for the reports of failures meanwhile; it ends with the value.
#[must_use]
pub struct During(());

pub fn during(what: impl Display) -> During {
    CONTEXT.with_borrow_mut(|all| all.push(what.to_string()));
    During(())
}

impl Drop for During {
    fn drop(&mut self) {
        CONTEXT.with_borrow_mut(|all| all.pop());
    }
}

/// What this thread does, for the threads that it starts.
pub fn context() -> Vec<String> {
    CONTEXT.with_borrow(Clone::clone)
}

pub fn set_context(context: Vec<String>) {
    CONTEXT.with_borrow_mut(|all| *all = context);
}

/// libtest runs each test in a thread of its name, and the pool keeps it.
fn test_name() -> String {
    std::thread::current().name().unwrap_or("(a thread without a name)").to_string()
}

/// The tool that a test belongs to: failures of one tool are of one kind.
fn kind(test: &str) -> &str {
    test.split("::").next().unwrap_or(test)
}

static COUNTS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

fn print(report: &str) {
    let kind = kind(&test_name()).to_string();
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(kind).or_default();
    *count += 1;
    if *count <= SHOWN {
        // Not `eprintln!`, which libtest keeps until the end.
        let _ = write!(std::io::stderr().lock(), "\n{report}\n");
    }
}

/// At the end of the process: how many reports were left out.
extern "C" fn print_rest() {
    let counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    for (kind, count) in counts.iter().filter(|(_, count)| **count > SHOWN) {
        let _ = writeln!(
            std::io::stderr(),
            "{kind}: {count} failures; the first {SHOWN} are shown above, {} are not",
            count - SHOWN
        );
    }
}

thread_local! {
    static FAILURE_IS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is handled by [`caught`], and is not to be reported.
pub fn failure_is_expected() -> bool {
    FAILURE_IS_EXPECTED.get()
}

/// Does what may panic, and returns the text of the panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    FAILURE_IS_EXPECTED.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    FAILURE_IS_EXPECTED.set(false);
    result.map_err(|panic| message(&*panic).to_string())
}

/// The text of a panic.
pub fn message(panic: &dyn Any) -> &str {
    let text = panic.downcast_ref().map(String::as_str).or(panic.downcast_ref().copied());
    text.unwrap_or("it panicked without a text")
}

fn report_panic(panic: &PanicHookInfo) {
    if failure_is_expected() {
        return;
    }
    let mut failure = Failure::new(message(panic.payload()));
    if let Some(place) = panic.location() {
        failure = failure.place(place.file(), place.line() as usize);
    }
    failure.print();
}

/// Before the first test: sees that there is room for them, and makes panics reports.
#[cfg(test)]
extern "C" fn install() {
    if let Err(line) = crate::harness::preflight::check() {
        let _ = writeln!(std::io::stderr(), "{line}");
        std::process::exit(1);
    }
    std::panic::set_hook(Box::new(report_panic));
    // SAFETY: a function that lives as long as the process.
    unsafe { libc::atexit(print_rest) };
}

/// Runs [`install`] before `main`, which is libtest's.
#[cfg(test)]
#[used]
#[unsafe(link_section = ".init_array")]
static INSTALL: extern "C" fn() = install;
