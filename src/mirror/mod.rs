//! Mirrors: copies of inboxes that others publish, made and kept up to date by HTTP and git.
//!
//! What upstream says is never trusted: a manifest is checked before anything in it becomes a path or an address,
//! git runs with settings of ours alone, and everything has an end: in bytes, in entries, in time.
//!
//! What is laid on disk is what public-inbox-clone lays and public-inbox-fetch understands, and the other way round.

mod address;
mod copy;
mod fetched;
mod git;
mod http;
mod manifest;
mod place;
mod probe;
mod range;
mod sites;
mod survey;
mod timetable;
mod weight;

pub use address::Address;
pub use copy::Mirror;
pub use fetched::Fetched;
pub use git::{Bounds, Progress, Silent, Stop};
pub use http::Http;
pub use manifest::{Entry, Manifest, Offer, Repositories};
pub use range::{EpochRange, Mistake};
pub use sites::Sites;
pub use survey::{Found, Offered, Wanted, survey};
pub use timetable::{Regular, Timetable};
