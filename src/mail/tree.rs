//! Overviews in, a tree in reading order out.

use crate::id::ArticleNum;
use crate::id::MidKey;
use crate::time::Timestamp;

/// A message as the tree sees it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its Message-ID.
    pub id: MidKey,
    /// What it answers, the parent last.
    pub references: &'a [MidKey],
    /// When it was sent.
    pub sent: Timestamp,
    /// Its number, by which mails of the same second are ordered.
    pub num: ArticleNum,
}

/// What stands on a line of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The node with this index in the list that was given.
    Real(usize),
    /// A message that others answer, and that was never seen.
    Ghost(MidKey),
}

/// One line of a thread in reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose line it is.
    pub what: What,
    /// How deep it stands, 0 for a root.
    pub depth: usize,
    /// Whether it is here for its subject only (below the "loose matches" note).
    pub loose: bool,
}
