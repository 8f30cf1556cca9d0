//! Finished pages, compressed and with their headers, in a bounded part of the memory.
//!
//! A page is good as long as the mail it was made of: it is kept with the state of its inbox (or of all of them), and
//! taken only while that is still the state. So it can never be stale, and nobody has to clear anything.
//!
//! A page is kept when it is asked for the second time: who reads the whole archive once, as crawlers do, neither
//! fills the memory nor drives out what people read.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use axum::http::HeaderMap;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::compress::Coding;
use super::figures;
use super::freshness::Validators;

/// What a page is found by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The path as it was asked for, and the query where it matters.
    pub(super) target: Box<str>,
    /// In which coding it was wanted.
    pub(super) coding: Coding,
}

/// A finished page.
pub(super) struct Kept {
    /// The state of the mail that it was made of.
    pub(super) state: u64,
    /// All its headers.
    pub(super) headers: HeaderMap,
    /// By what copies of it are recognised.
    pub(super) validators: Validators,
    /// Its bytes, as they are sent.
    pub(super) body: Bytes,
}

/// Finished pages, up to so many bytes of them.
pub(super) struct Pages {
    purges: AtomicU64,
    cache: Option<Cache<Key, Arc<Kept>, Weigh>>,
    largest: usize,
    /// What was asked for lately: a mark of each page, in a place that depends on the page.
    asked: Box<[AtomicU32]>,
    hasher: RandomState,
}

/// How many pages are remembered to have been asked for once, in 4 bytes each.
const REMEMBERED: usize = 1 << 16;

/// Targets longer than this are not worth their keys: nobody asks for them twice.
const LONGEST_TARGET: usize = 1024;

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Arc<Kept>> for Weigh {
    fn weight(&self, key: &Key, kept: &Arc<Kept>) -> u64 {
        // The headers and the nodes are about a kilobyte.
        (key.target.len() + kept.body.len() + 1024) as u64
    }
}

impl Pages {
    /// Room for so many bytes; 0 keeps nothing.
    pub(super) fn new(bytes: usize) -> Pages {
        let cache =
            (bytes > 0).then(|| Cache::with_weighter((bytes / 8192).max(16), bytes as u64, Weigh));
        Pages {
            purges: AtomicU64::new(0),
            cache,
            largest: bytes / 8,
            asked: (0..REMEMBERED).map(|_| AtomicU32::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Whether the page was asked for before, as far as that is remembered; it is from now on. So only a page that
    /// somebody wants again is worth its room.
    pub(super) fn is_wanted_again(&self, key: &Key) -> bool {
        let hash = self.hasher.hash_one(key);
        // The lower half says where, the upper half what.
        let (place, mark) = (hash as usize % REMEMBERED, (hash >> 32) as u32 | 1);
        let place = self.asked.get(place);
        place.is_some_and(|place| place.swap(mark, Ordering::Relaxed) == mark)
    }

    /// Those that may be kept when so much was purged: none of before the last purge. They could not be found any more,
    /// but would stay in memory for as long as there is room.
    pub(super) fn since(&self, purges: u64) -> &Pages {
        if self.purges.swap(purges, Ordering::Relaxed) != purges
            && let Some(cache) = &self.cache
        {
            cache.clear();
        }
        self
    }

    /// The page, if there is one that was made in this state.
    pub(super) fn find(&self, key: &Key, state: u64) -> Option<Arc<Kept>> {
        let kept = self.cache.as_ref()?.get(key);
        let good = kept.filter(|kept| kept.state == state);
        match good {
            Some(_) => figures::CACHE_HITS.up(),
            None => figures::CACHE_MISSES.up(),
        }
        good
    }

    /// How many there are, and what they take in bytes.
    pub(super) fn size(&self) -> (usize, u64) {
        let cache = self.cache.as_ref();
        cache.map_or((0, 0), |cache| (cache.len(), cache.weight()))
    }

    /// Keeps a page, unless it is too large a part of what there is room for.
    pub(super) fn keep(&self, key: Key, kept: Arc<Kept>) {
        if let Some(cache) = &self.cache
            && kept.body.len() <= self.largest
            && key.target.len() <= LONGEST_TARGET
        {
            cache.insert(key, kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::http::HeaderMap;
    use bytes::Bytes;

    use super::{Kept, Key, Pages};
    use crate::web::compress::Coding;
    use crate::web::freshness::Validators;

    fn key(target: &str) -> Key {
        Key {
            target: target.into(),
            coding: Coding::Identity,
        }
    }

    fn page(state: u64, size: usize) -> Arc<Kept> {
        Arc::new(Kept {
            state,
            headers: HeaderMap::new(),
            validators: Validators::default(),
            body: Bytes::from(vec![b'x'; size]),
        })
    }

    #[test]
    fn a_page_of_another_state_is_not_taken() {
        let pages = Pages::new(1 << 20);
        pages.keep(key("/a/"), page(1, 10));
        assert!(pages.find(&key("/a/"), 1).is_some());
        assert!(pages.find(&key("/a/"), 2).is_none());
        let gzip = Key {
            target: "/a/".into(),
            coding: Coding::Gzip,
        };
        assert!(pages.find(&gzip, 1).is_none());
    }

    #[test]
    fn a_page_is_wanted_again_the_second_time_it_is_asked_for() {
        let pages = Pages::new(1 << 20);
        assert!(!pages.is_wanted_again(&key("/a/")));
        assert!(pages.is_wanted_again(&key("/a/")));
        let others = (0..1000).filter(|n| pages.is_wanted_again(&key(&format!("/{n}/"))));
        assert_eq!(others.count(), 0);
    }

    #[test]
    fn memory_stays_bounded() {
        let pages = Pages::new(1 << 20);
        for n in 0..1000 {
            pages.keep(key(&format!("/{n}/")), page(1, 10_000));
        }
        let kept = (0..1000).filter(|n| pages.find(&key(&format!("/{n}/")), 1).is_some());
        assert!(kept.count() < 100);
        pages.keep(key("/large/"), page(1, 200_000));
        assert!(pages.find(&key("/large/"), 1).is_none());
    }

    #[test]
    fn no_room_keeps_nothing() {
        let pages = Pages::new(0);
        pages.keep(key("/a/"), page(1, 10));
        assert!(pages.find(&key("/a/"), 1).is_none());
    }
}
