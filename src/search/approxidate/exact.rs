//! A date and a time, both given in full, as in a mail or in ISO 8601.

use super::fields::Fields;
use super::scan::{alike, letters, month, number, weekday, word};
use crate::time::Timestamp;
use crate::time::calendar;

/// A date and a time, both given in full, as in a mail or in ISO 8601.
pub(super) fn exact(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if let Some(epoch) = text.strip_prefix('@') {
        let (n, len) = number(epoch.as_bytes());
        return (len > 0).then_some(Timestamp(n));
    }
    let mut fields = Fields::default();
    let mut offset: Option<i64> = None;
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let rest = &bytes[at..];
        at += if b.is_ascii_alphabetic() {
            exact_word(rest, &mut fields, &mut offset)
        } else if b.is_ascii_digit() {
            exact_number(rest, &mut fields, &mut offset)
        } else if matches!(b, b'+' | b'-')
            && fields.hour.is_some()
            && rest.get(1).is_some_and(u8::is_ascii_digit)
        {
            zone_offset(rest, &mut offset)
        } else {
            1
        };
    }
    let in_range = fields.year.is_some_and(|y| (1970..2100).contains(&y));
    let moment = fields.moment().filter(|_| in_range)?;
    Some(Timestamp(moment - offset.unwrap_or(0) * 60))
}

fn exact_word(text: &[u8], fields: &mut Fields, offset: &mut Option<i64>) -> usize {
    let word = word(text);
    if let Some(month) = month(word) {
        fields.month = Some(month);
        return word.len();
    }
    if weekday(word).is_some() {
        return word.len();
    }
    if let Some(hours) = calendar::zone(word) {
        offset.get_or_insert(hours * 60);
        return word.len();
    }
    for (half, hours) in [("pm", 12), ("am", 0)] {
        if alike(text, half) == 2 {
            fields.hour = fields.hour.map(|hour| hour % 12 + hours);
            return 2;
        }
    }
    if text[0] == b'T' && text.get(1).is_some_and(u8::is_ascii_digit) {
        return 1;
    }
    letters(text)
}

fn exact_number(text: &[u8], fields: &mut Fields, offset: &mut Option<i64>) -> usize {
    let (n, len) = number(text);
    let no_date = fields.year.is_none() && fields.month.is_none() && fields.day.is_none();
    let no_time = fields.hour.is_none() && fields.minute.is_none() && fields.second.is_none();
    if n >= 100_000_000 && no_date && no_time {
        *fields = Fields::at(n);
        offset.get_or_insert(0);
        return len;
    }
    let joined = text
        .get(len)
        .is_some_and(|b| matches!(b, b':' | b'.' | b'/' | b'-'));
    if joined && let Some(len) = fields.set_joined(text, None) {
        return len + fraction(text, len);
    }
    match len {
        8 => {
            fields.set_date(n / 10_000, n % 10_000 / 100, n % 100, None);
        }
        6 if fields.set_time(n / 10_000, n % 10_000 / 100, n % 100) => {
            return len + fraction(text, len);
        }
        4 | 2
            if !no_date
                && fields.year.is_some()
                && fields.hour.is_none()
                && fields.day.is_some() =>
        {
            let (hour, minute) = if len == 4 { (n / 100, n % 100) } else { (n, 0) };
            fields.set_time(hour, minute, 0);
        }
        4 if n <= 1400 && offset.is_none() => *offset = Some(n / 100 * 60 + n % 100),
        4 if (1901..2100).contains(&n) => fields.year = Some(n),
        1 | 2 if (1..32).contains(&n) && fields.day.is_none() => fields.day = Some(n),
        2 if fields.year.is_none() && n < 10 && fields.day.is_some() => {
            fields.year = Some(2000 + n)
        }
        2 if fields.year.is_none() && n >= 70 => fields.year = Some(1900 + n),
        1 | 2 if (1..13).contains(&n) && fields.month.is_none() => fields.month = Some(n - 1),
        _ => {}
    }
    len
}

/// How long a fraction of a second is that begins at `at`.
fn fraction(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'.') => match number(&text[at + 1..]).1 {
            0 => 0,
            len => len + 1,
        },
        _ => 0,
    }
}

/// `+0200`, `-07:30`, `+02`.
fn zone_offset(text: &[u8], offset: &mut Option<i64>) -> usize {
    let (n, len) = number(&text[1..]);
    let mut end = 1 + len;
    let (mut hours, mut minutes) = (n / 100, n % 100);
    if len <= 2 {
        (hours, minutes) = (n, 0);
        if text.get(end) == Some(&b':') {
            let (m, len) = number(&text[end + 1..]);
            minutes = m;
            end += 1 + len;
        }
    }
    if minutes < 60 && hours < 24 && len <= 4 {
        let east = hours * 60 + minutes;
        *offset = Some(if text[0] == b'-' { -east } else { east });
    }
    end
}
