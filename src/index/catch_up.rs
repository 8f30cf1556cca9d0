//! Walks each epoch from the commit where the last run ended to its tip.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{Batch, Step, compare};
use super::graves::{Away, Graves};
use super::pipeline::{Depth, Names, Prepared, Reading, prepare};
use super::report::{Progress, Report};
use crate::db::{self, Db, Outcome, Stored};
use crate::error::{Error, Result};
use crate::id::{ArticleNum, EpochNum, InboxId, InboxName, Oid};
use crate::search::Search;
use crate::store::{Change, Epoch, Layout, What};

/// How many changes make a batch. A crash costs at most so many to be read again.
const BATCH: usize = 20_000;

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
    search: Arc<Search>,
    /// Opened when there is something to write; closed when writing fails, so that nothing half done is kept.
    batch: Option<Batch>,
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
    /// The epochs after it: what it adds they may remove.
    pub(super) later: &'a [(EpochNum, PathBuf)],
    pub(super) graves: &'a Graves,
    pub(super) depth: Depth,
}

impl Indexer {
    /// Waits until nobody else indexes into `index_dir`.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn wait(db: &Db, search: &Arc<Search>, index_dir: &Path) -> Result<Indexer> {
        let lock = db::lock(index_dir)?;
        Ok(Indexer::new(db, search, lock))
    }

    /// Does not wait: `None` where somebody else indexes.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn try_now(db: &Db, search: &Arc<Search>, index_dir: &Path) -> Result<Option<Indexer>> {
        let (path, lock) = db::lock_file(index_dir)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Indexer::new(db, search, lock))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(e)) => Err(Error::io(path, e)),
        }
    }

    fn new(db: &Db, search: &Arc<Search>, lock: File) -> Indexer {
        Indexer {
            db: db.clone(),
            search: Arc::clone(search),
            batch: None,
            _lock: lock,
        }
    }

    /// Brings one inbox up to date, its oldest epoch first. An epoch that cannot be opened is logged and counted; the
    /// others go on.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn catch_up(
        &mut self,
        name: &InboxName,
        layout: &Layout,
        options: Options,
        progress: &dyn Progress,
    ) -> Result<Report> {
        if self.batch.is_none() && compare(&self.db, &self.search)?.2 == Step::Strange {
            self.batch(options)?;
        }
        let inbox = self.db.inbox(&layout.dir)?;
        let graves = Graves::read(layout)?;
        let depth = self.settle_depth(inbox, name, options)?;
        let mut report = match self.bury(inbox, &graves, options) {
            Ok(report) => report,
            Err(error) => {
                self.batch = None;
                return Err(error);
            }
        };
        for (at, (number, path)) in layout.epochs.iter().enumerate() {
            let target = Target {
                inbox,
                name,
                number: *number,
                path,
                later: layout.epochs.get(at + 1..).unwrap_or_default(),
                graves: &graves,
                depth,
            };
            match self.catch_up_epoch(target, options, progress) {
                Ok(done) => report.add(done),
                Err(error @ (Error::Store(_) | Error::Corrupt(_))) => {
                    self.batch = None;
                    tracing::error!(inbox = %name, epoch = %number, "epoch {number} of {name} cannot be read: {error}");
                    report.unreadable += 1;
                }
                Err(error) => {
                    self.batch = None;
                    return Err(error);
                }
            }
        }
        Ok(report)
    }

    /// What of this inbox's mail is indexed from now on. Where the config has changed its mind, all mail that is there is
    /// indexed anew, in one batch.
    fn settle_depth(
        &mut self,
        inbox: InboxId,
        name: &InboxName,
        options: Options,
    ) -> Result<Depth> {
        let (has, wanted) = self.db.reader()?.words(inbox)?;
        if has != wanted {
            let settled = self.batch(options)?.change_words(inbox, wanted);
            if let Err(error) = settled {
                self.batch = None;
                return Err(error);
            }
            let words = if wanted {
                "all words are"
            } else {
                "no more than ids is"
            };
            tracing::info!(inbox = %name, "{words} to be searched in {name} from now on");
        }
        Ok(Depth::with_words(wanted))
    }

    fn catch_up_epoch(
        &mut self,
        target: Target<'_>,
        options: Options,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let epoch = Epoch::open(target.path)?;
        let head = self.db.reader()?.head(target.inbox, target.number)?;
        let Some(tip) = epoch.tip()? else {
            return Ok(Report::default());
        };
        match head {
            Some(head) if options.reindex || !epoch.is_ancestor(head, tip) => {
                self.reconcile(target, &epoch, tip, options, progress)
            }
            Some(head) if head == tip => Ok(Report::default()),
            head => {
                let changes = epoch.walk(head, tip)?;
                drop(epoch);
                let others = self.db.reader()?.has_others(target.inbox)?;
                let others = others.then(|| self.db.clone());
                let others = others.as_ref();
                append(
                    target,
                    &changes,
                    options,
                    self.batch(options)?,
                    (others, progress),
                )
            }
        }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) fn search(&self) -> &Search {
        &self.search
    }

    pub(super) fn batch(&mut self, options: Options) -> Result<&mut Batch> {
        let batch = match self.batch.take() {
            Some(batch) => batch,
            // Threads that parse and threads that index words share the processors.
            None => Batch::open(
                &self.db,
                &self.search,
                (options.jobs / 2).max(options.jobs.min(2)),
            )?,
        };
        Ok(self.batch.insert(batch))
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        // Whoever comes next can merge no better, and would begin at the beginning.
        if let Some(batch) = self.batch.take()
            && let Err(error) = batch.close()
        {
            tracing::warn!("merging segments of the search index: {error}");
        }
    }
}

/// Takes in the changes that follow the last that were indexed.
fn append(
    target: Target<'_>,
    changes: &[Change],
    options: Options,
    batch: &mut Batch,
    (others, progress): (Option<&Db>, &dyn Progress),
) -> Result<Report> {
    let away = target.away(changes);
    let mut report = Report::default();
    let mut in_batch = 0;
    progress.begin(target.name, target.number, changes.len());
    let mut last: Option<Oid> = None;
    let reading = Reading {
        names: Names::Trusted,
        depth: target.depth,
        others,
    };
    prepare(
        target.path,
        changes,
        options.jobs,
        reading,
        |change, prepared| {
            // A batch ends between two commits, never within one.
            if let Some(commit) = last
                && commit != change.commit
                && in_batch >= BATCH
            {
                batch.commit_at(target.inbox, target.number, commit)?;
                progress.advance(in_batch);
                in_batch = 0;
            }
            if in_batch == 0 {
                batch.begin()?;
            }
            in_batch += 1;
            last = Some(change.commit);
            apply(target, &away, change, prepared, None, batch, &mut report)?;
            Ok(())
        },
    )?;
    if let Some(commit) = last {
        batch.commit_at(target.inbox, target.number, commit)?;
        progress.advance(in_batch);
    }
    progress.end();
    Ok(report)
}

/// Carries out one change; what cannot be carried out is logged with its commit and counted. Gives the number of the
/// article that it made.
pub(super) fn apply(
    target: Target<'_>,
    away: &Away<'_>,
    change: &Change,
    prepared: Prepared,
    num: Option<ArticleNum>,
    batch: &mut Batch,
    report: &mut Report,
) -> Result<Option<ArticleNum>> {
    let Target {
        inbox,
        name,
        number,
        ..
    } = target;
    let commit = change.commit;
    report.changes += 1;
    match (prepared, &change.what) {
        (Prepared::Mail(mail), What::Added(blob)) => {
            let (overview, document) = *mail;
            if away.has(*blob, &overview) {
                if away.takes_numbers {
                    batch.db.pass_over(inbox, &overview)?;
                }
                report.buried += 1;
                return Ok(None);
            }
            let stored = Stored {
                epoch: number,
                blob: *blob,
            };
            match batch.add(inbox, stored, &overview, document, num)? {
                Outcome::Added { num, .. } => {
                    report.added += 1;
                    return Ok(Some(num));
                }
                Outcome::Duplicate => {
                    report.duplicates += 1;
                    let mid = overview.ids.first().map_or("", |mid| mid.as_str());
                    tracing::info!(inbox = %name, %commit, "<{mid}> is a duplicate in {name}");
                }
            }
        }
        (Prepared::Gone(ids), What::Removed(blob)) => {
            let num = match batch.db.find(inbox, &ids, *blob)? {
                None if ids.is_empty() => batch.db.find_blob(inbox, *blob)?,
                found => found,
            };
            if let Some(num) = num
                && batch.remove(inbox, num)?
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
    Ok(None)
}
