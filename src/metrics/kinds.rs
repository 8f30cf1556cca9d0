//! Numbers that many threads count at once.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// At 0.
    #[expect(clippy::new_without_default, reason = "they are made in statics")]
    pub const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// One more.
    pub fn up(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// How many it is now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that grows and shrinks.
#[derive(Debug)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// At 0.
    #[expect(clippy::new_without_default, reason = "they are made in statics")]
    pub const fn new() -> Gauge {
        Gauge(AtomicI64::new(0))
    }

    /// One more, for as long as what is returned lives.
    pub fn hold(&'static self) -> impl Drop + Send + Sync {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(self)
    }

    /// What it is now.
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Held(&'static Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The upper bounds of a histogram's buckets, in seconds; one without a bound follows.
pub const BOUNDS: [f64; 14] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// How often something took how long.
#[derive(Debug)]
pub struct Histogram {
    /// Those that fit the bound of the same place, and not the one before; then the rest.
    buckets: [Counter; BOUNDS.len() + 1],
    micros: Counter,
}

impl Histogram {
    /// Empty.
    #[expect(clippy::new_without_default, reason = "they are made in statics")]
    pub const fn new() -> Histogram {
        Histogram {
            buckets: [const { Counter::new() }; BOUNDS.len() + 1],
            micros: Counter::new(),
        }
    }

    /// It took so long once more.
    pub fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.up();
        }
        self.micros
            .add(u64::try_from(took.as_micros()).unwrap_or(0));
    }

    /// How many took at most as long as each of the [`BOUNDS`], and how many there are in all.
    pub(super) fn at_most(&self) -> [u64; BOUNDS.len() + 1] {
        let mut sum = 0;
        std::array::from_fn(|n| {
            sum += self.buckets.get(n).map_or(0, Counter::value);
            sum
        })
    }

    /// How long it took in all, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.micros.value() as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BOUNDS, Gauge, Histogram};

    #[test]
    fn a_histogram_counts_what_fits_its_bounds() {
        let histogram = Histogram::new();
        for millis in [1, 2, 3, 700, 60_000] {
            histogram.note(Duration::from_millis(millis));
        }
        let counts = histogram.at_most();
        let at = |bound: f64| counts[BOUNDS.iter().position(|b| *b == bound).unwrap()];
        assert_eq!((at(0.001), at(0.002), at(0.005)), (1, 2, 3));
        assert_eq!((at(0.5), at(1.0), at(30.0), counts[14]), (3, 4, 4, 5));
        assert!((histogram.seconds() - 60.706).abs() < 1e-9);
    }

    #[test]
    fn a_gauge_is_held_as_long_as_it_lasts() {
        static GAUGE: Gauge = Gauge::new();
        let held = GAUGE.hold();
        assert_eq!(GAUGE.value(), 1);
        drop(held);
        assert_eq!(GAUGE.value(), 0);
    }
}
