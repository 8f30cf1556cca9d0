//! A mail's parts: words, quotations, patches, and links to what is attached.

use super::diff::{self, Kind};
use super::files::Files;
use super::linkify::linkify;
use super::quote;
use super::{Addresses, Html};
use crate::mail::{Part, PartBody};
use crate::url;

/// How a body is shown.
#[derive(Clone, Copy, Debug)]
pub struct BodyOptions<'a> {
    /// What stands before the links to `raw` and to attachments: nothing on the message's own page, `../../MSGID/`
    /// on the page of its thread, the whole address in a feed. It also makes the anchors of diffs unique on pages
    /// of many messages.
    pub base: &'a str,
    /// Whether long quotations are folded. Not in feeds, whose readers know no `<details>`.
    pub fold: bool,
    /// How addresses are written.
    pub addresses: Addresses<'a>,
}

impl Default for BodyOptions<'_> {
    fn default() -> Self {
        BodyOptions {
            base: "",
            fold: true,
            addresses: Addresses::Shown,
        }
    }
}

/// How much is shown of one mail: a page of it stays bounded, and `raw` has the rest.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of text.
    pub bytes: usize,
    /// Lines of diffs.
    pub diff_lines: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            bytes: 2_000_000,
            diff_lines: 20_000,
        }
    }
}

/// The body of a mail, to be put inside a `<pre>`.
pub fn body(parts: &[Part], options: &BodyOptions<'_>) -> Html {
    body_within(parts, options, Budget::default())
}

/// Likewise, no more than the budget allows.
pub fn body_within(parts: &[Part], options: &BodyOptions<'_>, budget: Budget) -> Html {
    let bytes: usize = parts.iter().map(|part| part.size).sum();
    let mut writer = Writer {
        out: Html::with_capacity(bytes.min(budget.bytes) * 5 / 4 + 256),
        options,
        left: budget,
    };
    for part in parts {
        match &part.body {
            PartBody::Text { text, mangled } => {
                if needs_line(part, parts, *mangled) {
                    writer.attachment_line(part, *mangled);
                    writer.out.markup("\n");
                }
                writer.text(part, text);
            }
            PartBody::Html { text } => {
                writer.attachment_line(part, false);
                writer.out.markup("\n");
                writer.text(part, text);
            }
            PartBody::Embedded { headers } => {
                writer.attachment_line(part, false);
                writer.out.markup("\n");
                for (name, value) in headers {
                    writer.out.line(name);
                    writer.out.markup(": ");
                    writer.words_on_one_line(value);
                    writer.out.markup("\n");
                }
            }
            PartBody::Opaque => writer.attachment_line(part, false),
        }
    }
    writer.out
}

/// Whether a text is told from the ones beside it by a line of its own; the only text of a mail needs none.
fn needs_line(part: &Part, parts: &[Part], mangled: bool) -> bool {
    part.filename.is_some() || mangled || parts.len() > 1 || part.index != "1"
}

/// The last segment of the address of an attachment: `2-name.txt`. A name that would need escaping is replaced.
pub fn attachment_href(part: &Part) -> String {
    let name = match &part.filename {
        Some(name) if url::is_attachment_name(name) => name,
        _ if part.content_type == "text/plain" => "a.txt",
        _ => "a.bin",
    };
    format!("{}-{name}", part.index)
}

struct Writer<'a> {
    out: Html,
    options: &'a BodyOptions<'a>,
    left: Budget,
}

impl Writer<'_> {
    /// The line that names a part and links to its bytes.
    fn attachment_line(&mut self, part: &Part, mangled: bool) {
        self.out.end_line();
        if part.index != "1" {
            self.out.markup("\n");
        }
        let href = format!("{}{}", self.options.base, attachment_href(part));
        self.out.open_link(&[&href]);
        if mangled {
            self.out
                .markup("[-- Warning: decoded text below may be mangled, UTF-8 assumed --]\n");
        }
        self.out.markup("[-- Attachment #");
        self.out.text(&part.index);
        self.out.markup(": ");
        let name = part.description.as_ref().or(part.filename.as_ref());
        if let Some(name) = name.filter(|name| !name.trim().is_empty()) {
            self.words_on_one_line(shortened(name));
            self.out.markup(" --]\n[-- ");
        }
        self.out.markup("Type: ");
        let full = shortened(&part.content_type_full);
        self.out.line(if mangled && !full.is_empty() {
            full
        } else {
            &part.content_type
        });
        self.out.markup(", Size: ");
        self.out.print(format_args!("{}", part.size));
        self.out.markup(" bytes --]</a>\n");
    }

    fn words_on_one_line(&mut self, words: &str) {
        self.out.line(&self.options.addresses.written(words));
    }

    /// A text, as far as the budget goes; ends with a line break.
    fn text(&mut self, part: &Part, text: &str) {
        let text = &*self.options.addresses.written(text);
        let shown = &text[..text.floor_char_boundary(self.left.bytes)];
        let end = self.lines(part, shown);
        self.left.bytes -= end;
        self.out.end_line();
        if end < text.len() {
            self.out.markup("\n[-- ");
            let missing = (text.len() - end).to_string();
            self.out.text(&missing);
            self.out.markup(" more bytes: see the ");
            let href = format!("{}raw", self.options.base);
            self.out.link(&href, "raw message");
            self.out.markup(" --]\n");
        }
    }

    /// Writes line after line, those of one kind at once. Returns how far it came.
    fn lines(&mut self, part: &Part, text: &str) -> usize {
        let fold = self.options.fold && quote::has_own_words(text);
        let mut reader = diff::has_diff(text).then(diff::Reader::default);
        let mut files = match reader {
            Some(_) => Files::of(text, self.options.base, &part.index),
            None => Files::default(),
        };
        let mut run = Kind::Plain;
        let (mut start, mut at) = (0, 0);
        while at < text.len() {
            let rest = &text[at..];
            let kind = match &mut reader {
                Some(reader) => reader.kind(rest),
                None if rest.starts_with('>') => Kind::Quote,
                None => Kind::Plain,
            };
            let in_diff = !matches!(kind, Kind::Plain | Kind::Quote);
            if in_diff && self.left.diff_lines == 0 {
                break;
            }
            self.left.diff_lines -= usize::from(in_diff);
            // Each file's head is a run of its own, so that its first line can be an anchor.
            let new_head = kind == Kind::Head && rest.starts_with("diff ");
            if kind != run || new_head {
                self.run(run, &text[start..at], fold, &mut files);
                start = at;
                run = kind;
            }
            at += memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
        }
        self.run(run, &text[start..at], fold, &mut files);
        at
    }

    fn run(&mut self, kind: Kind, lines: &str, fold: bool, files: &mut Files) {
        if lines.is_empty() {
            return;
        }
        let out = &mut self.out;
        match kind {
            Kind::Quote => return quote::quote(out, lines, fold),
            Kind::Plain if files.is_empty() => return linkify(out, lines),
            Kind::Plain => return with_diffstat(out, lines, files),
            Kind::Context => return linkify(out, lines),
            Kind::Head => out.markup("<span class=\"head\">"),
            Kind::Hunk => out.markup("<span class=\"hunk\">"),
            Kind::Add => out.markup("<span class=\"add\">"),
            Kind::Del => out.markup("<span class=\"del\">"),
        }
        match kind {
            Kind::Head => {
                let (first, rest) = lines.split_at(
                    memchr::memchr(b'\n', lines.as_bytes()).map_or(lines.len(), |end| end + 1),
                );
                files.head_line(out, first);
                out.text(rest);
            }
            _ => linkify(out, lines),
        }
        out.markup("</span>");
    }
}

/// Words in a mail with a patch: lines of its diffstat link to the files.
fn with_diffstat(out: &mut Html, lines: &str, files: &mut Files) {
    let (mut start, mut at) = (0, 0);
    for line in lines.split_inclusive('\n') {
        let end = at + line.len();
        if line.starts_with(' ') && line.contains(" | ") {
            linkify(out, &lines[start..at]);
            start = at;
            if files.stat_line(out, line) {
                start = end;
            }
        }
        at = end;
    }
    linkify(out, &lines[start..]);
}

/// The beginning of a name that is longer than anybody reads.
fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(255)]
}

#[cfg(test)]
mod tests {
    use super::{BodyOptions, Budget, attachment_href, body, body_within};
    use crate::mail::{Part, PartBody};

    pub(crate) fn part(index: &str, body: PartBody) -> Part {
        Part {
            index: index.to_owned(),
            depth: index.split('.').count(),
            content_type: "text/plain".to_owned(),
            content_type_full: "text/plain; charset=\"x\"".to_owned(),
            filename: None,
            description: None,
            size: 10,
            charset: None,
            body,
        }
    }

    fn words(text: &str) -> PartBody {
        PartBody::Text {
            text: text.to_owned(),
            mangled: false,
        }
    }

    #[test]
    fn the_only_text_stands_alone() {
        let parts = [part("1", words("hi <b>\n> q\nbye"))];
        assert_eq!(
            body(&parts, &BodyOptions::default()).as_str(),
            "hi &lt;b&gt;\n<span class=\"q\">&gt; q\n</span>bye\n"
        );
    }

    #[test]
    fn addresses_in_a_patch_are_links_also_behind_its_ranges() {
        let patch =
            "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ see https://a.example/\n-see https://b.example/\n";
        let html = body(&[part("1", words(patch))], &BodyOptions::default());
        for host in ["a", "b"] {
            let link = format!("<a href=\"https://{host}.example/\">");
            assert!(html.as_str().contains(&link), "{html}");
        }
    }

    #[test]
    fn parts_are_announced_with_their_links() {
        let mut signature = part("2", PartBody::Opaque);
        signature.content_type = "application/pgp-signature".to_owned();
        signature.filename = Some("signature.asc".to_owned());
        signature.size = 488;
        let parts = [part("1", words("words\n")), signature];
        let options = BodyOptions {
            base: "../../a@b/",
            ..BodyOptions::default()
        };
        assert_eq!(
            body(&parts, &options).as_str(),
            "<a href=\"../../a@b/1-a.txt\">[-- Attachment #1: Type: text/plain, Size: 10 bytes --]</a>\n\n\
             words\n\n\
             <a href=\"../../a@b/2-signature.asc\">[-- Attachment #2: signature.asc --]\n\
             [-- Type: application/pgp-signature, Size: 488 bytes --]</a>\n"
        );
    }

    #[test]
    fn a_charset_that_did_not_hold_is_told() {
        let text = PartBody::Text {
            text: "x\n".to_owned(),
            mangled: true,
        };
        let html = body(&[part("1", text)], &BodyOptions::default());
        assert_eq!(
            html.as_str(),
            "<a href=\"1-a.txt\">[-- Warning: decoded text below may be mangled, UTF-8 assumed --]\n\
             [-- Attachment #1: Type: text/plain; charset=&quot;x&quot;, Size: 10 bytes --]</a>\n\nx\n"
        );
    }

    #[test]
    fn the_words_of_html_stand_below_the_link_to_it() {
        let mut part = part(
            "1",
            PartBody::Html {
                text: "hi <b>\n".to_owned(),
            },
        );
        part.content_type = "text/html".to_owned();
        assert_eq!(
            body(&[part], &BodyOptions::default()).as_str(),
            "<a href=\"1-a.bin\">[-- Attachment #1: Type: text/html, Size: 10 bytes --]</a>\n\nhi &lt;b&gt;\n"
        );
    }

    #[test]
    fn the_headers_of_an_enclosed_mail_are_shown() {
        let headers = vec![("From".to_owned(), "a\n<b>".to_owned())];
        let html = body(
            &[part("2", PartBody::Embedded { headers })],
            &BodyOptions::default(),
        );
        assert!(
            html.as_str().ends_with("</a>\n\nFrom: a &lt;b&gt;\n"),
            "{html}"
        );
    }

    #[test]
    fn names_of_attachments_are_safe_in_addresses() {
        for (name, href) in [
            (Some("a-b_c.patch"), "1-a-b_c.patch"),
            (Some("../../etc/passwd"), "1-a.txt"),
            (Some("x\"><script>"), "1-a.txt"),
            (Some("ä.txt"), "1-a.txt"),
            (None, "1-a.txt"),
        ] {
            let mut part = part("1", PartBody::Opaque);
            part.filename = name.map(str::to_owned);
            assert_eq!(attachment_href(&part), href);
        }
    }

    #[test]
    fn what_is_too_long_is_left_out_and_said_to_be() {
        let budget = Budget {
            bytes: 9,
            diff_lines: 2,
        };
        for (text, kept) in [
            ("12345678é, and more\n", "12345678\n\n[-- 13 more bytes: "),
            (
                "--- a\n+++ b\n@@ -1 +1 @@\n",
                "--- a\n+++\n\n[-- 15 more bytes: ",
            ),
        ] {
            let html = body_within(&[part("1", words(text))], &BodyOptions::default(), budget);
            assert!(html.as_str().starts_with(kept), "{html}");
        }
        let budget = Budget {
            bytes: 1000,
            diff_lines: 3,
        };
        let text = "--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n";
        let html = body_within(&[part("1", words(text))], &BodyOptions::default(), budget);
        assert!(
            html.as_str()
                .contains("\n[-- 6 more bytes: see the <a href=\"raw\">"),
            "{html}"
        );
    }
}
