//! Makes the indexes right where `fsck` found them wrong; git is only read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::catch_up::{Indexer, Options, Target, apply};
use super::fsck::{Findings, Wanted, replay};
use super::graves::Graves;
use super::pipeline::{Names, Prepared, prepare};
use super::report::{Progress, Report};
use crate::db;
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, InboxName, Oid};
use crate::search;
use crate::store::{Epoch, Layout, What};

impl Indexer {
    /// Makes right what was found wrong. Articles keep their numbers; one that had been lost takes the free one at its
    /// place in history, if there is one.
    ///
    /// # Errors
    /// The indexes cannot be written.
    pub fn repair(
        &mut self,
        findings: &Findings,
        inboxes: &[Wanted],
        options: Options,
        progress: &dyn Progress,
    ) -> Result<()> {
        if findings.cure.all {
            return self.make_again(inboxes, options, progress);
        }
        if findings.cure.all_words {
            return self.batch(options)?.make_words_again();
        }
        if !findings.cure.words.is_empty() {
            let batch = self.batch(options)?;
            batch.begin()?;
            for message in &findings.cure.words {
                batch.renew_or_drop(*message)?;
            }
            batch.commit()?;
        }
        Ok(())
    }

    /// Reads all mail of the site again, in one batch: no reader sees the half.
    fn make_again(
        &mut self,
        inboxes: &[Wanted],
        options: Options,
        progress: &dyn Progress,
    ) -> Result<()> {
        let reader = self.db().reader()?;
        let mut numbers = HashMap::new();
        let mut layouts: Vec<(InboxId, InboxName, Layout)> = Vec::new();
        for (inbox, dir) in reader.directories()? {
            let mut of_inbox = HashMap::new();
            for known in reader.known(inbox)? {
                of_inbox.insert(known.stored.blob, known.num);
            }
            numbers.insert(inbox, (of_inbox, reader.numbers(inbox)?.0));
            // An inbox that is not in the config any more is known by its directory.
            let named = inboxes.iter().find(|(_, layout)| {
                layout
                    .dir
                    .canonicalize()
                    .is_ok_and(|canonical| canonical == dir)
            });
            let base = dir
                .file_name()
                .and_then(|name| InboxName::parse(name.to_str()?));
            let name = named.map(|(name, _)| name.clone()).or(base);
            if let (Some(name), Ok(layout)) = (name, Layout::find(&dir)) {
                layouts.push((inbox, name, layout));
            }
        }
        drop(reader);
        let batch = self.batch(options)?;
        batch.begin()?;
        batch.forget_everything()?;
        for (inbox, name, layout) in &layouts {
            let (mut had, highest) = numbers.remove(inbox).unwrap_or_default();
            let live = live(layout)?;
            had.retain(|blob, num| num.0 <= highest && live.contains_key(blob));
            let mut numbers = Numbers::new(had, highest);
            let graves = Graves::read(layout)?;
            for (number, path) in &layout.epochs {
                let target = Target {
                    inbox: *inbox,
                    name,
                    number: *number,
                    path,
                    layout,
                    graves: &graves,
                };
                let Ok(epoch) = Epoch::open(path) else {
                    tracing::error!(inbox = %name, epoch = %number, "epoch {number} of {name} cannot be read");
                    continue;
                };
                let Some(tip) = epoch.tip()? else { continue };
                let changes = epoch.walk(None, tip)?;
                progress.begin(name, *number, changes.len());
                let away = graves.over(&changes);
                let mut report = Report::default();
                prepare(
                    path,
                    &changes,
                    options.jobs,
                    Names::Trusted,
                    |change, prepared| {
                        progress.advance(1);
                        let num = match (&prepared, &change.what) {
                            (Prepared::Mail(mail), What::Added(blob)) if mail.0.ids.is_empty() => {
                                numbers.had.remove(blob)
                            }
                            (Prepared::Mail(_), What::Added(blob)) => numbers.of(*blob),
                            _ => None,
                        };
                        let before = report.duplicates;
                        apply(target, &away, change, prepared, num, batch, &mut report)?;
                        if report.duplicates > before {
                            numbers.take_back();
                        }
                        Ok(())
                    },
                )?;
                batch.db.set_head(*inbox, *number, tip)?;
                progress.end();
            }
        }
        batch.commit()
    }
}

/// The mail that git has of an inbox.
fn live(layout: &Layout) -> Result<HashMap<Oid, EpochNum>> {
    let mut live = HashMap::new();
    for (number, path) in &layout.epochs {
        let epoch = Epoch::open(path);
        if let Ok(epoch) = epoch
            && let Some(tip) = epoch.tip()?
        {
            replay(&epoch.walk(None, tip)?, *number, &mut live);
        }
    }
    Ok(live)
}

/// Deletes both indexes, when nobody indexes.
///
/// # Errors
/// [`Error::Io`] where that is not possible.
pub fn discard(index_dir: &Path) -> Result<()> {
    let _lock = db::lock(index_dir)?;
    db::discard(index_dir)?;
    search::discard(&index_dir.join("words"))
}

/// The numbers that the articles of an inbox had, and which ones are free between them.
struct Numbers {
    had: HashMap<Oid, ArticleNum>,
    taken: HashSet<i64>,
    highest: i64,
    last: i64,
    before: i64,
}

impl Numbers {
    fn new(had: HashMap<Oid, ArticleNum>, highest: i64) -> Numbers {
        Numbers {
            taken: had.values().map(|num| num.0).collect(),
            had,
            highest,
            last: 0,
            before: 0,
        }
    }

    /// That of the next mail in history. `None` where it has to be a new one.
    fn of(&mut self, blob: Oid) -> Option<ArticleNum> {
        self.before = self.last;
        if let Some(num) = self.had.remove(&blob) {
            self.last = num.0;
            return Some(num);
        }
        let next = self.last + 1;
        if next <= self.highest && self.taken.insert(next) {
            self.last = next;
            return Some(ArticleNum(next));
        }
        None
    }

    /// The mail took no number after all.
    fn take_back(&mut self) {
        if self.last != self.before {
            self.taken.remove(&self.last);
            self.last = self.before;
        }
    }
}
