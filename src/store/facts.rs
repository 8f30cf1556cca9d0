//! What a repository says about itself to those who mirror it: grokmirror's manifest, and the two lists that git's
//! plain HTTP protocol needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha1::{Digest, Sha1};

use super::epoch::{Epoch, own};
use super::layout::{description_in, note};
use super::seal::Seal;
use crate::error::Result;
use crate::id::Oid;
use crate::time::Timestamp;

/// What a manifest tells of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// SHA-1 of what `git show-ref` prints, in hexadecimal digits: other refs, other fingerprint.
    pub fingerprint: String,
    /// When the newest commit of any ref was made.
    pub modified: Timestamp,
    /// When any of this was written here last, by the clock of the file system.
    pub written: Timestamp,
    /// `gitweb.owner`.
    pub owner: Option<String>,
    /// The one repository whose objects this one borrows, if it is one.
    pub reference: Option<PathBuf>,
    /// Its own description, where somebody wrote one.
    pub description: Option<String>,
    /// What HEAD says, for instance `ref: refs/heads/master`.
    pub head: Option<String>,
}

/// When a file was written last; the beginning of time where there is none.
pub fn file_written(path: &Path) -> Timestamp {
    let written = fs::metadata(path).and_then(|about| about.modified()).ok();
    written.map_or(Timestamp(0), in_seconds)
}

/// The whole seconds of a date of a file; those before 1970 are 0.
pub(super) fn in_seconds(date: SystemTime) -> Timestamp {
    let since = date.duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    Timestamp(i64::try_from(seconds).unwrap_or(0))
}

impl Epoch {
    /// What a manifest tells of this repository. `None` while it has no refs, since then there is nothing to mirror.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store) where its refs cannot be read.
    pub fn facts(&self) -> Result<Option<Facts>> {
        // Before the rest: what is written meanwhile makes this look too old, never too new.
        let written = Seal::of(self.path()).written();
        let refs = self.refs()?;
        if refs.is_empty() {
            return Ok(None);
        }
        let mut digest = Sha1::new();
        for (name, oid) in &refs {
            digest.update(format!("{oid} {name}\n"));
        }
        let fingerprint = Oid::from_bytes(&digest.finalize())?.to_string();
        let objects = self.objects()?;
        let commits = refs
            .iter()
            .filter_map(|(_, oid)| objects.commit(objects.peel(*oid)?).ok());
        let modified = commits.map(|commit| commit.times.committer).max();
        let config = self.repo.config().and_then(|mut config| config.snapshot());
        let owner = config.ok().and_then(|c| c.get_string("gitweb.owner").ok());
        let head = note(&self.path().join("HEAD"));
        Ok(Some(Facts {
            fingerprint,
            modified: modified.unwrap_or(Timestamp(0)),
            written,
            owner: owner.filter(|owner| !owner.is_empty()),
            reference: self.reference(),
            description: description_in(self.path()),
            head: head.and_then(|text| Some(text.lines().next()?.trim().to_owned())),
        }))
    }

    /// All refs but HEAD, by name, in the order of their bytes.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store) where they cannot be read.
    pub fn refs(&self) -> Result<Vec<(String, Oid)>> {
        let found = self.repo.references().map_err(|e| self.failed(&e))?;
        let mut refs = Vec::new();
        for reference in found {
            // A ref that is broken, or whose name is not UTF-8, is no ref to tell about.
            let Ok(Ok(reference)) = reference.map(|r| r.resolve().map(|to| (r, to))) else {
                continue;
            };
            let (name, target) = (reference.0.name(), reference.1.target());
            if let (Ok(name), Some(target)) = (name, target) {
                refs.push((name.to_owned(), own(target)?));
            }
        }
        refs.sort();
        Ok(refs)
    }

    /// The text of `info/refs` for clients that know only the plain protocol, up to date whether or not somebody ran
    /// `git update-server-info`.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store) where the refs cannot be read.
    pub fn info_refs(&self) -> Result<String> {
        let objects = self.objects()?;
        let mut text = String::new();
        for (name, oid) in self.refs()? {
            text.push_str(&format!("{oid}\t{name}\n"));
            if let Some(peeled) = objects.peel(oid).filter(|peeled| *peeled != oid) {
                text.push_str(&format!("{peeled}\t{name}^{{}}\n"));
            }
        }
        Ok(text)
    }

    /// The text of `objects/info/packs`, likewise.
    pub fn info_packs(&self) -> String {
        let entries = fs::read_dir(self.path().join("objects/pack"));
        let names = entries.into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let mut packs: Vec<String> = names
            .filter(|name| name.starts_with("pack-") && name.ends_with(".pack"))
            .collect();
        packs.sort();
        let lines = packs.iter().map(|name| format!("P {name}\n"));
        lines.chain(std::iter::once("\n".to_owned())).collect()
    }

    /// The repository that the only line of `objects/info/alternates` names.
    fn reference(&self) -> Option<PathBuf> {
        let objects = self.path().join("objects");
        let text = note(&objects.join("info/alternates"))?;
        let mut lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (line, None) = (lines.next()?, lines.next()) else {
            return None;
        };
        let borrowed = fs::canonicalize(objects.join(Path::new(line))).ok()?;
        borrowed.parent().map(Path::to_owned)
    }
}
