//! An answer before it is put on the wire: what it is, how long it holds, and its bytes or the way to write them.

use std::io::Write;
use std::process::Command;

use axum::http::HeaderValue;
use bytes::Bytes;

use super::error::Outcome;
use super::freshness::Fresh;
use crate::config::Limiter;

/// Writes a long body piece by piece. An error breaks the connection off, so that nobody takes half for the whole.
pub(super) type Writer = Box<dyn FnOnce(&mut dyn Write) -> crate::error::Result<()> + Send>;

/// What a page hands back.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) media: Media,
    pub(super) fresh: Fresh,
    /// The file name under which it is saved.
    pub(super) file_name: Option<String>,
    /// Where it is instead: a path from the root of the site, with its query and fragment.
    pub(super) location: Option<String>,
    /// The methods that would have done.
    pub(super) allow: Option<&'static str>,
    /// Seconds after which to try again.
    pub(super) retry_after: Option<u32>,
    /// Whether search engines shall leave it out.
    pub(super) unlisted: bool,
    /// Which part of a file it is, where parts can be asked for.
    pub(super) section: Option<Section>,
    pub(super) content: Content,
}

/// The bytes of an answer.
pub(super) enum Content {
    /// All of them.
    Whole(Bytes),
    /// To be written while they are sent.
    Stream(Writer),
    /// What a program says to what was posted.
    Program(Box<Program>),
}

/// A program to be run for an answer.
pub(super) struct Program {
    pub(super) command: Command,
    /// What stands before its words.
    pub(super) before: &'static str,
    /// The limit that it is under besides that of all programs.
    pub(super) limiter: Option<Limiter>,
}

/// `length` bytes of a file of `of` bytes, from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) first: u64,
    pub(super) length: u64,
    pub(super) of: u64,
}

impl Section {
    /// The value of `Content-Range` (RFC 9110, 14.4), where there is one.
    pub(super) fn content_range(self, outcome: Outcome) -> Option<HeaderValue> {
        let Section { first, length, of } = self;
        let range = match outcome {
            Outcome::Part => format!("bytes {first}-{}/{of}", (first + length).saturating_sub(1)),
            Outcome::NoSuchPart => format!("bytes */{of}"),
            _ => return None,
        };
        HeaderValue::try_from(range).ok()
    }
}

/// What kind of thing it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// A page.
    Html,
    /// A feed.
    Atom,
    /// Text, without a word about its charset.
    Plain,
    /// Text in a charset that somebody else named.
    Text(String),
    /// A style sheet.
    Css,
    /// A picture.
    Svg,
    /// A compressed file.
    Gzip,
    /// Bytes to be saved, never to be shown.
    Octets,
    /// What git says to git, by the name that git has for it.
    Git(&'static str),
}

impl Media {
    /// The value of `Content-Type`.
    pub(super) fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Media::Html => "text/html; charset=UTF-8",
            Media::Atom => "application/atom+xml",
            Media::Plain => "text/plain",
            Media::Text(charset) => {
                let value = format!("text/plain; charset={}", sound_charset(charset));
                return HeaderValue::try_from(value)
                    .unwrap_or(HeaderValue::from_static("text/plain; charset=UTF-8"));
            }
            Media::Css => "text/css; charset=UTF-8",
            Media::Svg => "image/svg+xml",
            Media::Gzip => "application/gzip",
            Media::Octets => "application/octet-stream",
            Media::Git(name) => name,
        })
    }

    /// Whether it pays to compress it. Never a file that is compressed: b4 would unpack it once only.
    pub(super) fn compressible(&self) -> bool {
        !matches!(self, Media::Gzip | Media::Octets | Media::Git(_))
    }
}

/// A charset that mail names goes into a header only where it can be one.
fn sound_charset(charset: &str) -> &str {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'+');
    let sound = (1..=40).contains(&charset.len()) && charset.bytes().all(fits);
    if sound { charset } else { "UTF-8" }
}

impl Answer {
    /// An answer whose bytes are all there. It is not to be kept by anybody unless [`Answer::fresh`] says so.
    pub(super) fn new(outcome: Outcome, media: Media, body: impl Into<Bytes>) -> Answer {
        Answer {
            outcome,
            media,
            fresh: Fresh::Never,
            file_name: None,
            location: None,
            allow: None,
            retry_after: None,
            unlisted: false,
            section: None,
            content: Content::Whole(body.into()),
        }
    }

    /// A good answer.
    pub(super) fn found(media: Media, body: impl Into<Bytes>, fresh: Fresh) -> Answer {
        Answer::new(Outcome::Found, media, body).fresh(fresh)
    }

    /// A good answer that is written while it is sent.
    pub(super) fn stream(
        media: Media,
        fresh: Fresh,
        write: impl FnOnce(&mut dyn Write) -> crate::error::Result<()> + Send + 'static,
    ) -> Answer {
        let mut answer = Answer::new(Outcome::Found, media, "").fresh(fresh);
        answer.content = Content::Stream(Box::new(write));
        answer
    }

    /// A good answer that a program gives.
    pub(super) fn program(media: Media, program: Program) -> Answer {
        let mut answer = Answer::new(Outcome::Found, media, "");
        answer.content = Content::Program(Box::new(program));
        answer
    }

    /// A page of HTML. All of it is made ASCII here, which no charset can spoil.
    pub(super) fn page(outcome: Outcome, html: String, fresh: Fresh) -> Answer {
        Answer::new(outcome, Media::Html, ascii(html)).fresh(fresh)
    }

    /// It lives at `path` (from the root of the site) for good.
    pub(super) fn moved(path: impl Into<String>) -> Answer {
        Answer::redirect(Outcome::Moved, path.into())
    }

    /// Likewise for what was posted.
    pub(super) fn moved_with_all(path: impl Into<String>) -> Answer {
        Answer::redirect(Outcome::MovedWithAll, path.into())
    }

    /// It is at `path` (from the root of the site) for now.
    pub(super) fn elsewhere(path: impl Into<String>) -> Answer {
        Answer::redirect(Outcome::Elsewhere, path.into())
    }

    fn redirect(outcome: Outcome, path: String) -> Answer {
        let mut answer = Answer::new(outcome, Media::Plain, format!("It is at {path}\n"));
        answer.location = Some(path);
        answer
    }

    /// The same with another lifetime.
    pub(super) fn fresh(mut self, fresh: Fresh) -> Answer {
        self.fresh = fresh;
        self
    }

    /// The same, to be saved under that name.
    pub(super) fn named(mut self, file_name: impl Into<String>) -> Answer {
        self.file_name = Some(file_name.into());
        self
    }

    /// The same, not for search engines.
    pub(super) fn unlisted(mut self) -> Answer {
        self.unlisted = true;
        self
    }

    /// Its bytes, where they are there.
    #[cfg(test)]
    pub(super) fn whole(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Whole(body) => Some(body),
            Content::Stream(_) | Content::Program(_) => None,
        }
    }
}

/// Every character beyond ASCII as its number, which means the same in the text and in the attributes of a page.
pub(super) fn ascii(html: String) -> String {
    if html.is_ascii() {
        return html;
    }
    let mut plain = String::with_capacity(html.len() + html.len() / 8);
    push_ascii(&mut plain, &html);
    plain
}

/// Adds `html` so written.
pub(super) fn push_ascii(plain: &mut String, html: &str) {
    use std::fmt::Write as _;
    let mut rest = html;
    while let Some(at) = beyond_ascii(rest) {
        plain.push_str(&rest[..at]);
        let mut after = rest[at..].chars();
        if let Some(c) = after.next() {
            // Writing to a String cannot fail.
            let _ = write!(plain, "&#{};", u32::from(c));
        }
        rest = after.as_str();
    }
    plain.push_str(rest);
}

/// Where the first byte beyond ASCII is: most pages have a few, so what has none is passed over by the line.
fn beyond_ascii(text: &str) -> Option<usize> {
    const LINE: usize = 64;
    let mut lines = text.as_bytes().chunks(LINE).enumerate();
    let (number, line) = lines.find(|(_, line)| !line.is_ascii())?;
    let at = line.iter().position(|b| !b.is_ascii())?;
    Some(number * LINE + at)
}

#[cfg(test)]
mod tests {
    use super::{Media, ascii};

    #[test]
    fn a_page_is_made_of_ascii_only() {
        assert_eq!(ascii("plain".into()), "plain");
        assert_eq!(ascii("Tschüß 🦀".into()), "Tsch&#252;&#223; &#129408;");
    }

    #[test]
    fn a_charset_of_a_mail_cannot_break_a_header() {
        for (given, header) in [
            ("iso-8859-1", "text/plain; charset=iso-8859-1"),
            ("x\r\nSet-Cookie: a=b", "text/plain; charset=UTF-8"),
            ("", "text/plain; charset=UTF-8"),
            ("../../etc", "text/plain; charset=UTF-8"),
        ] {
            assert_eq!(
                Media::Text(given.into()).content_type(),
                header,
                "{given:?}"
            );
        }
    }

    #[test]
    fn compressed_files_are_not_compressed_again() {
        assert!(!Media::Gzip.compressible());
        assert!(Media::Html.compressible());
    }
}
