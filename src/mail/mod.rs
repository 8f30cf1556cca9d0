//! What a message is: bytes in, values out, no I/O. Only this room names `mail_parser`.
//!
//! Nothing here fails: mail that no parser likes is still a [`Message`], with less in it.

mod address;
mod charset;
mod date;
pub mod edit;
mod fingerprint;
mod headers;
mod html;
mod lines;
mod mbox;
mod message;
mod overview;
mod params;
mod parts;
mod patch;
mod references;
mod sets;
mod subject;
mod transfer;
mod tree;
mod walk;
mod words;

pub use address::Address;
pub use date::parse_mail_date;
pub use fingerprint::Fingerprint;
pub use lines::{bare_line, lines};
pub use mbox::{mbox_file_name, mboxrd, raw_file_name};
pub use message::Message;
pub use overview::{CommitTimes, Overview, url_safe_base64};
pub use parts::{Attachment, Part, PartBody};
pub use patch::is_patch;
pub use sets::DisjointSets;
pub use subject::{normalize_subject, strip_re, subject_key};
pub use tree::{Line, Node, What, arrange};
