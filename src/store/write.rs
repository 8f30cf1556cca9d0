//! Mail comes into an inbox or goes, by commits as public-inbox makes them, of versions 1 and 2.
//!
//! Whoever writes holds the inbox's [`Lock`]. What was added is stored, on the disk and to be seen by everybody, when
//! [`Writer::commit`] returns, all at once; what was not committed is as if it had never been.

use std::fs;
use std::path::{Path, PathBuf};

use super::commit::{CommitMeta, tree_of_one};
use super::create::{epoch_path, heal_alternates, make_all_git, make_epoch, write_alternates};
use super::epoch::Epoch;
use super::layout::{Layout, Version};
use super::lock::Lock;
use super::pack::{Kind, Stage};
use super::tidy::{TOO_MANY, tidy};
use super::tombstones::{self, Tombstone};
use super::version_1::Trees;
use super::{branch, version_1};
use crate::error::{Error, Result};
use crate::id::{EpochNum, Oid};
use crate::mail::Message;

/// At which size of its packs an epoch is full, in bytes. Readers must not care.
const FULL: u64 = 1 << 30;

/// How much deflated mail is kept in memory before it is written, in bytes.
const BATCH: usize = 32 << 20;

/// Stores one mail in the newest epoch of the inbox at `dir`; gives the name of its blob.
///
/// # Errors
/// As [`Writer::open`] and [`Writer::append`].
pub fn append(dir: &Path, raw: &[u8], meta: &CommitMeta) -> Result<Oid> {
    Writer::open(dir)?.append(raw, meta)
}

/// Removes the mail of this blob from the inbox at `dir`, by a commit of its own.
///
/// # Errors
/// As [`Writer::open`] and [`Writer::remove`].
pub fn remove(dir: &Path, blob: Oid, meta: &CommitMeta) -> Result<()> {
    Writer::open(dir)?.remove(blob, meta)
}

/// Stores many mails, packed from the start. Gives how many they were.
///
/// Mails before one that fails may have been stored.
///
/// # Errors
/// As [`Writer::open`], [`Writer::add`] and [`Writer::commit`].
pub fn append_many<M>(dir: &Path, mails: M) -> Result<usize>
where
    M: IntoIterator<Item = (Vec<u8>, CommitMeta)>,
{
    Writer::open(dir)?.append_many(mails)
}

/// The one who may write to an inbox, as long as it lives.
pub struct Writer {
    dir: PathBuf,
    lock: Lock,
    version: Version,
    number: EpochNum,
    epoch: Epoch,
    /// The commit that everybody sees.
    stored: Option<Oid>,
    /// The commit that they will see.
    tip: Option<Oid>,
    stage: Stage,
    /// The trees of version 1, from when the first mail is added.
    trees: Option<Trees>,
    /// How large the newest epoch is, roughly: its packs, and what was added to it since.
    size: u64,
    full: u64,
    batch: usize,
    loose: usize,
}

impl Writer {
    /// Waits for its turn to write to the inbox at `dir`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where that is no inbox, or a single epoch of one; [`Error::Io`] where it cannot be locked.
    pub fn open(dir: &Path) -> Result<Writer> {
        let layout = Layout::find(dir)?;
        if layout.version == Version::V2 && layout.epoch(EpochNum(0)) == Some(dir) {
            let why = "it is an epoch; mail is written to the inbox that it belongs to";
            return Err(Error::invalid(dir.display().to_string(), why));
        }
        let version = layout.version;
        let lock = Lock::wait(dir, version)?;
        // While we waited, another writer may have begun an epoch.
        let layout = Layout::find(dir)?;
        let (number, path) = match layout.epochs.last() {
            Some((number, path)) => {
                // It may have been killed before it could say so.
                heal_alternates(&layout)?;
                (*number, path.clone())
            }
            None => {
                make_all_git(dir)?;
                let number = make_epoch(dir, EpochNum(0))?;
                write_alternates(&Layout::find(dir)?)?;
                (number, epoch_path(dir, number))
            }
        };
        let epoch = Epoch::open(&path)?;
        let stored = epoch.tip()?;
        Ok(Writer {
            dir: dir.to_owned(),
            lock,
            version,
            number,
            size: packed_size(epoch.path()),
            epoch,
            stored,
            tip: stored,
            stage: Stage::default(),
            trees: None,
            full: FULL,
            batch: BATCH,
            loose: TOO_MANY,
        })
    }

    /// Begins a new epoch as soon as one holds more than `bytes`.
    #[must_use]
    pub fn with_epochs_of(mut self, bytes: u64) -> Writer {
        self.full = bytes;
        self
    }

    /// Commits by itself whenever so many bytes of deflated mail are waiting.
    #[must_use]
    pub fn with_packs_of(mut self, bytes: usize) -> Writer {
        self.batch = bytes;
        self
    }

    /// Packs loose objects as soon as there are about so many.
    #[must_use]
    pub fn with_loose_objects(mut self, most: usize) -> Writer {
        self.loose = most;
        self
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The history was written anew: what is added from now on follows the new one.
    pub(super) fn look_again(&mut self) -> Result<()> {
        self.lock.changed();
        self.epoch = Epoch::open(self.epoch.path())?;
        self.stored = self.epoch.tip()?;
        self.tip = self.stored;
        Ok(())
    }

    /// How the inbox keeps its mail.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The repositories as they are now. Nobody else can change them.
    ///
    /// # Errors
    /// As [`Layout::find`].
    pub fn layout(&self) -> Result<Layout> {
        Layout::find(&self.dir)
    }

    /// Adds a mail, to be stored by the next commit; gives the name of its blob. Where much is waiting already, that
    /// is committed first.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Io`] where the repository cannot be read or written; [`Error::Invalid`] where
    /// version 1 has no place for it.
    pub fn add(&mut self, raw: &[u8], meta: &CommitMeta) -> Result<Oid> {
        if self.stage.size() >= self.batch {
            self.commit()?;
        }
        self.rotate_if_full()?;
        let blob = self.stage.put(Kind::Blob, raw.to_vec())?;
        let tree = match self.version {
            Version::V2 => self.stage.put(Kind::Tree, tree_of_one('m', blob))?,
            Version::V1 => {
                let path = version_1::path_of(&Message::parse(raw));
                let path = path.ok_or_else(|| {
                    let why = "version 1 keeps mail by its Message-ID, and it has none";
                    Error::invalid(format!("mail {blob}"), why)
                })?;
                if self.planted(&path)?.is_some() {
                    let why = "version 1 has a mail of that Message-ID already";
                    return Err(Error::invalid(format!("mail {blob}"), why));
                }
                self.plant(&path, Some(blob))?
            }
        };
        self.add_commit(tree, meta)?;
        // Mail packs to two fifths of its size.
        self.size += raw.len() as u64 * 2 / 5;
        Ok(blob)
    }

    /// Adds the removal of the mail of this blob, to be done by the next commit. Its bytes stay in history.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the inbox does not have it; [`Error::Store`] and [`Error::Io`] where the repository
    /// cannot be read or written.
    pub fn add_removal(&mut self, blob: Oid, meta: &CommitMeta) -> Result<()> {
        if self.stage.holds(blob) {
            self.commit()?;
        }
        let raw = self.find(blob)?;
        let tree = match self.version {
            // An older epoch is left alone: mirrors need not ask for it again. The newest gets a copy of the bytes.
            Version::V2 => {
                let blob = self.stage.put(Kind::Blob, raw)?;
                self.stage.put(Kind::Tree, tree_of_one('d', blob))?
            }
            Version::V1 => match version_1::path_of(&Message::parse(&raw)) {
                Some(path) if self.planted(&path)? == Some(blob) => self.plant(&path, None)?,
                _ => return Err(unknown(blob)),
            },
        };
        self.add_commit(tree, meta)
    }

    /// Stores all that was added, or removes what was to be removed. On return it is on the disk, and readers see it.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Io`] where the repository cannot be written, [`Error::Invalid`] where somebody
    /// without the lock has written to it; nothing is stored then.
    pub fn commit(&mut self) -> Result<()> {
        let done = self.commit_staged();
        if done.is_err() {
            self.stage = Stage::default();
            self.trees = None;
            self.tip = self.stored;
        }
        done
    }

    fn commit_staged(&mut self) -> Result<()> {
        let Some(tip) = self.tip.filter(|tip| Some(*tip) != self.stored) else {
            return Ok(());
        };
        self.stage.write(self.epoch.path())?;
        branch::advance(&self.epoch, self.stored, tip)?;
        self.stored = Some(tip);
        self.lock.changed();
        match tidy(&self.lock, self.epoch.path(), self.loose) {
            Ok(false) => {}
            Ok(true) => self.size = packed_size(self.epoch.path()),
            // The mail is stored all the same, and the next writer tries again.
            Err(error) => tracing::warn!("loose objects cannot be packed: {error}"),
        }
        Ok(())
    }

    /// Stores one mail at once; gives the name of its blob.
    ///
    /// # Errors
    /// As [`Writer::add`] and [`Writer::commit`].
    pub fn append(&mut self, raw: &[u8], meta: &CommitMeta) -> Result<Oid> {
        let blob = self.add(raw, meta)?;
        self.commit()?;
        Ok(blob)
    }

    /// Removes one mail at once.
    ///
    /// # Errors
    /// As [`Writer::add_removal`] and [`Writer::commit`].
    pub fn remove(&mut self, blob: Oid, meta: &CommitMeta) -> Result<()> {
        self.add_removal(blob, meta)?;
        self.commit()
    }

    /// Stores many mails. Gives how many they were.
    ///
    /// # Errors
    /// As [`Writer::add`] and [`Writer::commit`]; mails before the one that fails may have been stored.
    pub fn append_many<M>(&mut self, mails: M) -> Result<usize>
    where
        M: IntoIterator<Item = (Vec<u8>, CommitMeta)>,
    {
        let mut count = 0;
        for (raw, meta) in mails {
            self.add(&raw, &meta)?;
            count += 1;
        }
        self.commit()?;
        Ok(count)
    }

    /// The newest epoch and the commit that it is at, as everybody sees it; `None` where it has none.
    pub fn tip(&self) -> Option<(EpochNum, Oid)> {
        self.stored.map(|tip| (self.number, tip))
    }

    /// The bytes of a mail, from whichever epoch; `None` where none has it. What was added is committed first.
    ///
    /// # Errors
    /// As [`Writer::commit`], and where the repository is damaged.
    pub fn read(&mut self, blob: Oid) -> Result<Option<Vec<u8>>> {
        if self.stage.holds(blob) {
            self.commit()?;
        }
        match self.find(blob) {
            Ok(raw) => Ok(Some(raw)),
            Err(Error::Invalid { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bytes of a mail, from whichever epoch.
    fn find(&self, blob: Oid) -> Result<Vec<u8>> {
        for (_, path) in self.layout()?.epochs.iter().rev() {
            if let Some(raw) = Epoch::open(path)?.read(blob)? {
                return Ok(raw);
            }
        }
        Err(unknown(blob))
    }

    fn add_commit(&mut self, tree: Oid, meta: &CommitMeta) -> Result<()> {
        let commit = meta.object(tree, self.tip).into_bytes();
        self.tip = Some(self.stage.put(Kind::Commit, commit)?);
        Ok(())
    }

    /// What version 1 has at a place.
    fn planted(&mut self, path: &version_1::Path) -> Result<Option<Oid>> {
        let trees = match &mut self.trees {
            Some(trees) => trees,
            None => self.trees.insert(Trees::of(&self.epoch, self.stored)?),
        };
        trees.at(&self.epoch, path)
    }

    /// Puts a blob into the tree of version 1, or takes away what is there; gives the new tree.
    fn plant(&mut self, path: &version_1::Path, blob: Option<Oid>) -> Result<Oid> {
        let trees = match &mut self.trees {
            Some(trees) => trees,
            None => self.trees.insert(Trees::of(&self.epoch, self.stored)?),
        };
        trees.plant(&self.epoch, path, blob)?;
        let (dir, root) = trees.written(path);
        if let Some(dir) = dir {
            self.stage.put(Kind::Tree, dir)?;
        }
        self.stage.put(Kind::Tree, root)
    }

    /// Says of mail that it is not to come back. To be done before it goes, so that it does not come back if we never
    /// get to say so.
    ///
    /// # Errors
    /// [`Error::Io`] where that cannot be written down.
    pub fn bury(&mut self, stones: &[Tombstone]) -> Result<()> {
        tombstones::add(&self.dir, stones)?;
        if !stones.is_empty() {
            self.lock.changed();
        }
        Ok(())
    }

    fn rotate_if_full(&mut self) -> Result<()> {
        if self.version == Version::V1 || self.size < self.full || self.tip.is_none() {
            return Ok(());
        }
        let Some(next) = self.number.0.checked_add(1) else {
            return Ok(());
        };
        self.commit()?;
        self.number = make_epoch(&self.dir, EpochNum(next))?;
        write_alternates(&self.layout()?)?;
        self.epoch = Epoch::open(&epoch_path(&self.dir, self.number))?;
        (self.stored, self.tip, self.size) = (None, None, 0);
        Ok(())
    }
}

fn unknown(blob: Oid) -> Error {
    Error::invalid(format!("blob {blob}"), "no epoch of this inbox has it")
}

/// What the packs of a repository weigh, in bytes.
fn packed_size(repository: &Path) -> u64 {
    let entries = fs::read_dir(repository.join("objects/pack"));
    let files = entries.into_iter().flatten().flatten();
    let packs = files.filter(|e| e.path().extension().is_some_and(|x| x == "pack"));
    packs
        .filter_map(|e| e.metadata().ok())
        .map(|m| m.len())
        .sum()
}
