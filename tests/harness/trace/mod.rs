//! strace's output: parsed, rendered, ordered by cause, normalised, drawn.

pub mod calls;
pub mod capture;
pub mod causality;
pub mod diagram;
pub mod graph;
pub mod mermaid;
pub mod normalise;
pub mod parse;
pub mod peers;
pub mod render;
pub mod svg;

use std::process::Command;

use crate::say;

/// An error, as one line, if strace is missing or this user may not trace.
pub fn may_trace() -> Result<(), String> {
    // Under an emulator of another processor it never ends.
    let tried = Command::new("timeout").args(["10", "strace", "-o", "/dev/null", "true"]).output();
    let tried = tried.map_err(|_| say!("strace is missing, install it", "没有 strace，请先安装"))?;
    if tried.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&tried.stderr).lines().next().unwrap_or("it hangs").to_string();
    Err(say!(
        "strace may not trace here ({why}): set kernel.yama.ptrace_scope to 1 or less; a container needs --cap-add=SYS_PTRACE",
        "没有跟踪的权限（{why}）：把 kernel.yama.ptrace_scope 设为 1 或更小；容器要加 --cap-add=SYS_PTRACE"
    ))
}
