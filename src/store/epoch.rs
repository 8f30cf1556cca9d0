//! One bare repository: what its HEAD is, and the bytes of its blobs.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Once;

use git2::{ErrorCode, Odb, Repository};

use super::loose::Loose;
use super::object::{Lack, Objects};
use super::packed::Packed;
use super::packs;
use crate::error::{Error, Result};
use crate::id::Oid;
use crate::time::Timestamp;

/// The longest mail that is read, in bytes.
pub const MAX_BLOB: usize = 200 << 20;

/// An opened epoch. It may go to another thread, but is not shared by two: each keeps its own.
pub struct Epoch {
    pub(super) repo: Repository,
    path: PathBuf,
    loose: Loose,
    packed: Packed,
}

impl std::fmt::Debug for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Epoch({})", self.path.display())
    }
}

/// Settings of libgit2 that hold for the process.
fn settle() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Nothing is read twice within a walk, and the cache may grow to 256 MB.
        git2::opts::enable_caching(false);
    });
}

impl Epoch {
    /// Opens the bare repository at `path`, whoever owns it.
    ///
    /// # Errors
    /// [`Error::Store`] where there is none, or one that is not readable here, such as one with SHA-256 names;
    /// [`Error::Corrupt`] where the index of a pack is damaged.
    pub fn open(path: &Path) -> Result<Epoch> {
        settle();
        refuse_sha256(path)?;
        packs::check(path)?;
        let repo = Repository::open_bare(path).map_err(|e| at(path, &e))?;
        Ok(Epoch {
            repo,
            path: path.to_owned(),
            loose: Loose::open(path),
            packed: Packed::open(path),
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The commit that HEAD names, by whatever branch; `None` where there is no commit yet.
    ///
    /// Where HEAD names a branch that does not exist, and there is just one branch, that one is meant: mirrors are
    /// made of repositories whose first branch had another name than git gives today.
    ///
    /// # Errors
    /// [`Error::Store`] where HEAD is damaged.
    pub fn tip(&self) -> Result<Option<Oid>> {
        Ok(self.branch()?.map(|(_, tip)| tip))
    }

    /// The branch that HEAD means, and the commit it is at. A HEAD that names a commit is its own branch.
    pub(super) fn branch(&self) -> Result<Option<(String, Oid)>> {
        let found = match self.repo.head() {
            Err(e) if matches!(e.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                self.only_branch()
            }
            head => head.map(Some),
        };
        let found = found.map_err(|e| self.failed(&e))?;
        let named =
            found.and_then(|branch| Some((branch.name().ok()?.to_owned(), branch.target()?)));
        named.map(|(name, tip)| Ok((name, own(tip)?))).transpose()
    }

    fn only_branch(&self) -> Result<Option<git2::Reference<'_>>, git2::Error> {
        let mut branches = self.repo.references_glob("refs/heads/*")?;
        match (branches.next(), branches.next()) {
            (Some(one), None) => one.map(Some),
            _ => Ok(None),
        }
    }

    /// The bytes of a blob; `None` where it is not there, as in a damaged mirror.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where it cannot be unpacked, is no blob, or is longer than [`MAX_BLOB`].
    pub fn read(&self, blob: Oid) -> Result<Option<Vec<u8>>> {
        self.found(blob, self.objects()?.read(blob, "blob", MAX_BLOB))
    }

    /// The same of a blob that was read before, by whichever process, and so is no longer than [`MAX_BLOB`]. Faster.
    ///
    /// # Errors
    /// As [`Epoch::read`].
    pub fn read_again(&self, blob: Oid) -> Result<Option<Vec<u8>>> {
        self.found(blob, self.objects()?.read_blob_again(blob, MAX_BLOB))
    }

    fn found(&self, blob: Oid, found: Result<Vec<u8>, Lack>) -> Result<Option<Vec<u8>>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Lack::Missing) => Ok(None),
            Err(lack) => {
                let what = lack.about("blob", blob);
                Err(Error::corrupt(format!("{}: {what}", self.path.display())))
            }
        }
    }

    /// Whether the object is there.
    pub fn contains(&self, oid: Oid) -> bool {
        let name = git2::Oid::from_bytes(&oid.0);
        match (self.repo.odb(), name) {
            (Ok(odb), Ok(name)) => odb.exists(name),
            _ => false,
        }
    }

    /// Whether `old` is `tip` or lies behind it: if not, history was rewritten. What is missing on the way counts as
    /// a no.
    pub fn is_ancestor(&self, old: Oid, tip: Oid) -> bool {
        let Ok(objects) = self.objects() else {
            return false;
        };
        let mut seen = HashSet::new();
        let mut waiting = vec![tip];
        while let Some(oid) = waiting.pop() {
            if oid == old {
                return true;
            }
            if seen.insert(oid)
                && let Ok(commit) = objects.commit(oid)
            {
                waiting.extend(commit.parents());
            }
        }
        false
    }

    /// The commit behind both from which two histories of an epoch part. `None` where they never met, or where that
    /// is lost.
    ///
    /// # Errors
    /// [`Error::Store`] where the repository cannot be read at all.
    pub fn fork_point(&self, one: Oid, other: Oid) -> Result<Option<Oid>> {
        let objects = self.objects()?;
        let mut behind = HashSet::new();
        let mut waiting = vec![one];
        while let Some(oid) = waiting.pop() {
            if behind.insert(oid)
                && let Ok(commit) = objects.commit(oid)
            {
                waiting.extend(commit.parents());
            }
        }
        let mut seen = HashSet::new();
        let mut waiting = VecDeque::from([other]);
        while let Some(oid) = waiting.pop_front() {
            if behind.contains(&oid) {
                return Ok(Some(oid));
            }
            if seen.insert(oid)
                && let Ok(commit) = objects.commit(oid)
            {
                waiting.extend(commit.parents());
            }
        }
        Ok(None)
    }

    /// The address in whose name a commit was stored.
    pub(super) fn committer(&self, commit: Oid) -> Option<String> {
        let raw = self.objects().ok()?.read(commit, "commit", 1 << 20).ok()?;
        let line = raw
            .split(|b| *b == b'\n')
            .find_map(|line| line.strip_prefix(b"committer "))?;
        let (_, rest) = std::str::from_utf8(line).ok()?.rsplit_once('<')?;
        Some(rest.split_once('>')?.0.trim().to_owned())
    }

    /// When a commit was made, by its committer's clock. `None` where it cannot be read.
    pub fn committed(&self, commit: Oid) -> Option<Timestamp> {
        let raw = self.objects().ok()?.read(commit, "commit", 1 << 20).ok()?;
        let line = raw
            .split(|b| *b == b'\n')
            .find_map(|line| line.strip_prefix(b"committer "))?;
        let (_, after) = std::str::from_utf8(line).ok()?.rsplit_once('>')?;
        let seconds = after.split_whitespace().next()?.parse().ok()?;
        Some(Timestamp(seconds))
    }

    pub(super) fn objects(&self) -> Result<Objects<'_>> {
        let odb = self.odb()?;
        Ok(Objects {
            odb,
            loose: &self.loose,
            packed: &self.packed,
        })
    }

    pub(super) fn odb(&self) -> Result<Odb<'_>> {
        self.repo.odb().map_err(|e| self.failed(&e))
    }

    pub(super) fn failed(&self, error: &git2::Error) -> Error {
        at(&self.path, error)
    }
}

/// A failure of libgit2 at `path`, in our words.
pub(super) fn at(path: &Path, error: &git2::Error) -> Error {
    Error::Store(format!("{}: {}", path.display(), error.message()))
}

pub(super) fn own(oid: git2::Oid) -> Result<Oid> {
    Oid::from_bytes(oid.as_bytes())
}

/// libgit2 as it is built here would open such a repository and then misread every name in it.
fn refuse_sha256(path: &Path) -> Result<()> {
    let Ok(config) = git2::Config::open(&path.join("config")) else {
        return Ok(());
    };
    match config.get_string("extensions.objectformat") {
        Ok(format) if !format.eq_ignore_ascii_case("sha1") => Err(Error::Store(format!(
            "{}: its objects have {format} names; only SHA-1 repositories can be read",
            path.display()
        ))),
        _ => Ok(()),
    }
}
