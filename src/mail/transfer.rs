//! Transfer encodings undone (RFC 2045, section 6): base64 and quoted-printable, whatever stands in them.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

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

/// Decodes base64; what is no digit of it is passed over. Padding ends a run, after which another may follow.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0_u8);
    let mut rest = bytes;
    loop {
        if count == 0 {
            // Four times four at once, as long as there is nothing else among them.
            while let Some((digits, tail)) = rest.split_first_chunk::<16>() {
                let mut block = [0; 12];
                let mut all = 0;
                for (quad, three) in digits.chunks_exact(4).zip(block.chunks_exact_mut(3)) {
                    let mut word = 0;
                    for digit in quad {
                        let value = SEXTET[*digit as usize];
                        all |= value;
                        word = word << 6 | u32::from(value);
                    }
                    three.copy_from_slice(&word.to_be_bytes()[1..]);
                }
                if all >= 64 {
                    break;
                }
                out.extend_from_slice(&block);
                rest = tail;
            }
            while let [a, b, c, d, tail @ ..] = rest {
                let [a, b, c, d] = [*a, *b, *c, *d].map(|digit| SEXTET[digit as usize]);
                if a | b | c | d >= 64 {
                    break;
                }
                let [a, b, c, d] = [a, b, c, d].map(u32::from);
                let word = a << 18 | b << 12 | c << 6 | d;
                out.extend_from_slice(&word.to_be_bytes()[1..]);
                rest = tail;
            }
        }
        let Some((byte, tail)) = rest.split_first() else {
            break;
        };
        rest = tail;
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
    use super::Encoding;

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
}
