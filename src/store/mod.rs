//! git, the truth: where mail is kept, how it is read, and the only room that writes it.
//!
//! An inbox is one or more bare repositories ("epochs"), each a line of commits that add or remove one mail. What
//! they hold is public-inbox's format, versions 1 and 2.

mod blobs;
mod commit;
mod epoch;
mod facts;
mod layout;
mod loose;
mod object;
mod packs;
mod rewrite;
mod serve;
mod stamp;
mod tombstones;
mod verify;
mod walk;
mod write;

pub use blobs::Blobs;
pub use commit::{CommitMeta, Who};
pub use epoch::{Epoch, MAX_BLOB};
pub use facts::Facts;
pub use layout::{Layout, Version};
pub use rewrite::{Instead, Rewritten};
pub use serve::is_immutable;
pub use stamp::refs_stamp;
pub use tombstones::{Deed, Tombstone, Tombstones};
pub use walk::{Change, Times, What};
pub use write::{Writer, append, append_many, init_inbox, remove};
