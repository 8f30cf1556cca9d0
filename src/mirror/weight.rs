//! How much a repository weighs while git adds to it, so that no upstream fills the disk.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What lay in a repository before something is added to it, and how much more there may be.
pub(super) struct Weight {
    objects: PathBuf,
    before: u64,
    /// Files that git had left half-written already.
    litter: HashSet<OsString>,
    /// In bytes.
    most: u64,
}

impl Weight {
    /// Looks at the repository at `path`, which may grow by so many bytes.
    pub(super) fn new(path: &Path, most: u64) -> Weight {
        let objects = path.join("objects");
        Weight {
            before: weigh(&objects),
            litter: litter(&objects).collect(),
            objects,
            most,
        }
    }

    /// By how many bytes it may grow.
    pub(super) fn most(&self) -> u64 {
        self.most
    }

    /// Whether it has grown by more.
    pub(super) fn is_exceeded(&self) -> bool {
        weigh(&self.objects).saturating_sub(self.before) > self.most
    }

    /// Deletes what a git that was killed has left half-written.
    pub(super) fn sweep(&self) {
        for name in litter(&self.objects).filter(|name| !self.litter.contains(name)) {
            let path = self.objects.join("pack").join(name);
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!("{} is left over: {error}", path.display());
            }
        }
    }
}

/// The bytes in the files of a directory of objects. Objects are one directory deep.
fn weigh(objects: &Path) -> u64 {
    let mut bytes = 0;
    for entry in entries(objects) {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                let files = entries(&entry.path()).filter_map(|file| file.metadata().ok());
                bytes += files.map(|about| about.len()).sum::<u64>();
            }
            _ => bytes += entry.metadata().map_or(0, |about| about.len()),
        }
    }
    bytes
}

/// The names of packs that are not finished: `tmp_pack_…` of the smart protocol, `….temp` of the dumb one.
fn litter(objects: &Path) -> impl Iterator<Item = OsString> + use<> {
    entries(&objects.join("pack"))
        .map(|entry| entry.file_name())
        .filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("tmp_") || name.ends_with(".temp")
        })
}

fn entries(dir: &Path) -> impl Iterator<Item = fs::DirEntry> + use<> {
    fs::read_dir(dir).into_iter().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Weight;

    #[test]
    fn what_was_there_before_neither_counts_nor_goes() {
        let dir = tempfile::tempdir().unwrap();
        for below in ["objects/pack", "objects/ab"] {
            fs::create_dir_all(dir.path().join(below)).unwrap();
        }
        let write = |name: &str, bytes: usize| {
            fs::write(dir.path().join("objects").join(name), vec![0; bytes]).unwrap();
        };
        write("pack/pack-1.pack", 5000);
        write("pack/tmp_pack_old", 10);
        let weight = Weight::new(dir.path(), 1000);
        assert!(!weight.is_exceeded());
        write("ab/1", 600);
        write("pack/tmp_pack_new", 400);
        assert!(!weight.is_exceeded());
        write("pack/pack-2.pack.temp", 1);
        assert!(weight.is_exceeded());
        weight.sweep();
        let left = |name: &str| dir.path().join("objects/pack").join(name).exists();
        assert!(left("pack-1.pack") && left("tmp_pack_old"));
        assert!(!left("tmp_pack_new") && !left("pack-2.pack.temp"));
        assert!(!weight.is_exceeded());
    }
}
