//! Copies of messages: one that came when the words of its message were in the index already is a small document of its
//! own. So a mail that goes to ten lists is cut into words once.
//!
//! Such a document has the key of the message, one place, and its `List-Id`; no search gives it as a result. For each state
//! of the index it is found out once which document has the words, and which further places those have thereby. That
//! is kept in memory, some forty bytes for each copy; where there are none it costs nothing.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::postings::SegmentPostings;
use tantivy::query::{
    BooleanQuery, ConstScorer, EnableScoring, Explanation, Query, Scorer, TermQuery, Weight,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, DocId, DocSet, Result, Score, Searcher, SegmentReader, TERMINATED, Term};

use super::measure::Sum;
use super::near::explain;
use super::schema::{FIELDS, Tag, column};
use crate::id::InboxId;

/// A segment is read from end to end for the keys that are sought where at least one of so many documents may have one.
const WORTH_READING: usize = 64;

/// A document, by the number of its segment.
type Address = (usize, DocId);

/// The copies of one state of the index.
#[derive(Default)]
pub(super) struct Copies {
    /// By the number of the segment.
    segments: Vec<(SegmentId, Arc<InSegment>)>,
    /// How long the messages of an inbox are that have a place there by a copy.
    lengths: HashMap<i64, Sum>,
}

/// What copies have to do with one segment.
#[derive(Default)]
pub(super) struct InSegment {
    /// Those of its documents that are copies, in order, each with the document that has its words.
    own: Vec<(DocId, Option<Address>)>,
    /// Places that its documents with words have by copies, wherever those are; by document and inbox.
    told: Vec<Told>,
    /// The documents of `told`.
    documents: Option<BitSet>,
    /// Those by inbox.
    by_inbox: HashMap<i64, Arc<[DocId]>>,
}

/// A place that a document has by a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    doc: DocId,
    pub(super) inbox: i64,
    pub(super) num: i64,
    pub(super) received: i64,
}

impl Copies {
    /// Those that `searcher` sees. Of what `before` knows as much is taken over as still holds.
    pub(super) fn of(searcher: &Searcher, before: &Copies) -> Result<Copies> {
        let readers = searcher.segment_readers();
        let mut own: Vec<Vec<(DocId, Option<Address>)>> = Vec::with_capacity(readers.len());
        for reader in readers {
            let copies = copies_in(reader)?.into_iter();
            let alive = copies.filter(|doc| !reader.is_deleted(*doc));
            own.push(alive.map(|doc| (doc, None)).collect());
        }
        if own.iter().all(Vec::is_empty) {
            return Ok(Copies::default());
        }
        link(searcher, before, &mut own)?;
        let mut told: Vec<Vec<Told>> = vec![Vec::new(); readers.len()];
        let mut lengths: HashMap<i64, Sum> = HashMap::new();
        for (reader, copies) in readers.iter().zip(&own).filter(|(_, own)| !own.is_empty()) {
            let columns = reader.fast_fields();
            let (inbox, num, received) = (
                columns.i64(column::INBOX)?,
                columns.i64(column::NUM)?,
                columns.i64(column::RECEIVED)?,
            );
            for (copy, words) in copies {
                let Some((segment, doc)) = *words else {
                    continue;
                };
                if let Some(told) = told.get_mut(segment) {
                    told.push(Told {
                        doc,
                        inbox: inbox.first(*copy).unwrap_or_default(),
                        num: num.first(*copy).unwrap_or_default(),
                        received: received.first(*copy).unwrap_or_default(),
                    });
                }
            }
        }
        let mut segments = Vec::with_capacity(readers.len());
        for ((reader, own), mut told) in readers.iter().zip(own).zip(told) {
            told.sort_unstable();
            told.dedup();
            let length = reader.fast_fields().u64(column::LENGTH)?;
            for place in &told {
                let words = length.first(place.doc).unwrap_or_default();
                let sum = lengths.entry(place.inbox).or_default();
                sum.add(Sum { mails: 1, words });
            }
            let here = InSegment::new(reader, own, told);
            segments.push((reader.segment_id(), Arc::new(here)));
        }
        Ok(Copies { segments, lengths })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// What copies have to do with a segment.
    pub(super) fn in_segment(&self, segment: &SegmentReader) -> Arc<InSegment> {
        let id = segment.segment_id();
        let found = self.segments.iter().find(|(other, _)| *other == id);
        found.map(|(_, here)| Arc::clone(here)).unwrap_or_default()
    }

    /// How many messages have a place in an inbox by a copy, and how long they are.
    pub(super) fn lengths(&self, inbox: InboxId) -> Sum {
        self.lengths.get(&inbox.0).copied().unwrap_or_default()
    }

    /// The documents that have a place in one of these inboxes by a copy.
    pub(super) fn in_inboxes(&self, inboxes: &[InboxId]) -> Listed {
        let lists = self.segments.iter().map(|(id, here)| {
            let docs: Arc<[DocId]> = match inboxes {
                [inbox] => here
                    .by_inbox
                    .get(&inbox.0)
                    .map(Arc::clone)
                    .unwrap_or_default(),
                _ => {
                    let held = here
                        .told
                        .iter()
                        .filter(|place| inboxes.contains(&InboxId(place.inbox)));
                    let mut docs: Vec<DocId> = held.map(|place| place.doc).collect();
                    docs.dedup();
                    docs.into()
                }
            };
            (*id, docs)
        });
        Listed {
            beside: None,
            lists: Arc::new(lists.collect()),
        }
    }

    /// The documents with the words of those copies that `query` finds.
    pub(super) fn with_words_of(&self, query: &dyn Query, searcher: &Searcher) -> Result<Listed> {
        let copies = TermQuery::new(copy_term(), IndexRecordOption::Basic);
        let query = BooleanQuery::intersection(vec![query.box_clone(), Box::new(copies)]);
        let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
        let mut found: Vec<Vec<DocId>> = vec![Vec::new(); self.segments.len()];
        for (reader, (_, here)) in searcher.segment_readers().iter().zip(&self.segments) {
            if here.own.is_empty() {
                continue;
            }
            let mut scorer = weight.scorer(reader, 1.0)?;
            while scorer.doc() != TERMINATED {
                if let Some((segment, doc)) = here.words_of(scorer.doc())
                    && let Some(found) = found.get_mut(segment)
                {
                    found.push(doc);
                }
                scorer.advance();
            }
        }
        let lists = self.segments.iter().zip(found).map(|((id, _), mut docs)| {
            docs.sort_unstable();
            docs.dedup();
            (*id, Arc::from(docs))
        });
        Ok(Listed {
            beside: None,
            lists: Arc::new(lists.collect()),
        })
    }
}

impl InSegment {
    fn new(
        reader: &SegmentReader,
        own: Vec<(DocId, Option<Address>)>,
        told: Vec<Told>,
    ) -> InSegment {
        let mut by_inbox: HashMap<i64, Vec<DocId>> = HashMap::new();
        let mut documents = BitSet::with_max_value(reader.max_doc());
        for place in &told {
            documents.insert(place.doc);
            let docs = by_inbox.entry(place.inbox).or_default();
            if docs.last() != Some(&place.doc) {
                docs.push(place.doc);
            }
        }
        InSegment {
            own,
            documents: (!told.is_empty()).then_some(documents),
            told,
            by_inbox: by_inbox
                .into_iter()
                .map(|(inbox, docs)| (inbox, docs.into()))
                .collect(),
        }
    }

    /// Whether a document of the segment is a copy.
    pub(super) fn is_copy(&self, doc: DocId) -> bool {
        !self.own.is_empty()
            && self
                .own
                .binary_search_by_key(&doc, |(copy, _)| *copy)
                .is_ok()
    }

    fn words_of(&self, copy: DocId) -> Option<Address> {
        let at = self
            .own
            .binary_search_by_key(&copy, |(copy, _)| *copy)
            .ok()?;
        self.own.get(at)?.1
    }

    /// The places that a document has by copies, by inbox.
    pub(super) fn places(&self, doc: DocId) -> &[Told] {
        if !self
            .documents
            .as_ref()
            .is_some_and(|docs| docs.contains(doc))
        {
            return &[];
        }
        let from = self.told.partition_point(|place| place.doc < doc);
        let rest = self.told.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|place| place.doc == doc).count();
        rest.get(..count).unwrap_or_default()
    }
}

/// The documents of a segment that are copies, in order, those that are deleted among them.
pub(super) fn copies_in(reader: &SegmentReader) -> Result<Vec<DocId>> {
    let mut docs = Vec::new();
    let index = reader.inverted_index(FIELDS.1.exact)?;
    if let Some(mut list) = index.read_postings(&copy_term(), IndexRecordOption::Basic)? {
        while list.doc() != TERMINATED {
            docs.push(list.doc());
            list.advance();
        }
    }
    Ok(docs)
}

fn copy_term() -> Term {
    Term::from_field_text(FIELDS.1.exact, &Tag::Copy.mark().to_string())
}

/// Finds for each copy the document that has its words.
fn link(
    searcher: &Searcher,
    before: &Copies,
    own: &mut [Vec<(DocId, Option<Address>)>],
) -> Result<()> {
    let readers = searcher.segment_readers();
    let present: HashMap<SegmentId, usize> = (0..)
        .zip(readers)
        .map(|(number, reader)| (reader.segment_id(), number))
        .collect();
    // Segments never change; but they are merged, and documents are deleted.
    let still = |(segment, doc): Address| -> Option<Address> {
        let number = *present.get(&before.segments.get(segment)?.0)?;
        let alive = !readers.get(number)?.is_deleted(doc);
        alive.then_some((number, doc))
    };
    let mut sought: HashMap<i64, Option<Address>> = HashMap::new();
    let mut open: Vec<(Address, i64)> = Vec::new();
    for (number, (reader, copies)) in readers.iter().zip(own.iter_mut()).enumerate() {
        if copies.is_empty() {
            continue;
        }
        let known = before.in_segment(reader);
        let keys = reader.fast_fields().i64(column::KEY)?;
        for (copy, words) in copies {
            *words = known.words_of(*copy).and_then(still);
            if words.is_none() {
                let key = keys.first(*copy).unwrap_or_default();
                sought.insert(key, None);
                open.push(((number, *copy), key));
            }
        }
    }
    for (number, (reader, copies)) in readers.iter().zip(own.iter()).enumerate() {
        let is_copy = |doc: DocId| copies.binary_search_by_key(&doc, |(copy, _)| *copy).is_ok();
        each_with_key(
            reader,
            &sought.keys().copied().collect::<Vec<_>>(),
            |key, doc| {
                if let Some(found) = sought.get_mut(&key)
                    && !is_copy(doc)
                {
                    *found = Some((number, doc));
                }
            },
        )?;
    }
    for ((number, copy), key) in open {
        let copies = own
            .get_mut(number)
            .map(Vec::as_mut_slice)
            .unwrap_or_default();
        if let Ok(at) = copies.binary_search_by_key(&copy, |(copy, _)| *copy)
            && let Some((_, words)) = copies.get_mut(at)
        {
            *words = sought.get(&key).copied().flatten();
        }
    }
    Ok(())
}

/// Tells of documents of a segment that have one of these keys, and perhaps of others.
fn each_with_key(
    reader: &SegmentReader,
    sought: &[i64],
    mut tell: impl FnMut(i64, DocId),
) -> Result<()> {
    if sought.len() > reader.max_doc() as usize / WORTH_READING {
        let keys = reader.fast_fields().i64(column::KEY)?;
        for doc in reader.doc_ids_alive() {
            tell(keys.first(doc).unwrap_or_default(), doc);
        }
        return Ok(());
    }
    let index = reader.inverted_index(FIELDS.1.key)?;
    for key in sought {
        let term = Term::from_field_i64(FIELDS.1.key, *key);
        let Some(mut list) = index.read_postings(&term, IndexRecordOption::Basic)? else {
            continue;
        };
        while list.doc() != TERMINATED {
            if !reader.is_deleted(list.doc()) {
                tell(*key, list.doc());
            }
            list.advance();
        }
    }
    Ok(())
}

/// Documents by their numbers, and those that have a term.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    beside: Option<Term>,
    lists: Arc<HashMap<SegmentId, Arc<[DocId]>>>,
}

impl Listed {
    /// These, and those that have this term.
    pub(super) fn beside(self, term: Term) -> Listed {
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
        let listed = self.lists.get(&reader.segment_id()).map(Arc::clone);
        let mut both = Both {
            postings: postings.unwrap_or_else(SegmentPostings::empty),
            listed: listed.unwrap_or_default(),
            at: 0,
            doc: 0,
        };
        both.settle();
        Ok(Box::new(ConstScorer::new(both, boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "a place that a copy has")
    }
}

/// Goes through a list of documents and the postings of a term at once.
struct Both {
    postings: SegmentPostings,
    listed: Arc<[DocId]>,
    /// Where in the list.
    at: usize,
    doc: DocId,
}

impl Both {
    fn in_list(&self) -> DocId {
        self.listed.get(self.at).copied().unwrap_or(TERMINATED)
    }

    /// Stands where the first of the two stands.
    fn settle(&mut self) -> DocId {
        self.doc = self.postings.doc().min(self.in_list());
        self.doc
    }
}

impl DocSet for Both {
    fn advance(&mut self) -> DocId {
        if self.postings.doc() == self.doc {
            self.postings.advance();
        }
        if self.in_list() == self.doc {
            self.at += 1;
        }
        self.settle()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.postings.doc() < target {
            self.postings.seek(target);
        }
        if self.in_list() < target {
            let rest = self.listed.get(self.at..).unwrap_or_default();
            self.at += rest.partition_point(|doc| *doc < target);
        }
        self.settle()
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.postings
            .size_hint()
            .saturating_add(self.listed.len() as u32)
    }
}
