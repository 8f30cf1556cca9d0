//! Walks each epoch from the commit where the last run ended to its tip.

use std::fs::File;
use std::path::Path;

use super::pipeline::{Prepared, prepare};
use super::report::{Progress, Report};
use crate::db::{Db, Outcome, Stored, Writer};
use crate::error::{Error, Result};
use crate::id::{ArticleNum, EpochNum, InboxId, InboxName, Oid};
use crate::store::{Change, Epoch, Layout, What};

/// How many changes make a batch. A crash costs at most so many to be read again.
const BATCH: usize = 5_000;

/// How to index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many threads read and parse.
    pub jobs: usize,
    /// Whether everything is read again, not only what is new. Numbers stay.
    pub reindex: bool,
}

impl Default for Options {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(2, |n| n.get());
        Options {
            jobs,
            reindex: false,
        }
    }
}

/// The one who indexes: only one at a time does, over all processes.
pub struct Indexer {
    db: Db,
    /// Locked for as long as this lives.
    _lock: File,
}

/// Where an epoch is to be indexed.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) inbox: InboxId,
    pub(super) name: &'a InboxName,
    pub(super) number: EpochNum,
    pub(super) path: &'a Path,
}

impl Indexer {
    /// Waits until nobody else indexes into `index_dir`.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn wait(db: &Db, index_dir: &Path) -> Result<Indexer> {
        let (path, lock) = lock_file(index_dir)?;
        lock.lock().map_err(|e| Error::io(path, e))?;
        Ok(Indexer {
            db: db.clone(),
            _lock: lock,
        })
    }

    /// Does not wait: `None` where somebody else indexes.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn try_now(db: &Db, index_dir: &Path) -> Result<Option<Indexer>> {
        let (path, lock) = lock_file(index_dir)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Indexer {
                db: db.clone(),
                _lock: lock,
            })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(e)) => Err(Error::io(path, e)),
        }
    }

    /// Brings one inbox up to date, its oldest epoch first. An epoch that cannot be opened is logged and counted; the
    /// others go on.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn catch_up(
        &self,
        name: &InboxName,
        layout: &Layout,
        options: Options,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let mut writer = self.db.writer()?;
        writer.begin()?;
        let inbox = writer.inbox(&layout.dir)?;
        writer.commit()?;
        let mut report = Report::default();
        for (number, path) in &layout.epochs {
            let target = Target {
                inbox,
                name,
                number: *number,
                path,
            };
            match self.catch_up_epoch(target, options, &mut writer, progress) {
                Ok(done) => report.add(done),
                Err(error @ (Error::Store(_) | Error::Corrupt(_))) => {
                    tracing::error!(inbox = %name, epoch = %number, "epoch {number} of {name} cannot be read: {error}");
                    report.unreadable += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    fn catch_up_epoch(
        &self,
        target: Target<'_>,
        options: Options,
        writer: &mut Writer,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let epoch = Epoch::open(target.path)?;
        let head = self.db.reader()?.head(target.inbox, target.number)?;
        let Some(tip) = epoch.tip()? else {
            return Ok(Report::default());
        };
        match head {
            Some(head) if options.reindex || !epoch.is_ancestor(head, tip) => {
                self.reconcile(target, &epoch, tip, options, writer, progress)
            }
            Some(head) if head == tip => Ok(Report::default()),
            head => {
                let changes = epoch.walk(head, tip)?;
                drop(epoch);
                append(target, &changes, options, writer, progress)
            }
        }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }
}

fn lock_file(index_dir: &Path) -> Result<(std::path::PathBuf, File)> {
    std::fs::create_dir_all(index_dir).map_err(|e| Error::io(index_dir, e))?;
    let path = index_dir.join("index.lock");
    let open = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = open.map_err(|e| Error::io(&path, e))?;
    Ok((path, file))
}

/// Takes in the changes that follow the last that were indexed.
fn append(
    target: Target<'_>,
    changes: &[Change],
    options: Options,
    writer: &mut Writer,
    progress: &dyn Progress,
) -> Result<Report> {
    let mut report = Report::default();
    let mut in_batch = 0;
    progress.begin(target.name, target.number, changes.len());
    let mut last: Option<Oid> = None;
    prepare(target.path, changes, options.jobs, |change, prepared| {
        // A batch ends between two commits, never within one.
        if let Some(commit) = last
            && commit != change.commit
            && in_batch >= BATCH
        {
            writer.set_head(target.inbox, target.number, commit)?;
            writer.commit()?;
            progress.advance(in_batch);
            in_batch = 0;
        }
        if in_batch == 0 {
            writer.begin()?;
        }
        in_batch += 1;
        last = Some(change.commit);
        apply(target, change, prepared, None, writer, &mut report)
    })?;
    if let Some(commit) = last {
        writer.set_head(target.inbox, target.number, commit)?;
        writer.commit()?;
        progress.advance(in_batch);
    }
    progress.end();
    Ok(report)
}

/// Carries out one change; what cannot be carried out is logged with its commit and counted.
pub(super) fn apply(
    target: Target<'_>,
    change: &Change,
    prepared: Prepared,
    num: Option<ArticleNum>,
    writer: &mut Writer,
    report: &mut Report,
) -> Result<()> {
    let Target {
        inbox,
        name,
        number,
        ..
    } = target;
    let commit = change.commit;
    report.changes += 1;
    match (prepared, &change.what) {
        (Prepared::Mail(overview), What::Added(blob)) => {
            let stored = Stored {
                epoch: number,
                blob: *blob,
            };
            match writer.add(inbox, stored, &overview, num)? {
                Outcome::Added { .. } => report.added += 1,
                Outcome::Duplicate => {
                    report.duplicates += 1;
                    let mid = overview.ids.first().map_or("", |mid| mid.as_str());
                    tracing::info!(inbox = %name, %commit, "<{mid}> is a duplicate in {name}");
                }
            }
        }
        (Prepared::Gone(ids), What::Removed(blob)) => {
            let num = match writer.find(inbox, &ids, *blob)? {
                None if ids.is_empty() => writer.find_blob(inbox, *blob)?,
                found => found,
            };
            if let Some(num) = num
                && writer.remove(inbox, num)?.is_some()
            {
                report.removed += 1;
            }
        }
        (Prepared::Purged, _) => report.purged += 1,
        (Prepared::Missing, What::Added(blob)) => {
            report.missing += 1;
            tracing::warn!(inbox = %name, %commit, "blob {blob} of {name} is missing from git");
        }
        (Prepared::Unreadable(why), _) => {
            report.unreadable += 1;
            tracing::warn!(inbox = %name, %commit, "a commit of {name} cannot be read: {why}");
        }
        _ => {}
    }
    Ok(())
}
