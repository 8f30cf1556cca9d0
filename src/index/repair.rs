//! Makes the indexes right where `fsck` found them wrong; git is only read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::catch_up::{Indexer, Options, Target, apply};
use super::findings::{Findings, Wanted};
use super::graves::Graves;
use super::history::{in_history, replay};
use super::numbers::{in_order, out_of_order};
use super::pipeline::{Depth, Names, Prepared, Reading, prepare};
use super::report::{Progress, Report};
use crate::db::{self, Known};
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, InboxName, Oid};
use crate::search;
use crate::store::{Change, Epoch, Layout, What};

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
            batch.db.renew_states()?;
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
        let mut layouts: Vec<(InboxId, InboxName, Layout, Depth)> = Vec::new();
        for (inbox, dir) in reader.directories()? {
            let mut of_inbox = HashMap::new();
            for known in reader.known(inbox)? {
                of_inbox.insert(known.stored.blob, known);
            }
            let mut loose = Vec::new();
            for (number, _) in reader.heads(inbox)? {
                if reader.is_loose(inbox, number)? {
                    loose.push(number);
                }
            }
            numbers.insert(inbox, (of_inbox, reader.numbers(inbox)?.0, loose));
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
                let depth = Depth::with_words(reader.words(inbox)?.0);
                layouts.push((inbox, name, layout, depth));
            }
        }
        drop(reader);
        let batch = self.batch(options)?;
        batch.begin()?;
        batch.forget_everything()?;
        for (inbox, name, layout, depth) in &layouts {
            let (mut had, highest, loose) = numbers.remove(inbox).unwrap_or_default();
            let (live, histories) = live(layout)?;
            let most = histories.iter().flat_map(|(_, changes)| changes);
            let most = most
                .filter(|change| matches!(change.what, What::Added(_)))
                .count();
            // No more than there are mails, where every number is that of one.
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let is_forged = loose.is_empty() && highest > most;
            let highest = if is_forged { most } else { highest };
            had.retain(|blob, known| known.num.0 <= highest && live.contains_key(blob));
            for (number, changes) in &histories {
                if !loose.contains(number) {
                    put_in_order(*number, changes, &mut had);
                }
            }
            let had = had.into_iter().map(|(blob, known)| (blob, known.num));
            let had: HashMap<Oid, ArticleNum> = had.collect();
            let highest = if is_forged { 0 } else { highest };
            let highest = had.values().map(|num| num.0).fold(highest, i64::max);
            batch.db.set_last_num(*inbox, highest)?;
            let mut given = 0;
            let mut numbers = Numbers::new(had, highest);
            let graves = Graves::read(layout)?;
            for (number, path) in &layout.epochs {
                let target = Target {
                    inbox: *inbox,
                    name,
                    number: *number,
                    path,
                    later: &[],
                    depth: *depth,
                    graves: &graves,
                };
                let Ok(epoch) = Epoch::open(path) else {
                    tracing::error!(inbox = %name, epoch = %number, "epoch {number} of {name} cannot be read");
                    continue;
                };
                let Some(tip) = epoch.tip()? else { continue };
                let changes = epoch.walk(None, tip)?;
                let (mut top, mut is_loose) = (0, loose.contains(number));
                progress.begin(name, *number, changes.len());
                let away = graves.over(&changes);
                let mut report = Report::default();
                prepare(
                    path,
                    &changes,
                    options.jobs,
                    Reading::whole(Names::Trusted, target.depth),
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
                        let has_id =
                            matches!(&prepared, Prepared::Mail(mail) if !mail.0.ids.is_empty());
                        let buried = report.buried;
                        let added =
                            apply(target, &away, change, prepared, num, batch, &mut report)?;
                        given += i64::from(has_id && (added.is_some() || report.buried > buried));
                        if let Some(num) = added.filter(|num| num.0 > 0) {
                            is_loose |= num.0 < top;
                            top = top.max(num.0);
                        }
                        if report.duplicates > before {
                            numbers.take_back();
                        }
                        Ok(())
                    },
                )?;
                batch.db.set_head(*inbox, *number, tip)?;
                if is_loose {
                    batch.db.set_loose(*inbox, *number)?;
                }
                progress.end();
            }
            batch.db.raise_last_num(*inbox, given)?;
        }
        batch.commit()
    }
}

/// What each epoch of an inbox has seen.
type Histories = Vec<(EpochNum, Vec<Change>)>;

/// The mail that git has of an inbox, and the histories.
fn live(layout: &Layout) -> Result<(HashMap<Oid, EpochNum>, Histories)> {
    let (mut live, mut histories) = (HashMap::new(), Histories::new());
    for (number, path) in &layout.epochs {
        let epoch = Epoch::open(path);
        if let Ok(epoch) = epoch
            && let Some(tip) = epoch.tip()?
        {
            let changes = epoch.walk(None, tip)?;
            replay(&changes, *number, &mut live);
            histories.push((*number, changes));
        }
    }
    Ok((live, histories))
}

/// Gives the articles of an epoch numbers that follow its history.
fn put_in_order(epoch: EpochNum, changes: &[Change], had: &mut HashMap<Oid, Known>) {
    let mut in_epoch: Vec<Known> = in_history(changes)
        .into_iter()
        .filter_map(|blob| had.get(&blob).copied())
        .filter(|known| known.num.0 > 0 && known.stored.epoch == epoch)
        .collect();
    let before: Vec<i64> = in_epoch.iter().map(|known| known.num.0).collect();
    if out_of_order(&before).is_empty() {
        return;
    }
    let mut elsewhere: HashSet<i64> = had.values().map(|known| known.num.0).collect();
    for num in &before {
        elsewhere.remove(num);
    }
    for (known, num) in in_epoch.iter_mut().zip(in_order(&before, &elsewhere)) {
        known.num = ArticleNum(num);
        had.insert(known.stored.blob, *known);
    }
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
