//! The skeleton of a mail: what lists, threads and feeds need of it without reading it again.

use memchr::memchr_iter;

use super::{Address, Fingerprint, Message};
use crate::id::MessageId;
use crate::time::Timestamp;

/// The longest subject that is kept, in bytes.
const SUBJECT_MAX: usize = 1000;
/// The longest list of authors, likewise.
const AUTHOR_MAX: usize = 300;

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
    pub fn of(message: &Message<'_>, commit: CommitTimes) -> Overview {
        let (sent, received) = (message.sent(), message.received());
        let authors = message.authors();
        let names: Vec<&str> = authors.iter().map(Address::shown).collect();
        let ids = message.message_ids();
        let raw = message.raw();
        let bare = raw.split(|b| *b == b'\n').rev().skip(1); // what a line feed ends
        let bare = bare.filter(|line| line.last() != Some(&b'\r')).count();
        Overview {
            references: woven(message.references(), &ids),
            ids,
            alternates: message.alternate_ids(),
            subject: cut(message.subject(), SUBJECT_MAX),
            author: cut(names.join(", "), AUTHOR_MAX),
            sent: sent.or(received).unwrap_or(commit.author),
            received: received.or(sent).unwrap_or(commit.committer),
            bytes: (raw.len() + bare) as u64,
            lines: memchr_iter(b'\n', message.raw_body()).count() as u64,
            fingerprint: message.fingerprint(),
        }
    }

    /// A Message-ID for a mail that has none: the same for the same mail, whenever it is asked for.
    pub fn made_up_id(&self) -> MessageId {
        let digest = url_safe_base64(&self.fingerprint.0);
        let text = format!("{}.{digest}@z", self.sent.digits());
        MessageId::parse(&text).expect("it is not empty")
    }
}

/// The references that threads are woven of: a mail of several ids answers itself, so that all of them are one
/// thread, but for the id that it goes by.
fn woven(mut references: Vec<MessageId>, own: &[MessageId]) -> Vec<MessageId> {
    if own.len() > 1 {
        references.extend(own.iter().cloned());
    }
    if let Some(primary) = own.first() {
        references.retain(|id| id != primary);
    }
    references
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

/// Base64 without padding, of letters that need no escape in a URL (RFC 4648, 5).
fn url_safe_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, b| word << 8 | u32::from(*b))
            << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            out.push(char::from(DIGITS[(word >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    out
}
