//! The right stairs: every question that a reader can ask.

mod inbox;
mod site;
mod thread;

pub use inbox::{Inbox, Topic};
pub use site::Archive;
pub use thread::Thread;

pub use crate::db::{Article, Skeleton};
