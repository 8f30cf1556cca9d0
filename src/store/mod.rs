//! git, the truth: where mail is kept, how it is read, and the only room that writes it.
//!
//! An inbox is one or more bare repositories ("epochs"), each a line of commits that add or remove one mail. What
//! they hold is public-inbox's format, versions 1 and 2.

mod blobs;
mod epoch;
mod layout;
mod object;
mod stamp;
mod walk;

pub use blobs::Blobs;
pub use epoch::{Epoch, MAX_BLOB};
pub use layout::{Layout, Version};
pub use stamp::refs_stamp;
pub use walk::{Change, Times, What};

#[cfg(test)]
mod tests;
