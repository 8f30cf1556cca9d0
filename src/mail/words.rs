//! Header values as text: encoded words (RFC 2047), raw 8-bit text, and what must not be shown of either.

use memchr::memmem;

use super::headers::unfold;
use super::{charset, transfer};

/// A header value as it is read: in one line, decoded, without control characters.
pub(super) fn header_text(value: &[u8]) -> String {
    clean(&decode(&unfold(value)))
}

/// A header value in one line, with its encoded words as they are.
pub(super) fn plain_text(value: &[u8]) -> String {
    clean(&charset::guess(&unfold(value)))
}

/// Text without what could break out of its line: control characters become blanks, marks that turn the direction
/// of writing around are dropped, and so is white space at both ends.
pub(super) fn clean(text: &str) -> String {
    let harmless = |b: &u8| (b' '..=b'~').contains(b);
    if text.as_bytes().iter().all(harmless) {
        return text.trim().to_owned();
    }
    let shown = text.chars().filter_map(|c| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c if c.is_control() => Some(' '),
        c => Some(c),
    });
    shown.collect::<String>().trim().to_owned()
}

/// Decodes the encoded words of `value`. Neighbours of one charset are put together first, because some mailers
/// split them within a letter; not where each word begins in a state of its own. What is no word stays as it is.
pub(super) fn decode(value: &[u8]) -> String {
    let mut out = String::with_capacity(value.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut at = 0;
    for word in Words::new(value) {
        let between = &value[at..word.start];
        let joins = pending.is_some() && between.iter().all(u8::is_ascii_whitespace);
        let bytes = word.bytes;
        match &mut pending {
            Some((charset, text))
                if joins && charset.eq_ignore_ascii_case(&word.charset) && !has_state(charset) =>
            {
                text.extend_from_slice(&bytes);
            }
            _ => {
                flush(&mut out, pending.take());
                if !joins {
                    out.push_str(&charset::guess(between));
                }
                pending = Some((word.charset, bytes));
            }
        }
        at = word.end;
    }
    flush(&mut out, pending);
    out.push_str(&charset::guess(&value[at..]));
    out
}

/// Whether what a byte means in this charset depends on escapes before it. They hold to the end of a word only
/// (RFC 2047, 3), so that what follows would be read in a wrong state.
fn has_state(label: &str) -> bool {
    let begins = |prefix: &str| {
        let head = label.get(..prefix.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    ["iso-2022-", "csiso2022", "hz", "utf-7", "unicode-1-1-utf-7"]
        .iter()
        .any(|prefix| begins(prefix))
}

fn flush(out: &mut String, pending: Option<(String, Vec<u8>)>) {
    let Some((label, bytes)) = pending else {
        return;
    };
    let decoded = charset::decode(&label, &bytes);
    let utf8 = label.eq_ignore_ascii_case("utf-8") || label.eq_ignore_ascii_case("utf8");
    if utf8 && !decoded.held {
        // Cut within its last letter, mostly.
        out.push_str(&String::from_utf8_lossy(&bytes));
    } else {
        out.push_str(&decoded.text);
    }
}

/// One encoded word, `=?charset?B?…?=`.
struct Word {
    start: usize,
    end: usize,
    charset: String,
    bytes: Vec<u8>,
}

/// The encoded words of a value, each byte looked at a bounded number of times.
struct Words<'a> {
    value: &'a [u8],
    at: usize,
    /// The next `?=` at or after the last place that asked for it; the start where nobody asked yet.
    close: Option<usize>,
}

impl<'a> Words<'a> {
    fn new(value: &'a [u8]) -> Words<'a> {
        Words {
            value,
            at: 0,
            close: Some(0),
        }
    }

    fn close_after(&mut self, from: usize) -> Option<usize> {
        if self.close.is_some_and(|close| close < from) {
            self.close = memmem::find(&self.value[from..], b"?=").map(|n| from + n);
        }
        self.close
    }

    fn word(&mut self, start: usize) -> Option<Word> {
        let rest = &self.value[start + 2..];
        let label = rest.iter().take(64).position(|b| *b == b'?')?;
        let charset = std::str::from_utf8(&rest[..label]).ok()?;
        if charset.is_empty() || charset.bytes().any(|b| !b.is_ascii_graphic()) {
            return None;
        }
        let [encoding, b'?', ..] = rest.get(label + 1..)? else {
            return None;
        };
        let from = start + 2 + label + 3;
        let close = self.close_after(from)?;
        let text = &self.value[from..close];
        if let Some(next) = memmem::find(text, b"=?") {
            // This one was never closed; another begins within it.
            self.at = from + next;
            return None;
        }
        let bytes = match encoding {
            b'b' | b'B' => base64_word(text)?,
            b'q' | b'Q' => quoted_word(text),
            _ => return None,
        };
        let charset = charset.split('*').next().unwrap_or(charset); // RFC 2231, 5: a language
        Some(Word {
            start,
            end: close + 2,
            charset: charset.to_owned(),
            bytes,
        })
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        while let Some(start) = memmem::find(&self.value[self.at..], b"=?").map(|n| self.at + n) {
            self.at = start + 2;
            if let Some(word) = self.word(start) {
                self.at = word.end;
                return Some(word);
            }
        }
        None
    }
}

fn base64_word(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b' ');
    text.iter().all(digit).then(|| transfer::base64(text))
}

fn quoted_word(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, after @ ..]) => match transfer::hex(*high, *low) {
                Some(decoded) => {
                    out.push(decoded);
                    rest = after;
                }
                None => out.push(b'='),
            },
            (byte, _) => out.push(*byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{clean, decode};

    #[test]
    fn encoded_words_are_decoded() {
        for (given, text) in [
            ("plain", "plain"),
            ("=?utf-8?Q?caf=C3=A9_x?=", "café x"),
            ("=?UTF-8?B?Y2Fmw6k=?= bar", "café bar"),
            ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
            ("=?utf-8?q?a?= =?iso-8859-1?q?=E9?=", "aé"),
            ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
            ("Kl=?utf-8?Q?=C4=81?=vs", "Klāvs"),
            ("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),
            (
                "=?ISO-2022-JP?B?GyRCRnw=?= =?ISO-2022-JP?B?GyRCS1w=?=",
                "日本",
            ),
            ("=?utf-8*en?Q?hi there?=", "hi there"),
            ("=?x-what?Q?caf=C3=A9?=", "café"),
            ("=?x-what?Q?caf=E9?=", "café"),
            ("=?utf-8?B?****?=", "=?utf-8?B?****?="),
            ("=?utf-8?Q?open =?utf-8?Q?closed?=", "=?utf-8?Q?open closed"),
            ("=?utf-8?Q?what??=", "what?"),
            ("=?utf-8?X?a?= =??Q?a?= =?", "=?utf-8?X?a?= =??Q?a?= =?"),
            ("=?utf-8?Q??=x", "x"),
            ("=?utf-8?Q?cut=C3?=", "cut\u{fffd}"),
        ] {
            assert_eq!(decode(given.as_bytes()), text, "{given}");
        }
    }

    #[test]
    fn raw_8_bit_text_is_utf_8_or_windows_1252() {
        assert_eq!(decode("é =?utf-8?q?=C3=A9?=".as_bytes()), "é é");
        assert_eq!(decode(b"caf\xe9"), "café");
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(clean(" a\nb\0c\u{1b}[1m\u{202e}d "), "a b c [1md");
    }

    #[test]
    fn a_hundred_thousand_words_are_decoded_in_linear_time() {
        let open = "=?utf-8?q?".repeat(100_000);
        assert_eq!(decode(open.as_bytes()), open);
        let words = "=?utf-8?q?a?= ".repeat(100_000);
        assert_eq!(decode(words.as_bytes()).trim().len(), 100_000);
    }
}
