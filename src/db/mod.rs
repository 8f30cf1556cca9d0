//! `SQLite`, the facts: inboxes, messages and where they stand, threads. Only this room names `rusqlite`.
//!
//! `migrations/` has the tables with their meaning.

mod articles;
mod audit;
mod copies;
mod held;
mod inboxes;
mod layout;
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
pub use held::Held;
pub use inboxes::InboxRow;
pub use layout::{discard, lock, lock_file};
pub use messages::Skeleton;
pub use pool::{Db, Reader};
pub use shelf::Shelf;
pub use topics::TopicRow;
pub use writer::{Outcome, Removed, Stored, Writer};

impl From<rusqlite::Error> for crate::error::Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => {
                crate::error::Error::Index(format!("the catalogue: {error}"))
            }
            _ => crate::error::Error::Db(error.to_string()),
        }
    }
}
