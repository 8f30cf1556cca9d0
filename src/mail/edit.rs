//! Mail with other headers than it came with; every other byte stays as it is.
//!
//! The header block ends, as public-inbox has it, at the first blank line, whatever stands above it.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::mbox::without_from_line;

/// Mail without a leading mbox `From ` line, and without blank lines above its headers.
pub fn trimmed(raw: &[u8]) -> &[u8] {
    let raw = without_from_line(raw);
    let blank = raw.iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    &raw[blank.count()..]
}

/// Where the header block ends: behind the line end of its last line.
fn head_end(raw: &[u8]) -> usize {
    for end in memchr_iter(b'\n', raw) {
        let rest = &raw[end + 1..];
        if rest.starts_with(b"\n") || rest.starts_with(b"\r\n") {
            return end + 1;
        }
    }
    raw.len()
}

/// The lines of a header block, each header with the lines that continue it.
fn fields(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        let mut end = 0;
        while end < rest.len() {
            end += memchr(b'\n', &rest[end..]).map_or(rest.len() - end, |n| n + 1);
            if !matches!(rest.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let (field, after) = rest.split_at(end);
        rest = after;
        (!field.is_empty()).then_some(field)
    })
}

fn name_of(field: &[u8]) -> &[u8] {
    memchr(b':', field).map_or(&[], |colon| field[..colon].trim_ascii_end())
}

/// Mail without the headers of these names.
pub fn without_headers<'a>(raw: &'a [u8], names: &[&str]) -> Cow<'a, [u8]> {
    let (head, rest) = raw.split_at(head_end(raw));
    let dropped = |field: &[u8]| {
        let name = name_of(field);
        names
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n.as_bytes()))
    };
    if !fields(head).any(dropped) {
        return Cow::Borrowed(raw);
    }
    let mut kept = Vec::with_capacity(raw.len());
    fields(head)
        .filter(|field| !dropped(field))
        .for_each(|field| kept.extend_from_slice(field));
    kept.extend_from_slice(rest);
    Cow::Owned(kept)
}

/// Mail with one more header at the end of its header block. Text without any header gets a header block above it.
pub fn with_header(raw: &[u8], name: &str, value: &str) -> Vec<u8> {
    let (headers, _) = super::headers::Headers::split(raw);
    let (head, rest) = match headers.is_empty() {
        true => raw.split_at(0),
        false => raw.split_at(head_end(raw)),
    };
    let first = memchr(b'\n', raw).and_then(|end| raw.get(end.checked_sub(1)?));
    let eol = if first == Some(&b'\r') { "\r\n" } else { "\n" };
    let mut out = Vec::with_capacity(raw.len() + name.len() + value.len() + 8);
    out.extend_from_slice(head);
    if !head.is_empty() && !head.ends_with(b"\n") {
        out.extend_from_slice(eol.as_bytes());
    }
    out.extend_from_slice(format!("{name}: {value}{eol}").as_bytes());
    if headers.is_empty() {
        out.extend_from_slice(eol.as_bytes());
    }
    out.extend_from_slice(rest);
    out
}

/// Mail with one more header above all others, for header blocks that are longer than anybody reads.
pub fn with_first_header(raw: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut out = format!("{name}: {value}\n").into_bytes();
    out.extend_from_slice(raw);
    out
}

/// Mail in which the value of every header of that name is what `change` makes of it; `None` leaves it alone.
pub fn with_changed<'a>(
    raw: &'a [u8],
    name: &str,
    change: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Cow<'a, [u8]> {
    let (head, rest) = raw.split_at(head_end(raw));
    let mut out = Vec::with_capacity(raw.len());
    let mut changed = false;
    for field in fields(head) {
        let colon =
            memchr(b':', field).filter(|_| name_of(field).eq_ignore_ascii_case(name.as_bytes()));
        let new = colon.and_then(|colon| Some((colon, change(&field[colon + 1..])?)));
        match new {
            Some((colon, value)) => {
                changed = true;
                out.extend_from_slice(&field[..=colon]);
                out.extend_from_slice(&value);
            }
            None => out.extend_from_slice(field),
        }
    }
    if !changed {
        return Cow::Borrowed(raw);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{trimmed, with_changed, with_header, without_headers};

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn headers_are_dropped_with_their_folds_and_nothing_else_is() {
        for (raw, left) in [
            ("Status: R\nA: 1\n\nStatus: x\n", "A: 1\n\nStatus: x\n"),
            (
                "A: 1\nstatus: R\n more\n\tmore\nB: 2\n\nb",
                "A: 1\nB: 2\n\nb",
            ),
            ("A: 1\r\nStatus : R\r\n\r\nb", "A: 1\r\n\r\nb"),
            ("A: 1\nLines: 3", "A: 1\n"),
            ("X-Status-Not: R\n\n", "X-Status-Not: R\n\n"),
            ("", ""),
            (
                " Status: folded into nothing\nA: 1\n\n",
                " Status: folded into nothing\nA: 1\n\n",
            ),
        ] {
            let names = ["Status", "Lines"];
            assert_eq!(
                text(&without_headers(raw.as_bytes(), &names)),
                left,
                "{raw:?}"
            );
        }
    }

    #[test]
    fn a_header_is_added_last_and_with_the_line_ends_of_the_mail() {
        for (raw, new) in [
            ("A: 1\n\nb", "A: 1\nX: y\n\nb"),
            ("A: 1\r\n\r\nb", "A: 1\r\nX: y\r\n\r\nb"),
            ("A: 1\n", "A: 1\nX: y\n"),
            ("A: 1", "A: 1\nX: y\n"),
            ("only text\n\nmore", "X: y\n\nonly text\n\nmore"),
            ("", "X: y\n\n"),
        ] {
            assert_eq!(text(&with_header(raw.as_bytes(), "X", "y")), new, "{raw:?}");
        }
    }

    #[test]
    fn what_stands_above_the_headers_is_trimmed() {
        for (raw, left) in [
            ("From a b\nA: 1\n\nb", "A: 1\n\nb"),
            (">From a b\nA: 1\n\nb", "A: 1\n\nb"),
            ("\r\n\nA: 1\n\nb", "A: 1\n\nb"),
            ("From: a\n\nb", "From: a\n\nb"),
            ("From only", ""),
        ] {
            assert_eq!(text(trimmed(raw.as_bytes())), left, "{raw:?}");
        }
    }

    #[test]
    fn a_value_is_changed_in_place() {
        let raw = b"A: 1\nSubject: [x] s\n\tt\nB: 2\n\nSubject: [x]\n";
        let change = |value: &[u8]| Some(text(value).replace("[x] ", "").into_bytes());
        let changed = with_changed(raw, "subject", change);
        assert_eq!(
            text(&changed),
            "A: 1\nSubject: s\n\tt\nB: 2\n\nSubject: [x]\n"
        );
    }
}
