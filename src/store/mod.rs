//! git, the truth: where mail is kept, how it is read, and the only room that writes it.
//!
//! An inbox is one or more bare repositories ("epochs"), each a line of commits that add or remove one mail. What
//! they hold is public-inbox's format, versions 1 and 2.

mod blobs;
mod branch;
mod commit;
mod companion;
mod create;
mod epoch;
mod facts;
mod git;
mod layout;
mod lock;
mod loose;
mod mirrored;
mod object;
mod pack;
mod packed;
mod packs;
mod redirects;
mod remote;
mod rewrite;
mod seal;
mod serve;
mod settings;
mod stamp;
mod straight;
mod tidy;
mod tombstones;
mod unswept;
mod verify;
mod version_1;
mod walk;
mod write;

pub use blobs::Blobs;
pub use commit::{CommitMeta, Who};
pub use companion::{Companion, companion_follows, has_companion};
pub use create::init_inbox;
pub use epoch::{Epoch, MAX_BLOB};
pub use facts::{Facts, file_written};
pub use layout::{Layout, Version};
pub use lock::Lock;
pub use mirrored::{Partial, Upstream};
pub use packed::Packed;
pub use redirects::{REDIRECTS, Redirects};
pub use remote::{
    init_mirror, init_mirror_epoch, init_mirror_version_1, mirror_remote, want_mirror_epoch,
};
pub use rewrite::{Instead, Rewritten};
pub use seal::KnownFacts;
pub use serve::is_immutable;
pub use settings::can_read_settings;
pub use stamp::{RefsWatch, refs_stamp};
pub use tombstones::{Deed, Tombstone, Tombstones};
pub use walk::{Change, Times, What};
pub use write::{Writer, append, append_many, remove};
