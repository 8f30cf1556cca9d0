//! Whether a repository has moved, told without opening it: `serve` asks all the time.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How many branches are looked at; an inbox has one.
const MAX_REFS: usize = 1000;

/// A file that was written so long ago cannot be written again within the same tick of its file system's clock, which
/// may be two seconds long.
const SETTLED: Duration = Duration::from_secs(3);

/// So often the refs are read whatever the dates say: somebody may have written into a file of another branch.
const READ_ANYWAY: Duration = Duration::from_secs(30);

/// Tells whether the refs of one repository have moved, as [`refs_stamp`] does, but mostly by three dates: git replaces
/// files by renaming others, so that the date of their directory changes.
#[derive(Clone, Debug)]
pub struct RefsWatch {
    stamp: u64,
    /// The branch that HEAD names.
    branch: Option<PathBuf>,
    dates: [Option<SystemTime>; 3],
    /// Whether the dates were old enough when the refs were read: whatever came later has others.
    settled: bool,
    read: Instant,
}

impl RefsWatch {
    /// Reads the refs of the repository at `path`.
    pub fn new(path: &Path) -> RefsWatch {
        // Before the refs: what is written in between has another date.
        let branch = branch_of(path);
        let dates = dates(path, branch.as_deref());
        RefsWatch {
            stamp: refs_stamp(path),
            settled: dates.iter().flatten().all(is_settled),
            branch,
            dates,
            read: Instant::now(),
        }
    }

    /// The stamp of the repository at `path`, for which this was made.
    pub fn stamp(&mut self, path: &Path) -> u64 {
        let same = self.settled
            && self.read.elapsed() < READ_ANYWAY
            && self.dates == dates(path, self.branch.as_deref());
        if !same {
            *self = RefsWatch::new(path);
        }
        self.stamp
    }
}

/// Whether a file that was written then will have another date when it is written next.
pub(super) fn is_settled(date: &SystemTime) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "the dates of files are compared with it, and no page shows them"
    )]
    let now = SystemTime::now();
    now.duration_since(*date).is_ok_and(|age| age > SETTLED)
}

/// When the repository, its branches and the branch of HEAD were written.
fn dates(path: &Path, branch: Option<&Path>) -> [Option<SystemTime>; 3] {
    let written = |path: &Path| fs::metadata(path).ok()?.modified().ok();
    [
        written(path),
        written(&path.join("refs/heads")),
        branch.and_then(written),
    ]
}

/// The file of the branch that HEAD names, where it names one.
fn branch_of(path: &Path) -> Option<PathBuf> {
    let head = small_file(&path.join("HEAD"));
    let name = String::from_utf8_lossy(head.strip_prefix(b"ref: ")?.trim_ascii()).into_owned();
    let inside = !name.split('/').any(|part| part == "..") && !name.starts_with('/');
    inside.then(|| path.join(name))
}

/// A number that changes when HEAD or a branch of the repository at `path` does. Not to be kept beyond this run.
pub fn refs_stamp(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let head = small_file(&path.join("HEAD"));
    head.hash(&mut hasher);
    if let Some(branch) = branch_of(path) {
        small_file(&branch).hash(&mut hasher);
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
