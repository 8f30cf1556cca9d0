//! What there is to show of a mail, and what to download: its MIME tree as a flat list of parts.

use std::borrow::Cow;
use std::collections::HashSet;

use super::transfer::Encoding;
use super::walk::{Kind, Leaf};
use super::{charset, html};

/// One part, in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its dotted number, from 1: `2`, `1.1.2`.
    pub index: String,
    /// How deep it lies: 1 for the parts of the mail itself.
    pub depth: usize,
    /// `type/subtype` in lower case.
    pub content_type: String,
    /// The whole `Content-Type` value with its parameters, for the note on a charset that did not hold.
    pub content_type_full: String,
    /// The file name that its sender gave it, decoded; to be shown, never to be trusted.
    pub filename: Option<String>,
    /// `Content-Description`, decoded.
    pub description: Option<String>,
    /// Its size in bytes, transfer encoding undone. Lines that came as quoted-printable end in CRLF (RFC 2045, 6.7), and
    /// are counted so.
    pub size: usize,
    /// The charset parameter, where it has one.
    pub charset: Option<String>,
    /// What there is to show.
    pub body: PartBody,
}

/// What there is to show of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartBody {
    /// Text, LF line ends.
    Text {
        /// The decoded text.
        text: String,
        /// Whether the declared charset did not hold and another was assumed.
        mangled: bool,
    },
    /// The words of an HTML part; only where no plain text stands in its stead.
    Html {
        /// The text without its markup.
        text: String,
    },
    /// A whole mail (`message/rfc822`): these headers of it are shown, and its parts follow in the list.
    Embedded {
        /// Name and decoded value, in the order in which they are shown.
        headers: Vec<(String, String)>,
    },
    /// Only a link to download it.
    Opaque,
}

/// A part as it is downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// `type/subtype` in lower case, as the sender claims.
    pub content_type: String,
    /// The charset parameter, where it has one.
    pub charset: Option<String>,
    /// The file name that its sender gave it, decoded; never to be trusted.
    pub filename: Option<String>,
    /// Its bytes, transfer encoding undone.
    pub bytes: Vec<u8>,
}

/// What becomes of the blanks that `format=flowed` adds to lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuffing {
    /// They are taken away.
    Undone,
    /// They stay.
    Kept,
}

/// The parts that the leaves of a mail make.
pub(super) fn parts(leaves: &[Leaf<'_>], stuffing: Stuffing) -> Vec<Part> {
    let plain: HashSet<usize> = leaves
        .iter()
        .filter(|leaf| leaf.media_type() == "text/plain" && !leaf.body.trim_ascii().is_empty())
        .filter_map(|leaf| leaf.alternative)
        .collect();
    let leaves = leaves.iter();
    leaves.map(|leaf| part(leaf, &plain, stuffing)).collect()
}

fn part(leaf: &Leaf<'_>, plain: &HashSet<usize>, stuffing: Stuffing) -> Part {
    let decoded = leaf.decoded();
    let body = match &leaf.kind {
        Kind::Embedded(headers) => PartBody::Embedded {
            headers: headers.clone(),
        },
        Kind::Single | Kind::Rest => leaf.shown(decoded, plain, stuffing),
    };
    Part {
        index: leaf.index.clone(),
        depth: leaf.depth,
        content_type: leaf.media_type().to_owned(),
        content_type_full: match leaf.content_type_full.as_str() {
            "" => "text/plain".to_owned(),
            full => full.to_owned(),
        },
        filename: leaf.filename(),
        description: leaf.description.clone(),
        size: leaf.size(decoded),
        charset: leaf.charset(),
        body,
    }
}

impl Leaf<'_> {
    /// `type/subtype`; what has none, or cannot be one, is plain text.
    pub(super) fn media_type(&self) -> &str {
        let value = self.content_type.value.as_str();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"/.+-_!#$&^*'~`|%{}".contains(&b);
        let halves = value
            .split_once('/')
            .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
        if halves && value.bytes().all(fits) {
            value
        } else {
            "text/plain"
        }
    }

    /// The charset that it declares, if that can be the name of one.
    pub(super) fn charset(&self) -> Option<String> {
        charset_name(self.content_type.param("charset")?)
    }

    /// The name that it has as a file.
    pub(super) fn filename(&self) -> Option<String> {
        let disposition = self.disposition.text("filename");
        disposition.or_else(|| self.content_type.text("name"))
    }

    /// Its bytes, transfer encoding undone; they are kept.
    pub(super) fn decoded(&self) -> &[u8] {
        let decoded = self.decoded.get_or_init(|| match self.undone() {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(bytes),
        });
        decoded.as_deref().unwrap_or(&self.body)
    }

    fn undone(&self) -> Cow<'_, [u8]> {
        let media_type = self.media_type();
        if media_type.starts_with("text/") {
            self.encoding.undo_text(&self.body)
        } else {
            self.encoding.undo(&self.body)
        }
    }

    fn size(&self, decoded: &[u8]) -> usize {
        let newlines = memchr::memchr_iter(b'\n', decoded);
        let bare = newlines.filter(|at| *at == 0 || decoded[at - 1] != b'\r');
        match self.encoding {
            Encoding::QuotedPrintable => decoded.len() + bare.count(),
            _ => decoded.len(),
        }
    }

    /// It as a download.
    pub(super) fn attachment(&self) -> Attachment {
        Attachment {
            content_type: self.media_type().to_owned(),
            charset: self.charset(),
            filename: self.filename(),
            bytes: self.undone().into_owned(),
        }
    }

    /// What there is to show of it.
    fn shown(&self, decoded: &[u8], plain: &HashSet<usize>, stuffing: Stuffing) -> PartBody {
        let media_type = self.media_type();
        match media_type {
            "text/html" | "text/xhtml" | "application/xhtml+xml" => self.shown_html(decoded, plain),
            // Taken apart where that was possible: this was not.
            _ if media_type.starts_with("text/") || media_type.starts_with("multipart/") => {
                self.text(decoded, stuffing)
            }
            "message/rfc822" => self.text(decoded, stuffing),
            "application/octet-stream" if is_readable(decoded) => self.text(decoded, stuffing),
            _ if self.content_type.param("charset").is_some() => match self.text(decoded, stuffing)
            {
                PartBody::Text {
                    text,
                    mangled: false,
                } if is_readable(text.as_bytes()) => PartBody::Text {
                    text,
                    mangled: false,
                },
                _ => PartBody::Opaque,
            },
            _ => PartBody::Opaque,
        }
    }

    fn text(&self, decoded: &[u8], stuffing: Stuffing) -> PartBody {
        let (text, held) = self.decoded_text(decoded);
        let text = plain_lines(&text);
        let format = self.content_type.param("format");
        let flowed = stuffing == Stuffing::Undone
            && format.is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
        let delsp = self
            .content_type
            .param("delsp")
            .is_some_and(|d| d.eq_ignore_ascii_case("yes"));
        PartBody::Text {
            text: if flowed { unstuff(&text, delsp) } else { text },
            mangled: !held,
        }
    }

    /// Decoded by its charset, and whether that held.
    pub(super) fn decoded_text<'d>(&self, decoded: &'d [u8]) -> (Cow<'d, str>, bool) {
        match self.content_type.param("charset") {
            Some(label) => {
                let decoded = charset::decode(label, decoded);
                (decoded.text, decoded.held)
            }
            None => (charset::guess(decoded), true),
        }
    }

    fn shown_html(&self, decoded: &[u8], plain: &HashSet<usize>) -> PartBody {
        let instead = match self.alternative {
            Some(alternative) => plain.contains(&alternative),
            None => self.disposition.value == "attachment" || self.filename().is_some(),
        };
        if instead {
            return PartBody::Opaque;
        }
        let (text, _) = self.decoded_text(decoded);
        PartBody::Html {
            text: html::to_text(&text),
        }
    }
}

/// `label`, if it can be written into a header again.
pub(super) fn charset_name(label: &str) -> Option<String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.:+".contains(&b);
    let label = label.trim();
    (!label.is_empty() && label.len() <= 64 && label.bytes().all(fits)).then(|| label.to_owned())
}

/// Whether bytes are text that a terminal survives.
fn is_readable(bytes: &[u8]) -> bool {
    let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\x0c');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(shown))
}

/// Text with LF line ends and without NUL.
fn plain_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\r', b'\0', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let cut = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        if cut == b'\r' {
            // Some gateways double the CR of every line.
            rest = rest.trim_start_matches('\r');
            rest = rest.strip_prefix('\n').unwrap_or(rest);
            out.push('\n');
        }
    }
    out.push_str(rest);
    out
}

/// What `format=flowed` adds to lines is taken away (RFC 3676, 4.4 and 4.2): the blank before lines that would be
/// taken for something else, and with `DelSp=yes` the blank of a soft break. The breaks stay where they are.
fn unstuff(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let line = line.strip_prefix(' ').unwrap_or(line);
        match line.strip_suffix(" \n") {
            Some(soft) if delsp && soft.trim_start_matches(['>', ' ']) != "--" => {
                out.push_str(soft);
                out.push('\n');
            }
            _ => out.push_str(line),
        }
    }
    out
}
