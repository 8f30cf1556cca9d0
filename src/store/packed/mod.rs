//! Objects in packs, read without libgit2 (gitformat-pack(5)): twice as fast, and nothing is mapped, so a pack that is
//! cut short under the server's feet is an error and no signal.
//!
//! This is the short way only. Whatever is not as it should be is nobody's to explain here: the answer is "not found",
//! and libgit2, which is asked next, either finds it or says what is wrong. What is read is what its name says: it is
//! hashed, since a damaged index leads to the wrong object without anything else that shows it.

mod delta;
mod index;
mod kept;
mod pack;

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use self::kept::Kept;
use self::pack::{Held, Inflater, Pack};
use crate::id::Oid;

/// The most deltas that lead to one object; git makes at most 4095.
const DEEPEST: usize = 4096;

/// How many packs are kept open. One that is not is read by libgit2.
const PACKS: usize = 32;

/// What an object in a pack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A state of a branch.
    Commit,
    /// A directory.
    Tree,
    /// A file.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// As git calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }
}

/// The packs of a repository, and of those that it borrows objects from.
#[derive(Debug)]
pub struct Packed(RefCell<Opened>);

#[derive(Debug)]
struct Opened {
    dirs: Vec<Dir>,
    packs: Vec<Arc<Pack>>,
    kept: Kept,
    inflater: Inflater,
}

/// A directory of packs, and when it was looked through.
#[derive(Debug)]
struct Dir {
    path: PathBuf,
    written: Option<SystemTime>,
}

impl Packed {
    /// Those of the repository at `path`.
    pub fn open(repository: &Path) -> Packed {
        let objects = repository.join("objects");
        let borrowed = fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
        let lines = borrowed.lines().filter(|line| !line.is_empty());
        let mut dirs: Vec<PathBuf> = vec![objects.join("pack")];
        dirs.extend(lines.map(|line| objects.join(line).join("pack")));
        let mut opened = Opened {
            dirs: dirs.into_iter().map(Dir::unread).collect(),
            packs: Vec::new(),
            kept: Kept::default(),
            inflater: Inflater::default(),
        };
        opened.refresh();
        Packed(RefCell::new(opened))
    }

    /// An object, if it is whole in one of the packs, no longer than `max` bytes, and what its name says.
    pub fn read(&self, oid: Oid, max: usize) -> Option<(Kind, Vec<u8>)> {
        let mut opened = self.0.try_borrow_mut().ok()?;
        let (pack, offset) = match opened.find(oid) {
            Some(found) => found,
            None => {
                // It may have come in a pack that was not there a moment ago.
                opened.refresh().then(|| opened.find(oid))??
            }
        };
        let (kind, bytes) = opened.unpack(&pack, offset, max)?;
        (Oid::of_object(kind.name(), &bytes) == oid).then_some((kind, bytes))
    }

    /// Commits of the largest pack that divide its history into at most `parts` of `each` commits or more; guesses, and
    /// none where it is too small. Of inboxes a third of the objects are commits, and git packs these first.
    pub fn commits_apart(&self, parts: usize, each: usize) -> Vec<Oid> {
        let Ok(opened) = self.0.try_borrow() else {
            return Vec::new();
        };
        let packs = opened.packs.iter();
        let Some(largest) = packs.max_by_key(|pack| pack.count()) else {
            return Vec::new();
        };
        let commits = largest.count() / 3;
        let parts = parts.min(commits / each.max(1));
        let places = (1..parts).map(|n| n * commits / parts).collect::<Vec<_>>();
        largest.nth(&places).unwrap_or_default()
    }
}

impl Dir {
    fn unread(path: PathBuf) -> Dir {
        Dir {
            path,
            written: None,
        }
    }
}

impl Opened {
    /// Looks for packs that are new; whether there was reason to.
    fn refresh(&mut self) -> bool {
        let mut looked = false;
        for dir in &mut self.dirs {
            let written = fs::metadata(&dir.path).and_then(|meta| meta.modified());
            let Some(written) = written.ok().filter(|_| self.packs.len() < PACKS) else {
                continue;
            };
            if dir.written == Some(written) {
                continue;
            }
            dir.written = Some(written);
            looked = true;
            for entry in fs::read_dir(&dir.path).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "idx")
                    && self.packs.len() < PACKS
                    && !self.packs.iter().any(|pack| pack.index_path() == path)
                {
                    self.packs.extend(Pack::open(&path));
                }
            }
        }
        looked
    }

    /// In which pack an object is, and where.
    fn find(&self, oid: Oid) -> Option<(Arc<Pack>, u64)> {
        let packs = self.packs.iter();
        let mut found = packs.filter_map(|pack| Some((pack.find(oid)?, pack)));
        found.next().map(|(at, pack)| (Arc::clone(pack), at))
    }

    /// The object at `offset`. Its deltas are followed down to something whole, then applied on the way back.
    fn unpack(&mut self, pack: &Pack, offset: u64, max: usize) -> Option<(Kind, Vec<u8>)> {
        let mut deltas = Vec::new();
        let mut at = offset;
        let (kind, mut whole) = loop {
            if let Some(found) = self.kept.find(pack.number(), at) {
                break found;
            }
            let entry = self.inflater.entry(pack, at)?;
            if entry.size > max as u64 || deltas.len() >= DEEPEST {
                return None;
            }
            let base = match entry.held {
                Held::Whole(kind) => {
                    break (kind, Arc::new(self.inflater.inflate(pack, &entry)?));
                }
                Held::DeltaTo(base) => base,
                Held::DeltaToNamed(name) => pack.find(name)?,
            };
            deltas.push((at, entry));
            at = base;
        };
        for (delta_at, entry) in deltas.iter().rev() {
            self.kept.keep(pack.number(), at, kind, &whole);
            let delta = self.inflater.inflate(pack, entry)?;
            whole = Arc::new(delta::apply(&whole, &delta, max)?);
            at = *delta_at;
        }
        if whole.len() > max {
            return None;
        }
        let bytes = Arc::try_unwrap(whole).unwrap_or_else(|shared| shared.to_vec());
        Some((kind, bytes))
    }
}

#[cfg(test)]
mod tests;
