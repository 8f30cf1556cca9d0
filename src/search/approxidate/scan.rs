//! Words and numbers of a date as it is written.

use crate::time::calendar::{DAY, MONTHS, WEEKDAYS};

/// No moment further than this from 1970 is computed with: some ten thousand years.
pub(super) const LIMIT: i64 = 366 * DAY * 10_000;

/// A number and how many digits it has; one that is too large stops growing.
pub(super) fn number(text: &[u8]) -> (i64, usize) {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let n = text[..len].iter().fold(0i64, |n, b| {
        n.saturating_mul(10).saturating_add(i64::from(b - b'0'))
    });
    (n.min(LIMIT), len)
}

pub(super) fn letters(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_alphabetic()).count()
}

/// How many letters the word at the start of `text` has, if `name` begins with it, in either case. A digit belongs
/// to the word.
pub(super) fn alike(text: &[u8], name: &str) -> usize {
    let word = text
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    let begins = name.len() >= word && name.as_bytes()[..word].eq_ignore_ascii_case(&text[..word]);
    if begins { word } else { 0 }
}

/// The word that the text begins with. A digit belongs to it.
pub(super) fn word(text: &[u8]) -> &str {
    let len = text
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    std::str::from_utf8(&text[..len]).unwrap_or("")
}

/// The month of that name, which may be cut to three letters, counted from 0.
pub(super) fn month(word: &str) -> Option<i64> {
    named(word, &MONTHS)
}

/// The day of the week of that name, also of several such days, counted from Sunday as 0.
pub(super) fn weekday(word: &str) -> Option<i64> {
    let plural = word.len() > 6 && word.ends_with(['s', 'S']);
    named(
        if plural {
            &word[..word.len() - 1]
        } else {
            word
        },
        &WEEKDAYS,
    )
}

fn named(word: &str, names: &[&str]) -> Option<i64> {
    let begins = |name: &&str| {
        let start = name.as_bytes().get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    let found = names.iter().position(begins).filter(|_| word.len() >= 3)?;
    i64::try_from(found).ok()
}
