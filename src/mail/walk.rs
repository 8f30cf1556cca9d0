//! The MIME tree of a mail, walked without recursion.
//!
//! The leaves come depth-first with the numbers that public-inbox gives them, so that links to attachments hold. What
//! is nested too deep, or comes too late, is kept as text.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::vec;

use memchr::memmem;

use super::headers::Headers;
use super::params::Structured;
use super::transfer::Encoding;
use super::words;

/// Parts nested deeper than this are not taken apart.
const DEEPEST: usize = 20;
/// What comes after so many parts is one last part, as it stands.
const MOST_PARTS: usize = 1000;
/// Longer boundaries are none, in bytes.
const LONGEST_BOUNDARY: usize = 2048;

/// What a leaf of the tree is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something to show or to download.
    Single,
    /// A mail within the mail, with the headers that are shown of it; its own leaves follow.
    Embedded(Vec<(String, String)>),
    /// What could not be taken apart.
    Rest,
}

/// One leaf.
pub(super) struct Leaf<'a> {
    pub(super) index: String,
    pub(super) depth: usize,
    pub(super) kind: Kind,
    /// The `Content-Type`; of no value where there is none.
    pub(super) content_type: Structured,
    /// The same as it stands.
    pub(super) content_type_full: String,
    pub(super) disposition: Structured,
    pub(super) description: Option<String>,
    pub(super) encoding: Encoding,
    /// The body, still encoded.
    pub(super) body: Cow<'a, [u8]>,
    /// The body decoded, once that has been asked for; `None` where it is the same.
    pub(super) decoded: OnceCell<Option<Vec<u8>>>,
    /// The `multipart/alternative` that it is a choice of, by a number of its own.
    pub(super) alternative: Option<usize>,
}

/// The leaves of a mail with these headers and this body.
pub(super) fn leaves<'a>(headers: &Headers<'_>, body: &'a [u8]) -> Vec<Leaf<'a>> {
    let mut walk = Walk::default();
    walk.entity(headers, Cow::Borrowed(body), String::new(), 0, None);
    while let Some(frame) = walk.stack.last_mut() {
        let Some(range) = frame.ranges.next() else {
            walk.stack.pop();
            continue;
        };
        if walk.leaves.len() >= MOST_PARTS {
            walk.rest(range.start);
            break;
        }
        frame.count += 1;
        let index = match frame.prefix.as_str() {
            "" => frame.count.to_string(),
            prefix => format!("{prefix}.{}", frame.count),
        };
        let (depth, alternative) = (frame.depth, frame.alternative);
        let part = slice(&frame.bytes, range);
        let (headers, body) = Headers::split(&part);
        let body = part.len() - body.len();
        let body = slice(&part, body..part.len());
        walk.entity(&headers, body, index, depth, alternative);
    }
    walk.leaves
}

/// A container whose parts are being walked.
struct Frame<'a> {
    bytes: Cow<'a, [u8]>,
    ranges: vec::IntoIter<Range<usize>>,
    prefix: String,
    count: usize,
    /// The depth of its parts.
    depth: usize,
    alternative: Option<usize>,
}

#[derive(Default)]
struct Walk<'a> {
    leaves: Vec<Leaf<'a>>,
    stack: Vec<Frame<'a>>,
    alternatives: usize,
}

impl<'a> Walk<'a> {
    /// Takes one mail or part: a container is put on the stack, everything else is a leaf. `index` is empty and
    /// `depth` 0 for the mail itself.
    fn entity(
        &mut self,
        headers: &Headers<'_>,
        body: Cow<'a, [u8]>,
        index: String,
        depth: usize,
        alternative: Option<usize>,
    ) {
        let content_type = headers
            .first("Content-Type")
            .map(Structured::parse)
            .unwrap_or_default();
        if depth < DEEPEST
            && let Some(ranges) = multipart(&content_type, &body)
        {
            let mut alternative = alternative;
            if content_type.value == "multipart/alternative" {
                self.alternatives += 1;
                alternative.get_or_insert(self.alternatives);
            }
            self.stack.push(Frame {
                bytes: body,
                ranges: ranges.into_iter(),
                prefix: index,
                count: 0,
                depth: depth + 1,
                alternative,
            });
            return;
        }
        let index = if index.is_empty() {
            "1".to_owned()
        } else {
            index
        };
        let depth = depth.max(1);
        let mut leaf = Leaf::new(headers, content_type, body, index, depth, alternative);
        if depth < DEEPEST && is_mail(&leaf.content_type.value) {
            self.open_mail(&mut leaf);
        }
        self.leaves.push(leaf);
    }

    /// Puts a mail within the mail on the stack, as a container of one part.
    fn open_mail(&mut self, leaf: &mut Leaf<'a>) {
        let bytes = match (&leaf.body, leaf.encoding) {
            (body, Encoding::Plain) => body.clone(),
            (body, encoding) => Cow::Owned(encoding.undo(body).into_owned()),
        };
        let (headers, _) = Headers::split(&bytes);
        let shown = ["From", "To", "Cc", "Subject", "Date", "Message-ID"].into_iter();
        let shown = shown.flat_map(|name| headers.all(name).map(move |value| (name, value)));
        let shown = shown.map(|(name, value)| (name.to_owned(), words::header_text(value)));
        leaf.kind = Kind::Embedded(shown.filter(|(_, value)| !value.is_empty()).collect());
        let whole = 0..bytes.len();
        self.stack.push(Frame {
            bytes,
            ranges: vec![whole].into_iter(),
            prefix: leaf.index.clone(),
            count: 0,
            depth: leaf.depth + 1,
            alternative: leaf.alternative,
        });
    }

    /// Everything from `start` of the innermost container on, as one last part.
    fn rest(&mut self, start: usize) {
        let mut text = Vec::new();
        let mut start = Some(start);
        for frame in self.stack.iter_mut().rev() {
            let from = start
                .take()
                .or_else(|| frame.ranges.next().map(|range| range.start));
            text.extend_from_slice(from.map_or(&[], |from| &frame.bytes[from..]));
        }
        let none = Headers::default();
        let index = (MOST_PARTS + 1).to_string();
        let content_type = Structured::default();
        let mut leaf = Leaf::new(&none, content_type, Cow::Owned(text), index, 1, None);
        leaf.kind = Kind::Rest;
        self.leaves.push(leaf);
    }
}

impl<'a> Leaf<'a> {
    fn new(
        headers: &Headers<'_>,
        content_type: Structured,
        body: Cow<'a, [u8]>,
        index: String,
        depth: usize,
        alternative: Option<usize>,
    ) -> Leaf<'a> {
        let text = |name: &str| headers.first(name).map(words::header_text);
        let disposition = headers.first("Content-Disposition").map(Structured::parse);
        let encoding = headers
            .first("Content-Transfer-Encoding")
            .map(Encoding::parse);
        Leaf {
            index,
            depth,
            kind: Kind::Single,
            content_type,
            content_type_full: text("Content-Type").unwrap_or_default(),
            disposition: disposition.unwrap_or_default(),
            description: text("Content-Description").filter(|text| !text.is_empty()),
            encoding: encoding.unwrap_or(Encoding::Plain),
            body,
            decoded: OnceCell::new(),
            alternative,
        }
    }
}

fn slice<'a>(bytes: &Cow<'a, [u8]>, range: Range<usize>) -> Cow<'a, [u8]> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
        Cow::Owned(bytes) => Cow::Owned(bytes[range].to_vec()),
    }
}

fn is_mail(content_type: &str) -> bool {
    matches!(
        content_type,
        "message/rfc822" | "message/global" | "message/news"
    )
}

/// Where the parts of a multipart lie in its body. `None` where it is none, or has none.
fn multipart(content_type: &Structured, body: &[u8]) -> Option<Vec<Range<usize>>> {
    if !content_type.value.starts_with("multipart/") {
        return None;
    }
    let boundary = content_type.param("boundary")?;
    if boundary.is_empty() || boundary.len() > LONGEST_BOUNDARY {
        return None;
    }
    let ranges = split(body, boundary.as_bytes());
    (!ranges.is_empty()).then_some(ranges)
}

/// The stretches between the lines that are boundaries (RFC 2046, 5.1.1), without the line break before each. One
/// that is never closed reaches to the end.
fn split(body: &[u8], boundary: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut open = None;
    let delimiter = [b"--", boundary].concat();
    let finder = memmem::Finder::new(&delimiter);
    for at in finder.find_iter(body) {
        if at > 0 && body[at - 1] != b'\n' {
            continue;
        }
        let Some((next, last)) = boundary_end(body, at + delimiter.len()) else {
            continue;
        };
        if let Some(start) = open.take() {
            ranges.push(start..before_break(body, start, at));
        }
        if last {
            return ranges;
        }
        open = Some(next);
        if ranges.len() > MOST_PARTS {
            break;
        }
    }
    if let Some(start) = open.filter(|start| *start < body.len()) {
        ranges.push(start..body.len());
    }
    ranges
}

/// If nothing but white space follows a boundary in its line: where the next line begins, and whether the boundary
/// was the last.
fn boundary_end(body: &[u8], from: usize) -> Option<(usize, bool)> {
    let rest = &body[from..];
    let last = rest.starts_with(b"--");
    let rest = if last { &rest[2..] } else { rest };
    let from = body.len() - rest.len();
    let blanks = rest
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
        .count();
    match rest.get(blanks) {
        None => Some((body.len(), last)),
        Some(b'\n') => Some((from + blanks + 1, last)),
        Some(_) => None,
    }
}

/// `at` without the line break before it, which belongs to the boundary.
fn before_break(body: &[u8], start: usize, at: usize) -> usize {
    let part = &body[start..at.max(start)];
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    let part = part.strip_suffix(b"\r").unwrap_or(part);
    start + part.len()
}
