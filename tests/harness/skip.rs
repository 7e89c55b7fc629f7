//! What can't be tested on this machine: printed when it is skipped, and again at the end of `make test`.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::OnceLock;

use crate::harness::trace::may_trace;

/// Notes that something is not tested, because a right, a tool or the article is missing.
pub fn skip(what: &str) {
    eprintln!("skipped: {what}");
    let file = std::env::var_os("SKIPPED").map(|path| OpenOptions::new().append(true).open(path));
    if let Some(Ok(mut file)) = file {
        let _ = writeln!(file, "{what}");
    }
}

/// Whether the test that runs is to be left out because nothing can be traced here; notes it.
pub fn skips_without_strace() -> bool {
    static MAY_TRACE: OnceLock<Result<(), String>> = OnceLock::new();
    let Err(why) = MAY_TRACE.get_or_init(may_trace) else { return false };
    skip(why);
    true
}

/// The first line of a test that traces: where strace may not trace, the test ends here, and is counted.
#[macro_export]
macro_rules! needs_strace {
    () => {
        if $crate::harness::skip::skips_without_strace() {
            return;
        }
    };
}
