//! The copies among the documents of one segment.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::{DocId, Result, SegmentReader};

use super::Address;
use super::told::{Docs, PlacesTold, Told};
use crate::search::schema::column;

/// In the place of a segment's number: the words are nowhere to be found.
const NOWHERE: u32 = u32::MAX;

/// The copies among the documents of one segment, and what they tell. Never changes.
#[derive(Default)]
pub(super) struct Own {
    segment: Option<SegmentId>,
    copies: Docs,
    /// For each of them, in order, where its words are: which of `told`, and the document there.
    words: Vec<(u32, DocId)>,
    /// The segments that have words of theirs, and which places those have thereby.
    told: Vec<(SegmentId, Arc<PlacesTold>)>,
    /// Whether the words of some are nowhere.
    is_lacking: bool,
}

impl Own {
    /// Those of a segment, with the documents that have their words. `readers` has all segments.
    pub(super) fn of(
        reader: &SegmentReader,
        links: Vec<(DocId, Option<Address>)>,
        readers: &HashMap<SegmentId, &SegmentReader>,
    ) -> Result<Own> {
        let segment = Some(reader.segment_id());
        if links.is_empty() {
            return Ok(Own {
                segment,
                ..Own::default()
            });
        }
        let columns = reader.fast_fields();
        let (inbox, num, received) = (
            columns.i64(column::INBOX)?,
            columns.i64(column::NUM)?,
            columns.i64(column::RECEIVED)?,
        );
        let mut places: Vec<(SegmentId, Vec<Told>)> = Vec::new();
        let mut words = Vec::with_capacity(links.len());
        for (copy, link) in &links {
            let Some((segment, doc)) = *link else {
                words.push((NOWHERE, 0));
                continue;
            };
            let known = places.iter().position(|(other, _)| *other == segment);
            let number = known.unwrap_or(places.len());
            if known.is_none() {
                places.push((segment, Vec::new()));
            }
            words.push((u32::try_from(number).unwrap_or(NOWHERE), doc));
            if let Some((_, told)) = places.get_mut(number) {
                told.push(Told {
                    doc,
                    inbox: inbox.first(*copy).unwrap_or_default(),
                    num: num.first(*copy).unwrap_or_default(),
                    received: received.first(*copy).unwrap_or_default(),
                });
            }
        }
        let mut told = Vec::with_capacity(places.len());
        for (segment, places) in places {
            if let Some(reader) = readers.get(&segment) {
                told.push((segment, Arc::new(PlacesTold::of(reader, places)?)));
            }
        }
        let is_lacking = links.iter().any(|(_, words)| words.is_none());
        let copies = links.into_iter().map(|(copy, _)| copy).collect();
        Ok(Own {
            segment,
            is_lacking,
            copies: Docs::of(copies, reader.max_doc()),
            words,
            told,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn contains(&self, doc: DocId) -> bool {
        self.copies.contains(doc)
    }

    /// Where the words of a copy are.
    pub(super) fn words_of(&self, copy: DocId) -> Option<Address> {
        let (number, doc) = *self.words.get(self.copies.position(copy)?)?;
        let (segment, _) = self.told.get(number as usize)?;
        Some((*segment, doc))
    }

    /// Which places the documents of other segments, or of this one, have by them.
    pub(super) fn told(&self) -> &[(SegmentId, Arc<PlacesTold>)] {
        &self.told
    }

    /// Whether all of it is still true: nothing of it was deleted or merged since, and if there is something new, then
    /// none of the copies waits for its words.
    pub(super) fn holds(
        &self,
        is_same: impl Fn(&SegmentId) -> bool,
        is_alive: impl Fn(Address) -> bool,
        has_new: bool,
    ) -> bool {
        let Some(segment) = self.segment else {
            return true;
        };
        if self.is_lacking && has_new {
            return false;
        }
        let copies = self.copies.all();
        if !is_same(&segment) && !copies.iter().all(|copy| is_alive((segment, *copy))) {
            return false;
        }
        (0..).zip(&self.told).all(|(number, (segment, _))| {
            let mut there = self.words.iter().filter(|(which, _)| *which == number);
            is_same(segment) || there.all(|(_, doc)| is_alive((*segment, *doc)))
        })
    }
}
