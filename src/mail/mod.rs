//! What a message is: bytes in, values out, no I/O. Only this room names `mail_parser`.
//!
//! Nothing here fails: mail that no parser likes is still a [`Message`], with less in it.

mod address;
mod fingerprint;
mod message;
mod overview;
mod parts;
mod sets;
mod subject;
mod tree;

pub use address::Address;
pub use fingerprint::Fingerprint;
pub use message::Message;
pub use overview::{CommitTimes, Overview};
pub use parts::{Attachment, Part, PartBody};
pub use subject::subject_key;
pub use sets::DisjointSets;
pub use tree::{Line, Node, What, arrange};
