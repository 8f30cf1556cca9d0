//! Bytes of some charset in, text out.
//!
//! What is declared is tried first; what does not hold is read as UTF-8, then as windows-1252, so that no letter is
//! lost for want of a name.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Text, and whether the charset that was declared for it held.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) held: bool,
}

/// Text that declares nothing: UTF-8, else windows-1252.
pub(super) fn guess(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Text that is declared to be of charset `label`.
pub(super) fn decode<'a>(label: &str, bytes: &'a [u8]) -> Decoded<'a> {
    let label = label.trim();
    if is_ascii_label(label) {
        return Decoded {
            text: guess(bytes),
            held: bytes.is_ascii(),
        };
    }
    let Some(encoding) = Encoding::for_label(label.as_bytes()).filter(|e| *e != REPLACEMENT) else {
        return decode_rare(label, bytes);
    };
    if encoding == UTF_8 {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = guess(bytes);
        let held = matches!(text, Cow::Borrowed(_));
        return Decoded { text, held };
    }
    if encoding == UTF_16LE || encoding == UTF_16BE {
        return decode_utf16(encoding, bytes);
    }
    let (text, failed) = encoding.decode_without_bom_handling(bytes);
    match (failed, std::str::from_utf8(bytes)) {
        (true, Ok(utf8)) => Decoded {
            text: Cow::Borrowed(utf8),
            held: false,
        },
        _ => Decoded {
            text,
            held: !failed,
        },
    }
}

fn is_ascii_label(label: &str) -> bool {
    ["us-ascii", "ascii", "ansi_x3.4-1968", ""]
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name))
}

/// Charsets that browsers have given up: UTF-7, code page 850 and the like.
fn decode_rare<'a>(label: &str, bytes: &'a [u8]) -> Decoded<'a> {
    let known = (!label.is_empty() && label.len() <= 40)
        .then(|| charset_decoder(label.as_bytes()))
        .flatten()
        .filter(|_| Encoding::for_label(label.as_bytes()).is_none());
    match known {
        Some(decode) => Decoded {
            text: Cow::Owned(decode(bytes)),
            held: true,
        },
        None => Decoded {
            text: guess(bytes),
            held: bytes.is_ascii(),
        },
    }
}

/// UTF-16, its byte order by its mark, else by where its zeros are; mail that only claims to be UTF-16 has none.
fn decode_utf16<'a>(declared: &'static Encoding, bytes: &'a [u8]) -> Decoded<'a> {
    let zeros = |odd: usize| {
        let sample = bytes.iter().take(4096).skip(odd).step_by(2);
        sample.filter(|b| **b == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let marked = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if !marked && even + odd == 0 && std::str::from_utf8(bytes).is_ok() {
        return Decoded {
            text: guess(bytes),
            held: false,
        };
    }
    let order = match even.cmp(&odd) {
        std::cmp::Ordering::Greater => UTF_16BE,
        std::cmp::Ordering::Less => UTF_16LE,
        std::cmp::Ordering::Equal => declared,
    };
    let (text, _, failed) = order.decode(bytes);
    Decoded {
        text,
        held: !failed,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, guess};

    #[test]
    fn what_declares_nothing_is_utf_8_or_windows_1252() {
        assert_eq!(guess("café".as_bytes()), "café");
        assert_eq!(guess(b"caf\xe9 \x93x\x94"), "café “x”");
    }

    #[test]
    fn declared_charsets_are_tried_and_then_helped() {
        for (label, bytes, text, held) in [
            ("utf-8", "café".as_bytes(), "café", true),
            ("UTF8", b"caf\xe9", "café", false),
            ("us-ascii", b"cafe", "cafe", true),
            ("us-ascii", "café".as_bytes(), "café", false),
            ("iso-8859-1", b"caf\xe9", "café", true),
            ("koi8-r", b"\xf0\xd2\xc9", "При", true),
            ("iso-2022-jp", b"\x1b$B$\"\x1b(B.", "あ.", true),
            ("iso-2022-jp", "あ".as_bytes(), "あ", false),
            ("gb2312", b"\xc4\xe3", "你", true),
            ("big5", b"\xa7A", "你", true),
            ("utf-7", b"caf+AOk-", "café", true),
            ("utf-16", b"\0h\0i", "hi", true),
            ("utf-16", b"h\0i\0", "hi", true),
            ("utf-16", b"hi", "hi", false),
            ("x-unknown", "café".as_bytes(), "café", false),
            ("../../etc", b"caf\xe9", "café", false),
            ("iso-2022-kr", b"plain", "plain", true),
            ("utf-8", b"\xef\xbb\xbfx", "x", true),
        ] {
            let decoded = decode(label, bytes);
            assert_eq!(decoded.text, text, "{label}");
            assert_eq!(decoded.held, held, "{label} {text}");
        }
    }
}
