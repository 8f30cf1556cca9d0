//! Figures of the running process: counted where things happen, without locks, and shown in Prometheus's text format.

mod kinds;
mod text;

pub use kinds::{BOUNDS, Counter, Gauge, Histogram};
pub use text::{Kind, Text};

/// Lines of the log that say that somebody should get up.
pub static LOGGED_ERRORS: Counter = Counter::new();
/// Lines of the log that say that something is not as it should be.
pub static LOGGED_WARNINGS: Counter = Counter::new();
/// Changes (a mail that comes, a mail that goes) that were indexed.
pub static INDEXED: Counter = Counter::new();
/// Times that an inbox could not be indexed.
pub static INDEX_FAILURES: Counter = Counter::new();
