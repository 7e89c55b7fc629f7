//! Whether a file is a program that this system starts, and in one line why it is not.

use std::fs::File;
use std::io::{Error, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::say;

/// The fewest descriptors with which the grader works.
const DESCRIPTORS: libc::rlim_t = 256;

/// An error says why the file cannot be run at all.
pub fn is_program(program: &Path) -> Result<(), String> {
    let about = std::fs::metadata(program).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err(say!("this is not a file", "这不是文件"));
    }
    if about.permissions().mode() & 0o111 == 0 {
        return Err(say!("it is not executable (chmod +x)", "它没有执行权限（chmod +x）"));
    }
    if let Some(truncated) = truncated(program) {
        return Err(truncated);
    }
    Ok(())
}

fn start(program: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = File::open(program).and_then(|file| file.take(4096).read_to_end(&mut bytes));
    bytes
}

/// Why the kernel did not start `program`.
pub fn explained(program: &Path, error: &Error) -> String {
    let bytes = start(program);
    let first =
        String::from_utf8_lossy(bytes.split(|&byte| byte == b'\n').next().unwrap_or_default()).into_owned();
    let script = first.strip_prefix("#!");
    match error.raw_os_error() {
        Some(libc::ENOENT) if script.is_some_and(|line| line.ends_with('\r')) => say!(
            "its #! line ends with CR, as Windows writes it: sed -i 's/\\r$//' repairs it",
            "它的 #! 行以 CR（Windows 换行）结尾：可用 sed -i 's/\\r$//' 修复"
        ),
        Some(libc::ENOENT | libc::EACCES) if script.is_some() => {
            let interpreter =
                script.and_then(|line| line.split_whitespace().next()).unwrap_or("").to_string();
            say!(
                "its interpreter {interpreter} cannot be started: {error}",
                "无法启动它的解释器 {interpreter}：{error}"
            )
        }
        Some(libc::ENOENT) if bytes.starts_with(b"\x7fELF") => {
            say!("its dynamic loader is not on this system", "本系统没有它需要的动态加载器")
        }
        Some(libc::ENOEXEC) => format!("{}: {error}", kind(&bytes)),
        Some(libc::EAGAIN) => {
            say!("no process can be started (ulimit -u): {error}", "无法创建进程（ulimit -u）：{error}")
        }
        _ => say!("it cannot be started: {error}", "无法启动：{error}"),
    }
}

/// What a file is that the kernel does not start.
fn kind(bytes: &[u8]) -> String {
    let is = |magic: &[u8]| bytes.starts_with(magic);
    if is(b"\x7fELF") {
        let machine = bytes.get(18..20).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]));
        let name = match machine {
            3 => "i386",
            8 => "MIPS",
            40 => "ARM",
            62 => "x86-64",
            183 => "AArch64",
            243 => "RISC-V",
            258 => "LoongArch",
            _ => "?",
        };
        return say!(
            "a program for another machine, or damaged ({name})",
            "其他架构的程序，或已损坏（{name}）"
        );
    }
    let mach = [0xfeed_facf_u32, 0xfeed_face, 0xcafe_babe];
    if mach.iter().any(|magic| is(&magic.to_le_bytes()) || is(&magic.to_be_bytes())) {
        return say!("a program for macOS (Mach-O)", "macOS 程序（Mach-O）");
    }
    if is(b"MZ") {
        return say!("a program for Windows (PE)", "Windows 程序（PE）");
    }
    if bytes.is_empty() {
        return say!("an empty file", "空文件");
    }
    say!(
        "no program of this system; a script begins with a #! line",
        "不是本系统的程序；脚本要以 #! 行开头"
    )
}

/// An ELF file that ends before its segments do: the kernel would kill it while it is loaded.
fn truncated(program: &Path) -> Option<String> {
    let bytes = start(program);
    let length = std::fs::metadata(program).ok()?.len();
    let number = |at: usize, size: usize| -> Option<u64> {
        let mut all = [0; 8];
        all[..size].copy_from_slice(bytes.get(at..at + size)?);
        Some(u64::from_le_bytes(all))
    };
    // 64 bits, little-endian: the others are not run here.
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let damaged = || Some(say!("a truncated program (ELF)", "被截断的程序（ELF）"));
    let Some((table, count)) = number(32, 8).zip(number(56, 2)) else { return damaged() };
    for entry in 0..count {
        let at = (table + entry * 56) as usize;
        let Some((offset, size)) = number(at + 8, 8).zip(number(at + 32, 8)) else { return damaged() };
        if offset + size > length {
            return damaged();
        }
    }
    None
}

/// As many as may be open in a program: 4096, or what the shell's limit allows.
pub fn descriptors() -> libc::rlim_t {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_max.min(4096)
}

/// Raises this process's own limit as far as it may. An error: the shell has left too little.
pub fn limits() -> Result<(), String> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if limit.rlim_max < DESCRIPTORS {
        let most = limit.rlim_max;
        return Err(say!(
            "{most} open files are too few, at least {DESCRIPTORS} are needed: ulimit -n",
            "最多只能打开 {most} 个文件，至少需要 {DESCRIPTORS} 个：ulimit -n"
        ));
    }
    limit.rlim_cur = limit.rlim_max.min(1 << 16);
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    Ok(())
}
