//! Runs a query: which messages, in which order, how many in all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tantivy::query::{BooleanQuery, EmptyScorer, EnableScoring, Query as _, Scorer, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher, TERMINATED, Term};

use super::copies::Copies;
use super::index::{Search, failed};
use super::measure::{Measure, Reach};
use super::places::{Places, Value};
use super::plan::{self, Plan};
use super::query::Query;
use super::schema::FIELDS;
use super::stems::Stems;
use super::window::{Candidate, Cursor, Edge, Hit, Marks, Sort, Top, Window};
use crate::error::Result;
use crate::id::{InboxId, MessageKey};

/// Between two looks at the clock, so many documents are read.
const STRIDE: u32 = 1024;

/// Where a query goes through no more documents than these, all that it finds is weighed at once: that takes less time
/// than to go through them and then to weigh those that are shown.
const WEIGHED_AT_ONCE: u64 = if cfg!(test) { 10 } else { 30_000 };

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

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// A window of the results, in order.
    pub hits: Vec<Hit>,
    /// How many there are in all, without regard to the window.
    pub total: usize,
    /// How many of them stand before the window.
    pub passed: usize,
    /// Whether everything was looked at; not where the budget was spent before.
    pub complete: bool,
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
        let copies = &self.copies(&searcher)?;
        let (measure, reach) = &self.lengths.look(&searcher, filter.inbox, copies)?;
        let weighed = self
            .plan(&searcher, query, filter, reach, Some(*measure), copies)?
            .weight(EnableScoring::enabled_from_searcher(&searcher))?;
        let mut window = window;
        if let (Sort::Relevance, Some(edge)) = (sort, &mut window.edge) {
            let (Edge::After(cursor) | Edge::Before(cursor)) = edge;
            *cursor = present(&searcher, weighed.as_ref(), *cursor, copies)?;
        }
        let mut scorers = scorers(&searcher, weighed.as_ref(), reach, budget)?;
        // Where many may be found by time, only those that are shown are weighed, later.
        let cost = scorers.iter().map(|scorer| scorer.cost()).sum::<u64>();
        let later = sort != Sort::Relevance && cost > WEIGHED_AT_ONCE;
        if later {
            let unweighed = self
                .plan(&searcher, query, filter, reach, None, copies)?
                .weight(EnableScoring::disabled_from_searcher(&searcher))?;
            scorers = self::scorers(&searcher, unweighed.as_ref(), reach, budget)?;
        }
        let mut top = Top::new(window);
        let every_segment = scorers.len() == searcher.segment_readers().len();
        let mut complete = true;
        for (ord, scorer) in scorers.iter_mut().enumerate() {
            if !reach.has(ord) {
                continue;
            }
            let segment = searcher.segment_reader(ord as u32);
            let columns = self.columns.of(segment).map_err(failed)?;
            let marks = Marks::of(columns, filter.inbox, copies.in_segment(segment));
            let mut read = 0u32;
            while scorer.doc() != TERMINATED && complete {
                let doc = scorer.doc();
                if !segment.is_deleted(doc) && marks.has_words(doc) {
                    let score = || match later {
                        true => 0,
                        false => scorer.score().max(0.0).to_bits(),
                    };
                    top.add(&marks, sort, (ord, doc), score);
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
        let mut shown = top.finish();
        if later {
            weigh(&searcher, weighed.as_ref(), &mut shown).map_err(failed)?;
        }
        if sort != Sort::Relevance {
            let scores = shown.iter().map(|candidate| candidate.score);
            top.best = scores.max().unwrap_or(0);
        }
        let best = f32::from_bits(top.best);
        Ok(Found {
            hits: shown.iter().map(|candidate| candidate.hit(best)).collect(),
            total: top.total,
            passed: top.passed(shown.len()),
            complete: complete && every_segment,
        })
    }

    /// All that `query` asks for, and whether the budget was enough: what has the highest number in the inbox of the
    /// filter comes first, or without such an inbox what came last. A result is sixteen bytes, so that also a million
    /// of them are few.
    ///
    /// # Errors
    /// Those of [`Search::find`].
    pub fn find_all(
        &self,
        query: &Query,
        filter: Filter<'_>,
        budget: Budget<'_>,
    ) -> Result<(Vec<MessageKey>, bool)> {
        let searcher = self.searcher();
        let copies = &self.copies(&searcher)?;
        let (_, reach) = &self.lengths.look(&searcher, filter.inbox, copies)?;
        let scoring = EnableScoring::disabled_from_searcher(&searcher);
        let weight = self
            .plan(&searcher, query, filter, reach, None, copies)?
            .weight(scoring)?;
        let order = match filter.inbox {
            Some(_) => Value::Num,
            None => Value::Received,
        };
        let mut all: Vec<(i64, i64)> = Vec::new();
        let mut complete = true;
        for (ord, segment) in searcher.segment_readers().iter().enumerate() {
            if !reach.has(ord) {
                continue;
            }
            let columns = self.columns.of(segment)?;
            let here = copies.in_segment(segment);
            let order = Places::of(&columns, order, Arc::clone(&here));
            let mut scorer = weight.scorer(segment, 1.0)?;
            let mut read = 0u32;
            while scorer.doc() != TERMINATED && complete {
                let doc = scorer.doc();
                if !segment.is_deleted(doc) && !here.is_copy(doc) {
                    let place = order.first(doc, filter.inbox);
                    all.extend(place.zip(columns.key.first(doc)));
                }
                read += 1;
                complete = !(read.is_multiple_of(STRIDE) && budget.is_spent());
                scorer.advance();
            }
        }
        all.sort_unstable_by_key(|found| std::cmp::Reverse(*found));
        let keys = all.into_iter().map(|(_, key)| MessageKey(key));
        Ok((keys.collect(), complete))
    }

    /// The query as tantivy asks it. Without a measure nothing is weighed.
    fn plan(
        &self,
        searcher: &Searcher,
        query: &Query,
        filter: Filter<'_>,
        reach: &Reach,
        measure: Option<Measure>,
        copies: &Arc<Copies>,
    ) -> Result<BooleanQuery> {
        let mut plan = Plan {
            searcher,
            inbox: filter.inbox,
            stems: Stems::new(16),
            measure,
            copies: Arc::clone(copies),
            columns: Arc::clone(&self.columns),
        };
        let mut parts = vec![plan.of(&query.root)?];
        let in_inbox = |inbox| plan::in_inbox(searcher, reach, inbox, copies, &self.columns);
        parts.extend(filter.inbox.and_then(in_inbox));
        let in_any = |inboxes| plan::in_any_inbox(inboxes, copies);
        parts.extend(filter.any_of.map(in_any));
        parts.extend(filter.among.map(plan::among));
        Ok(BooleanQuery::intersection(parts))
    }
}

/// Where a result of an earlier search by relevance stands now: each mail that comes changes all weights a little.
fn present(
    searcher: &Searcher,
    weight: &dyn Weight,
    cursor: Cursor,
    copies: &Copies,
) -> tantivy::Result<Cursor> {
    let term = Term::from_field_i64(FIELDS.1.key, cursor.key().0);
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(FIELDS.1.key)?;
        let Some(mut list) = index.read_postings(&term, IndexRecordOption::Basic)? else {
            continue;
        };
        let here = copies.in_segment(segment);
        while list.doc() != TERMINATED
            && (here.is_copy(list.doc()) || segment.is_deleted(list.doc()))
        {
            list.advance();
        }
        let doc = list.doc();
        if doc == TERMINATED {
            continue;
        }
        let mut scorer = weight.scorer(segment, 1.0)?;
        if scorer.doc() < doc {
            scorer.seek(doc);
        }
        if scorer.doc() == doc && !segment.is_deleted(doc) {
            let score = scorer.score().max(0.0).to_bits();
            return Ok(cursor.at_score(score));
        }
    }
    Ok(cursor)
}

/// What goes through each of the segments, as far as the budget goes: some kinds of match are worked out at once.
fn scorers(
    searcher: &Searcher,
    weight: &dyn Weight,
    reach: &Reach,
    budget: Budget<'_>,
) -> Result<Vec<Box<dyn Scorer>>> {
    let segments = searcher.segment_readers().iter().enumerate();
    let scorers = segments
        .take_while(|_| !budget.is_spent())
        .map(|(ord, segment)| match reach.has(ord) {
            true => weight.scorer(segment, 1.0).map_err(failed),
            false => Ok(Box::new(EmptyScorer) as Box<dyn Scorer>),
        });
    scorers.collect()
}

/// Gives each of these its score.
fn weigh(searcher: &Searcher, weight: &dyn Weight, shown: &mut [Candidate]) -> tantivy::Result<()> {
    let mut by_place: Vec<&mut Candidate> = shown.iter_mut().collect();
    by_place.sort_by_key(|candidate| (candidate.segment, candidate.doc));
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
        }
    }
    Ok(())
}
