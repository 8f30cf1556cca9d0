//! Mail comes in: bytes into the store, as the commits that public-inbox makes of them.

mod commit;

pub use commit::commit_of;
