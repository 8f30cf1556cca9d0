//! The skeleton of a mail: what lists, threads and feeds need of it without reading it again.

use super::Fingerprint;
use super::Message;
use crate::id::MessageId;
use crate::time::Timestamp;

/// The two dates of a commit, for mail that has none of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitTimes {
    /// When the mail was written, as git has it.
    pub author: Timestamp,
    /// When it was stored.
    pub committer: Timestamp,
}

/// What the catalogue keeps of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Its own Message-IDs, the first is the primary one. Empty where it has none.
    pub ids: Vec<MessageId>,
    /// Further ids that it is found by.
    pub alternates: Vec<MessageId>,
    /// The mails that it answers, the parent last, as far as threads are woven of them.
    pub references: Vec<MessageId>,
    /// The decoded subject in one line.
    pub subject: String,
    /// The names of its authors, joined by `, `.
    pub author: String,
    /// When it was sent: `Date`, else `Received`, else the commit's author date.
    pub sent: Timestamp,
    /// When it came: the topmost `Received`, else `Date`, else the commit's committer date.
    pub received: Timestamp,
    /// Its size with CRLF line ends.
    pub bytes: u64,
    /// The lines of its body.
    pub lines: u64,
    /// Whether another mail of the same id is the same.
    pub fingerprint: Fingerprint,
}

impl Overview {
    /// The overview of a mail that a commit of these times holds.
    pub fn of(_message: &Message<'_>, _commit: CommitTimes) -> Overview {
        todo!()
    }

    /// stub
    pub fn made_up_id(&self) -> MessageId {
        todo!()
    }
}
