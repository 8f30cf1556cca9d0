//! Follows the tombstones of an inbox: mail that they are about is no article, also where git still has it.
//!
//! A mirror whose origin removed something has the mail in git until it fetches the new history, and one that an edit
//! took the place of may come again with an old clone. Such mail is passed over; it takes its number all the same, so that
//! an index made anew gives the others theirs.

use std::collections::HashSet;
use std::fs;

use sha1::{Digest, Sha1};

use super::catch_up::{Indexer, Options, Target};
use super::report::Report;
use crate::error::{Error, Result};
use crate::id::{InboxId, Oid};
use crate::mail::Overview;
use crate::store::{Change, Layout, Tombstone, Tombstones, What};

/// The tombstones of an inbox as they are now.
pub(super) struct Graves {
    pub(super) stones: Tombstones,
    text: Vec<u8>,
}

impl Graves {
    pub(super) fn read(layout: &Layout) -> Result<Graves> {
        let path = Tombstones::path(&layout.dir);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(Error::io(path, e)),
        };
        Ok(Graves {
            stones: Tombstones::parse(&text),
            text,
        })
    }

    /// How much of the file there is, and what it says: the catalogue remembers this.
    pub(super) fn mark(&self) -> Option<String> {
        (!self.text.is_empty()).then(|| mark_of(&self.text))
    }

    /// What was added to the file since this mark was made; all of it where that is not how it changed.
    fn since(&self, mark: Option<&str>) -> Tombstones {
        let seen = mark.and_then(|mark| mark.split_once(' ')?.0.parse::<usize>().ok());
        let old = seen.and_then(|seen| self.text.get(..seen));
        match old {
            Some(old) if Some(mark_of(old).as_str()) == mark => {
                // A line that was cut off then is whole now.
                let start = old.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
                Tombstones::parse(self.text.get(start..).unwrap_or_default())
            }
            _ => self.stones.clone(),
        }
    }

    /// What of a history they keep away.
    pub(super) fn over<'a>(&'a self, changes: &[Change]) -> Away<'a> {
        let mut removed = HashSet::new();
        if !self.stones.is_empty() {
            removed.extend(changes.iter().filter_map(|change| match change.what {
                What::Removed(blob) => Some(blob),
                _ => None,
            }));
        }
        Away {
            stones: &self.stones,
            removed,
            takes_numbers: true,
        }
    }
}

fn mark_of(text: &[u8]) -> String {
    let mut hash = [0; 20];
    hash.copy_from_slice(&Sha1::digest(text));
    format!("{} {}", text.len(), Oid(hash))
}

/// The mails of a history that are no articles.
pub(super) struct Away<'a> {
    stones: &'a Tombstones,
    /// Those that history removes by itself: until then they are articles, and keep their ids from others.
    removed: HashSet<Oid>,
    /// Whether each takes a number all the same: not where it has had one already.
    pub(super) takes_numbers: bool,
}

impl Away<'_> {
    pub(super) fn has(&self, blob: Oid, overview: &Overview) -> bool {
        !self.stones.is_empty()
            && !self.removed.contains(&blob)
            && self
                .stones
                .covering(&overview.ids, overview.fingerprint)
                .is_some_and(Tombstone::buries)
    }
}

impl Indexer {
    /// Takes out the articles that tombstones are about which have come since the last time.
    pub(super) fn bury(
        &mut self,
        inbox: InboxId,
        graves: &Graves,
        options: Options,
    ) -> Result<Report> {
        let mut report = Report::default();
        let before = self.db().reader()?.graves(inbox)?;
        let mark = graves.mark();
        if before == mark {
            return Ok(report);
        }
        let new = graves.since(before.as_deref());
        let batch = self.batch(options)?;
        batch.begin()?;
        for stone in new.iter().filter(|stone| stone.buries()) {
            for num in batch.db.articles_of(inbox, &stone.mids, stone.content)? {
                batch.remove(inbox, num)?;
                report.removed += 1;
            }
        }
        batch.db.set_graves(inbox, mark.as_deref())?;
        batch.commit()?;
        report.changes = report.removed;
        Ok(report)
    }
}

impl Indexer {
    /// Leaves nothing in the indexes of mail that is no article any more: what was removed is overwritten, not only
    /// unlinked, and other processes forget what they keep in memory. For after a purge.
    ///
    /// # Errors
    /// The indexes cannot be written.
    pub fn scrub(&mut self, options: Options) -> Result<()> {
        let batch = self.batch(options)?;
        batch.expunge()?;
        // What this process itself still reads goes when it has let go of it.
        self.search().refresh()?;
        let batch = self.batch(options)?;
        batch.expunge()?;
        batch.db.scrub()
    }
}

impl Target<'_> {
    /// What the tombstones of its inbox keep away of these changes.
    pub(super) fn away(&self, changes: &[Change]) -> Away<'_> {
        self.graves.over(changes)
    }
}
