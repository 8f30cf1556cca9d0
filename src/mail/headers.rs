//! The header block of a mail or of one of its parts, as slices of the raw bytes.
//!
//! Nothing is decoded here and no line is lost: a line that is no header is passed over, a block without an end is
//! taken as far as it looks like one. Everything is linear in the size of the mail.

use std::borrow::Cow;

use memchr::memchr;

/// Headers beyond this number are not looked at.
const MOST_FIELDS: usize = 20_000;
/// Nor are those that begin later than this, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// One header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// Its name as it is written.
    pub(super) name: &'a [u8],
    /// Its value with its line breaks, without white space at both ends.
    pub(super) value: &'a [u8],
}

/// A header block.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Headers<'a> {
    /// Splits a mail or a part into its headers and its body.
    pub(super) fn split(raw: &'a [u8]) -> (Headers<'a>, &'a [u8]) {
        let mut scan = Scan::default();
        let mut fields = Vec::new();
        let mut at = 0;
        while at < raw.len() {
            let end = memchr(b'\n', &raw[at..]).map_or(raw.len(), |n| at + n + 1);
            let line = &raw[at..end];
            if line.iter().all(|b| matches!(b, b'\r' | b'\n')) {
                scan.close(raw, at, &mut fields);
                if fields.is_empty() && at > 0 {
                    break; // text, not headers, stands above this blank line
                }
                return (Headers { fields }, &raw[end..]);
            }
            scan.line(raw, at, line, &mut fields);
            at = end;
        }
        scan.close(raw, at, &mut fields);
        if fields.is_empty() {
            return (Headers { fields }, raw);
        }
        // No blank line: the body begins where it ceases to look like headers.
        let (body, above) = scan.stray.unwrap_or((raw.len(), fields.len()));
        fields.truncate(above);
        (Headers { fields }, &raw[body..])
    }

    /// Whether there is none at all.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The raw values of all headers of that name, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }

    /// The raw value of the first header of that name.
    pub(super) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }
}

/// Where the scanner stands.
#[derive(Default)]
struct Scan {
    /// Start and colon of the header that is being read.
    open: Option<(usize, usize)>,
    /// The first line that is no header, and how many headers stand above it.
    stray: Option<(usize, usize)>,
}

impl Scan {
    fn line<'a>(&mut self, raw: &'a [u8], at: usize, line: &'a [u8], fields: &mut Vec<Field<'a>>) {
        let continues = matches!(line.first(), Some(b' ' | b'\t'));
        if continues && self.open.is_some() {
            return;
        }
        self.close(raw, at, fields);
        match colon(line) {
            Some(colon) if !continues => self.open = Some((at, at + colon)),
            _ => {
                self.stray.get_or_insert((at, fields.len()));
            }
        }
    }

    fn close<'a>(&mut self, raw: &'a [u8], end: usize, fields: &mut Vec<Field<'a>>) {
        if let Some((start, colon)) = self.open.take()
            && fields.len() < MOST_FIELDS
            && start < MOST_BYTES
        {
            fields.push(Field {
                name: raw[start..colon].trim_ascii_end(),
                value: raw[colon + 1..end].trim_ascii(),
            });
        }
    }
}

/// Where the name of a header ends, if `line` begins with one (RFC 5322, 2.2; blanks before the colon are let pass).
fn colon(line: &[u8]) -> Option<usize> {
    let end = line
        .iter()
        .position(|b| !(33..=126).contains(b) || *b == b':')?;
    let colon = end
        + line[end..]
            .iter()
            .position(|b| !matches!(b, b' ' | b'\t'))?;
    (end > 0 && line[colon] == b':').then_some(colon)
}

/// A header value in one line: each line break with the white space that follows becomes one blank.
pub(super) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut flat = Vec::with_capacity(value.len());
    for line in value.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if flat.is_empty() {
            flat.extend_from_slice(line);
        } else {
            flat.push(b' ');
            flat.extend_from_slice(line.trim_ascii_start());
        }
    }
    Cow::Owned(flat)
}

#[cfg(test)]
mod tests {
    use super::{Headers, unfold};

    fn names_and_body(raw: &str) -> (Vec<(String, String)>, String) {
        let (headers, body) = Headers::split(raw.as_bytes());
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        let fields = headers.fields.iter();
        (
            fields.map(|f| (text(f.name), text(f.value))).collect(),
            text(body),
        )
    }

    #[test]
    fn a_block_is_read_as_far_as_it_looks_like_one() {
        for (raw, names, body) in [
            ("A: 1\nB: 2\n\nbody\n", "A=1 B=2", "body\n"),
            ("A: 1\r\nB:2\r\n\r\nbody", "A=1 B=2", "body"),
            ("A : 1\n\n", "A=1", ""),
            ("A: 1\nno header\nB: 2\n\nx", "A=1 B=2", "x"),
            ("A: 1\n", "A=1", ""),
            ("A: 1\nand text\nB: 2\n", "A=1", "and text\nB: 2\n"),
            ("only text\n\nmore: text\n", "", "only text\n\nmore: text\n"),
            ("\nbody", "", "body"),
            (" A: 1\nB: 2\n\nx", "B=2", "x"),
            ("A:\n\nx", "A=", "x"),
            ("", "", ""),
        ] {
            let (fields, rest) = names_and_body(raw);
            let fields: Vec<_> = fields.iter().map(|(n, v)| format!("{n}={v}")).collect();
            assert_eq!(fields.join(" "), names, "{raw:?}");
            assert_eq!(rest, body, "{raw:?}");
        }
    }

    #[test]
    fn folds_become_one_blank() {
        assert_eq!(&*unfold(b"a\n\tb\r\n   c"), b"a b c");
        assert_eq!(&*unfold(b"a  b"), b"a  b");
    }

    #[test]
    fn a_million_headers_are_cut_and_the_body_is_still_found() {
        let raw = "X: y\n".repeat(1_000_000) + "\nbody";
        let (headers, body) = Headers::split(raw.as_bytes());
        assert_eq!(headers.fields.len(), super::MOST_FIELDS);
        assert_eq!(body, b"body");
    }
}
