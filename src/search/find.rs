//! Runs a query: which messages, in which order, how many in all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tantivy::query::{BooleanQuery, EnableScoring, Query as _, Weight};
use tantivy::{DocId, Searcher, SegmentReader, TERMINATED};

use super::index::{Search, failed};
use super::plan::{self, Places, Plan};
use super::query::Query;
use super::schema::column;
use super::stems::Stems;
use crate::error::Result;
use crate::id::{ArticleNum, InboxId, MessageKey};
use crate::time::Timestamp;

/// Between two looks at the clock, so many documents are read.
const STRIDE: u32 = 1024;

/// What is searched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// One inbox only. Times and numbers are then those of that inbox.
    pub inbox: Option<InboxId>,
    /// What stands in at least one of these inboxes: the site without those that are hidden or gone.
    pub any_of: Option<&'a [InboxId]>,
    /// These messages only: a thread.
    pub among: Option<&'a [MessageKey]>,
}

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
    /// Only those that come behind this one; mail that comes meanwhile does not move them.
    pub after: Option<Cursor>,
}

/// A place between two results, by time as well as by relevance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(i64, i64, i64);

impl Cursor {
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

/// When to give up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget<'a> {
    /// No longer than until then.
    pub until: Option<Instant>,
    /// No longer than until somebody says so.
    pub stop: Option<&'a AtomicBool>,
}

impl Budget<'_> {
    fn is_spent(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
            || self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
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
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// A window of the results, in order.
    pub hits: Vec<Hit>,
    /// How many there are in all, without regard to the window.
    pub total: usize,
    /// Where the next window begins; `None` where there is none.
    pub next: Option<Cursor>,
    /// Whether everything was looked at; not where the budget was spent before.
    pub complete: bool,
}

/// A result before it is known whether it will be among those shown. Larger comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: Cursor,
    key: i64,
    num: i64,
    received: i64,
    /// The bits of its score: of what is not negative, these are in order.
    score: u32,
    segment: usize,
    doc: DocId,
}

impl Candidate {
    fn hit(&self, best: f32) -> Hit {
        let share = match best > 0.0 {
            true => f32::from_bits(self.score) / best,
            false => 0.0,
        };
        Hit {
            key: MessageKey(self.key),
            num: ArticleNum(self.num),
            received: Timestamp(self.received),
            percent: (share * 100.0).min(99.0) as u8,
        }
    }
}

impl Search {
    /// Finds what `query` asks for.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] for a beginning (`a*`) that stands for too many words, otherwise
    /// [`crate::error::Error::Search`].
    pub fn find(
        &self,
        query: &Query,
        filter: Filter<'_>,
        sort: Sort,
        window: Window,
        budget: Budget<'_>,
    ) -> Result<Found> {
        let searcher = self.searcher();
        let planned = plan(&searcher, query, filter)?;
        // By time, only those that are shown are weighed.
        let scoring = match sort {
            Sort::Relevance => EnableScoring::enabled_from_searcher(&searcher),
            Sort::Newest | Sort::Oldest => EnableScoring::disabled_from_searcher(&searcher),
        };
        let weight = planned.weight(scoring).map_err(failed)?;
        let mut top = Top::new(window);
        let mut complete = true;
        for (ord, segment) in searcher.segment_readers().iter().enumerate() {
            let columns = Columns::open(segment, filter.inbox).map_err(failed)?;
            let mut scorer = weight.scorer(segment, 1.0).map_err(failed)?;
            let mut read = 0u32;
            while scorer.doc() != TERMINATED && complete {
                let doc = scorer.doc();
                if !segment.is_deleted(doc) {
                    let score = match sort {
                        Sort::Relevance => scorer.score().max(0.0).to_bits(),
                        Sort::Newest | Sort::Oldest => 0,
                    };
                    top.add(&columns, sort, (ord, doc), score);
                }
                read += 1;
                complete = !(read.is_multiple_of(STRIDE) && budget.is_spent());
                scorer.advance();
            }
            if !complete || budget.is_spent() {
                complete = false;
                break;
            }
        }
        let (mut shown, more) = top.finish();
        if sort != Sort::Relevance {
            let scoring = EnableScoring::enabled_from_searcher(&searcher);
            let weight = planned.weight(scoring).map_err(failed)?;
            top.best = weigh(&searcher, weight.as_ref(), &mut shown).map_err(failed)?;
        }
        let best = f32::from_bits(top.best);
        Ok(Found {
            hits: shown.iter().map(|candidate| candidate.hit(best)).collect(),
            total: top.total,
            next: shown.last().map(|c| c.rank).filter(|_| more),
            complete,
        })
    }

    /// The numbers of all that `query` asks for in the inbox of the filter, highest first, and whether the budget was
    /// enough. Without such an inbox the keys of the messages stand in the place of numbers. A result is eight bytes, so that also a million of them are few.
    ///
    /// # Errors
    /// Those of [`Search::find`].
    pub fn find_all(
        &self,
        query: &Query,
        filter: Filter<'_>,
        budget: Budget<'_>,
    ) -> Result<(Vec<ArticleNum>, bool)> {
        let searcher = self.searcher();
        let planned = plan(&searcher, query, filter)?;
        let scoring = EnableScoring::disabled_from_searcher(&searcher);
        let weight = planned.weight(scoring).map_err(failed)?;
        let mut all = Vec::new();
        let mut complete = true;
        for segment in searcher.segment_readers() {
            let numbers = match filter.inbox {
                Some(_) => Places::open(segment, column::NUM),
                None => Places::open(segment, column::KEY),
            };
            let numbers = numbers.map_err(failed)?;
            let mut scorer = weight.scorer(segment, 1.0).map_err(failed)?;
            let mut read = 0u32;
            while scorer.doc() != TERMINATED && complete {
                let doc = scorer.doc();
                if !segment.is_deleted(doc) {
                    all.extend(numbers.first(doc, filter.inbox).map(ArticleNum));
                }
                read += 1;
                complete = !(read.is_multiple_of(STRIDE) && budget.is_spent());
                scorer.advance();
            }
        }
        all.sort_unstable_by_key(|num| std::cmp::Reverse(*num));
        Ok((all, complete))
    }
}

/// The query as tantivy asks it.
fn plan(searcher: &Searcher, query: &Query, filter: Filter<'_>) -> Result<BooleanQuery> {
    let mut plan = Plan {
        searcher,
        inbox: filter.inbox,
        stems: Stems::new(16),
    };
    let mut parts = vec![plan.of(&query.root)?];
    let inbox = filter.inbox;
    parts.extend(inbox.and_then(|inbox| plan::in_inbox(searcher, inbox)));
    parts.extend(filter.any_of.map(plan::in_any_inbox));
    parts.extend(filter.among.map(plan::among));
    Ok(BooleanQuery::intersection(parts))
}

/// Gives each of these its score, and says which is the highest.
fn weigh(
    searcher: &Searcher,
    weight: &dyn Weight,
    shown: &mut [Candidate],
) -> tantivy::Result<u32> {
    let mut by_place: Vec<&mut Candidate> = shown.iter_mut().collect();
    by_place.sort_by_key(|candidate| (candidate.segment, candidate.doc));
    let mut best = 0;
    for in_segment in by_place.chunk_by_mut(|a, b| a.segment == b.segment) {
        let Some(first) = in_segment.first() else {
            continue;
        };
        let segment = searcher.segment_reader(first.segment as u32);
        let mut scorer = weight.scorer(segment, 1.0)?;
        for candidate in in_segment {
            if scorer.doc() < candidate.doc {
                scorer.seek(candidate.doc);
            }
            if scorer.doc() == candidate.doc {
                candidate.score = scorer.score().max(0.0).to_bits();
            }
            best = best.max(candidate.score);
        }
    }
    Ok(best)
}

/// The columns that results are told apart by.
struct Columns {
    key: tantivy::columnar::Column<i64>,
    received: Places,
    num: Places,
    inbox: Option<InboxId>,
}

impl Columns {
    fn open(segment: &SegmentReader, inbox: Option<InboxId>) -> tantivy::Result<Columns> {
        Ok(Columns {
            key: segment.fast_fields().i64(column::KEY)?,
            received: Places::open(segment, column::RECEIVED)?,
            num: Places::open(segment, column::NUM)?,
            inbox,
        })
    }

    /// The first and most telling number of the rank.
    fn first_rank(&self, doc: DocId, sort: Sort, score: u32) -> (i64, i64) {
        let received = self.received.first(doc, self.inbox).unwrap_or(0);
        let first = match sort {
            Sort::Newest => received,
            Sort::Oldest => received.saturating_neg(),
            Sort::Relevance => i64::from(score),
        };
        (first, received)
    }
}

/// The first results of all, kept while they are read in any order.
struct Top {
    window: Window,
    kept: Vec<Candidate>,
    /// Nothing below it can be among them any more.
    floor: Option<Cursor>,
    total: usize,
    best: u32,
}

impl Top {
    fn new(window: Window) -> Top {
        Top {
            window,
            kept: Vec::new(),
            floor: None,
            total: 0,
            best: 0,
        }
    }

    /// One more than is shown tells whether there are more.
    fn wanted(&self) -> usize {
        self.window
            .offset
            .saturating_add(self.window.limit)
            .saturating_add(1)
    }

    fn add(&mut self, columns: &Columns, sort: Sort, (segment, doc): (usize, DocId), score: u32) {
        self.total += 1;
        self.best = self.best.max(score);
        let (first, received) = columns.first_rank(doc, sort, score);
        if self.floor.is_some_and(|floor| first < floor.0) {
            return; // most end here, before more is read of them
        }
        let key = columns.key.first(doc).unwrap_or_default();
        let num = columns.num.first(doc, columns.inbox).unwrap_or(0);
        // Mail of the same second stands in the order of its numbers, either way round.
        let rank = match sort {
            Sort::Newest | Sort::Oldest => Cursor(first, -num, -key),
            Sort::Relevance => Cursor(first, received, -key),
        };
        let passed = self.window.after.is_some_and(|after| rank >= after);
        if passed || self.floor.is_some_and(|floor| rank <= floor) {
            return;
        }
        self.kept.push(Candidate {
            rank,
            key,
            num,
            received,
            score,
            segment,
            doc,
        });
        if self.kept.len() >= self.wanted().saturating_mul(2).max(1024) {
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

    /// Those that are shown, in order, and whether there are more behind them.
    fn finish(&mut self) -> (Vec<Candidate>, bool) {
        self.shrink();
        self.kept.sort_unstable_by(|a, b| b.cmp(a));
        let from = self.window.offset.min(self.kept.len());
        let to = from.saturating_add(self.window.limit).min(self.kept.len());
        let shown = self.kept.get(from..to).unwrap_or_default().to_vec();
        (shown, self.kept.len() >= self.wanted())
    }
}
