//! The right stairs: every question that a reader can ask.

mod inbox;
mod thread;

pub use inbox::{Archive, Article, Inbox, Topic};
pub use thread::Thread;
