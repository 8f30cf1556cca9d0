//! Threads that were arranged a moment ago: the pages of one thread's messages all need the same tree.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Thread;
use crate::id::{InboxId, MidKey, ThreadId};

/// How many articles they may have together; one weighs up to half a kilobyte.
const ROOM: usize = 20_000;
/// How many articles a thread has, roughly.
const USUAL: usize = 10;

/// What an arranged thread is found by: an inbox shows the same tree for all messages of a thread, unless they stand
/// under different subjects or, as happens, under different roots ([`Thread::begins_with`] tells).
pub(super) type Key = (InboxId, ThreadId, Option<i64>);

/// Threads in memory. Each is good for the state of its inbox in which it was made.
pub(super) struct Threads(Cache<Key, (u64, Arc<Thread>), Weigh>);

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, (u64, Arc<Thread>)> for Weigh {
    fn weight(&self, _: &Key, (_, thread): &(u64, Arc<Thread>)) -> u64 {
        thread.lines.len().max(1) as u64
    }
}

impl Threads {
    /// None yet.
    pub(super) fn new() -> Threads {
        Threads(Cache::with_weighter(ROOM / USUAL, ROOM as u64, Weigh))
    }

    /// The thread as the page of the message `about` shows it, if that was made in this state.
    pub(super) fn find(&self, key: &Key, state: u64, about: MidKey) -> Option<Arc<Thread>> {
        let (then, thread) = self.0.get(key)?;
        (then == state && thread.begins_with(about)).then_some(thread)
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        self.0.clear();
    }

    /// Keeps a thread. `state` was read before the catalogue was, so that it may only look too old.
    pub(super) fn keep(&self, key: Key, state: u64, thread: Arc<Thread>) {
        self.0.insert(key, (state, thread));
    }
}
