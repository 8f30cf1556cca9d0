//! The columns that searches read, opened: to open one takes as long as to read it for a hundred mails. A segment never
//! changes, so each is opened once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::{Result, Searcher, SegmentReader};

use super::schema::column;

/// What is known of each document of a segment.
pub(super) struct Columns {
    pub(super) key: Column<i64>,
    /// Of each of its places.
    pub(super) inbox: Column<i64>,
    pub(super) num: Column<i64>,
    pub(super) received: Column<i64>,
    /// In words.
    pub(super) length: Column<u64>,
}

impl Columns {
    fn open(segment: &SegmentReader) -> Result<Columns> {
        let columns = segment.fast_fields();
        Ok(Columns {
            key: columns.i64(column::KEY)?,
            inbox: columns.i64(column::INBOX)?,
            num: columns.i64(column::NUM)?,
            received: columns.i64(column::RECEIVED)?,
            length: columns.u64(column::LENGTH)?,
        })
    }
}

/// The columns of the segments that were searched.
#[derive(Default)]
pub(super) struct Opened(Mutex<HashMap<SegmentId, Arc<Columns>>>);

impl Opened {
    /// Those of a segment.
    pub(super) fn of(&self, segment: &SegmentReader) -> Result<Arc<Columns>> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(columns) = opened.get(&segment.segment_id()) {
            return Ok(Arc::clone(columns));
        }
        let columns = Arc::new(Columns::open(segment)?);
        opened.insert(segment.segment_id(), Arc::clone(&columns));
        Ok(columns)
    }

    /// Closes those of segments that are not there any more.
    pub(super) fn keep(&self, searcher: &Searcher) {
        let present = searcher.generation().segments();
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|segment, _| present.contains_key(segment));
    }
}
