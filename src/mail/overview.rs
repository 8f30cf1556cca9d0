//! The skeleton of a mail: what lists, threads and feeds need of it without reading it again.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use memchr::{memchr, memchr_iter};

use super::fingerprint::Known;
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
        let (ids, references) = (message.message_ids(), message.references());
        let fingerprint = message.fingerprint_of(&Known {
            own: &ids,
            references: &references,
            sent,
        });
        let raw = message.raw();
        Overview {
            references: woven(references, &ids),
            ids,
            alternates: message.alternate_ids(),
            subject: cut(message.subject(), SUBJECT_MAX),
            author: cut(names.join(", "), AUTHOR_MAX),
            sent: sent.or(received).unwrap_or(commit.author),
            received: received.or(sent).unwrap_or(commit.committer),
            bytes: (raw.len() + bare_line_feeds(raw)) as u64,
            lines: memchr_iter(b'\n', message.raw_body()).count() as u64,
            fingerprint,
        }
    }

    /// A Message-ID for a mail that has none: the same for the same mail, whenever it is asked for.
    #[expect(clippy::expect_used, reason = "the text ends with `@z`")]
    pub fn made_up_id(&self) -> MessageId {
        let digest = url_safe_base64(&self.fingerprint.0);
        let text = format!("{}.{digest}@z", self.sent.digits());
        MessageId::parse(&text).expect("a text that is not empty")
    }
}

/// How many line feeds have no carriage return before them.
fn bare_line_feeds(text: &[u8]) -> usize {
    let all = memchr_iter(b'\n', text);
    match memchr(b'\r', text) {
        // To count is a fraction of the work that it is to go to each.
        None => all.count(),
        Some(_) => all.filter(|at| *at == 0 || text[at - 1] != b'\r').count(),
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
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

/// Base64 without padding, of letters that need no escape in a URL (RFC 4648, 5).
pub fn url_safe_base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::{CommitTimes, Overview, url_safe_base64};
    use crate::mail::Message;
    use crate::time::Timestamp;

    fn overview(raw: &str) -> Overview {
        let commit = CommitTimes {
            author: Timestamp(1),
            committer: Timestamp(2),
        };
        Overview::of(&Message::parse(raw.as_bytes()), commit)
    }

    #[test]
    fn sizes_are_those_of_mail_on_the_wire() {
        let sizes = |raw: &str| (overview(raw).bytes, overview(raw).lines);
        assert_eq!(sizes("A: b\n\nx\ny\n"), (14, 2));
        assert_eq!(sizes("A: b\r\n\r\nx\r\ny"), (12, 1));
        assert_eq!(sizes(""), (0, 0));
    }

    #[test]
    fn times_fall_back_on_each_other_and_then_on_the_commit() {
        let date = "Date: Thu, 1 Jan 1970 00:00:10 +0000\n";
        let received = "Received: x; Thu, 1 Jan 1970 00:00:20 +0000\n";
        for (headers, sent, came) in [
            (format!("{date}{received}"), 10, 20),
            (format!("Date: never\n{date}"), 10, 10),
            (received.to_owned(), 20, 20),
            ("Date: never\n".to_owned(), 1, 2),
        ] {
            let overview = overview(&format!("{headers}\n"));
            assert_eq!(
                (overview.sent.0, overview.received.0),
                (sent, came),
                "{headers}"
            );
        }
    }

    #[test]
    fn a_mail_of_two_ids_ties_them_together() {
        let raw = "Message-ID: <a@x> <b@x>\nReferences: <r@x> <a@x>\n\n";
        let references = overview(raw).references;
        let references: Vec<_> = references.iter().map(|id| id.as_str()).collect();
        assert_eq!(references, ["r@x", "b@x"]);
    }

    #[test]
    fn a_mail_without_an_id_gets_the_same_one_each_time() {
        let raw = "Date: Sun, 12 Sep 2021 09:34:48 +0000\nSubject: a\n\nx";
        let id = overview(raw).made_up_id();
        assert_eq!(id, overview(&format!("Received: by y\n{raw}")).made_up_id());
        assert!(id.as_str().starts_with("20210912093448.") && id.as_str().len() == 15 + 22 + 2);
        assert_ne!(id, overview(&raw.replace('x', "y")).made_up_id());
    }

    #[test]
    fn what_lists_print_is_one_short_line() {
        let raw = format!("Subject: a\0b{}\nFrom: A <a@x>, b@x\n\n", "é".repeat(2000));
        let overview = overview(&raw);
        assert!(overview.subject.starts_with("a b") && overview.subject.len() <= 1000);
        assert_eq!(overview.author, "A, b");
    }

    #[test]
    fn digests_are_written_in_letters_of_urls() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"\xff", "_w"),
            (b"\xff\xfe", "__4"),
            (b"abc", "YWJj"),
        ] {
            assert_eq!(url_safe_base64(bytes), text);
        }
    }
}
