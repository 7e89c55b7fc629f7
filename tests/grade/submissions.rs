//! The programs of a class: a folder with an executable, or a sub-folder with a single one, from each student.

use std::fs::{DirEntry, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::say;

/// A student's program, or why there is none.
pub struct Submission {
    pub name: String,
    pub program: Result<PathBuf, String>,
}

/// All of a folder, by name. Sources and other files that are not meant to run are passed over.
pub fn submissions(folder: &Path) -> Result<Vec<Submission>, String> {
    let mut found = Vec::new();
    for entry in entries(folder)? {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            found.push(Submission { name, program: single(&path) });
        } else if is_executable(&path) {
            found.push(Submission { name, program: Ok(path) });
        } else if !path.exists() {
            found.push(Submission { name, program: Err(say!("a link to nothing", "失效的链接")) });
        } else if is_meant_to_run(&path) {
            let why = say!("it is not executable (chmod +x)", "它没有执行权限（chmod +x）");
            found.push(Submission { name, program: Err(why) });
        }
    }
    Ok(found)
}

/// What is in a folder, by name, but for hidden files.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut entries: Vec<DirEntry> = entries.flatten().collect();
    entries.retain(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// The one executable in a folder; those below are looked at only if it has none itself.
fn single(folder: &Path) -> Result<PathBuf, String> {
    let mut folders = vec![folder.to_path_buf()];
    for _ in 0..4 {
        let mut executables = Vec::new();
        let mut below = Vec::new();
        for folder in &folders {
            for entry in entries(folder)? {
                let path = entry.path();
                if path.is_dir() && !path.is_symlink() {
                    below.push(path);
                } else if is_executable(&path) {
                    executables.push(path);
                }
            }
        }
        if executables.len() > 1 {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let names = executables.iter().map(name).collect::<Vec<_>>().join(" ");
            return Err(say!("several executables: {names}", "有多个可执行文件：{names}"));
        }
        if let Some(single) = executables.pop() {
            return Ok(single);
        }
        folders = below;
    }
    Err(say!("no executable", "没有可执行文件"))
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

fn is_meant_to_run(path: &Path) -> bool {
    let mut start = Vec::new();
    let _ = File::open(path).and_then(|file| file.take(4).read_to_end(&mut start));
    start.starts_with(b"#!") || start.starts_with(b"\x7fELF")
}
