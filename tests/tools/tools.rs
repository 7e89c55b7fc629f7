//! One program for the Makefile's tools; each tool is a module that says what it is for.

mod compare;
mod demo;
mod faults;
mod lanes;
mod lessons;
mod side_by_side;
#[path = "../support/mod.rs"]
#[allow(dead_code)] // the tests use the rest
mod support;

use std::io::Read;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, Ordering};

fn main() -> ExitCode {
    end_all_at_panic();
    end_all_at_ctrl_c();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (tool, words) = words.split_first().expect("the Makefile names a tool");
    match tool.as_str() {
        "compare" => compare::main(words),
        "demo" => demo::main(words),
        "faults" => faults::main(words),
        "lanes" => lanes::main(words),
        "lesson" => lessons::show(words),
        "lessons" => lessons::list(words),
        "record" => lessons::record(words),
        "side-by-side" => side_by_side::main(words),
        _ => panic!("there is no tool {tool}"),
    }
}

static INTERRUPTED: AtomicI32 = AtomicI32::new(-1);

/// What a tool starts ends with it, the orphans of the double fork too.
fn end_all_at_ctrl_c() {
    extern "C" fn interrupt(_: i32) {
        unsafe { libc::close(INTERRUPTED.load(Ordering::Relaxed)) };
    }
    let (mut reader, writer) = UnixStream::pair().expect("a pair of sockets");
    INTERRUPTED.store(writer.into_raw_fd(), Ordering::Relaxed);
    unsafe {
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        libc::signal(libc::SIGINT, interrupt as *const () as usize);
        libc::signal(libc::SIGTERM, interrupt as *const () as usize);
    }
    std::thread::spawn(move || {
        // It ends when a signal has closed the other end.
        let _ = reader.read(&mut [0]);
        end_all();
        std::process::exit(130);
    });
}

/// A tool does not unwind: what it has started would outlive a panic, whose
/// words are one line for the user. A reader that has left, `| head`, needs none.
fn end_all_at_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let words = panic.payload();
        let words = words.downcast_ref().map(String::as_str).or(words.downcast_ref().copied());
        let words = words.unwrap_or("it can't go on");
        if !words.contains("Broken pipe") {
            eprintln!("{words}");
        }
        end_all();
        std::process::exit(2);
    }));
}

fn end_all() {
    for pid in support::programs::children(std::process::id()) {
        unsafe { libc::kill(pid as i32, libc::SIGKILL) };
    }
}
