//! The left stairs: makes the catalogue catch up with git.
//!
//! A batch is in the catalogue whole, with the commit that it ends at, or not at all; so whenever the program is
//! killed, the next run goes on where the last whole batch ended. The full-text index is committed just before it; what
//! it has too much after a kill is replaced when the batch comes again.

mod batch;
mod catch_up;
mod findings;
mod fsck;
mod fsck_words;
mod graves;
mod history;
mod numbers;
mod pipeline;
mod reconcile;
mod repair;
mod report;
mod words;

pub use catch_up::{Indexer, Options};
pub use findings::{Difference, Findings, Keep, Wanted};
pub use fsck::fsck;
pub use repair::discard;
pub use report::{Progress, Report, Silent};
