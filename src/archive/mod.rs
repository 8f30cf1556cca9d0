//! The right stairs: every question that a reader can ask.

mod git;
mod graves;
mod inbox;
mod raw;
mod search;
mod sheets;
mod site;
mod thread;
mod threads;

pub use git::{Mirrored, Objects, Served, UploadPack, git_is_installed};
pub use inbox::{Inbox, Topic};
pub use raw::Raw;
pub use search::{Match, Realm, Results, Wanted};
pub use sheets::{Sheet, Sheets};
pub use site::Archive;
pub use thread::{Numbers, Thread};

pub use crate::db::{Article, Skeleton};
pub use crate::search::{Cursor, Edge, Piece, Query, Snippets, Sort, Window};
pub use crate::store::{Deed, Partial, Tombstone};
