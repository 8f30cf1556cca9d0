//! Follows a history that was rewritten: compares what an epoch holds now with what the catalogue has of it.
//!
//! What is in both keeps its place and its number. What is gone goes, and what is new comes in; a mail that was edited
//! has the Message-ID of one that went, and takes its number. All of it is one batch: no reader sees the half.

use std::collections::{HashMap, HashSet};

use super::catch_up::{Indexer, Options, Target, apply};
use super::pipeline::{Names, Prepared, Reading, prepare};
use super::report::{Progress, Report};
use crate::error::Result;
use crate::id::{ArticleNum, MessageId, Oid};
use crate::store::{Change, Epoch, What};

impl Indexer {
    pub(super) fn reconcile(
        &mut self,
        target: Target<'_>,
        epoch: &Epoch,
        tip: Oid,
        options: Options,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let changes = epoch.walk(None, tip)?;
        let indexed = self.db().reader()?.blobs(target.inbox, target.number)?;
        let mut live = live(&changes);
        for blob in removed_later(target) {
            live.remove(&blob);
        }
        let kept: HashSet<Oid> = match options.reindex {
            // To read a mail again is to take it out and put it back.
            true => HashSet::new(),
            false => indexed
                .iter()
                .map(|(blob, _)| *blob)
                .filter(|b| live.contains(b))
                .collect(),
        };

        let mut report = Report {
            rewritten: u64::from(!options.reindex),
            ..Report::default()
        };
        let batch = self.batch(options)?;
        batch.begin()?;
        let mut by_id: HashMap<MessageId, ArticleNum> = HashMap::new();
        let mut by_blob: HashMap<Oid, ArticleNum> = HashMap::new();
        for (blob, num) in indexed.iter().filter(|(blob, _)| !kept.contains(blob)) {
            by_blob.insert(*blob, *num);
            if let Some(mid) = batch.db.holder(target.inbox, *num)? {
                by_id.insert(mid, *num);
            }
            batch.remove(target.inbox, *num)?;
            report.removed += 1;
        }
        // What was removed by a commit of this epoch may lie in another one.
        let elsewhere = |change: &Change| match change.what {
            What::Added(blob) => live.contains(&blob) && !kept.contains(&blob),
            What::Removed(blob) => !live.contains(&blob),
            _ => false,
        };
        let todo: Vec<Change> = changes.into_iter().filter(elsewhere).collect();
        let mut away = target.away(&todo);
        away.takes_numbers = false;
        // Whether a mail gets a new number though it may stand before others.
        let mut is_loose = false;
        progress.begin(target.name, target.number, todo.len());
        prepare(
            target.path,
            &todo,
            options.jobs,
            Reading::whole(Names::Trusted, target.depth),
            |change, prepared| {
                let num = match (&prepared, &change.what) {
                    (Prepared::Mail(mail), What::Added(blob)) => {
                        let held = mail.0.ids.iter().find_map(|mid| by_id.remove(mid));
                        by_blob.remove(blob).or(held)
                    }
                    _ => None,
                };
                progress.advance(1);
                let added = apply(target, &away, change, prepared, num, batch, &mut report)?;
                is_loose |= num.is_none() && added.is_some();
                Ok(())
            },
        )?;
        if is_loose {
            batch.db.set_head(target.inbox, target.number, tip)?;
            batch.db.set_loose(target.inbox, target.number)?;
        }
        batch.commit_at(target.inbox, target.number, tip)?;
        progress.end();
        Ok(report)
    }
}

/// What the epochs after this one have removed and not added again. One that cannot be read is told when its turn comes.
fn removed_later(target: Target<'_>) -> HashSet<Oid> {
    let mut removed = HashSet::new();
    for (_, path) in target.later {
        let changes = Epoch::open(path).and_then(|epoch| match epoch.tip()? {
            Some(tip) => epoch.walk(None, tip),
            None => Ok(Vec::new()),
        });
        for change in changes.unwrap_or_default() {
            match change.what {
                What::Removed(blob) => removed.insert(blob),
                What::Added(blob) => removed.remove(&blob),
                _ => false,
            };
        }
    }
    removed
}

/// The mails that a history adds and does not remove again.
fn live(changes: &[Change]) -> HashSet<Oid> {
    let mut live = HashSet::new();
    for change in changes {
        match change.what {
            What::Added(blob) if blob != Oid::EMPTY_BLOB => {
                live.insert(blob);
            }
            What::Removed(blob) => {
                live.remove(&blob);
            }
            _ => {}
        }
    }
    live
}
