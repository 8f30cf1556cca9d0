//! How ids, queries and names stand in addresses, and how they are read back.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::id::{EpochNum, InboxName, MessageId};

/// What is kept as it is in a printed Message-ID.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// What is kept as it is in a printed search query; a blank becomes `+` afterwards.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b' ');

/// What is kept as it is inside the values of a `mailto:` link.
const MAILTO: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A Message-ID as one segment of a path.
///
/// `.` and `..` keep their angle brackets, because browsers resolve them away in whatever spelling.
pub fn escape_mid(mid: &MessageId) -> Cow<'_, str> {
    match mid.as_str() {
        dots @ ("." | "..") => format!("%3C{dots}%3E").into(),
        plain => utf8_percent_encode(plain, SEGMENT).into(),
    }
}

/// Where a repository is to be found: one of several epochs, or the only one there is.
pub fn repository(inbox: &InboxName, epoch: Option<EpochNum>) -> String {
    match epoch {
        Some(number) => format!("/{inbox}/git/{number}.git"),
        None => format!("/{inbox}"),
    }
}

/// A search query as the value of `q=`.
pub fn escape_query(query: &str) -> String {
    utf8_percent_encode(query, QUERY)
        .to_string()
        .replace(' ', "+")
}

/// A value inside a `mailto:` link (RFC 6068).
pub fn escape_mailto(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, MAILTO).into()
}

/// The Message-ID that a segment of a path names, in angle brackets or without.
pub(super) fn mid_of(encoded: &str) -> Option<MessageId> {
    let decoded = decode(encoded);
    let bare = decoded
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'));
    MessageId::parse(bare.unwrap_or(&decoded))
}

/// Percent-decodes; bytes that are no UTF-8 are taken as Latin-1, so that two paths never become one.
pub(super) fn decode(encoded: &str) -> Cow<'_, str> {
    let bytes: Cow<'_, [u8]> = percent_decode_str(encoded).into();
    match bytes {
        Cow::Borrowed(_) => Cow::Borrowed(encoded),
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes)
                .unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect()),
        ),
    }
}

/// Decodes a search query once more than it should have been.
pub fn decode_query(query: &str) -> String {
    decode(query).into_owned()
}
