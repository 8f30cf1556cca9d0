//! One parsed mail: the meat, of which a page holds one at a time.

use std::cell::OnceCell;

use memchr::memmem;

use super::fingerprint::Known;
use super::headers::Headers;
use super::mbox::without_from_line;
use super::params::Structured;
use super::parts::Stuffing;
use super::walk::{self, Leaf};
use super::{Address, Attachment, Fingerprint, Part};
use super::{date, fingerprint, parts, references, words};
use crate::id::MessageId;
use crate::time::Timestamp;

/// One parsed mail. Never fails: what no parser likes has fewer headers and its text as it stands.
///
/// Only the places of the headers are found at once; everything else is read when it is asked for, and the parts, once taken
/// apart and decoded, are kept.
pub struct Message<'a> {
    raw: &'a [u8],
    headers: Headers<'a>,
    body: &'a [u8],
    leaves: OnceCell<Vec<Leaf<'a>>>,
}

impl<'a> Message<'a> {
    /// Parses `raw`, without a leading mbox `From ` line if it has one.
    pub fn parse(raw: &'a [u8]) -> Message<'a> {
        let raw = without_from_line(raw);
        let (headers, body) = Headers::split(raw);
        Message {
            raw,
            headers,
            body,
            leaves: OnceCell::new(),
        }
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

    /// Every header of that name, which holds addresses. Decoded words may hold commas and anything else; so where there
    /// are any, each person is written anew, with the name in quotes.
    pub fn people(&self, name: &str) -> Vec<String> {
        let value = |value: &[u8]| match memmem::find(value, b"=?") {
            Some(_) => {
                let people = Address::list(value).into_iter();
                let people: Vec<String> = people.map(|person| person.to_string()).collect();
                people.join(", ")
            }
            None => words::header_text(value),
        };
        self.headers.all(name).map(value).collect()
    }

    /// The first header of that name, unfolded but with its encoded words as they are.
    pub fn raw_header(&self, name: &str) -> Option<String> {
        self.headers.first(name).map(words::plain_text)
    }

    /// Every header of that name, unfolded but with its encoded words as they are.
    pub fn all_raw_headers(&self, name: &str) -> Vec<String> {
        self.headers.all(name).map(words::plain_text).collect()
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

    /// When it was sent as [`Message::sent`] has it, and in which zone, in minutes east of Greenwich.
    pub fn sent_in_zone(&self) -> Option<(Timestamp, i32)> {
        self.headers.all("Date").find_map(date::parse_moment)
    }

    /// When it was received as [`Message::received`] has it, and in which zone.
    pub fn received_in_zone(&self) -> Option<(Timestamp, i32)> {
        self.headers.all("Received").find_map(date::received_moment)
    }

    /// The charset that its own `Content-Type` names, if that can be the name of one.
    pub fn charset(&self) -> Option<String> {
        let content_type = Structured::parse(self.headers.first("Content-Type")?);
        parts::charset_name(content_type.param("charset")?)
    }

    /// Its parts in reading order.
    pub fn parts(&self) -> Vec<Part> {
        parts::parts(self.leaves(), Stuffing::Undone)
    }

    /// Likewise, with the blanks that `format=flowed` (RFC 3676, 4.4) adds to lines: for readers that compare what
    /// they get with what they had of another archive.
    pub fn parts_as_sent(&self) -> Vec<Part> {
        parts::parts(self.leaves(), Stuffing::Kept)
    }

    /// The part with that index, to be downloaded.
    pub fn attachment(&self, index: &str) -> Option<Attachment> {
        let leaf = self.leaves().iter().find(|leaf| leaf.index == index)?;
        Some(leaf.attachment())
    }

    /// What tells whether two mails of one Message-ID are the same.
    pub fn fingerprint(&self) -> Fingerprint {
        let (own, references) = (self.message_ids(), self.references());
        self.fingerprint_of(&Known {
            own: &own,
            references: &references,
            sent: self.sent(),
        })
    }

    /// The same, where some of it is known already.
    pub(super) fn fingerprint_of(&self, known: &Known<'_>) -> Fingerprint {
        fingerprint::fingerprint(self, self.leaves(), known)
    }

    fn leaves(&self) -> &[Leaf<'a>] {
        self.leaves
            .get_or_init(|| walk::leaves(&self.headers, self.body))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Message;
    use crate::mail::{CommitTimes, Overview, PartBody, mboxrd};

    /// Each part in short: its number, its type, and what is shown of it.
    fn shown(raw: &str) -> Vec<String> {
        let parts = Message::parse(raw.as_bytes()).parts();
        let show = |body: PartBody| match body {
            PartBody::Text {
                text,
                mangled: false,
            } => format!("text {text:?}"),
            PartBody::Text {
                text,
                mangled: true,
            } => format!("mangled {text:?}"),
            PartBody::Html { text } => format!("html {text:?}"),
            PartBody::Embedded { headers } => format!("mail {headers:?}"),
            PartBody::Opaque => "-".to_owned(),
        };
        let parts = parts.into_iter();
        parts
            .map(|p| format!("{} {} {}", p.index, p.content_type, show(p.body)))
            .collect()
    }

    #[test]
    fn the_first_of_two_subjects_counts_and_all_recipients_do() {
        let raw =
            b">From x\nSubject: a\nSubject: b\nTo: a@x\nTo: b@x\nFrom: =?x?q?A?= <a@x>\n\nbody\n";
        let message = Message::parse(raw);
        assert_eq!(message.subject(), "a");
        assert_eq!(message.headers("subject"), ["a", "b"]);
        assert_eq!(message.addresses("To").len(), 2);
        assert_eq!(message.authors()[0].to_string(), "A <a@x>");
        assert_eq!(
            message.raw_header("from").as_deref(),
            Some("=?x?q?A?= <a@x>")
        );
        assert_eq!(message.raw_body(), b"body\n");
        assert!(message.is_readable());
        assert!(!Message::parse(b"no mail\n\nat all").is_readable());
    }

    #[test]
    fn single_parts_are_shown_by_their_type() {
        let cases: [(&str, &str, &str); 14] = [
            ("", "é", "1 text/plain text \"é\""),
            (
                "Content-Type: text/plain",
                "a\r\nb\r\r\nc\0",
                "1 text/plain text \"a\\nb\\nc\"",
            ),
            (
                "Content-Type: text/plain; charset=us-ascii",
                "é",
                "1 text/plain mangled \"é\"",
            ),
            (
                "Content-Type: text/plain; charset=x-unknown",
                "é",
                "1 text/plain mangled \"é\"",
            ),
            ("Content-Type: nonsense", "x", "1 text/plain text \"x\""),
            (
                "Content-Type: text/x-patch",
                "+x",
                "1 text/x-patch text \"+x\"",
            ),
            (
                "Content-Type: application/octet-stream",
                "x",
                "1 application/octet-stream text \"x\"",
            ),
            (
                "Content-Type: application/octet-stream",
                "x\x01",
                "1 application/octet-stream -",
            ),
            (
                "Content-Type: application/json",
                "{}",
                "1 application/json -",
            ),
            (
                "Content-Type: application/json; charset=utf-8",
                "{}",
                "1 application/json text \"{}\"",
            ),
            (
                "Content-Type: text/html",
                "<p>x<script>y</script>",
                "1 text/html html \"x\\n\"",
            ),
            (
                "Content-Type: multipart/mixed",
                "x",
                "1 multipart/mixed text \"x\"",
            ),
            (
                "Content-Type: text/plain; boundary=b",
                "--b\nx",
                "1 text/plain text \"--b\\nx\"",
            ),
            (
                "Content-Type: text/plain\nContent-Transfer-Encoding: base64",
                "not, that",
                "1 text/plain text \"not, that\"",
            ),
        ];
        for (header, body, expected) in cases {
            let raw = format!("A: b\n{header}\n\n{body}").replace("b\n\n\n", "b\n\n");
            assert_eq!(shown(&raw), [expected], "{raw:?}");
        }
    }

    #[test]
    fn flowed_lines_lose_their_stuffing() {
        let flowed = "Content-Type: text/plain; format=flowed; delsp=yes\n\n >a\n b \nc \n-- \nd\n";
        assert_eq!(
            shown(flowed),
            ["1 text/plain text \">a\\nb\\nc\\n-- \\nd\\n\""]
        );
    }

    #[test]
    fn feeds_have_flowed_lines_as_they_were_sent() {
        let flowed = b"Content-Type: text/plain; format=flowed; delsp=yes\n\n >a\nb \n";
        let parts = Message::parse(flowed).parts_as_sent();
        let text = " >a\nb \n".to_owned();
        let mangled = false;
        assert_eq!(parts[0].body, PartBody::Text { text, mangled });
    }

    #[test]
    fn people_stand_as_they_were_written_unless_words_had_to_be_decoded() {
        for (header, people) in [
            ("A B <a@b>,  c@d", "A B <a@b>,  c@d"),
            (
                "A B <a@b>, =?utf-8?q?M=C3=BC=2C_X?= <c@d>, e <e@f>, g@h",
                "\"A B\" <a@b>, \"Mü, X\" <c@d>, e <e@f>, g@h",
            ),
        ] {
            let raw = format!("To: {header}\n\n");
            assert_eq!(Message::parse(raw.as_bytes()).people("To"), [people]);
        }
    }

    #[test]
    fn parts_are_numbered_as_public_inbox_numbers_them() {
        let raw = "Content-Type: multipart/mixed; boundary=\"a\"\n\npreamble\n--a\n\
            Content-Type: multipart/alternative; boundary=ab\n\n\
            --ab\n\nplain\n--ab\nContent-Type: text/html\n\n<b>plain</b>\n--ab--\n\
            --a\nContent-Type: message/rfc822\n\nSubject: in\nFrom: x@y\nContent-Type: multipart/mixed; boundary=c\n\n\
            --c\n\none\n--c\nContent-Type: image/png; name=p.png\nContent-Transfer-Encoding: base64\n\naGk=\n--c--\n\n\
            --a  \n\nlast\n--a--\nepilogue\n";
        assert_eq!(
            shown(raw),
            [
                "1.1 text/plain text \"plain\"",
                "1.2 text/html -",
                "2 message/rfc822 mail [(\"From\", \"x@y\"), (\"Subject\", \"in\")]",
                "2.1.1 text/plain text \"one\"",
                "2.1.2 image/png -",
                "3 text/plain text \"last\"",
            ]
        );
        let message = Message::parse(raw.as_bytes());
        let picture = message.attachment("2.1.2").unwrap();
        assert_eq!(picture.bytes, b"hi");
        assert_eq!(picture.filename.as_deref(), Some("p.png"));
        for absent in ["", "0", "-1", "4", "999.1.1", "2.1", "99999999999999999999"] {
            assert!(message.attachment(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn html_stands_in_for_plain_text_only_where_there_is_none() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n\n<p>hi\n\
            --a\n\nfooter\n--a\nContent-Type: text/html; name=x.html\n\n<p>file\n--a--";
        assert_eq!(
            shown(raw),
            [
                "1 text/html html \"hi\\n\"",
                "2 text/plain text \"footer\"",
                "3 text/html -",
            ]
        );
    }

    #[test]
    fn broken_boundaries_lose_nothing() {
        for (body, parts) in [
            (
                "--a\n\nx\n--ab\ny",
                vec!["1 text/plain text \"x\\n--ab\\ny\""],
            ),
            ("--a\n\nx\n--a", vec!["1 text/plain text \"x\""]),
            (
                "no boundary",
                vec!["1 multipart/mixed text \"no boundary\""],
            ),
            ("--a--\nx", vec!["1 multipart/mixed text \"--a--\\nx\""]),
        ] {
            let raw = format!("Content-Type: multipart/mixed; boundary=a\n\n{body}");
            assert_eq!(shown(&raw), parts, "{body}");
        }
        let long = "b".repeat(3000);
        let raw = format!("Content-Type: multipart/mixed; boundary={long}\n\n--{long}\n\nx\n");
        assert_eq!(shown(&raw).len(), 1);
    }

    #[test]
    fn what_is_too_deep_or_too_late_is_kept_as_text() {
        let deep: String = (0..10_000)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
            .collect();
        let parts = shown(&(deep + "\nend"));
        assert_eq!(parts.len(), 1);
        assert!(parts[0].ends_with("end\""));

        let mails = "Content-Type: message/rfc822\n\n".repeat(16_000) + "\nend";
        let parts = shown(&mails);
        assert!(parts.len() <= 20 && parts[parts.len() - 1].ends_with("end\""));

        let many = "--b\n\nx\n".repeat(100_000);
        let parts = shown(&format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{many}--b\n\nend\n"
        ));
        assert_eq!(parts.len(), 1001);
        assert!(parts[1000].ends_with("end\\n\""));
    }

    #[test]
    fn a_fingerprint_outlives_relays_and_sees_changes() {
        let of = |raw: &str| Message::parse(raw.as_bytes()).fingerprint();
        let mail = "From: \"A\" <a@X.org>\nSubject: s\nDate: Sun, 12 Sep 2021 09:34:48 +0000\n\nca é \nb\n";
        let same = "Received: x\nFrom: A <a@x.org>\nSubject: =?utf-8?q?s?=\nDate: Sun, 12 Sep 2021 11:34:48 +0200\n\
            Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nca =E9\r\nb\r\n";
        assert_eq!(of(mail), of(same));
        for (from, to) in [
            ("a@X", "b@X"),
            ("s\n", "t\n"),
            (":48", ":49"),
            ("b\n", "b\n-- \nlist\n"),
        ] {
            assert_ne!(of(mail), of(&mail.replacen(from, to, 1)), "{from}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(raw in prop::collection::vec(any::<u8>(), 0..2000)) {
            read_all(&raw);
        }

        #[test]
        fn nothing_that_looks_like_mail_does_either(
            pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60),
        ) {
            read_all(pieces.concat().as_bytes());
        }

        #[test]
        fn mboxrd_gives_the_mail_back(lines in prop::collection::vec("(>{0,3}From |X: )?[a-z]{0,5}", 0..20)) {
            let body = lines.join("\n");
            let raw = format!("Subject: x\n\n{body}\n");
            let mut written = Vec::new();
            mboxrd(raw.as_bytes(), &mut written);
            let written = String::from_utf8(written).unwrap();
            let (from, mail) = written.split_once('\n').unwrap();
            prop_assert!(from.starts_with("From "));
            let unquote = |line: &str| match line.trim_start_matches('>').starts_with("From ") {
                true => line.strip_prefix('>').unwrap().to_owned(),
                false => line.to_owned(),
            };
            let lines: Vec<String> = mail.strip_suffix('\n').unwrap().split('\n').map(unquote).collect();
            prop_assert_eq!(lines.join("\n"), raw);
        }

        #[test]
        fn ids_are_found_between_brackets(ids in prop::collection::vec("[a-z0-9.+/%-]{1,20}@[a-z.]{1,9}", 1..5)) {
            let mut once = ids.clone();
            let mut seen = std::collections::HashSet::new();
            once.retain(|id| seen.insert(id.clone()));
            let raw = format!("Message-ID: <{}>\n\n", ids.join("> <"));
            let found = Message::parse(raw.as_bytes()).message_ids();
            let found: Vec<_> = found.iter().map(|id| id.as_str().to_owned()).collect();
            prop_assert_eq!(found, once);
        }
    }

    const PIECES: [&str; 30] = [
        "\n",
        "\r\n",
        " ",
        "From: ",
        "Subject: ",
        "Message-ID: ",
        "References: ",
        "Date: ",
        "Received: ;",
        "Content-Type: ",
        "multipart/mixed; boundary=b",
        "message/rfc822",
        "text/html",
        "; charset=utf-16",
        "; name*0*=x''%",
        "Content-Transfer-Encoding: base64\n",
        "--b",
        "--b--",
        "=?utf-8?b?",
        "?=",
        "<a@b>",
        "<",
        ">",
        "\"",
        "(",
        "é",
        "12 Sep 2021 10:00 +0000",
        "=4",
        "&#x110000;",
        "; format=flowed; delsp=yes",
    ];

    fn read_all(raw: &[u8]) {
        let message = Message::parse(raw);
        let overview = Overview::of(&message, CommitTimes::default());
        assert!(overview.made_up_id().as_str().ends_with("@z"));
        for part in message.parts() {
            assert!(message.attachment(&part.index).is_some());
            if let PartBody::Text { text, .. } | PartBody::Html { text } = part.body {
                assert!(!text.contains(['\0', '\r']));
            }
        }
        message.addresses("From");
        message.charset();
        mboxrd(raw, &mut Vec::new());
    }
}
