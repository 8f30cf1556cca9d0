//! What a run did, and how far it is.

use std::fmt;

use crate::id::EpochNum;
use crate::id::InboxName;

/// What became of the commits that a run has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Commits and their changes.
    pub changes: u64,
    /// Mails that are articles now.
    pub added: u64,
    /// Articles that are no more.
    pub removed: u64,
    /// Mails whose Message-IDs all had numbers already.
    pub duplicates: u64,
    /// Mails that were purged from git before they were indexed.
    pub purged: u64,
    /// Mails that a tombstone keeps away.
    pub buried: u64,
    /// Mails whose bytes git has lost.
    pub missing: u64,
    /// Commits that cannot be read, or mails that git cannot unpack.
    pub unreadable: u64,
    /// Epochs whose history was rewritten.
    pub rewritten: u64,
}

impl Report {
    /// Whether a page could look different now.
    pub fn changed_anything(&self) -> bool {
        self.added + self.removed > 0
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: Report) {
        self.changes += other.changes;
        self.added += other.added;
        self.removed += other.removed;
        self.duplicates += other.duplicates;
        self.purged += other.purged;
        self.buried += other.buried;
        self.missing += other.missing;
        self.unreadable += other.unreadable;
        self.rewritten += other.rewritten;
    }
}

impl fmt::Display for Report {
    /// `8585 added, 7 duplicates, 1 missing`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} added", self.added)?;
        for (count, what) in [
            (self.removed, "removed"),
            (self.duplicates, "duplicates"),
            (self.purged, "purged"),
            (self.buried, "kept away"),
            (self.missing, "missing"),
            (self.unreadable, "unreadable"),
            (self.rewritten, "epochs rewritten"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Who wants to know how far a long run is.
pub trait Progress {
    /// An epoch begins with so many changes ahead.
    fn begin(&self, inbox: &InboxName, epoch: EpochNum, changes: usize);
    /// So many of them are done.
    fn advance(&self, changes: usize);
    /// The epoch is done.
    fn end(&self);
}

/// Nobody wants to know.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &InboxName, _: EpochNum, _: usize) {}
    fn advance(&self, _: usize) {}
    fn end(&self) {}
}
