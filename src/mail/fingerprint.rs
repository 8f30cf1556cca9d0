//! Is this the same mail again? A hash over what matters.
//!
//! What relays change is left out: their own headers, transfer encodings, line ends, white space at line ends, how a
//! name is quoted. What a reader would notice counts.

use memchr::memchr_iter;
use sha2::{Digest, Sha256};

use super::message::Message;
use super::walk::{Kind, Leaf};
use crate::id::MessageId;
use crate::time::Timestamp;

/// A hash over what a reader would call the content of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

/// What is known of a mail already where its fingerprint is taken.
pub(super) struct Known<'a> {
    pub(super) own: &'a [MessageId],
    pub(super) references: &'a [MessageId],
    pub(super) sent: Option<Timestamp>,
}

/// The fingerprint of a mail with these leaves.
pub(super) fn fingerprint(
    message: &Message<'_>,
    leaves: &[Leaf<'_>],
    known: &Known<'_>,
) -> Fingerprint {
    let mut hash = Hash(Sha256::new());
    for id in known.references {
        if !known.own.contains(id) {
            hash.field("references", id.as_str().as_bytes());
        }
    }
    let author = if message.has("From") {
        "From"
    } else {
        "Sender"
    };
    for name in [author, "To", "Cc"] {
        for person in message.addresses(name) {
            let (local, host) = person.email.rsplit_once('@').unwrap_or((&person.email, ""));
            hash.field(
                name,
                person.name.unwrap_or_default().replace('"', "").as_bytes(),
            );
            hash.field(local, host.to_ascii_lowercase().as_bytes());
        }
    }
    let subject = message.subject();
    let squeezed = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    hash.field("Subject", squeezed.as_bytes());
    match known.sent {
        Some(sent) => hash.field("Date", &sent.0.to_be_bytes()),
        None => hash.field(
            "Date",
            message.raw_header("Date").unwrap_or_default().as_bytes(),
        ),
    }
    leaves.iter().for_each(|leaf| hash.leaf(leaf));
    let mut short = [0; 16];
    short.copy_from_slice(&hash.0.finalize()[..16]);
    Fingerprint(short)
}

struct Hash(Sha256);

impl Hash {
    /// Each field with its length, so that nothing can move from one to the next.
    fn field(&mut self, name: &str, value: &[u8]) {
        self.0.update((name.len() as u64).to_be_bytes());
        self.0.update(name);
        self.0.update((value.len() as u64).to_be_bytes());
        self.0.update(value);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>) {
        if matches!(leaf.kind, Kind::Embedded(_)) {
            return; // its own leaves follow
        }
        self.field("part", leaf.index.as_bytes());
        self.field("file", leaf.filename().unwrap_or_default().as_bytes());
        self.field(
            "description",
            leaf.description.as_deref().unwrap_or_default().as_bytes(),
        );
        let decoded = leaf.decoded();
        if leaf.media_type().starts_with("text/") {
            let (text, _) = leaf.decoded_text(decoded);
            self.field("text", &bare_lines(text.as_bytes()));
        } else {
            self.field("bytes", decoded);
        }
    }
}

/// Text without white space at the ends of its lines, and at its own.
fn bare_lines(text: &[u8]) -> Vec<u8> {
    let text = text.trim_ascii_end();
    let mut bare = Vec::with_capacity(text.len() + 1);
    let mut start = 0;
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        bare.extend_from_slice(text[start..end].trim_ascii_end());
        bare.push(b'\n');
        start = end + 1;
    }
    bare
}
