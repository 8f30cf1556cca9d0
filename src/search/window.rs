//! The order of results, and the stretch of it that is shown: kept while they are read in any order.

use std::sync::Arc;

use tantivy::DocId;

use super::columns::Columns;
use super::copies::InSegment;
use super::places::{Places, Value};
use crate::id::{ArticleNum, InboxId, MessageKey};
use crate::time::Timestamp;

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// What came last comes first.
    Newest,
    /// What came first comes first.
    Oldest,
    /// What fits best comes first, and of these the newest.
    Relevance,
}

/// Which of the results.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How many to pass over.
    pub offset: usize,
    /// How many to give at most.
    pub limit: usize,
    /// Where it begins or ends; mail that comes meanwhile does not move it.
    pub edge: Option<Edge>,
}

/// One side of a window, counted from a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It begins behind this result.
    After(Cursor),
    /// It ends before this result, and nothing is passed over.
    Before(Cursor),
}

/// The place of a result among all others, by time as well as by relevance. Larger comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(i64, i64, i64);

impl Cursor {
    /// The message whose place it is.
    pub fn key(self) -> MessageKey {
        MessageKey(self.2.saturating_neg())
    }

    /// The place of the same message, now that it fits so well.
    pub(super) fn at_score(self, score: u32) -> Cursor {
        Cursor(i64::from(score), self.1, self.2)
    }

    /// The same place among results that are counted from the end.
    fn reversed(self) -> Cursor {
        let Cursor(a, b, c) = self;
        Cursor(a.saturating_neg(), b.saturating_neg(), c.saturating_neg())
    }

    /// Reads what [`std::fmt::Display`] printed.
    pub fn parse(text: &str) -> Option<Cursor> {
        let mut numbers = text.split('.').map(|n| n.parse::<i64>().ok());
        let cursor = Cursor(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(cursor)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// One message that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its row in the catalogue.
    pub key: MessageKey,
    /// Its number in the inbox that was searched, or in the first that holds it.
    pub num: ArticleNum,
    /// When it came there.
    pub received: Timestamp,
    /// How well it fits, 0 to 99 per cent of the best: of all where the order is by relevance, else of those shown.
    pub percent: u8,
    /// Its place in the order of results.
    pub cursor: Cursor,
}

/// A result before it is known whether it will be among those shown. Larger comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) rank: Cursor,
    pub(super) key: i64,
    pub(super) num: i64,
    pub(super) received: i64,
    /// The bits of its score: of what is not negative, these are in order.
    pub(super) score: u32,
    pub(super) segment: usize,
    pub(super) doc: DocId,
}

impl Candidate {
    pub(super) fn hit(&self, best: f32) -> Hit {
        let share = match best > 0.0 {
            true => f32::from_bits(self.score) / best,
            false => 0.0,
        };
        Hit {
            key: MessageKey(self.key),
            num: ArticleNum(self.num),
            received: Timestamp(self.received),
            percent: (share * 100.0).min(99.0) as u8,
            cursor: self.rank,
        }
    }
}

/// What results of one segment are told apart by.
pub(super) struct Marks {
    columns: Arc<Columns>,
    received: Places,
    num: Places,
    inbox: Option<InboxId>,
    copies: Arc<InSegment>,
}

impl Marks {
    pub(super) fn of(
        columns: Arc<Columns>,
        inbox: Option<InboxId>,
        copies: Arc<InSegment>,
    ) -> Marks {
        Marks {
            received: Places::of(&columns, Value::Received, Arc::clone(&copies)),
            num: Places::of(&columns, Value::Num, Arc::clone(&copies)),
            columns,
            inbox,
            copies,
        }
    }

    /// Whether a document has the words of a message, and so can be a result.
    pub(super) fn has_words(&self, doc: DocId) -> bool {
        !self.copies.is_copy(doc)
    }
}

/// So many results are kept, at least, before any is thrown away.
const AT_FIRST: usize = 1024;

/// The first results of all, kept while they are read in any order.
pub(super) struct Top {
    /// How many of those that are kept are passed over.
    offset: usize,
    limit: usize,
    /// Only what stands behind it is kept.
    after: Option<Cursor>,
    /// Whether results are counted from the end.
    from_behind: bool,
    kept: Vec<Candidate>,
    /// Nothing below it can be among them any more.
    floor: Option<Cursor>,
    pub(super) total: usize,
    /// How many stand at the edge of the window or beyond it.
    beyond: usize,
    pub(super) best: u32,
}

impl Top {
    pub(super) fn new(window: Window) -> Top {
        let (offset, after, from_behind) = match window.edge {
            None => (window.offset, None, false),
            Some(Edge::After(cursor)) => (window.offset, Some(cursor), false),
            Some(Edge::Before(cursor)) => (0, Some(cursor.reversed()), true),
        };
        Top {
            offset,
            limit: window.limit,
            after,
            from_behind,
            kept: Vec::with_capacity(AT_FIRST),
            floor: None,
            total: 0,
            beyond: 0,
            best: 0,
        }
    }

    fn wanted(&self) -> usize {
        self.offset.saturating_add(self.limit).max(1)
    }

    /// Adds a result; `score` says how well it fits, and is asked where that matters.
    pub(super) fn add(
        &mut self,
        marks: &Marks,
        sort: Sort,
        (segment, doc): (usize, DocId),
        mut score: impl FnMut() -> u32,
    ) {
        self.total += 1;
        let received = marks.received.first(doc, marks.inbox).unwrap_or(0);
        let weighed = (sort == Sort::Relevance).then(&mut score);
        self.best = self.best.max(weighed.unwrap_or(0));
        let first = match sort {
            Sort::Newest => received,
            Sort::Oldest => received.saturating_neg(),
            Sort::Relevance => i64::from(weighed.unwrap_or(0)),
        };
        let first = match self.from_behind {
            true => first.saturating_neg(),
            false => first,
        };
        if self.floor.is_some_and(|floor| first < floor.0) {
            return; // most end here, before more is read of them
        }
        let key = marks.columns.key.first(doc).unwrap_or_default();
        let num = marks.num.first(doc, marks.inbox).unwrap_or(0);
        // Mail of the same second stands in the order of its numbers, either way round.
        let second = match (sort, self.from_behind) {
            (Sort::Newest | Sort::Oldest, false) => -num,
            (Sort::Newest | Sort::Oldest, true) => num,
            (Sort::Relevance, false) => received,
            (Sort::Relevance, true) => received.saturating_neg(),
        };
        let third = if self.from_behind { key } else { -key };
        let rank = Cursor(first, second, third);
        if self.after.is_some_and(|after| rank >= after) {
            self.beyond += 1;
            return;
        }
        if self.floor.is_some_and(|floor| rank <= floor) {
            return;
        }
        self.kept.push(Candidate {
            rank,
            key,
            num,
            received,
            score: weighed.unwrap_or_else(score),
            segment,
            doc,
        });
        if self.kept.len() >= self.wanted().saturating_mul(2).max(AT_FIRST) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let wanted = self.wanted();
        if self.kept.len() <= wanted {
            return;
        }
        self.kept
            .select_nth_unstable_by(wanted - 1, |a, b| b.cmp(a));
        self.kept.truncate(wanted);
        self.floor = self.kept.iter().map(|c| c.rank).min();
    }

    /// Those that are shown, in order.
    pub(super) fn finish(&mut self) -> Vec<Candidate> {
        self.shrink();
        self.kept.sort_unstable_by(|a, b| b.cmp(a));
        let from = self.offset.min(self.kept.len());
        let to = from.saturating_add(self.limit).min(self.kept.len());
        let mut shown = self.kept.get(from..to).unwrap_or_default().to_vec();
        if self.from_behind {
            shown.reverse();
            for candidate in &mut shown {
                candidate.rank = candidate.rank.reversed();
            }
        }
        shown
    }

    /// How many stand before those that are shown.
    pub(super) fn passed(&self, shown: usize) -> usize {
        match self.from_behind {
            true => self.total.saturating_sub(self.beyond.saturating_add(shown)),
            false => self.beyond.saturating_add(self.offset),
        }
    }
}
