//! New inboxes, and mail that comes into them or goes.
//!
//! Whoever writes holds the lock on `inbox.lock`, as public-inbox's writers do, and lets it grow by one byte when
//! something has changed: daemons watch that file.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Repository, RepositoryInitOptions};

use super::commit::{CommitMeta, tree_of_one};
use super::epoch::{Epoch, at, own};
use super::layout::{Layout, Version};
use super::tombstones::{self, Tombstone};
use crate::error::{Error, Result};
use crate::id::{EpochNum, Oid};

/// At which size of its packs an epoch is full, in bytes. Readers must not care.
const FULL: u64 = 1 << 30;

/// How much mail goes into one pack when much comes at once, in bytes.
const BATCH: usize = 32 << 20;

/// Makes an inbox of version 2 at `dir`, with an empty epoch 0. What is there already stays as it is, so that doing
/// it twice, or on a mirror that `git clone` made, does no harm.
///
/// # Errors
/// [`Error::Io`] and [`Error::Store`] where it cannot be written; [`Error::Invalid`] where an inbox of version 1 is
/// there.
pub fn init_inbox(dir: &Path, description: Option<&str>) -> Result<Layout> {
    if dir.join("HEAD").exists() && dir.join("objects").is_dir() {
        let why = "it is a bare repository, not the directory of a version 2 inbox";
        return Err(Error::invalid(dir.display().to_string(), why));
    }
    let git = dir.join("git");
    fs::create_dir_all(&git).map_err(|e| Error::io(&git, e))?;
    let lock = lock(dir)?;
    let layout = Layout::find(dir)?;
    make_all_git(dir)?;
    if layout.epochs.is_empty() {
        make_epoch(dir, EpochNum(0))?;
    }
    let layout = Layout::find(dir)?;
    write_alternates(&layout)?;
    if let Some(text) = description
        && layout.description().is_none()
    {
        let path = dir.join("description");
        let line = text.replace(['\n', '\r'], " ");
        fs::write(&path, format!("{line}\n")).map_err(|e| Error::io(&path, e))?;
    }
    drop(lock);
    Ok(layout)
}

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
/// As [`Writer::open`] and [`Writer::append`].
pub fn append_many<M>(dir: &Path, mails: M) -> Result<usize>
where
    M: IntoIterator<Item = (Vec<u8>, CommitMeta)>,
{
    Writer::open(dir)?.append_many(mails)
}

/// The one who may write to an inbox, as long as it lives.
#[derive(Debug)]
pub struct Writer {
    dir: PathBuf,
    lock: File,
    number: EpochNum,
    epoch: Epoch,
    /// How large the newest epoch is, roughly: its packs, and what was added to it since.
    size: u64,
    full: u64,
    changed: bool,
}

impl Writer {
    /// Waits for its turn to write to the inbox at `dir`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where that is no inbox of version 2; [`Error::Io`] where it cannot be locked.
    pub fn open(dir: &Path) -> Result<Writer> {
        let layout = Layout::find(dir)?;
        if layout.version != Version::V2 || layout.epoch(EpochNum(0)) == Some(dir) {
            let why = "mail is written to version 2 inboxes only";
            return Err(Error::invalid(dir.display().to_string(), why));
        }
        let lock = lock(dir)?;
        // While we waited, another writer may have begun an epoch.
        let number = match Layout::find(dir)?.epochs.last() {
            Some((number, _)) => *number,
            None => {
                make_all_git(dir)?;
                make_epoch(dir, EpochNum(0))?
            }
        };
        let epoch = Epoch::open(&epoch_path(dir, number))?;
        let size = packed_size(epoch.path());
        Ok(Writer {
            dir: dir.to_owned(),
            lock,
            number,
            epoch,
            size,
            full: FULL,
            changed: false,
        })
    }

    /// Begins a new epoch as soon as one holds more than `bytes`.
    #[must_use]
    pub fn with_epochs_of(mut self, bytes: u64) -> Writer {
        self.full = bytes;
        self
    }

    /// Stores one mail; gives the name of its blob.
    ///
    /// # Errors
    /// [`Error::Store`] where the repository refuses.
    pub fn append(&mut self, raw: &[u8], meta: &CommitMeta) -> Result<Oid> {
        self.rotate_if_full()?;
        let parent = self.epoch.tip()?;
        let (blob, commit) = self.add('m', raw, parent, meta)?;
        self.advance(parent, commit)?;
        Ok(blob)
    }

    /// Removes the mail of this blob by a commit of its own. Its bytes stay in history.
    ///
    /// # Errors
    /// [`Error::Invalid`] where no epoch has it; [`Error::Store`] where the repository refuses.
    pub fn remove(&mut self, blob: Oid, meta: &CommitMeta) -> Result<()> {
        // An older epoch is left alone: mirrors need not ask for it again. The newest gets a copy of the bytes.
        for (_, path) in Layout::find(&self.dir)?.epochs.iter().rev() {
            let Some(raw) = Epoch::open(path)?.read(blob)? else {
                continue;
            };
            let parent = self.epoch.tip()?;
            let commit = self.add('d', &raw, parent, meta)?.1;
            return self.advance(parent, commit);
        }
        let why = "no epoch of this inbox has it";
        Err(Error::invalid(format!("blob {blob}"), why))
    }

    /// Stores many mails, a pack for every few thousand of them. Gives how many they were.
    ///
    /// # Errors
    /// [`Error::Store`] where the repository refuses; mails before that one may have been stored.
    pub fn append_many<M>(&mut self, mails: M) -> Result<usize>
    where
        M: IntoIterator<Item = (Vec<u8>, CommitMeta)>,
    {
        let mut mails = mails.into_iter().peekable();
        let mut count = 0;
        while mails.peek().is_some() {
            self.rotate_if_full()?;
            count += self.append_pack(&mut mails)?;
        }
        Ok(count)
    }

    /// Stores as many mails as go into one pack.
    fn append_pack<M>(&mut self, mails: &mut Peekable<M>) -> Result<usize>
    where
        M: Iterator<Item = (Vec<u8>, CommitMeta)>,
    {
        // A repository of its own: what is written through it stays in memory.
        let held = Epoch::open(self.epoch.path())?;
        let odb = held.odb()?;
        let memory = odb.add_new_mempack_backend(1000);
        let memory = memory.map_err(|e| held.failed(&e))?;
        let parent = held.tip()?;
        let (mut tip, mut count, mut size) = (parent, 0, 0);
        while let Some((raw, meta)) = mails.next_if(|_| size < BATCH) {
            let blob = put(&held, ObjectType::Blob, &raw)?;
            let tree = put(&held, ObjectType::Tree, &tree_of_one('m', blob))?;
            let commit = meta.object(tree, tip);
            tip = Some(put(&held, ObjectType::Commit, commit.as_bytes())?);
            count += 1;
            size += raw.len();
        }
        let mut pack = git2::Buf::new();
        let dumped = memory.dump(&held.repo, &mut pack);
        dumped.map_err(|e| held.failed(&e))?;
        self.write_pack(&pack)?;
        if let Some(tip) = tip {
            self.advance(parent, tip)?;
        }
        Ok(count)
    }

    fn write_pack(&mut self, pack: &[u8]) -> Result<()> {
        write_pack(&self.epoch, pack)?;
        self.size += pack.len() as u64;
        Ok(())
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn has_changed(&mut self) {
        self.changed = true;
    }

    /// Writes the objects of one commit; gives the names of the blob and of the commit.
    fn add(
        &mut self,
        name: char,
        raw: &[u8],
        parent: Option<Oid>,
        meta: &CommitMeta,
    ) -> Result<(Oid, Oid)> {
        let blob = put(&self.epoch, ObjectType::Blob, raw)?;
        let tree = put(&self.epoch, ObjectType::Tree, &tree_of_one(name, blob))?;
        let commit = meta.object(tree, parent);
        let commit = put(&self.epoch, ObjectType::Commit, commit.as_bytes())?;
        // As git does: a commit that a crash leaves behind must not want its mail.
        for oid in [blob, tree, commit] {
            let hex = oid.to_string();
            let (dir, rest) = hex.split_at(2);
            sync(&self.epoch.path().join("objects").join(dir).join(rest))?;
        }
        // Mail packs to two fifths of its size.
        self.size += raw.len() as u64 * 2 / 5;
        Ok((blob, commit))
    }

    /// Says of mail that it is not to come back. To be done before it goes, so that it does not come back if we never
    /// get to say so.
    ///
    /// # Errors
    /// [`Error::Io`] where that cannot be written down.
    pub fn bury(&mut self, stones: &[Tombstone]) -> Result<()> {
        tombstones::add(&self.dir, stones)?;
        self.changed |= !stones.is_empty();
        Ok(())
    }

    fn advance(&mut self, from: Option<Oid>, to: Oid) -> Result<()> {
        advance(&self.epoch, from, to)?;
        self.changed = true;
        Ok(())
    }

    fn rotate_if_full(&mut self) -> Result<()> {
        if self.size < self.full || self.epoch.tip()?.is_none() {
            return Ok(());
        }
        let Some(next) = self.number.0.checked_add(1) else {
            return Ok(());
        };
        self.number = make_epoch(&self.dir, EpochNum(next))?;
        write_alternates(&Layout::find(&self.dir)?)?;
        self.epoch = Epoch::open(&epoch_path(&self.dir, self.number))?;
        self.size = 0;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.changed
            && let Err(error) = self.lock.write_all(b".")
        {
            // The mail is stored; only those who watch this file will see it later.
            tracing::warn!(inbox = %self.dir.display(), %error, "inbox.lock could not be touched: {error}");
        }
    }
}

/// Adds a pack to an epoch. It lasts when this returns.
pub(super) fn write_pack(epoch: &Epoch, pack: &[u8]) -> Result<()> {
    let failed = |e| epoch.failed(&e);
    let odb = epoch.odb()?;
    let mut writer = odb.packwriter().map_err(failed)?;
    let written = writer.write_all(pack);
    written.map_err(|e| Error::io(epoch.path(), e))?;
    writer.commit().map_err(failed)?;
    odb.refresh().map_err(failed)?;
    for file in packs(epoch.path()) {
        sync(&file.path())?;
    }
    Ok(())
}

/// Writes an object.
pub(super) fn put(epoch: &Epoch, kind: ObjectType, bytes: &[u8]) -> Result<Oid> {
    let oid = epoch.odb()?.write(kind, bytes);
    own(oid.map_err(|e| epoch.failed(&e))?)
}

/// Moves the branch of an epoch, if it is still where we think it is.
pub(super) fn advance(epoch: &Epoch, from: Option<Oid>, to: Oid) -> Result<()> {
    let failed = |e: git2::Error| epoch.failed(&e);
    let name = |oid: Oid| git2::Oid::from_bytes(&oid.0).map_err(failed);
    let (repo, to) = (&epoch.repo, name(to)?);
    let (branch, moved) = match (epoch.branch()?, from) {
        (Some((branch, _)), Some(from)) => {
            let moved = repo.reference_matching(&branch, to, true, name(from)?, "append");
            (branch, moved)
        }
        (None, None) => {
            let head = repo.find_reference("HEAD").map_err(failed)?;
            let branch = head.symbolic_target().map_err(failed)?.unwrap_or("HEAD");
            (
                branch.to_owned(),
                repo.reference(branch, to, false, "append"),
            )
        }
        _ => {
            let why = "its branch has moved while mail was written to it";
            return Err(Error::invalid(epoch.path().display().to_string(), why));
        }
    };
    moved.map_err(failed)?;
    sync(&epoch.path().join(branch))
}

/// Waits until a file is on the disk. One that is not there is part of a pack, and has long been.
fn sync(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        done => done.map_err(|e| Error::io(path, e)),
    }
}

/// Waits for the lock of an inbox; it is held until the file is closed.
fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("inbox.lock");
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.map_err(|e| Error::io(&path, e))?;
    file.lock().map_err(|e| Error::io(&path, e))?;
    Ok(file)
}

fn epoch_path(dir: &Path, number: EpochNum) -> PathBuf {
    dir.join(format!("git/{number}.git"))
}

/// The packs of a repository and their indexes.
fn packs(repository: &Path) -> impl Iterator<Item = fs::DirEntry> {
    let entries = fs::read_dir(repository.join("objects/pack"));
    entries.into_iter().flatten().flatten()
}

/// What the packs of a repository weigh, in bytes.
fn packed_size(repository: &Path) -> u64 {
    let packs = packs(repository).filter(|e| e.path().extension().is_some_and(|x| x == "pack"));
    packs
        .filter_map(|e| e.metadata().ok())
        .map(|m| m.len())
        .sum()
}

fn init_bare(path: &Path) -> Result<Repository> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).mkpath(true).external_template(false);
    Repository::init_opts(path, &options).map_err(|e| at(path, &e))
}

/// Makes `git/N.git`, which shares its settings with the other epochs through `all.git`.
fn make_epoch(dir: &Path, number: EpochNum) -> Result<EpochNum> {
    let path = epoch_path(dir, number);
    let repo = init_bare(&path)?;
    let shared = "../../all.git/config";
    let set = || {
        // The file itself, not what it includes.
        let mut config = git2::Config::open(&repo.path().join("config"))?;
        match config.get_string("include.path") {
            Err(e) if e.code() == ErrorCode::NotFound => config.set_str("include.path", shared),
            _ => Ok(()),
        }
    };
    set().map_err(|e| at(&path, &e))?;
    Ok(number)
}

/// Makes `all.git`: the settings that all epochs share, and one view of all their objects.
fn make_all_git(dir: &Path) -> Result<()> {
    let path = dir.join("all.git");
    if path.join("HEAD").exists() {
        return Ok(());
    }
    let repo = init_bare(&path)?;
    let set =
        || git2::Config::open(&repo.path().join("config"))?.set_bool("repack.writeBitmaps", true);
    set().map_err(|e| at(&path, &e))
}

/// Lets `all.git` see the objects of every epoch, the newest first.
fn write_alternates(layout: &Layout) -> Result<()> {
    let info = layout.dir.join("all.git/objects/info");
    fs::create_dir_all(&info).map_err(|e| Error::io(&info, e))?;
    let lines = layout.epochs.iter().rev();
    let text: String = lines
        .map(|(n, _)| format!("../../git/{n}.git/objects\n"))
        .collect();
    let path = info.join("alternates");
    let new = info.join("alternates.new");
    fs::write(&new, text).map_err(|e| Error::io(&new, e))?;
    fs::rename(&new, &path).map_err(|e| Error::io(&path, e))
}
