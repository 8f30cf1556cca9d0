//! LMTP (RFC 2033): mail servers hand in mail, and hear for each recipient what became of it.
//!
//! A mail is acknowledged when it is on the disk. There are few callers, the mail servers of this site; so each has a
//! thread, and more than [`Limits::callers`] are asked to come later; so are those whose mail finds no room among that of
//! the others.

mod conversation;
mod listen;
mod room;

pub use conversation::Limits;
pub use listen::{Lmtp, Setting};
