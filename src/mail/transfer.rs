//! Transfer encodings undone (RFC 2045, section 6): base64 and quoted-printable, whatever stands in them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::{memchr, memchr_iter, memchr2};

/// How the bytes of a part were made fit for travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 7bit, 8bit, binary, and everything unknown.
    Plain,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    /// Reads a `Content-Transfer-Encoding`.
    pub(super) fn parse(value: &[u8]) -> Encoding {
        let word = value.split(|b| matches!(b, b';' | b' ' | b'\t' | b'\r' | b'\n' | b'('));
        let word = word
            .map(|w| w.trim_ascii())
            .find(|w| !w.is_empty())
            .unwrap_or_default();
        if word.eq_ignore_ascii_case(b"base64") {
            Encoding::Base64
        } else if word.eq_ignore_ascii_case(b"quoted-printable") {
            Encoding::QuotedPrintable
        } else {
            Encoding::Plain
        }
    }

    /// The bytes as they were before they travelled.
    pub(super) fn undo(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Encoding::Plain => Cow::Borrowed(bytes),
            Encoding::Base64 => Cow::Owned(base64(bytes)),
            Encoding::QuotedPrintable => Cow::Owned(quoted_printable(bytes)),
        }
    }

    /// The text as it was before it travelled. List managers append their footers to encoded text as they are:
    /// those stay as they are, and so does text that is not encoded at all.
    pub(super) fn undo_text(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        if self != Encoding::Base64 {
            return self.undo(bytes);
        }
        let encoded = encoded_lines(bytes);
        let rest = &bytes[encoded..];
        if encoded == 0 {
            return Cow::Borrowed(bytes);
        }
        let mut text = base64(&bytes[..encoded]);
        if !rest.trim_ascii().is_empty() {
            if text.last() != Some(&b'\n') {
                text.push(b'\n');
            }
            text.extend_from_slice(rest);
        }
        Cow::Owned(text)
    }
}

/// How many of the leading bytes are whole lines of base64.
fn encoded_lines(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n + 1);
        let line = bytes[at..end].trim_ascii();
        if !line.iter().all(|b| SEXTET[*b as usize] < 64 || *b == b'=') {
            break;
        }
        at = end;
    }
    at
}

const STRAY: u8 = 0xff;

/// The value of each base64 digit.
const SEXTET: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [STRAY; 256];
    let mut value = 0;
    while value < 64 {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    table
};

/// Base64 as mail has it at its best: with any number of `=` at its end, and whatever bits are left over there.
const WELL_FORMED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64; what is no digit of it is passed over. Padding ends a run, after which another may follow.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    well_formed(bytes).unwrap_or_else(|| anything(bytes))
}

/// Decodes lines of nothing but base64; `None` for anything else.
fn well_formed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(bytes.len());
    let mut start = 0;
    for end in memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let line = &bytes[start..end];
        digits.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        start = end + 1;
    }
    WELL_FORMED.decode(digits).ok()
}

/// Decodes base64 with anything else in it, digit by digit.
fn anything(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0_u8);
    for byte in bytes {
        let value = SEXTET[*byte as usize];
        if value < 64 {
            bits = bits << 6 | u32::from(value);
            count += 1;
            if count == 4 {
                out.extend_from_slice(&bits.to_be_bytes()[1..]);
                (bits, count) = (0, 0);
            }
        } else if *byte == b'=' {
            flush(&mut out, bits, count);
            (bits, count) = (0, 0);
        }
    }
    flush(&mut out, bits, count);
    out
}

/// What is left when base64 ends within four digits.
fn flush(out: &mut Vec<u8>, bits: u32, count: u8) {
    match count {
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => {}
    }
}

/// Decodes quoted-printable; an `=` that begins no code stands for itself. Blanks at line ends are not part of it
/// (RFC 2045, 6.7, rule 3).
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    // Blanks before this length of `out` came as codes, and stay.
    let mut firm = 0;
    while let Some(at) = memchr2(b'=', b'\n', rest) {
        out.extend_from_slice(&rest[..at]);
        let from = rest[at];
        rest = &rest[at + 1..];
        if from == b'\n' {
            let cr = out.len() > firm && out.last() == Some(&b'\r');
            out.truncate(out.len() - usize::from(cr));
            let mut end = out.len();
            while end > firm && matches!(out[end - 1], b' ' | b'\t') {
                end -= 1;
            }
            out.truncate(end);
            out.extend_from_slice(if cr { b"\r\n" } else { b"\n" });
            firm = out.len();
        } else if let [high, low, tail @ ..] = rest
            && let Some(byte) = hex(*high, *low)
        {
            out.push(byte);
            firm = out.len();
            rest = tail;
        } else if let Some(tail) = soft_break(rest) {
            firm = out.len();
            rest = tail;
        } else {
            out.push(b'=');
            firm = out.len();
        }
    }
    out.extend_from_slice(rest);
    out
}

/// What follows a soft line break, if `rest`, after an `=`, is one.
fn soft_break(rest: &[u8]) -> Option<&[u8]> {
    let blanks = rest
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
        .count();
    match rest.get(blanks) {
        None => Some(&[]),
        Some(b'\n') => Some(&rest[blanks + 1..]),
        Some(_) => None,
    }
}

/// Two hexadecimal digits.
pub(super) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| (b as char).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Encoding, anything, well_formed};

    fn check(encoding: &str, cases: &[(&str, &str)]) {
        let encoding = Encoding::parse(encoding.as_bytes());
        for (given, text) in cases {
            let undone = encoding.undo_text(given.as_bytes());
            assert_eq!(String::from_utf8_lossy(&undone), *text, "{given:?}");
        }
    }

    #[test]
    fn quoted_printable_is_undone_whatever_stands_in_it() {
        check(
            " Quoted-Printable (really)",
            &[
                ("caf=C3=A9\n", "café\n"),
                ("soft =\nbreak", "soft break"),
                ("soft= \r\nbreak\r\n", "softbreak\r\n"),
                ("blanks  \t\nend", "blanks\nend"),
                ("kept=20\n-- =\n\n", "kept \n-- \n"),
                ("a = b, =ZZ, =4", "a = b, =ZZ, =4"),
                ("end=", "end"),
                ("lower =c3=a9", "lower é"),
            ],
        );
    }

    #[test]
    fn base64_is_undone_and_a_footer_after_it_stays() {
        check(
            "BASE64;",
            &[
                ("aGVsbG8K\n", "hello\n"),
                ("aGVs\r\nbG8=\r\n", "hello"),
                ("aGVsbG8=\naGVsbG8=\n", "hellohello"),
                (
                    "aGVsbG8=\n\n___\nthe list, archives\n",
                    "hello\n___\nthe list, archives\n",
                ),
                ("never encoded, this\n", "never encoded, this\n"),
                ("", ""),
            ],
        );
    }

    #[test]
    fn bytes_are_taken_out_of_base64_with_junk_in_it() {
        assert_eq!(&*Encoding::Base64.undo(b"aG*Vs\0bG8!"), b"hello");
    }

    proptest! {
        #[test]
        fn both_ways_to_decode_base64_agree(text in "([A-Za-z0-9+/]{0,9}(\r?\n)?){0,4}={0,3}\r?\n?.?") {
            if let Some(decoded) = well_formed(text.as_bytes()) {
                prop_assert_eq!(decoded, anything(text.as_bytes()));
            }
        }

        #[test]
        fn lines_of_base64_are_well_formed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            use base64::Engine as _;
            let text = base64::prelude::BASE64_STANDARD.encode(&bytes);
            let lines: Vec<_> = text.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
            prop_assert_eq!(well_formed(lines.join("\r\n").as_bytes()), Some(bytes));
        }
    }
}
