//! `SQLite`, the facts: inboxes, messages and where they stand, threads. Only this room names `rusqlite`.
//!
//! `migrations/` has the tables with their meaning.

mod articles;
mod audit;
mod companion;
mod copies;
mod file;
mod heal;
mod held;
mod inboxes;
mod layout;
mod messages;
mod mids;
mod overflow;
mod pool;
mod shelf;
mod standing;
mod threads;
mod topics;
mod values;
mod weave;
mod writer;

pub use articles::Article;
pub use audit::{Known, Record};
pub use companion::{companion_articles, companion_highest, mend_companion};
pub use copies::Copy;
pub use held::Held;
pub use inboxes::InboxRow;
pub use layout::{discard, lock, lock_file};
pub use messages::Skeleton;
pub use overflow::Overflow;
pub use pool::{Db, Reader};
pub use shelf::Shelf;
pub use topics::TopicRow;
pub use writer::{Outcome, Removed, Stored, Writer};

impl From<rusqlite::Error> for crate::error::Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
        let code = error.sqlite_error_code();
        if matches!(code, Some(DatabaseCorrupt | NotADatabase | SystemIoFailure)) {
            heal::suspect();
        }
        match code {
            Some(DatabaseCorrupt | NotADatabase) => {
                crate::error::Error::Index(format!("the catalogue: {error}"))
            }
            _ => crate::error::Error::Db(error.to_string()),
        }
    }
}
