//! Whether a repository has moved, told without opening it: `serve` asks twice a second.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::Path;

/// How many branches are looked at; an inbox has one.
const MAX_REFS: usize = 1000;

/// A number that changes when HEAD or a branch of the repository at `path` does. Not to be kept beyond this run.
pub fn refs_stamp(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let head = small_file(&path.join("HEAD"));
    head.hash(&mut hasher);
    if let Some(name) = head.strip_prefix(b"ref: ") {
        let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
        if !name.split('/').any(|part| part == "..") && !name.starts_with('/') {
            small_file(&path.join(name)).hash(&mut hasher);
        }
    }
    if let Ok(meta) = fs::metadata(path.join("packed-refs")) {
        meta.len().hash(&mut hasher);
        meta.modified().ok().hash(&mut hasher);
        #[cfg(unix)]
        std::os::unix::fs::MetadataExt::ino(&meta).hash(&mut hasher);
    }
    let mut branches = Vec::new();
    let mut dirs = vec![path.join("refs/heads")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => dirs.push(entry.path()),
                Ok(kind) if kind.is_file() => branches.push(entry.path()),
                _ => {}
            }
            if branches.len() + dirs.len() > MAX_REFS {
                dirs.clear();
                break;
            }
        }
    }
    // The system lists a directory in any order it likes.
    branches.sort();
    for branch in branches {
        branch.hash(&mut hasher);
        small_file(&branch).hash(&mut hasher);
    }
    hasher.finish()
}

/// The start of a file that is one line long; nothing where it cannot be read. Loose branches are compared by what
/// they say, since two updates may fall into one tick of the file system's clock.
fn small_file(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // What could be read still tells one state from another.
        let _ = file.take(4096).read_to_end(&mut bytes);
    }
    bytes
}
