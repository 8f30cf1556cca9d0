//! One parsed mail: the meat, of which a page holds one at a time.

use super::{Address, Attachment, Fingerprint, Part};
use crate::id::MessageId;
use crate::time::Timestamp;

/// One parsed mail. Never fails: what no parser likes has fewer headers and its text as it stands.
pub struct Message<'a> {
    raw: &'a [u8],
}

impl<'a> Message<'a> {
    /// Parses `raw`, without a leading mbox `From ` line if it has one.
    pub fn parse(raw: &'a [u8]) -> Message<'a> {
        Message { raw }
    }
    /// The mail as it is stored, without a leading `From ` line.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }
    /// The first header of that name: unfolded, RFC 2047 and 8-bit text decoded, trimmed.
    pub fn header(&self, _name: &str) -> Option<String> {
        todo!()
    }
    /// Every header of that name, decoded likewise.
    pub fn headers(&self, _name: &str) -> Vec<String> {
        todo!()
    }
    /// The first header of that name, unfolded but with its encoded words as they are.
    pub fn raw_header(&self, _name: &str) -> Option<String> {
        todo!()
    }
    /// The first subject, decoded; empty where there is none.
    pub fn subject(&self) -> String {
        todo!()
    }
    /// The people in all headers of that name.
    pub fn addresses(&self, _name: &str) -> Vec<Address> {
        todo!()
    }
    /// The people in `From`, or else in `Sender`.
    pub fn authors(&self) -> Vec<Address> {
        todo!()
    }
    /// Its own ids, of every `Message-ID` header, in order, each once.
    pub fn message_ids(&self) -> Vec<MessageId> {
        todo!()
    }
    /// Further ids that it is found by: `X-Alt-Message-ID`.
    pub fn alternate_ids(&self) -> Vec<MessageId> {
        todo!()
    }
    /// The mails that it answers, oldest first, so that the last is its parent.
    pub fn references(&self) -> Vec<MessageId> {
        todo!()
    }
    /// When its sender says that it was sent.
    pub fn sent(&self) -> Option<Timestamp> {
        todo!()
    }
    /// When the last machine on its way says that it came.
    pub fn received(&self) -> Option<Timestamp> {
        todo!()
    }
    /// The charset that its own `Content-Type` names.
    pub fn charset(&self) -> Option<String> {
        todo!()
    }
    /// Its parts in reading order.
    pub fn parts(&self) -> Vec<Part> {
        todo!()
    }
    /// The part with that index, to be downloaded.
    pub fn attachment(&self, _index: &str) -> Option<Attachment> {
        todo!()
    }
    /// What tells whether two mails of one Message-ID are the same.
    pub fn fingerprint(&self) -> Fingerprint {
        todo!()
    }
}
