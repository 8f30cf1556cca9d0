//! What a manifest tells of repositories, kept for as long as their files look the same: who mirrors a site asks every few
//! minutes, and to open five hundred repositories takes a second.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::epoch::Epoch;
use super::facts::{Facts, in_seconds};
use super::stamp::is_settled;
use crate::error::Result;
use crate::id::EpochNum;
use crate::time::Timestamp;

/// How many files and directories of refs are looked at; an epoch has few.
const MAX_REFS: usize = 1000;

/// So long facts are kept at most: settings may include files from elsewhere.
const KEPT: Duration = Duration::from_secs(300);

/// How the files of a repository look that refs and settings are made of: which there are, and when each was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    print: u64,
    newest: Option<SystemTime>,
    /// Whether all of them were looked at.
    complete: bool,
}

impl Seal {
    /// Of the repository at `path`.
    pub(super) fn of(path: &Path) -> Seal {
        let (mut hasher, mut newest) = (DefaultHasher::new(), None);
        let mut look_at = |path: &Path, about: Option<Metadata>| {
            path.hash(&mut hasher);
            let written = about.as_ref().and_then(|about| about.modified().ok());
            written.hash(&mut hasher);
            about
                .map(|about| (about.ino(), about.len()))
                .hash(&mut hasher);
            newest = newest.max(written);
        };
        let files = [
            "HEAD",
            "config",
            "description",
            "packed-refs",
            "objects/info/alternates",
        ];
        for file in files {
            let file = path.join(file);
            look_at(&file, fs::metadata(&file).ok());
        }
        let mut dirs = vec![path.join("refs")];
        let mut seen = 0;
        while let Some(dir) = dirs.pop()
            && seen <= MAX_REFS
        {
            look_at(&dir, fs::metadata(&dir).ok());
            let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
            let mut entries: Vec<_> = entries.take(MAX_REFS + 1).collect();
            // The system lists a directory in any order it likes.
            entries.sort_by_key(fs::DirEntry::file_name);
            seen += entries.len();
            for entry in entries {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => dirs.push(entry.path()),
                    _ => look_at(&entry.path(), fs::metadata(entry.path()).ok()),
                }
            }
        }
        Seal {
            print: hasher.finish(),
            newest,
            complete: seen <= MAX_REFS,
        }
    }

    /// When any of the files was written last.
    pub(super) fn written(&self) -> Timestamp {
        self.newest.map_or(Timestamp(0), in_seconds)
    }

    /// Whether every later change breaks it.
    fn holds(&self) -> bool {
        self.complete && self.newest.iter().all(is_settled)
    }
}

/// What was told last of the repositories of an inbox.
#[derive(Debug, Default)]
pub struct KnownFacts(Mutex<BTreeMap<EpochNum, Known>>);

#[derive(Debug)]
struct Known {
    place: PathBuf,
    seal: Seal,
    read: Instant,
    facts: Option<Facts>,
}

impl KnownFacts {
    /// As [`Epoch::facts`], of the epoch of that number, which is at `place`.
    ///
    /// # Errors
    /// Those of [`Epoch::open`] and of [`Epoch::facts`].
    pub fn of(&self, number: EpochNum, place: &Path) -> Result<Option<Facts>> {
        // Before the rest: what is written meanwhile breaks it.
        let seal = Seal::of(place);
        if let Some(known) = self.known().get(&number)
            && known.seal == seal
            && known.place == place
            && known.read.elapsed() < KEPT
        {
            return Ok(known.facts.clone());
        }
        let read = Instant::now();
        let facts = Epoch::open(place)?.facts()?;
        if seal.holds() {
            let known = Known {
                place: place.to_owned(),
                seal,
                read,
                facts: facts.clone(),
            };
            self.known().insert(number, known);
        }
        Ok(facts)
    }

    /// Forgets the epochs that are gone.
    pub fn retain(&self, is_there: impl Fn(EpochNum) -> bool) {
        self.known().retain(|number, _| is_there(*number));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<EpochNum, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
