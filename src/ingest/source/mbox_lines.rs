//! What single lines of a mailbox mean: where a mail begins, when it was filed, how long it says that it is.

use memchr::{memchr, memmem};

use super::{Loss, Quoting};
use crate::mail::parse_mail_date;
use crate::time::Timestamp;

pub(super) fn unquoted(line: &[u8], quoting: Quoting) -> &[u8] {
    let signs = line.iter().take_while(|b| **b == b'>').count();
    let quoted = signs == 1 || (signs > 1 && quoting != Quoting::Mboxo);
    match quoted && line[signs..].starts_with(b"From ") {
        true => &line[1..],
        false => line,
    }
}

/// `From someone@example.org Thu Jan  1 00:00:00 1970`: with a time of day and a year in it.
pub(super) fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let rest = rest.get(..300).unwrap_or(rest);
    let text = String::from_utf8_lossy(rest);
    let mut words = text.split_ascii_whitespace().skip(1);
    let clock = words.any(|word| {
        let mut parts = word.split(':');
        let two = |part: Option<&str>| {
            part.is_some_and(|p| {
                (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit())
            })
        };
        two(parts.next()) && two(parts.next())
    });
    let year = |word: &str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    clock && text.split_ascii_whitespace().any(year)
}

/// What the archive has done to a mail that wrote it into this mailbox.
pub(super) fn loss(from_line: &[u8], raw: &[u8]) -> Option<Loss> {
    if is_hyperkitty(raw) {
        return Some(Loss::HyperKitty);
    }
    // `From someone at example.org  Thu Jan …`
    let words = from_line.split(|b| b.is_ascii_whitespace());
    let mut words = words.filter(|word| !word.is_empty());
    (words.nth(2) == Some(b"at")).then_some(Loss::Pipermail)
}

/// The headers of a mail that `HyperKitty` has put together from its database, and all that it has.
const OF_HYPERKITTY: [&str; 9] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// Whether a mail has these headers and no others, and is a multipart as Python makes it: `HyperKitty` exports every mail so.
fn is_hyperkitty(raw: &[u8]) -> bool {
    let mut multipart = false;
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            multipart |= memmem::find(line, b"boundary=\"===============").is_some();
            continue;
        }
        let Some(colon) = memchr(b':', line) else {
            return false;
        };
        let (name, value) = line.split_at(colon);
        if !OF_HYPERKITTY
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
        {
            return false;
        }
        multipart |= memmem::find(value, b"boundary=\"===============").is_some();
    }
    multipart
}

/// When a mail was filed: the date in its `From ` line.
pub(super) fn came(line: &[u8]) -> Option<Timestamp> {
    let text = String::from_utf8_lossy(line);
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let mut starts = days.iter().filter_map(|day| text.find(&format!(" {day} ")));
    parse_mail_date(text.get(starts.next()?..)?.trim())
}

pub(super) fn begins_header(line: &[u8]) -> bool {
    let end = line
        .iter()
        .position(|b| !(33..=126).contains(b) || *b == b':');
    // Some mailboxes have a second such line, or a quoted one, above the headers.
    end.is_some_and(|end| end > 0 && line.get(end) == Some(&b':')) || line.starts_with(b">From ")
}

pub(super) fn content_length(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let (name, value) = line.split_at(colon);
    if !name.eq_ignore_ascii_case(b"Content-Length") {
        return None;
    }
    std::str::from_utf8(&value[1..]).ok()?.trim().parse().ok()
}
