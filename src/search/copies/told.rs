//! What copies tell of the documents that have their words.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tantivy::{BitSet, DocId, Result, SegmentReader};

use super::Address;
use super::own::Own;
use crate::search::measure::Sum;
use crate::search::schema::column;

/// Where at least one document of so many is meant, each has a bit.
const WORTH_A_BIT: usize = 64;

/// A place that a document has by a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::search) struct Told {
    pub(super) doc: DocId,
    pub(in crate::search) inbox: i64,
    pub(in crate::search) num: i64,
    pub(in crate::search) received: i64,
}

/// What copies have to do with one segment.
#[derive(Default)]
pub(in crate::search) struct InSegment {
    /// The copies among its documents.
    own: Option<Arc<Own>>,
    /// What its documents with words are told, by each segment that has copies of theirs.
    told: Vec<Arc<PlacesTold>>,
}

impl InSegment {
    pub(super) fn have(&mut self, own: Arc<Own>) {
        self.own = Some(own);
    }

    pub(super) fn tell(&mut self, told: Arc<PlacesTold>) {
        self.told.push(told);
    }

    pub(super) fn own(&self) -> Option<&Arc<Own>> {
        self.own.as_ref()
    }

    pub(super) fn has_copies(&self) -> bool {
        self.own.as_ref().is_some_and(|own| !own.is_empty())
    }

    /// Whether a document of the segment is a copy.
    pub(in crate::search) fn is_copy(&self, doc: DocId) -> bool {
        self.own.as_ref().is_some_and(|own| own.contains(doc))
    }

    pub(super) fn words_of(&self, copy: DocId) -> Option<Address> {
        self.own.as_ref()?.words_of(copy)
    }

    /// Whether a document has places by copies.
    pub(in crate::search) fn tells_of(&self, doc: DocId) -> bool {
        let mut told = self.told.iter();
        told.any(|told| told.documents.contains(doc))
    }

    /// The places that a document has by copies.
    pub(in crate::search) fn places(&self, doc: DocId) -> impl Iterator<Item = &Told> {
        self.told.iter().flat_map(move |told| told.of_document(doc))
    }

    /// Its documents that have a place in one of these inboxes by a copy; some perhaps in more than one of the lists.
    pub(super) fn in_inboxes(&self, inboxes: &HashSet<i64>) -> Vec<Arc<[DocId]>> {
        let lists = self.told.iter().flat_map(|told| told.in_inboxes(inboxes));
        lists.collect()
    }
}

/// The places that documents of one segment have by the copies of one segment.
pub(super) struct PlacesTold {
    /// In order.
    places: Vec<Told>,
    documents: Docs,
    by_inbox: HashMap<i64, (Sum, Arc<[DocId]>)>,
}

impl PlacesTold {
    pub(super) fn of(reader: &SegmentReader, mut places: Vec<Told>) -> Result<PlacesTold> {
        places.sort_unstable();
        places.dedup();
        let length = reader.fast_fields().u64(column::LENGTH)?;
        let mut by_inbox: HashMap<i64, (Sum, Vec<DocId>)> = HashMap::new();
        for place in &places {
            let words = length.first(place.doc).unwrap_or_default();
            let (sum, docs) = by_inbox.entry(place.inbox).or_default();
            sum.add(Sum { mails: 1, words });
            if docs.last() != Some(&place.doc) {
                docs.push(place.doc);
            }
        }
        let mut documents: Vec<DocId> = places.iter().map(|place| place.doc).collect();
        documents.dedup();
        let by_inbox = by_inbox.into_iter();
        Ok(PlacesTold {
            places,
            documents: Docs::of(documents, reader.max_doc()),
            by_inbox: by_inbox
                .map(|(inbox, (sum, docs))| (inbox, (sum, docs.into())))
                .collect(),
        })
    }

    /// By inbox, how many messages have a place there, and how long they are.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (&i64, &Sum)> {
        self.by_inbox.iter().map(|(inbox, (sum, _))| (inbox, sum))
    }

    fn of_document(&self, doc: DocId) -> &[Told] {
        if !self.documents.contains(doc) {
            return &[];
        }
        let from = self.places.partition_point(|place| place.doc < doc);
        let rest = self.places.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|place| place.doc == doc).count();
        rest.get(..count).unwrap_or_default()
    }

    fn in_inboxes(&self, inboxes: &HashSet<i64>) -> Vec<Arc<[DocId]>> {
        let known = self.by_inbox.iter();
        let asked = known.filter(|(inbox, _)| inboxes.contains(inbox));
        let lists: Vec<&Arc<[DocId]>> = asked.map(|(_, (_, docs))| docs).collect();
        match lists.as_slice() {
            [] => Vec::new(),
            [list] => vec![Arc::clone(list)],
            _ if lists.len() == self.by_inbox.len() => vec![self.documents.all()],
            _ => {
                let places = self.places.iter();
                let there = places.filter(|place| inboxes.contains(&place.inbox));
                let mut docs: Vec<DocId> = there.map(|place| place.doc).collect();
                docs.dedup();
                vec![docs.into()]
            }
        }
    }
}

/// Some documents of a segment.
#[derive(Default)]
pub(super) struct Docs {
    /// In order.
    all: Arc<[DocId]>,
    /// The same again, where they are many: asked for every document that a search meets.
    bits: Option<BitSet>,
}

impl Docs {
    /// These, which are in order and below `max`.
    pub(super) fn of(all: Vec<DocId>, max: DocId) -> Docs {
        let are_many = all.len() > max as usize / WORTH_A_BIT;
        let bits = are_many.then(|| {
            let mut bits = BitSet::with_max_value(max);
            for doc in &all {
                bits.insert(*doc);
            }
            bits
        });
        Docs {
            all: all.into(),
            bits,
        }
    }

    pub(super) fn all(&self) -> Arc<[DocId]> {
        Arc::clone(&self.all)
    }

    pub(super) fn contains(&self, doc: DocId) -> bool {
        match &self.bits {
            Some(bits) => bits.contains(doc),
            None => !self.all.is_empty() && self.position(doc).is_some(),
        }
    }

    /// Which of them it is.
    pub(super) fn position(&self, doc: DocId) -> Option<usize> {
        self.all.binary_search(&doc).ok()
    }
}
