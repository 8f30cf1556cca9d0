//! Token buckets: how often a network may ask for what is dear. Off unless the operator says a rate.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::client::Network;

/// So many networks are remembered; beyond that the fullest buckets, those of whoever asks least, are forgotten.
const NETWORKS: usize = 50_000;

/// The buckets of one class. A bucket holds what may be asked for in one minute, and fills up in one.
pub(super) struct Buckets {
    per_minute: f64,
    levels: Mutex<HashMap<Network, Level>>,
}

#[derive(Clone, Copy)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl Buckets {
    /// Buckets that fill at this rate.
    pub(super) fn new(per_minute: u32) -> Buckets {
        Buckets {
            per_minute: f64::from(per_minute),
            levels: Mutex::default(),
        }
    }

    /// Takes a token out of the bucket of a network, if there is one in it at that time.
    pub(super) fn take(&self, from: Network, now: Instant) -> bool {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= NETWORKS && !levels.contains_key(&from) {
            self.forget(&mut levels, now);
        }
        let level = levels.entry(from).or_insert(Level {
            tokens: self.per_minute,
            at: now,
        });
        level.tokens = self.filled(level, now);
        level.at = now;
        let has = level.tokens >= 1.0;
        if has {
            level.tokens -= 1.0;
        }
        has
    }

    fn filled(&self, level: &Level, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(level.at).as_secs_f64();
        (level.tokens + passed * self.per_minute / 60.0).min(self.per_minute)
    }

    /// Forgets the fuller half, so that this is seldom done.
    fn forget(&self, levels: &mut HashMap<Network, Level>, now: Instant) {
        let mut tokens: Vec<f64> = levels
            .values()
            .map(|level| self.filled(level, now))
            .collect();
        let middle = tokens.len() / 2;
        let (_, median, _) = tokens.select_nth_unstable_by(middle, f64::total_cmp);
        let median = *median;
        levels.retain(|_, level| self.filled(level, now) < median);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Buckets, NETWORKS};
    use crate::web::client::Network;

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let buckets = Buckets::new(3);
        let (one, other) = (Network::V4([192, 0, 2]), Network::V4([198, 51, 100]));
        let start = Instant::now();
        let taken = |network, seconds| buckets.take(network, start + Duration::from_secs(seconds));
        assert_eq!(
            [taken(one, 0), taken(one, 0), taken(one, 0), taken(one, 0)],
            [true, true, true, false]
        );
        assert!(taken(other, 0), "each network has its own");
        assert!(!taken(one, 19) && taken(one, 25) && !taken(one, 26));
        assert_eq!(
            (0..9).filter(|_| taken(one, 4000)).count(),
            3,
            "it never holds more"
        );
    }

    #[test]
    fn memory_stays_bounded() {
        let buckets = Buckets::new(2);
        let now = Instant::now();
        let greedy = Network::Local;
        assert!(buckets.take(greedy, now) && buckets.take(greedy, now));
        for n in 0..NETWORKS as u32 * 3 {
            let [_, a, b, c] = n.to_be_bytes();
            buckets.take(Network::V4([a, b, c]), now);
        }
        assert!(buckets.levels.lock().unwrap().len() <= NETWORKS);
        assert!(
            !buckets.take(greedy, now),
            "who has asked most is remembered"
        );
    }
}
