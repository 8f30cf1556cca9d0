//! What is read as one list: an inbox, or several of them with each message standing there once.

use std::collections::HashMap;
use std::sync::Arc;

use super::pool::Reader;
use crate::error::Result;
use crate::id::{ArticleNum, InboxId, MessageKey, Oid};
use crate::time::Timestamp;

/// Whose articles are asked for.
#[derive(Clone, Debug)]
pub enum Shelf {
    /// Those of one inbox, under their numbers there.
    Inbox(InboxId),
    /// Those of several, each with its boost. A message that went to more than one of them stands here as its *first
    /// copy*: in the inbox with the highest boost, and where these are equal the one that came first. Its number is
    /// made of that copy's blob, so that two catalogues of the same mail agree about it.
    Several(Arc<HashMap<InboxId, i64>>),
}

/// By what one copy of a message comes before another. Nothing in it depends on when the copies were indexed.
pub(super) type Rank = (std::cmp::Reverse<i64>, Timestamp, Oid, InboxId, ArticleNum);

impl Shelf {
    /// The one inbox.
    pub(super) fn inbox(&self) -> Option<InboxId> {
        match self {
            Shelf::Inbox(inbox) => Some(*inbox),
            Shelf::Several(_) => None,
        }
    }

    /// How many rows SQL may stop after: of several inboxes, any number may be further copies.
    pub(super) fn row_limit(&self, limit: usize) -> i64 {
        match self {
            Shelf::Inbox(_) => i64::try_from(limit).unwrap_or(i64::MAX),
            Shelf::Several(_) => -1,
        }
    }

    /// Under which number this copy stands on the shelf.
    pub(super) fn number(&self, num: ArticleNum, blob: Oid) -> ArticleNum {
        match self {
            Shelf::Inbox(_) => num,
            Shelf::Several(_) => {
                let mut first = [0; 8];
                first.copy_from_slice(&blob.0[..8]);
                ArticleNum(i64::from_be_bytes(first) & i64::MAX)
            }
        }
    }

    /// Whether copies in this inbox stand on the shelf.
    pub(super) fn has(&self, inbox: InboxId) -> bool {
        match self {
            Shelf::Inbox(only) => *only == inbox,
            Shelf::Several(boosts) => boosts.contains_key(&inbox),
        }
    }

    /// By what this copy comes before others on the shelf; `None` where it does not stand there.
    pub(super) fn rank(
        &self,
        (inbox, num): (InboxId, ArticleNum),
        received: Timestamp,
        blob: Oid,
    ) -> Option<Rank> {
        let boost = match self {
            Shelf::Inbox(only) => (*only == inbox).then_some(0),
            Shelf::Several(boosts) => boosts.get(&inbox).copied(),
        };
        Some((std::cmp::Reverse(boost?), received, blob, inbox, num))
    }

    /// Whether this copy is the one by which its message stands on the shelf.
    pub(super) fn shows(
        &self,
        reader: &Reader,
        message: MessageKey,
        (inbox, num): (InboxId, ArticleNum),
    ) -> Result<bool> {
        if let Shelf::Inbox(only) = self {
            return Ok(*only == inbox);
        }
        if !self.has(inbox) {
            return Ok(false);
        }
        let mut statement = reader
            .sql()?
            .prepare_cached("SELECT inbox, num, received, blob FROM place WHERE message = ?1")?;
        let mut rows = statement.query([message])?;
        let mut first: Option<Rank> = None;
        while let Some(row) = rows.next()? {
            let (inbox, num) = (row.get(0)?, row.get(1)?);
            let rank = self.rank((inbox, num), row.get(2)?, row.get(3)?);
            first = [first, rank].into_iter().flatten().min();
        }
        Ok(first.is_some_and(|first| (first.3, first.4) == (inbox, num)))
    }
}
