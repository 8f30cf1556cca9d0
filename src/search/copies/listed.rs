//! Documents by their numbers, as a query.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::postings::SegmentPostings;
use tantivy::query::{ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Result, Score, SegmentReader, TERMINATED, Term};

use crate::search::near::explain;

/// Documents by their numbers, and those that have a term.
#[derive(Clone, Debug)]
pub(in crate::search) struct Listed {
    beside: Option<Term>,
    lists: Arc<HashMap<SegmentId, Vec<Arc<[DocId]>>>>,
}

impl Listed {
    /// Those in the lists of a segment, each of which is in order.
    pub(super) fn of(lists: impl Iterator<Item = (SegmentId, Vec<Arc<[DocId]>>)>) -> Listed {
        Listed {
            beside: None,
            lists: Arc::new(lists.collect()),
        }
    }

    /// These, and those that have this term.
    pub(in crate::search) fn beside(self, term: Term) -> Listed {
        Listed {
            beside: Some(term),
            ..self
        }
    }
}

impl Query for Listed {
    fn weight(&self, _scoring: EnableScoring<'_>) -> Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Listed {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> Result<Box<dyn Scorer>> {
        let postings = match &self.beside {
            Some(term) => {
                let index = reader.inverted_index(term.field())?;
                index.read_postings(term, IndexRecordOption::Basic)?
            }
            None => None,
        };
        let lists = self.lists.get(&reader.segment_id()).into_iter().flatten();
        let mut together = Together {
            postings: postings.unwrap_or_else(SegmentPostings::empty),
            lists: lists.map(Reading::begun).collect(),
            doc: 0,
        };
        together.settle();
        Ok(Box::new(ConstScorer::new(together, boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "a place that a copy has")
    }
}

/// A list of documents, and how far it is read.
struct Reading {
    docs: Arc<[DocId]>,
    at: usize,
    /// The one there.
    doc: DocId,
}

impl Reading {
    fn begun(docs: &Arc<[DocId]>) -> Reading {
        let mut reading = Reading {
            docs: Arc::clone(docs),
            at: 0,
            doc: 0,
        };
        reading.stand(0);
        reading
    }

    fn stand(&mut self, at: usize) {
        self.at = at;
        self.doc = self.docs.get(at).copied().unwrap_or(TERMINATED);
    }

    fn seek(&mut self, target: DocId) {
        let rest = self.docs.get(self.at..).unwrap_or_default();
        let passed = rest.partition_point(|doc| *doc < target);
        self.stand(self.at + passed);
    }
}

/// Goes through lists of documents and the postings of a term at once.
struct Together {
    postings: SegmentPostings,
    lists: Vec<Reading>,
    doc: DocId,
}

impl Together {
    /// Stands where the first of them stands.
    fn settle(&mut self) -> DocId {
        let lists = self.lists.iter().map(|list| list.doc);
        self.doc = lists.fold(self.postings.doc(), DocId::min);
        self.doc
    }
}

impl DocSet for Together {
    fn advance(&mut self) -> DocId {
        if self.doc == TERMINATED {
            return TERMINATED;
        }
        if self.postings.doc() == self.doc {
            self.postings.advance();
        }
        let here = self.doc;
        for list in self.lists.iter_mut().filter(|list| list.doc == here) {
            list.stand(list.at + 1);
        }
        self.settle()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.postings.doc() < target {
            self.postings.seek(target);
        }
        for list in self.lists.iter_mut().filter(|list| list.doc < target) {
            list.seek(target);
        }
        self.settle()
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        let listed: usize = self.lists.iter().map(|list| list.docs.len()).sum();
        self.postings.size_hint().saturating_add(listed as u32)
    }
}
