//! How well a mail fits: BM25 with the parameters that Xapian has, so that what stands first there stands first here.
//!
//! A word weighs the more the fewer mails have it in its zone. Its further occurrences in a mail count less and less,
//! and the less the longer the mail is; only that mails below half the usual length are not told apart.

use std::borrow::Cow;
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::query::{EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Result, Score, Searcher, SegmentReader, TERMINATED, Term};

use super::columns::Opened;
use super::gathered::{self, Gathered};
use super::measure::Measure;
use super::near::explain;

/// How much the length of a mail counts, 0 to 1.
const LENGTH_COUNTS: Score = 0.5;
/// What is shorter than this share of the usual length weighs as if it had it.
const SHORTEST: Score = 0.5;
/// What a word weighs at most, against its first occurrence in a mail of the usual length.
const MOST: Score = 2.0;

/// A word in one zone.
pub(super) struct InZone {
    /// The forms it may have there, which count as one.
    pub(super) forms: Vec<Form>,
    /// Whether it makes a mail more relevant to have it there.
    pub(super) counts: bool,
}

/// A form of a word.
pub(super) struct Form {
    pub(super) term: Term,
    /// In which segments it was met, by their order; `None` where that is to be found out.
    pub(super) met: Option<Vec<(usize, TermInfo)>>,
}

impl Form {
    /// One that was not looked for yet.
    pub(super) fn of(term: Term) -> Form {
        Form { term, met: None }
    }

    fn find(&self, searcher: &Searcher) -> Result<Vec<(usize, TermInfo)>> {
        let mut met = Vec::new();
        for (number, reader) in searcher.segment_readers().iter().enumerate() {
            let index = reader.inverted_index(self.term.field())?;
            let found = index.get_term_info(&self.term)?;
            met.extend(found.map(|found| (number, found)));
        }
        Ok(met)
    }
}

/// Words in zones, at least one of which a mail must have; weighed.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    /// What each of the words weighs.
    weights: Arc<[Score]>,
    segments: Arc<[Here]>,
    usual_length: Score,
}

/// What a segment has of the words.
#[derive(Debug)]
struct Here {
    segment: SegmentId,
    /// How long its mails are.
    lengths: Column<u64>,
    /// Of their forms that are in it, in the order of the words.
    lists: Vec<List>,
}

/// The mails of a segment that have a form of a word.
#[derive(Debug)]
pub(super) struct List {
    /// The number of the word.
    pub(super) word: usize,
    pub(super) field: Field,
    pub(super) term: TermInfo,
}

impl Weighed {
    pub(super) fn new(
        searcher: &Searcher,
        words: &[InZone],
        measure: Measure,
        columns: &Opened,
    ) -> Result<Weighed> {
        let mails = measure.mails.max(1) as f64;
        let readers = searcher.segment_readers();
        let nothing = readers.iter().map(|reader| {
            Ok(Here {
                segment: reader.segment_id(),
                lengths: columns.of(reader)?.length.clone(),
                lists: Vec::new(),
            })
        });
        let mut segments: Vec<Here> = nothing.collect::<Result<_>>()?;
        let mut weights = Vec::with_capacity(words.len());
        for (number, word) in words.iter().enumerate() {
            let mut without = 1.0;
            for form in &word.forms {
                let mut having = 0;
                let met = match &form.met {
                    Some(met) => Cow::Borrowed(met),
                    None => Cow::Owned(form.find(searcher)?),
                };
                for (segment, term) in met.iter() {
                    having += u64::from(term.doc_freq);
                    segments[*segment].lists.push(List {
                        word: number,
                        field: form.term.field(),
                        term: term.clone(),
                    });
                }
                // As if the forms had nothing to do with each other: to count them together would take long.
                without *= (1.0 - having as f64 / mails).max(0.0);
            }
            weights.push(match word.counts {
                true => rarity(mails * (1.0 - without), mails) * MOST,
                false => 0.0,
            });
        }
        Ok(Weighed {
            weights: weights.into(),
            segments: segments.into(),
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
        let mut segments = self.segments.iter();
        let here = segments.find(|here| here.segment == reader.segment_id());
        let Some(here) = here.filter(|here| !here.lists.is_empty()) else {
            return Ok(Box::new(EmptyScorer));
        };
        let scale = Scale {
            lengths: here.lengths.clone(),
            usual_length: self.usual_length,
            boost,
        };
        if let [weight] = *self.weights
            && gathered::is_worth_it(&here.lists)
        {
            let gathered = Gathered::of(reader, &here.lists, weight, scale)?;
            return Ok(Box::new(gathered));
        }
        let mut lists = Vec::with_capacity(here.lists.len());
        for list in &here.lists {
            let index = reader.inverted_index(list.field)?;
            let postings =
                index.read_postings_from_terminfo(&list.term, IndexRecordOption::WithFreqs)?;
            lists.push((list.word, postings));
        }
        let weights = Arc::clone(&self.weights);
        Ok(Box::new(WordScorer::new(lists, weights, scale)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "a word")
    }
}

/// What words weigh by how often they are in a mail.
pub(super) struct Scale {
    pub(super) lengths: Column<u64>,
    pub(super) usual_length: Score,
    pub(super) boost: Score,
}

impl Scale {
    /// What words weigh in a mail, of each of which is given what it weighs at most, and how often it is there.
    pub(super) fn of(&self, doc: DocId, words: impl Iterator<Item = (Score, Score)>) -> Score {
        let length = self.lengths.first(doc).unwrap_or(0) as Score;
        let length = (length / self.usual_length).max(SHORTEST);
        let beside = LENGTH_COUNTS * length + (1.0 - LENGTH_COUNTS);
        let each = words.map(|(weight, count)| weight * count / (count + beside));
        each.sum::<Score>() * self.boost
    }
}

/// Goes through the mails that have at least one of the words in at least one of its forms.
pub(super) struct WordScorer {
    /// With the number of the word, in its order.
    lists: Vec<(usize, SegmentPostings)>,
    /// Where each of the lists stands: side by side, since they are compared for each mail.
    heads: Vec<DocId>,
    doc: DocId,
    weights: Arc<[Score]>,
    scale: Scale,
}

impl WordScorer {
    pub(super) fn new(
        lists: Vec<(usize, SegmentPostings)>,
        weights: Arc<[Score]>,
        scale: Scale,
    ) -> WordScorer {
        let mut scorer = WordScorer {
            heads: lists.iter().map(|(_, list)| list.doc()).collect(),
            lists,
            doc: 0,
            weights,
            scale,
        };
        scorer.settle();
        scorer
    }

    /// Stands where the first of the lists stands.
    fn settle(&mut self) -> DocId {
        self.doc = self.heads.iter().copied().min().unwrap_or(TERMINATED);
        self.doc
    }
}

impl DocSet for WordScorer {
    fn advance(&mut self) -> DocId {
        for (head, (_, list)) in self.heads.iter_mut().zip(&mut self.lists) {
            if *head == self.doc {
                *head = list.advance();
            }
        }
        self.settle()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        for (head, (_, list)) in self.heads.iter_mut().zip(&mut self.lists) {
            if *head < target {
                *head = list.seek(target);
            }
        }
        self.settle()
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        let sizes = self.lists.iter().map(|(_, list)| list.size_hint());
        sizes.fold(0, u32::saturating_add)
    }
}

impl Scorer for WordScorer {
    fn score(&mut self) -> Score {
        let heads = self.heads.iter().zip(&self.lists);
        let mut here = heads
            .filter(|(head, _)| **head == self.doc)
            .map(|(_, (word, list))| (*word, list.term_freq() as Score))
            .peekable();
        let words = std::iter::from_fn(|| {
            let (word, mut count) = here.next()?;
            while let Some((_, more)) = here.next_if(|(next, _)| *next == word) {
                count += more;
            }
            Some((self.weights[word], count))
        });
        self.scale.of(self.doc, words)
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
