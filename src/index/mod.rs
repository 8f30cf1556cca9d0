//! The left stairs: makes the catalogue catch up with git.
//!
//! A batch is in the catalogue whole, with the commit that it ends at, or not at all; so whenever the program is
//! killed, the next run goes on where the last whole batch ended.

mod catch_up;
mod pipeline;
mod reconcile;
mod report;

pub use catch_up::{Indexer, Options};
pub use report::{Progress, Report, Silent};
