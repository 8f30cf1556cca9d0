//! The form in which mail is kept: what only concerns the way that it took is dropped.

use std::borrow::Cow;

use crate::mail::{Message, edit};

/// Headers that other programs add for themselves, or that ask a reader's program to do something.
const DROPPED: [&str; 16] = [
    "Bytes",
    "Lines",
    "Content-Length",
    "Status",
    "X-Status",
    "Delivered-To",
    "X-Original-To",
    "Approved",
    "Approve",
    "X-Approved",
    "X-Approve",
    "Urgent",
    "Return-Receipt-To",
    "Disposition-Notification-To",
    "X-Confirm-Reading-To",
    "X-PMRQC",
];

/// What is done about `List-Unsubscribe`, which may hold a subscriber's own address (RFC 8058).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unsubscribe {
    /// It stays.
    #[default]
    Kept,
    /// It goes where one click would unsubscribe.
    Dropped,
}

/// A mail as it is kept: without a leading mbox `From ` line, blank lines above its headers, and the headers that
/// public-inbox drops. All else stays byte for byte.
pub(super) fn normal(raw: &[u8], unsubscribe: Unsubscribe) -> Cow<'_, [u8]> {
    let mail = edit::without_headers(edit::trimmed(raw), &DROPPED);
    let one_click = || {
        let message = Message::parse(&mail);
        let value = message.raw_header("List-Unsubscribe-Post");
        value.is_some_and(|v| v.to_ascii_lowercase().contains("one-click"))
    };
    if unsubscribe == Unsubscribe::Dropped && one_click() {
        let names = ["List-Unsubscribe", "List-Unsubscribe-Post"];
        return Cow::Owned(edit::without_headers(&mail, &names).into_owned());
    }
    mail
}

#[cfg(test)]
mod tests {
    use super::{Unsubscribe, normal};

    #[test]
    fn one_click_links_go_if_that_is_wanted() {
        let raw = b"A: 1\nStatus: R\nList-Unsubscribe: <https://x>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nb";
        assert_eq!(&*normal(raw, Unsubscribe::Dropped), b"A: 1\n\nb");
        assert!(normal(raw, Unsubscribe::Kept).starts_with(b"A: 1\nList-Unsubscribe: "));
        let manual = b"List-Unsubscribe: <mailto:x>\n\nb";
        assert_eq!(&*normal(manual, Unsubscribe::Dropped), manual);
    }
}
