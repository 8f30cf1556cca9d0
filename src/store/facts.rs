//! What a repository says about itself to those who mirror it: grokmirror's manifest, and the two lists that git's
//! plain HTTP protocol needs.

use std::fs;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::epoch::{Epoch, own};
use super::layout::{description_in, note};
use crate::error::Result;
use crate::id::Oid;
use crate::time::Timestamp;

/// How many files and directories of refs are looked at; an epoch has few.
const MAX_REFS: usize = 1000;

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
    let since = written.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let seconds = since.map_or(0, |since| since.as_secs());
    Timestamp(i64::try_from(seconds).unwrap_or(0))
}

/// When refs or settings of the repository at `path` were written last.
fn written(path: &Path) -> Timestamp {
    let files = ["HEAD", "config", "description", "packed-refs", "refs"];
    let mut newest = files
        .iter()
        .map(|name| file_written(&path.join(name)))
        .max();
    let mut dirs = vec![path.join("refs")];
    let mut seen = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            newest = newest.max(Some(file_written(&entry.path())));
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                dirs.push(entry.path());
            }
            seen += 1;
            if seen > MAX_REFS {
                return newest.unwrap_or_default();
            }
        }
    }
    newest.unwrap_or_default()
}

impl Epoch {
    /// What a manifest tells of this repository. `None` while it has no refs, since then there is nothing to mirror.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store) where its refs cannot be read.
    pub fn facts(&self) -> Result<Option<Facts>> {
        // Before the rest: what is written meanwhile makes this look too old, never too new.
        let written = written(self.path());
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
