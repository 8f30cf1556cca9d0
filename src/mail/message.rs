//! One parsed mail: the meat, of which a page holds one at a time.

use super::headers::Headers;
use super::mbox::without_from_line;
use super::params::Structured;
use super::walk::{self, Leaf};
use super::{Address, Attachment, Fingerprint, Part};
use super::{date, fingerprint, parts, references, words};
use crate::id::MessageId;
use crate::time::Timestamp;

/// One parsed mail. Never fails: what no parser likes has fewer headers and its text as it stands.
///
/// Only the places of the headers are found at once; everything else is read when it is asked for.
pub struct Message<'a> {
    raw: &'a [u8],
    headers: Headers<'a>,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Parses `raw`, without a leading mbox `From ` line if it has one.
    pub fn parse(raw: &'a [u8]) -> Message<'a> {
        let raw = without_from_line(raw);
        let (headers, body) = Headers::split(raw);
        Message { raw, headers, body }
    }

    /// The mail as it is stored, without a leading `From ` line.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What follows the headers, as it is stored.
    pub fn raw_body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether it has any header at all; if not, its text is all there is.
    pub fn is_readable(&self) -> bool {
        !self.headers.is_empty()
    }

    /// Whether it has a header of that name.
    pub fn has(&self, name: &str) -> bool {
        self.headers.first(name).is_some()
    }

    /// The first header of that name: unfolded, RFC 2047 and 8-bit text decoded, trimmed, without control characters.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.first(name).map(words::header_text)
    }

    /// Every header of that name, decoded likewise.
    pub fn headers(&self, name: &str) -> Vec<String> {
        self.headers.all(name).map(words::header_text).collect()
    }

    /// The first header of that name, unfolded but with its encoded words as they are.
    pub fn raw_header(&self, name: &str) -> Option<String> {
        self.headers.first(name).map(words::plain_text)
    }

    /// The first subject, decoded; empty where there is none.
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The people in all headers of that name.
    pub fn addresses(&self, name: &str) -> Vec<Address> {
        self.headers.all(name).flat_map(Address::list).collect()
    }

    /// The people in `From`, or else in `Sender`.
    pub fn authors(&self) -> Vec<Address> {
        let from = self.addresses("From");
        if from.is_empty() {
            self.addresses("Sender")
        } else {
            from
        }
    }

    /// Its own ids, of every `Message-ID` header, in order, each once.
    pub fn message_ids(&self) -> Vec<MessageId> {
        references::own_ids(&self.headers, "Message-ID")
    }

    /// Further ids that it is found by: `X-Alt-Message-ID`.
    pub fn alternate_ids(&self) -> Vec<MessageId> {
        references::own_ids(&self.headers, "X-Alt-Message-ID")
    }

    /// The mails that it answers, oldest first, so that the last is its parent.
    pub fn references(&self) -> Vec<MessageId> {
        references::references(&self.headers)
    }

    /// When its sender says that it was sent.
    pub fn sent(&self) -> Option<Timestamp> {
        self.headers.all("Date").find_map(date::parse_date)
    }

    /// When the last machine on its way says that it came.
    pub fn received(&self) -> Option<Timestamp> {
        self.headers.all("Received").find_map(date::parse_received)
    }

    /// The charset that its own `Content-Type` names, if that can be the name of one.
    pub fn charset(&self) -> Option<String> {
        let content_type = Structured::parse(self.headers.first("Content-Type")?);
        parts::charset_name(content_type.param("charset")?)
    }

    /// Its parts in reading order.
    pub fn parts(&self) -> Vec<Part> {
        parts::parts(&self.leaves())
    }

    /// The part with that index, to be downloaded.
    pub fn attachment(&self, index: &str) -> Option<Attachment> {
        let leaves = self.leaves();
        let leaf = leaves.iter().find(|leaf| leaf.index == index)?;
        Some(leaf.attachment())
    }

    /// What tells whether two mails of one Message-ID are the same.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint::fingerprint(self, &self.leaves())
    }

    fn leaves(&self) -> Vec<Leaf<'a>> {
        walk::leaves(&self.headers, self.body)
    }
}
