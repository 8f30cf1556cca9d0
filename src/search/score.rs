//! How well a mail fits: BM25 with the parameters that Xapian has, so that what stands first there stands first here.
//!
//! A word weighs the more the fewer mails have it in its zone. Its further occurrences in a mail count less and less,
//! and the less the longer the mail is; only that mails below half the usual length are not told apart.

use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Result, Score, Searcher, SegmentReader, TERMINATED, Term};

use super::measure::Measure;
use super::near::explain;
use super::schema::column;

/// How much the length of a mail counts, 0 to 1.
const LENGTH_COUNTS: Score = 0.5;
/// What is shorter than this share of the usual length weighs as if it had it.
const SHORTEST: Score = 0.5;
/// What a word weighs at most, against its first occurrence in a mail of the usual length.
const MOST: Score = 2.0;

/// A word in one zone, in one form or in several that count as one; weighed.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    terms: Arc<Vec<Term>>,
    weight: Score,
    usual_length: Score,
}

impl Weighed {
    /// Weighs a word that has these forms in its zone.
    pub(super) fn new(searcher: &Searcher, terms: Vec<Term>, measure: Measure) -> Result<Weighed> {
        let mails = measure.mails.max(1) as f64;
        let mut without = 1.0;
        for term in &terms {
            // As if the forms had nothing to do with each other: to count them together would take long.
            without *= (1.0 - searcher.doc_freq(term)? as f64 / mails).max(0.0);
        }
        Ok(Weighed {
            terms: Arc::new(terms),
            weight: rarity(mails * (1.0 - without), mails) * MOST,
            usual_length: measure.usual_length.max(1.0),
        })
    }
}

/// What a word weighs that so many of the mails have; always more than nothing.
fn rarity(having: f64, mails: f64) -> Score {
    let odds = (mails - having + 0.5) / (having + 0.5);
    let odds = if odds < 2.0 { odds * 0.5 + 1.0 } else { odds };
    odds.ln() as Score
}

impl Query for Weighed {
    fn weight(&self, _scoring: EnableScoring<'_>) -> Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Weighed {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> Result<Box<dyn Scorer>> {
        let mut lists = Vec::with_capacity(self.terms.len());
        for term in self.terms.iter() {
            let index = reader.inverted_index(term.field())?;
            lists.extend(index.read_postings(term, IndexRecordOption::WithFreqs)?);
        }
        if lists.is_empty() {
            return Ok(Box::new(EmptyScorer));
        }
        let mut scorer = WordScorer {
            lists,
            doc: 0,
            lengths: reader.fast_fields().u64(column::LENGTH)?,
            weight: self.weight * boost,
            usual_length: self.usual_length,
        };
        scorer.settle();
        Ok(Box::new(scorer))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "a word")
    }
}

/// Goes through the mails that have a word in at least one of its forms.
struct WordScorer {
    lists: Vec<SegmentPostings>,
    doc: DocId,
    lengths: Column<u64>,
    weight: Score,
    usual_length: Score,
}

impl WordScorer {
    /// Stands where the first of the lists stands.
    fn settle(&mut self) -> DocId {
        let docs = self.lists.iter().map(DocSet::doc);
        self.doc = docs.min().unwrap_or(TERMINATED);
        self.doc
    }
}

impl DocSet for WordScorer {
    fn advance(&mut self) -> DocId {
        for list in &mut self.lists {
            if list.doc() == self.doc {
                list.advance();
            }
        }
        self.settle()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        for list in &mut self.lists {
            if list.doc() < target {
                list.seek(target);
            }
        }
        self.settle()
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        let sizes = self.lists.iter().map(DocSet::size_hint);
        sizes.fold(0, u32::saturating_add)
    }
}

impl Scorer for WordScorer {
    fn score(&mut self) -> Score {
        let here = self.lists.iter().filter(|list| list.doc() == self.doc);
        let count = here.map(|list| list.term_freq() as Score).sum::<Score>();
        let length = self.lengths.first(self.doc).unwrap_or(0) as Score;
        let length = (length / self.usual_length).max(SHORTEST);
        self.weight * count / (count + LENGTH_COUNTS * length + (1.0 - LENGTH_COUNTS))
    }
}

#[cfg(test)]
mod tests {
    use super::rarity;

    #[test]
    fn what_is_rarer_weighs_more_and_what_everybody_has_still_something() {
        let mails = 1000.0;
        let weights = [1.0, 10.0, 300.0, 350.0, 900.0, 1000.0].map(|having| rarity(having, mails));
        assert!(weights.is_sorted_by(|a, b| a > b), "{weights:?}");
        assert!(weights.iter().all(|weight| *weight > 0.0));
    }
}
