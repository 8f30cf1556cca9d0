//! What words are weighed against: how many mails there are, and how long they are on average in an inbox.
//!
//! A list of patches has longer mails than one of talk, so each inbox has its own average; a search of the site has that
//! of all. A segment never changes, so each is counted once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::index::SegmentId;
use tantivy::{Searcher, SegmentReader};

use super::copies::{Copies, copies_in};
use super::schema::column;
use crate::error::Result;
use crate::id::InboxId;

/// All mail, as what a word is weighed against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// How many mails the site has.
    pub(super) mails: u64,
    /// How long mails are on average where is searched, in words.
    pub(super) usual_length: f32,
}

/// The segments, by their order, in which something may be found. A site has many lists, and most were indexed one after the
/// other: what one of them asks for costs little more than it would alone.
pub(super) struct Reach(Option<Vec<bool>>);

impl Reach {
    pub(super) fn has(&self, segment: usize) -> bool {
        let Reach(having) = self;
        having
            .as_ref()
            .is_none_or(|having| having.get(segment).is_none_or(|has| *has))
    }
}

/// The lengths of mails in the segments that were read last.
#[derive(Default)]
pub(super) struct Lengths(Mutex<HashMap<SegmentId, Arc<Counted>>>);

/// The mails of one segment.
#[derive(Default)]
struct Counted {
    whole: Sum,
    by_inbox: HashMap<i64, Sum>,
}

/// How many mails, and how many words they have.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) mails: u64,
    pub(super) words: u64,
}

impl Sum {
    pub(super) fn add(&mut self, other: Sum) {
        self.mails += other.mails;
        self.words += other.words;
    }
}

impl Lengths {
    pub(super) fn measure(
        &self,
        searcher: &Searcher,
        inbox: Option<InboxId>,
        copies: &Copies,
    ) -> Result<Measure> {
        let mut site = Sum::default();
        let mut here = inbox.map_or_else(Sum::default, |inbox| copies.lengths(inbox));
        for counted in self.all(searcher)? {
            site.add(counted.whole);
            here.add(match inbox {
                Some(inbox) => counted.by_inbox.get(&inbox.0).copied().unwrap_or_default(),
                None => counted.whole,
            });
        }
        Ok(Measure {
            mails: site.mails,
            usual_length: here.words as f32 / here.mails.max(1) as f32,
        })
    }

    /// In which segments that inbox has mail; in all, where none is named.
    pub(super) fn reach(
        &self,
        searcher: &Searcher,
        inbox: Option<InboxId>,
        copies: &Copies,
    ) -> Result<Reach> {
        // The words of a copy are wherever its message is.
        let Some(inbox) = inbox.filter(|inbox| copies.lengths(*inbox).mails == 0) else {
            return Ok(Reach(None));
        };
        let counted = self.all(searcher)?;
        let having = counted
            .iter()
            .map(|counted| counted.by_inbox.contains_key(&inbox.0));
        Ok(Reach(Some(having.collect())))
    }

    fn all(&self, searcher: &Searcher) -> Result<Vec<Arc<Counted>>> {
        let segments = searcher.segment_readers();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| segments.iter().any(|segment| segment.segment_id() == *id));
        let mut all = Vec::with_capacity(segments.len());
        for segment in segments {
            let id = segment.segment_id();
            let counted = match known.get(&id) {
                Some(counted) => Arc::clone(counted),
                None => Arc::new(count(segment)?),
            };
            known.insert(id, Arc::clone(&counted));
            all.push(counted);
        }
        Ok(all)
    }
}

fn count(segment: &SegmentReader) -> tantivy::Result<Counted> {
    let lengths = segment.fast_fields().u64(column::LENGTH)?;
    let inboxes = segment.fast_fields().i64(column::INBOX)?;
    let mut counted = Counted::default();
    let mut passed_over = copies_in(segment)?.into_iter().peekable();
    for doc in 0..segment.max_doc() {
        if passed_over.next_if_eq(&doc).is_some() {
            continue;
        }
        let words = lengths.first(doc).unwrap_or(0);
        let sum = Sum { mails: 1, words };
        counted.whole.add(sum);
        for inbox in inboxes.values_for_doc(doc) {
            counted.by_inbox.entry(inbox).or_default().add(sum);
        }
    }
    Ok(counted)
}
