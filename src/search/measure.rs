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

/// The segments, by their order, in which something may be found; `None`: all of them. A site has many lists, and most were indexed one after the
/// other: what one of them asks for costs little more than it would alone.
pub(super) struct Reach(Option<Vec<bool>>);

impl Reach {
    pub(super) fn has(&self, segment: usize) -> bool {
        let having = self.0.as_ref();
        having.and_then(|having| having.get(segment)) != Some(&false)
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
    /// What words are weighed against in an inbox, or in the whole site, and where there is mail of it.
    pub(super) fn look(
        &self,
        searcher: &Searcher,
        inbox: Option<InboxId>,
        copies: &Copies,
    ) -> Result<(Measure, Reach)> {
        let counted = self.all(searcher)?;
        let mut site = Sum::default();
        counted.iter().for_each(|counted| site.add(counted.whole));
        let measure = |sum: Sum| Measure {
            mails: site.mails,
            usual_length: sum.words as f32 / sum.mails.max(1) as f32,
        };
        let Some(inbox) = inbox else {
            return Ok((measure(site), Reach(None)));
        };
        let by_copies = copies.lengths(inbox);
        let mut here = by_copies;
        let mut having = Vec::with_capacity(counted.len());
        for counted in &counted {
            let own = counted.by_inbox.get(&inbox.0);
            having.push(own.is_some());
            here.add(own.copied().unwrap_or_default());
        }
        // The words of a copy are wherever its message is.
        let reach = Reach((by_copies.mails == 0).then_some(having));
        Ok((measure(here), reach))
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
