//! Where the documents of a segment are kept: one document may stand in several inboxes, each with a number and a time.

use std::sync::Arc;

use tantivy::DocId;
use tantivy::columnar::{Cardinality, Column};

use super::columns::Columns;
use super::copies::{InSegment, Told};
use crate::id::InboxId;

/// What a place has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// The number of the article there.
    Num,
    /// When it came there.
    Received,
}

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
    pub(super) fn of(columns: &Columns, value: Value, copies: Arc<InSegment>) -> Places {
        let (column, of_copy): (_, fn(&Told) -> i64) = match value {
            Value::Num => (&columns.num, |place| place.num),
            Value::Received => (&columns.received, |place| place.received),
        };
        Places {
            inbox: columns.inbox.clone(),
            value: column.clone(),
            single: column.get_cardinality() == Cardinality::Full,
            copies,
            of_copy,
        }
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
