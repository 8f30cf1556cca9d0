//! Mail comes in and goes: bytes into the store, as the commits that public-inbox makes of them, and out of it again.

mod commit;
mod remove;

pub use commit::{commit_of, removal_of};
pub use remove::{Condemned, Mode, Purge, edit, purge, remove};
