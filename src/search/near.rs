//! Kinds of match that tantivy lacks: words near each other in any order, one of two but not both, and one without
//! another, which tantivy has, but does not get along with phrases.
//!
//! The first two work out their matches in a segment at once, as a bit set: they are rarely asked for, and what is asked
//! for is rare.

use std::sync::Arc;

use tantivy::postings::Postings;
use tantivy::query::{
    BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, QueryClone, Scorer,
    Weight,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{
    BitSet, DocId, DocSet, Result, Score, SegmentReader, TERMINATED, TantivyError, Term,
};

/// Words of one zone within a window.
#[derive(Clone, Debug)]
pub(super) struct Near {
    pub(super) terms: Arc<Vec<Term>>,
    /// How many positions from the first to the last, both counted.
    pub(super) window: u32,
    /// Whether they must come in this order.
    pub(super) ordered: bool,
}

impl Query for Near {
    fn weight(&self, _scoring: EnableScoring<'_>) -> Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Near {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> Result<Box<dyn Scorer>> {
        let Some(first) = self.terms.first() else {
            return Ok(Box::new(EmptyScorer));
        };
        let index = reader.inverted_index(first.field())?;
        let mut lists = Vec::with_capacity(self.terms.len());
        for term in self.terms.iter() {
            match index.read_postings(term, IndexRecordOption::WithFreqsAndPositions)? {
                Some(list) => lists.push(list),
                None => return Ok(Box::new(EmptyScorer)),
            }
        }
        let mut found = BitSet::with_max_value(reader.max_doc());
        let mut positions = vec![Vec::new(); lists.len()];
        let mut target = 0;
        while let Some(doc) = common(&mut lists, target) {
            for (list, positions) in lists.iter_mut().zip(&mut positions) {
                list.positions(positions);
            }
            if within(&positions, self.window, self.ordered) {
                found.insert(doc);
            }
            target = doc + 1;
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "words near each other")
    }
}

/// The first document from `target` on that is in all lists, each of which then stands on it.
fn common(lists: &mut [impl DocSet], mut target: DocId) -> Option<DocId> {
    'again: loop {
        for list in lists.iter_mut() {
            let doc = match list.doc() {
                doc if doc < target => list.seek(target),
                doc => doc,
            };
            if doc == TERMINATED {
                return None;
            }
            if doc > target {
                target = doc;
                continue 'again;
            }
        }
        return Some(target);
    }
}

/// Whether one position of each list can be taken so that all lie in a window. Goes forward in all lists at once.
fn within(positions: &[Vec<u32>], window: u32, ordered: bool) -> bool {
    if ordered {
        within_in_order(positions, window)
    } else {
        within_in_any_order(positions, window)
    }
}

fn within_in_any_order(positions: &[Vec<u32>], window: u32) -> bool {
    let mut at = vec![0usize; positions.len()];
    loop {
        let (mut low, mut high) = ((u32::MAX, 0), 0);
        for (list, (positions, at)) in positions.iter().zip(&at).enumerate() {
            let Some(&position) = positions.get(*at) else {
                return false;
            };
            low = low.min((position, list));
            high = high.max(position);
        }
        if high - low.0 < window {
            return true;
        }
        at[low.1] += 1;
    }
}

fn within_in_order(positions: &[Vec<u32>], window: u32) -> bool {
    let mut at = vec![0usize; positions.len()];
    let Some((first, others)) = positions.split_first() else {
        return false;
    };
    for &start in first {
        let mut before = start;
        for (positions, at) in others.iter().zip(&mut at) {
            while positions.get(*at).is_some_and(|p| *p <= before) {
                *at += 1;
            }
            match positions.get(*at) {
                Some(position) => before = *position,
                None => return false,
            }
        }
        if before - start < window {
            return true;
        }
    }
    false
}

/// What one of two queries finds, and the other does not.
#[derive(Debug)]
pub(super) struct Either(pub(super) Box<dyn Query>, pub(super) Box<dyn Query>);

impl Clone for Either {
    fn clone(&self) -> Either {
        Either(self.0.box_clone(), self.1.box_clone())
    }
}

struct EitherWeight(Box<dyn Weight>, Box<dyn Weight>);

impl Query for Either {
    fn weight(&self, scoring: EnableScoring<'_>) -> Result<Box<dyn Weight>> {
        Ok(Box::new(EitherWeight(
            self.0.weight(scoring)?,
            self.1.weight(scoring)?,
        )))
    }
}

impl Weight for EitherWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> Result<Box<dyn Scorer>> {
        let mut found = BitSet::with_max_value(reader.max_doc());
        let mut a = self.0.scorer(reader, boost)?;
        let mut b = self.1.scorer(reader, boost)?;
        loop {
            let (left, right) = (a.doc(), b.doc());
            if left == TERMINATED && right == TERMINATED {
                break;
            }
            if left != right {
                found.insert(left.min(right));
            }
            if left <= right {
                a.advance();
            }
            if right <= left {
                b.advance();
            }
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "one of two")
    }
}

/// What the first query finds, and the second does not; as relevant as the first says.
#[derive(Debug)]
pub(super) struct Without(pub(super) Box<dyn Query>, pub(super) Box<dyn Query>);

impl Clone for Without {
    fn clone(&self) -> Without {
        Without(self.0.box_clone(), self.1.box_clone())
    }
}

struct WithoutWeight(Box<dyn Weight>, Box<dyn Weight>);

struct WithoutScorer {
    wanted: Box<dyn Scorer>,
    hated: Box<dyn Scorer>,
}

impl Query for Without {
    fn weight(&self, scoring: EnableScoring<'_>) -> Result<Box<dyn Weight>> {
        let hated = self.1.weight(scoring)?;
        Ok(Box::new(WithoutWeight(self.0.weight(scoring)?, hated)))
    }
}

impl Weight for WithoutWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> Result<Box<dyn Scorer>> {
        let mut scorer = WithoutScorer {
            wanted: self.0.scorer(reader, boost)?,
            hated: self.1.scorer(reader, boost)?,
        };
        scorer.pass_hated();
        Ok(Box::new(scorer))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "one without another")
    }
}

impl WithoutScorer {
    /// Goes on from what is hated to what is not.
    fn pass_hated(&mut self) -> DocId {
        loop {
            let doc = self.wanted.doc();
            if doc == TERMINATED {
                return doc;
            }
            // Never backwards: a phrase would not bear it.
            if self.hated.doc() < doc {
                self.hated.seek(doc);
            }
            if self.hated.doc() != doc {
                return doc;
            }
            self.wanted.advance();
        }
    }
}

impl DocSet for WithoutScorer {
    fn advance(&mut self) -> DocId {
        self.wanted.advance();
        self.pass_hated()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.wanted.doc() < target {
            self.wanted.seek(target);
        }
        self.pass_hated()
    }

    fn doc(&self) -> DocId {
        self.wanted.doc()
    }

    fn size_hint(&self) -> u32 {
        self.wanted.size_hint()
    }
}

impl Scorer for WithoutScorer {
    fn score(&mut self) -> Score {
        self.wanted.score()
    }
}

/// What a weight of ours has to say of a document.
pub(super) fn explain(
    weight: &dyn Weight,
    reader: &SegmentReader,
    doc: DocId,
    why: &'static str,
) -> Result<Explanation> {
    let mut scorer = weight.scorer(reader, 1.0)?;
    if scorer.doc() > doc || scorer.seek(doc) != doc {
        return Err(TantivyError::InvalidArgument("no match".to_owned()));
    }
    Ok(Explanation::new(why, scorer.score()))
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn words_are_near_within_a_window() {
        for (positions, window, ordered, near) in [
            (vec![vec![1, 20], vec![5]], 5, false, true),
            (vec![vec![1, 20], vec![5]], 4, false, false),
            (vec![vec![9], vec![5]], 5, false, true),
            (vec![vec![9], vec![5]], 5, true, false),
            (vec![vec![1, 6], vec![3, 8], vec![9]], 4, true, true),
            (vec![vec![1, 6], vec![3, 8], vec![9]], 3, true, false),
            (vec![vec![1], vec![1]], 1, true, false),
            (vec![vec![1], vec![]], 9, false, false),
        ] {
            assert_eq!(
                within(&positions, window, ordered),
                near,
                "{positions:?} {window}"
            );
        }
    }
}
