//! Copies of messages: one that came when the words of its message were in the index already is a small document of its
//! own. So a mail that goes to ten lists is cut into words once.
//!
//! Such a document has the key of the message, one place, and its `List-Id`; no search gives it as a result. Which document
//! has the words, and which further places those have thereby, is kept in memory: some fifty bytes for each copy, nothing
//! where there are none. What is known of a segment is taken over into the next state of the index for as long as it
//! holds, so that one more mail costs what that mail costs, however many copies there are.

mod listed;
mod own;
mod told;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::query::{BooleanQuery, EnableScoring, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Opstamp, Result, Searcher, SegmentReader, TERMINATED, Term};

pub(super) use self::listed::Listed;
use self::own::Own;
pub(super) use self::told::{InSegment, Told};
use super::measure::Sum;
use super::schema::{FIELDS, Tag, column};
use crate::id::InboxId;

/// A segment is read from end to end for the keys that are sought where at least one of so many documents may have one.
const WORTH_READING: usize = 64;

/// A document, wherever it is.
type Address = (SegmentId, DocId);

/// What tells a state of the index from all others: its segments, and what is deleted of them.
type State = BTreeMap<SegmentId, Option<Opstamp>>;

/// The copies of one state of the index.
#[derive(Default)]
pub(super) struct Copies {
    state: State,
    /// Nothing where there are no copies.
    segments: HashMap<SegmentId, Arc<InSegment>>,
    /// How long the messages of an inbox are that have a place there by a copy.
    lengths: HashMap<i64, Sum>,
}

impl Copies {
    /// Those that `searcher` sees. Of what `before` knows as much is taken over as still holds.
    pub(super) fn of(searcher: &Searcher, before: &Copies) -> Result<Copies> {
        let mut copies = Copies {
            state: searcher.generation().segments().clone(),
            ..Copies::default()
        };
        let own = copies.all_of(searcher, before)?;
        if own.iter().all(|own| own.is_empty()) {
            return Ok(copies);
        }
        let mut segments: HashMap<SegmentId, InSegment> = HashMap::new();
        for (reader, own) in searcher.segment_readers().iter().zip(own) {
            for (segment, told) in own.told() {
                for (inbox, sum) in told.lengths() {
                    copies.lengths.entry(*inbox).or_default().add(*sum);
                }
                let told = Arc::clone(told);
                segments.entry(*segment).or_default().tell(told);
            }
            segments.entry(reader.segment_id()).or_default().have(own);
        }
        let segments = segments.into_iter();
        copies.segments = segments.map(|(id, here)| (id, Arc::new(here))).collect();
        Ok(copies)
    }

    /// Whether these are the ones that `searcher` sees.
    pub(super) fn are_of(&self, searcher: &Searcher) -> bool {
        self.state == *searcher.generation().segments()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// What copies have to do with a segment.
    pub(super) fn in_segment(&self, segment: &SegmentReader) -> Arc<InSegment> {
        let found = self.segments.get(&segment.segment_id());
        found.map(Arc::clone).unwrap_or_default()
    }

    /// How many messages have a place in an inbox by a copy, and how long they are.
    pub(super) fn lengths(&self, inbox: InboxId) -> Sum {
        self.lengths.get(&inbox.0).copied().unwrap_or_default()
    }

    /// The documents that have a place in one of these inboxes by a copy.
    pub(super) fn in_inboxes(&self, inboxes: &[InboxId]) -> Listed {
        let inboxes: HashSet<i64> = inboxes.iter().map(|inbox| inbox.0).collect();
        let segments = self.segments.iter();
        Listed::of(segments.map(|(id, here)| (*id, here.in_inboxes(&inboxes))))
    }

    /// The documents with the words of those copies that `query` finds.
    pub(super) fn with_words_of(&self, query: &dyn Query, searcher: &Searcher) -> Result<Listed> {
        let copies = TermQuery::new(copy_term(), IndexRecordOption::Basic);
        let query = BooleanQuery::intersection(vec![query.box_clone(), Box::new(copies)]);
        let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
        let mut found: HashMap<SegmentId, Vec<DocId>> = HashMap::new();
        for reader in searcher.segment_readers() {
            let here = self.in_segment(reader);
            if !here.has_copies() {
                continue;
            }
            let mut scorer = weight.scorer(reader, 1.0)?;
            while scorer.doc() != TERMINATED {
                if let Some((segment, doc)) = here.words_of(scorer.doc()) {
                    found.entry(segment).or_default().push(doc);
                }
                scorer.advance();
            }
        }
        let lists = found.into_iter().map(|(segment, mut docs)| {
            docs.sort_unstable();
            docs.dedup();
            (segment, vec![Arc::from(docs)])
        });
        Ok(Listed::of(lists))
    }

    /// The copies of each segment of `searcher`, in its order.
    fn all_of(&self, searcher: &Searcher, before: &Copies) -> Result<Vec<Arc<Own>>> {
        let readers = searcher.segment_readers();
        let present: HashMap<SegmentId, &SegmentReader> = readers
            .iter()
            .map(|reader| (reader.segment_id(), reader))
            .collect();
        let is_same = |segment: &SegmentId| {
            let now = self.state.get(segment);
            now.is_some() && now == before.state.get(segment)
        };
        let has_new = readers
            .iter()
            .any(|reader| !before.state.contains_key(&reader.segment_id()));
        let is_alive = |(segment, doc): Address| {
            let reader = present.get(&segment);
            reader.is_some_and(|reader| !reader.is_deleted(doc))
        };
        let mut all = Vec::with_capacity(readers.len());
        let mut linked = Vec::new();
        for reader in readers {
            let known = before.in_segment(reader);
            let known = known.own();
            if is_same(&reader.segment_id()) || known.is_some() {
                let known = known.map(Arc::clone).unwrap_or_default();
                if known.holds(is_same, is_alive, has_new) {
                    all.push(Some(known));
                    continue;
                }
            }
            let words = |copy: DocId| known?.words_of(copy).filter(|words| is_alive(*words));
            let copies = copies_in(reader)?.into_iter();
            let alive = copies.filter(|doc| !reader.is_deleted(*doc));
            linked.push((reader, alive.map(|copy| (copy, words(copy))).collect()));
            all.push(None);
        }
        link(readers, &mut linked)?;
        let mut linked = linked.into_iter();
        for own in all.iter_mut().filter(|own| own.is_none()) {
            if let Some((reader, links)) = linked.next() {
                *own = Some(Arc::new(Own::of(reader, links, &present)?));
            }
        }
        Ok(all.into_iter().map(Option::unwrap_or_default).collect())
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

/// The copies of a segment, and where the words of each are.
type Links<'a> = (&'a SegmentReader, Vec<(DocId, Option<Address>)>);

/// Finds for each copy of which that is not known the document that has its words.
fn link(readers: &[SegmentReader], linked: &mut [Links<'_>]) -> Result<()> {
    let mut sought: HashMap<i64, Option<Address>> = HashMap::new();
    for (reader, links) in linked.iter().filter(|(_, links)| !links.is_empty()) {
        let keys = reader.fast_fields().i64(column::KEY)?;
        let open = links.iter().filter(|(_, words)| words.is_none());
        sought.extend(open.filter_map(|(copy, _)| Some((keys.first(*copy)?, None))));
    }
    if sought.is_empty() {
        return Ok(());
    }
    let keys: Vec<i64> = sought.keys().copied().collect();
    for reader in readers {
        let copies = copies_in(reader)?;
        each_with_key(reader, &keys, |key, doc| {
            if let Some(found) = sought.get_mut(&key)
                && copies.binary_search(&doc).is_err()
            {
                *found = Some((reader.segment_id(), doc));
            }
        })?;
    }
    for (reader, links) in linked.iter_mut().filter(|(_, links)| !links.is_empty()) {
        let keys = reader.fast_fields().i64(column::KEY)?;
        for (copy, words) in links.iter_mut().filter(|(_, words)| words.is_none()) {
            let found = keys.first(*copy).and_then(|key| sought.get(&key));
            *words = found.copied().flatten();
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
