//! `SQLite`, the facts: inboxes, messages and where they stand, threads. Only this room names `rusqlite`.
//!
//! `migrations/` has the tables with their meaning.

mod articles;
mod audit;
mod copies;
mod inboxes;
mod messages;
mod mids;
mod pool;
mod shelf;
mod threads;
mod topics;
mod values;
mod weave;
mod writer;

pub use articles::Article;
pub use audit::{Known, Record};
pub use copies::Copy;
pub use inboxes::InboxRow;
pub use messages::Skeleton;
pub use pool::{Db, Reader};
pub use shelf::Shelf;
pub use topics::TopicRow;
pub use writer::{Outcome, Removed, Stored, Writer};

impl From<rusqlite::Error> for crate::error::Error {
    fn from(error: rusqlite::Error) -> Self {
        crate::error::Error::Db(error.to_string())
    }
}
