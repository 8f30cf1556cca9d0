//! What the values of settings mean, whichever they are of.

use super::include::Placed;
use super::site::{SpamCheck, StyleSheet};

/// The value of a line; nothing where it has none.
pub(super) fn text(placed: &Placed) -> &str {
    placed.setting.value.as_deref().unwrap_or_default().trim()
}

/// A value that git would take for a truth value.
pub(super) fn truth(placed: &Placed) -> Option<bool> {
    let Some(value) = &placed.setting.value else {
        return Some(true);
    };
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" | "" => Some(false),
        number => number.parse::<i64>().ok().map(|n| n != 0),
    }
}

/// `none`, `spamc`, or a command.
pub(super) fn spam_check(value: &str) -> SpamCheck {
    match value {
        "" | "none" => SpamCheck::Nothing,
        "spamc" => SpamCheck::Spamc,
        command => SpamCheck::Command(shell_words(command)),
    }
}

/// A number of bytes, with `k`, `m` or `g` after it for 1024 times as many.
pub(super) fn size(value: &str) -> Option<u64> {
    let value = value.to_ascii_lowercase();
    let (digits, unit) = match value.strip_suffix(['k', 'm', 'g']) {
        Some(digits) => (digits, value.as_bytes().last()),
        None => (value.as_str(), None),
    };
    let shift = match unit {
        Some(b'k') => 10,
        Some(b'm') => 20,
        Some(_) => 30,
        None => 0,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

pub(super) fn extend_words(list: &mut Vec<String>, value: &str) {
    for word in value.split_whitespace() {
        extend_new(list, word);
    }
}

pub(super) fn extend_new(list: &mut Vec<String>, value: &str) {
    if !value.is_empty() && !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}

/// `PATH [media=… title=… href=…]`; values may be quoted with `'` or `"`.
pub(super) fn style_sheet(placed: &Placed, value: &str) -> Option<StyleSheet> {
    let mut words = shell_words(value).into_iter();
    let mut sheet = StyleSheet {
        path: placed.path(&words.next()?),
        ..StyleSheet::default()
    };
    for word in words {
        match word.split_once('=') {
            Some(("media", value)) => sheet.media = Some(value.to_owned()),
            Some(("title", value)) => sheet.title = Some(value.to_owned()),
            Some(("href", value)) => sheet.href = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(sheet)
}

/// Words between blanks; quotes keep blanks together.
pub(super) fn shell_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
