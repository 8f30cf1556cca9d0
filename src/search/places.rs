//! Where the documents of a segment are kept: one document may stand in several inboxes, each with a number and a time.

use std::sync::Arc;

use tantivy::columnar::{Cardinality, Column};
use tantivy::{DocId, SegmentReader};

use super::copies::{Copies, InSegment, Told};
use super::schema::column;
use crate::id::InboxId;

/// A column with one value for each place of a document.
pub(super) struct Places {
    inbox: Column<i64>,
    value: Column<i64>,
    /// Whether every document has exactly one, apart from those that copies tell of.
    single: bool,
    copies: Arc<InSegment>,
    of_copy: fn(&Told) -> i64,
}

impl Places {
    pub(super) fn open(
        segment: &SegmentReader,
        name: &str,
        copies: &Copies,
    ) -> tantivy::Result<Places> {
        let inbox = segment.fast_fields().i64(column::INBOX)?;
        Places::within(segment, name, inbox, copies.in_segment(segment))
    }

    /// Another value of the same places.
    pub(super) fn beside(&self, segment: &SegmentReader, name: &str) -> tantivy::Result<Places> {
        Places::within(segment, name, self.inbox.clone(), Arc::clone(&self.copies))
    }

    fn within(
        segment: &SegmentReader,
        name: &str,
        inbox: Column<i64>,
        copies: Arc<InSegment>,
    ) -> tantivy::Result<Places> {
        let value = segment.fast_fields().i64(name)?;
        Ok(Places {
            inbox,
            single: value.get_cardinality() == Cardinality::Full,
            value,
            copies,
            of_copy: match name {
                column::NUM => |place| place.num,
                _ => |place| place.received,
            },
        })
    }

    /// The value of `doc`, which is in `inbox`, at its first place there, or at all.
    pub(super) fn first(&self, doc: DocId, inbox: Option<InboxId>) -> Option<i64> {
        if let Some(inbox) = inbox {
            return match self.single && !self.copies.tells_of(doc) {
                true => self.value.first(doc),
                false => self.values(doc, Some(inbox)).next(),
            };
        }
        // Whichever copy came with the words, the eldest inbox counts.
        let own = self.inbox.first(doc);
        match self.copies.places(doc).min() {
            Some(eldest) if own.is_none_or(|own| eldest.inbox < own) => {
                Some((self.of_copy)(eldest))
            }
            _ => self.value.first(doc),
        }
    }

    /// The values at the places of `doc` in `inbox`, or at all.
    pub(super) fn values(
        &self,
        doc: DocId,
        inbox: Option<InboxId>,
    ) -> impl Iterator<Item = i64> + '_ {
        let own = self.inbox.values_for_doc(doc);
        let own = own.zip(self.value.values_for_doc(doc));
        let copies = self.copies.places(doc);
        own.chain(copies.map(|place| (place.inbox, (self.of_copy)(place))))
            .filter(move |(place, _)| inbox.is_none_or(|inbox| inbox.0 == *place))
            .map(|(_, value)| value)
    }
}
