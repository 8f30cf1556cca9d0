//! The sample archive of `threadbare demo`: the mail of a small community that weaves, embedded in the binary.
//!
//! Two lists that cross-post, `loom` and `loom-patches`: long threads, a patch series in three versions, a dozen
//! character sets, attachments, and a cabinet of odd mails that archives have stumbled over. All of it was written
//! for this purpose; its people and their addresses (under `.example`, RFC 2606) are invented.

/// A list of the sample archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// Its name in URLs.
    pub name: &'static str,
    /// Its address.
    pub address: &'static str,
    /// What it is about, in one line.
    pub description: &'static str,
}

/// The lists, the one to begin with first.
pub const LISTS: [List; 2] = [
    List {
        name: "loom",
        address: "loom@lists.example.org",
        description: "Loom: weaving from the first draft to the last pick",
    },
    List {
        name: "loom-patches",
        address: "loom-patches@lists.example.org",
        description: "Patches for Loom, and what reviewers say of them",
    },
];

/// Every mail with the name of its list, in the order of delivery. A mail that went to both lists comes twice, and
/// each list has put its own `List-Id` on top, as real ones do.
pub fn mails() -> Vec<(&'static str, Vec<u8>)> {
    let deliveries = MAILS
        .iter()
        .flat_map(|mail| mail.lists.iter().map(move |list| (*list, mail.bytes)));
    deliveries
        .map(|(list, bytes)| (list, [list_id(list).as_bytes(), bytes].concat()))
        .collect()
}

fn list_id(list: &str) -> String {
    format!("List-Id: <{list}.lists.example.org>\n")
}

struct Mail {
    lists: &'static [&'static str],
    bytes: &'static [u8],
}

macro_rules! mail {
    ($lists:ident, $file:literal) => {
        Mail {
            lists: $lists,
            bytes: include_bytes!(concat!("mail/", $file)),
        }
    };
}

const LOOM: &[&str] = &["loom"];
const PATCHES: &[&str] = &["loom-patches"];
const BOTH: &[&str] = &["loom", "loom-patches"];

const MAILS: &[Mail] = &[
    mail!(LOOM, "001-welcome.eml"),
    mail!(LOOM, "002-reply-to-welcome.eml"),
    mail!(LOOM, "003-three-deep.eml"),
    mail!(LOOM, "004-long-thread-begins.eml"),
    mail!(LOOM, "005-long-thread.eml"),
    mail!(LOOM, "006-long-thread.eml"),
    mail!(LOOM, "007-long-thread.eml"),
    mail!(LOOM, "008-long-thread.eml"),
    mail!(LOOM, "009-long-thread.eml"),
    mail!(LOOM, "010-long-thread.eml"),
    mail!(LOOM, "011-long-thread.eml"),
    mail!(LOOM, "012-long-thread.eml"),
    mail!(LOOM, "013-long-thread.eml"),
    mail!(LOOM, "014-long-thread.eml"),
    mail!(LOOM, "015-iso-8859-15.eml"),
    mail!(LOOM, "016-long-thread.eml"),
    mail!(LOOM, "017-changed-subject.eml"),
    mail!(LOOM, "018-changed-subject-reply.eml"),
    mail!(LOOM, "019-changed-subject-reply.eml"),
    mail!(LOOM, "020-changed-subject-reply.eml"),
    mail!(BOTH, "021-patch-cover-letter.eml"),
    mail!(PATCHES, "022-patch-v1-1-of-3.eml"),
    mail!(PATCHES, "023-patch-v1-2-of-3.eml"),
    mail!(PATCHES, "024-patch-v1-3-of-3.eml"),
    mail!(PATCHES, "025-review-quoting-a-hunk.eml"),
    mail!(PATCHES, "026-review.eml"),
    mail!(PATCHES, "027-reviewed-by.eml"),
    mail!(BOTH, "028-patch-v2-cover-letter.eml"),
    mail!(PATCHES, "029-patch-v2-1-of-3.eml"),
    mail!(PATCHES, "030-patch-v2-2-of-3.eml"),
    mail!(PATCHES, "031-patch-v2-3-of-3.eml"),
    mail!(PATCHES, "032-review.eml"),
    mail!(PATCHES, "033-review.eml"),
    mail!(BOTH, "034-patch-v3-cover-letter.eml"),
    mail!(PATCHES, "035-patch-v3-1-of-4.eml"),
    mail!(PATCHES, "036-patch-v3-2-of-4.eml"),
    mail!(PATCHES, "037-patch-v3-3-of-4.eml"),
    mail!(PATCHES, "038-patch-v3-4-of-4.eml"),
    mail!(BOTH, "039-applied.eml"),
    mail!(LOOM, "040-koi8-r.eml"),
    mail!(LOOM, "041-iso-2022-jp.eml"),
    mail!(LOOM, "042-gb18030.eml"),
    mail!(LOOM, "043-big5.eml"),
    mail!(LOOM, "044-windows-1251.eml"),
    mail!(LOOM, "045-euro-sign-in-iso-8859-15.eml"),
    mail!(LOOM, "046-unlabelled-8-bit.eml"),
    mail!(LOOM, "047-encoded-words-in-two-charsets.eml"),
    mail!(LOOM, "048-utf-8-quoted-printable.eml"),
    mail!(LOOM, "049-reply-in-koi8-r-base64.eml"),
    mail!(LOOM, "050-html-only.eml"),
    mail!(LOOM, "051-reply-to-html.eml"),
    mail!(LOOM, "052-multipart-alternative.eml"),
    mail!(LOOM, "053-reply-to-html.eml"),
    mail!(LOOM, "054-attachments-with-rfc-2231-name.eml"),
    mail!(LOOM, "055-pgp-signature.eml"),
    mail!(PATCHES, "056-patch-alone.eml"),
    mail!(PATCHES, "057-patch-in-attachment.eml"),
    mail!(PATCHES, "058-reply-to-attached-patch.eml"),
    mail!(LOOM, "059-reply-to-a-mail-never-seen.eml"),
    mail!(LOOM, "060-reply-with-ghost-above.eml"),
    mail!(LOOM, "061-format-flowed-delsp.eml"),
    mail!(LOOM, "062-nested-message-rfc822.eml"),
    mail!(LOOM, "063-reply-to-forward.eml"),
    mail!(LOOM, "064-reply-to-forward.eml"),
    mail!(LOOM, "065-reply-to-forward.eml"),
    mail!(BOTH, "066-announcement-to-two-lists.eml"),
    mail!(LOOM, "067-reply-to-announcement.eml"),
    mail!(LOOM, "068-reply-to-announcement.eml"),
    mail!(BOTH, "069-reply-to-announcement.eml"),
    mail!(PATCHES, "070-patch-revert.eml"),
    mail!(PATCHES, "071-acked-by.eml"),
    mail!(LOOM, "072-cabinet-of-odd-mails.eml"),
    mail!(LOOM, "073-no-subject.eml"),
    mail!(LOOM, "074-no-date.eml"),
    mail!(LOOM, "075-bad-date.eml"),
    mail!(LOOM, "076-two-message-ids.eml"),
    mail!(LOOM, "077-message-id-with-slash.eml"),
    mail!(LOOM, "078-script-in-message-id.eml"),
    mail!(LOOM, "079-script-in-subject.eml"),
    mail!(LOOM, "080-script-in-filename.eml"),
    mail!(LOOM, "081-unclosed-boundary.eml"),
    mail!(LOOM, "082-missing-boundary.eml"),
    mail!(LOOM, "083-reference-loop-one.eml"),
    mail!(LOOM, "084-reference-loop-two.eml"),
    mail!(LOOM, "085-answers-itself.eml"),
    mail!(LOOM, "086-from-lines-in-body.eml"),
    mail!(LOOM, "087-control-characters.eml"),
    mail!(LOOM, "088-bidi-override.eml"),
    mail!(LOOM, "089-two-subjects.eml"),
    mail!(LOOM, "090-unknown-charset.eml"),
    mail!(LOOM, "091-mislabelled-utf-8.eml"),
    mail!(LOOM, "092-empty-body.eml"),
    mail!(LOOM, "093-long-lines.eml"),
    mail!(LOOM, "094-bad-base64.eml"),
    mail!(LOOM, "095-group-addresses.eml"),
    mail!(LOOM, "096-deep-quotes.eml"),
    mail!(LOOM, "097-cabinet-closed.eml"),
    mail!(LOOM, "098-last-thread.eml"),
    mail!(LOOM, "099-last-thread-reply.eml"),
    mail!(LOOM, "100-last-thread-reply.eml"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_goes_to_a_list_that_there_is() {
        for (list, bytes) in mails() {
            assert!(LISTS.iter().any(|known| known.name == list), "{list}");
            assert!(memchr::memmem::find(&bytes, b"Message-ID: <").is_some());
        }
    }

    #[test]
    fn some_mails_go_to_both_lists_with_a_list_id_of_each() {
        let all = mails();
        let cover = |list: &str| {
            all.iter().find(|(name, bytes)| {
                *name == list && memchr::memmem::find(bytes, b"[PATCH v2 0/3]").is_some()
            })
        };
        let (loom, patches) = (cover("loom").unwrap(), cover("loom-patches").unwrap());
        assert_ne!(loom.1, patches.1);
        let body = |bytes: &[u8]| bytes.splitn(2, |b| *b == b'\n').nth(1).unwrap().to_vec();
        assert_eq!(body(&loom.1), body(&patches.1));
    }
}
