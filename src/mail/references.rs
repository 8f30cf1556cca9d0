//! Message-ID, In-Reply-To, References: who a mail is and what it answers.

use std::collections::HashSet;

use memchr::{memchr, memchr_iter, memchr2};

use super::address::Address;
use super::charset;
use super::headers::{Headers, unfold};
use crate::id::MessageId;

/// More references than this are not kept: the first one and the last ones decide about a thread.
const MOST_REFERENCES: usize = 2_000;

/// Nor are more ids of its own, of which mail has one, and seldom two.
const MOST_OWN: usize = 100;

/// The ids in all headers of that name, each once, in order: what stands in angle brackets, or else a whole value.
/// An empty `<>` is no id.
pub(super) fn own_ids(headers: &Headers<'_>, name: &str) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for value in headers.all(name) {
        let bracketed = each_bracketed(value);
        if bracketed.is_empty() && value != b"<>" {
            ids.extend(MessageId::parse(&charset::guess(value)));
        }
        ids.extend(bracketed);
    }
    let mut ids = each_once(ids);
    ids.truncate(MOST_OWN);
    ids
}

/// The mails that a mail answers, its parent last: all ids of References, then of In-Reply-To, of ids that come
/// twice the last. Ids that are an address of the mail itself are an accident, and so are the answers `y` and `n`
/// that people typed when an old git-send-email asked what to reply to.
pub(super) fn references(headers: &Headers<'_>) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for name in ["References", "In-Reply-To"] {
        for value in headers.all(name) {
            ids.extend(mentioned(value));
        }
    }
    if ids.is_empty() {
        return ids;
    }
    ids.reverse();
    let mut ids = each_once(ids);
    ids.reverse();
    if may_be_people(&ids, headers) {
        let emails = emails(headers);
        ids.retain(|id| !emails.contains(id.as_str()));
    }
    ids.retain(|id| !matches!(id.as_str(), "y" | "n"));
    if ids.len() > MOST_REFERENCES {
        ids.drain(1..ids.len() - MOST_REFERENCES + 1);
    }
    ids
}

/// The addresses of the people of a mail.
fn emails(headers: &Headers<'_>) -> HashSet<String> {
    let addresses = people(headers).flat_map(Address::list);
    addresses.map(|person| person.email).collect()
}

/// The headers with the people of a mail.
fn people<'a>(headers: &Headers<'a>) -> impl Iterator<Item = &'a [u8]> {
    let names = ["To", "From", "Cc"].into_iter();
    names.flat_map(|name| headers.all(name))
}

/// Whether it is worth taking addresses apart: what stands before the `@` of one, back to anything that addresses are cut at,
/// ends what stands before that of an id, and is all of it where it stands right behind a `<`: the ids that git-send-email makes
/// end so. No id is alike by chance.
fn may_be_people(ids: &[MessageId], headers: &Headers<'_>) -> bool {
    /// To compare more ids than this would take longer.
    const FEW: usize = 64;
    if ids.len() > FEW || ids.iter().any(|id| !id.as_str().contains('@')) {
        return true;
    }
    let is_plain = |b: &u8| !b.is_ascii_whitespace() && !b"\"()<>[]:;\\,@".contains(b);
    let local = |id| MessageId::as_str(id).split('@').next().unwrap_or_default();
    people(headers).any(|value| {
        memchr_iter(b'@', value).any(|at| {
            let before = &value[..at];
            let from = before.iter().rposition(|b| !is_plain(b));
            let end = &before[from.map_or(0, |from| from + 1)..];
            let is_bracketed = from.is_some_and(|from| before[from] == b'<');
            ids.iter().any(|id| {
                let beside = local(id).as_bytes().strip_suffix(end);
                beside.is_some_and(|beside| {
                    !is_bracketed || matches!(beside.last(), None | Some(b'<'))
                })
            })
        })
    })
}

fn each_once(mut ids: Vec<MessageId>) -> Vec<MessageId> {
    if ids.len() > 1 {
        let mut seen = HashSet::with_capacity(ids.len());
        ids.retain(|id| seen.insert(id.clone()));
    }
    ids
}

/// What stands in angle brackets. A bracket within brackets is part of the id, as it is for public-inbox: two
/// archives must agree on what a mail is called.
fn each_bracketed(value: &[u8]) -> Vec<MessageId> {
    let mut ids = Vec::new();
    let mut rest = value;
    while let Some(open) = memchr(b'<', rest) {
        rest = &rest[open + 1..];
        let Some(close) = memchr(b'>', rest) else {
            break;
        };
        ids.extend(MessageId::parse(&charset::guess(&rest[..close])));
        rest = &rest[close + 1..];
    }
    ids
}

/// The ids that a References or In-Reply-To header names. Unlike a mail's own id they may be repaired: an id that is
/// folded over two lines is one, a bracket that is never closed ends at the next, and where there are no brackets at
/// all, words that can only be ids are.
fn mentioned(value: &[u8]) -> Vec<MessageId> {
    let mut ids = Vec::new();
    let mut rest = value;
    if memchr(b'<', value).is_none() {
        return bare(value);
    }
    while let Some(open) = memchr(b'<', rest) {
        rest = &rest[open + 1..];
        let close = memchr2(b'<', b'>', rest).unwrap_or(rest.len());
        let inner = &rest[..close];
        let whole = match rest.get(close) {
            Some(b'>') => inner.to_vec(),
            _ => inner
                .split(|b| b.is_ascii_whitespace() || *b == b',')
                .next()
                .unwrap_or_default()
                .to_vec(),
        };
        let flat = unfold(&whole);
        let folded = flat.len() != whole.len() || memchr(b'\n', &whole).is_some();
        let id: Vec<u8> = match folded {
            true => flat.iter().copied().filter(|b| *b != b' ').collect(),
            false => whole,
        };
        ids.extend(MessageId::parse(&charset::guess(&id)));
        rest = &rest[close..];
    }
    ids
}

/// Ids without brackets, if the value holds nothing else: prose like "a@b's message of Monday" names nobody.
fn bare(value: &[u8]) -> Vec<MessageId> {
    let text = charset::guess(value);
    let words = || {
        text.split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty())
    };
    let is_id = |word: &str| {
        let mut halves = word.split('@');
        let (local, host) = (halves.next(), halves.next());
        let both = local.is_some_and(|l| !l.is_empty()) && host.is_some_and(|h| !h.is_empty());
        both && halves.next().is_none() && !word.contains(['"', '\'', '(', ')', ';'])
    };
    if words().all(is_id) {
        words().filter_map(MessageId::parse).collect()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::{Headers, MOST_REFERENCES, emails, may_be_people, own_ids, references};
    use crate::id::MessageId;

    fn join(ids: Vec<crate::id::MessageId>) -> String {
        let ids: Vec<_> = ids.iter().map(|id| id.as_str()).collect();
        ids.join("|")
    }

    #[test]
    fn a_mail_is_called_what_stands_in_brackets() {
        for (raw, ids) in [
            ("Message-ID: <a@b>\n\n", "a@b"),
            (
                "message-id: <a@b> (x) <c@d>\nMessage-Id: <a@b>\n\n",
                "a@b|c@d",
            ),
            ("Message-ID: a@b\n\n", "a@b"),
            ("Message-ID:\n\t<a\n\tb@c>\n\n", "ab@c"),
            ("Message-ID: <a b@c>\n\n", "a b@c"),
            ("Message-ID: <nobracket\n\n", "<nobracket"),
            ("Message-ID: <>\n\n", ""),
            ("Message-ID:\n\n", ""),
            ("Subject: x\n\n", ""),
        ] {
            let (headers, _) = Headers::split(raw.as_bytes());
            assert_eq!(join(own_ids(&headers, "Message-ID")), ids, "{raw:?}");
        }
    }

    #[test]
    fn the_last_reference_is_the_parent() {
        for (raw, ids) in [
            ("References: <a@x> <b@x>\nIn-Reply-To: <a@x>\n\n", "b@x|a@x"),
            ("References: <a@x>\nReferences: <b@x>\n\n", "a@x|b@x"),
            ("References: <a@x>,<b@x>,,<c@x>\n\n", "a@x|b@x|c@x"),
            ("References: <<a@x>> <b@x\n\n", "a@x|b@x"),
            ("References: <a@x <b@x>\n\n", "a@x|b@x"),
            ("References: <abc\n def@x>\n\n", "abcdef@x"),
            ("In-Reply-To: a@x, b@x\n\n", "a@x|b@x"),
            ("In-Reply-To: a@x's message of Monday\n\n", ""),
            ("In-Reply-To: Message from A of Monday. <a@x>\n\n", "a@x"),
            ("In-Reply-To: <y>\nReferences: <n> <a@x>\n\n", "a@x"),
            (
                "From: A <a@x>\nTo: b@x\nIn-Reply-To: <b@x>\nReferences: <c@x> <a@x>\n\n",
                "c@x",
            ),
            ("References: <>\n\n", ""),
        ] {
            let (headers, _) = Headers::split(raw.as_bytes());
            assert_eq!(join(references(&headers)), ids, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn a_glance_at_the_people_of_a_mail_overlooks_none(
            value in prop::collection::vec(select(vec![
                "a", "b", "@", "@x", "a@x", "<", ">", "\"", "(c)", " ", ", ", "\n ", ":", ";", ".", "=?utf-8?q?=40?=", "é",
            ]), 0..12),
        ) {
            let value = value.concat();
            let raw = format!("To: {value}\n\n");
            let (headers, _) = Headers::split(raw.as_bytes());
            for email in emails(&headers) {
                if let Some(id) = MessageId::parse(&email) && id.as_str() == email {
                    assert!(may_be_people(&[id], &headers), "{email:?} in {value:?}");
                }
            }
        }
    }

    #[test]
    fn of_too_many_references_the_first_and_the_last_stay() {
        let ids: String = (0..50_000).map(|n| format!("<{n}@x>\n ")).collect();
        let raw = format!("References: {ids}\n\n");
        let (headers, _) = Headers::split(raw.as_bytes());
        let kept = references(&headers);
        assert_eq!(kept.len(), MOST_REFERENCES);
        assert_eq!(kept[0].as_str(), "0@x");
        assert_eq!(kept[MOST_REFERENCES - 1].as_str(), "49999@x");
    }
}
