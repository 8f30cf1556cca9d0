//! `Html`: text that is safe to send to a browser. This file is the only way to make it.
//!
//! Markup comes from our own literals ([`Html::markup`] takes `&'static str`); all that comes from mail goes through
//! [`Html::text`] or [`Html::line`], which escape. The result is well-formed as XML too, since feeds carry it.

use std::fmt;

/// A piece of HTML in UTF-8, escaped where it must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Nothing yet.
    pub fn new() -> Html {
        Html::default()
    }

    /// Nothing yet, with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Html {
        Html(String::with_capacity(bytes))
    }

    /// The text, escaped; its lines and tabs stay.
    pub fn of(text: &str) -> Html {
        let mut html = Html::with_capacity(text.len() + text.len() / 8);
        html.text(text);
        html
    }

    /// Markup of our own.
    pub fn markup(&mut self, tags: &'static str) {
        self.0.push_str(tags);
    }

    /// Text from wherever, between tags or inside a quoted attribute. Control characters and those that reorder
    /// what follows them become visible (`^[`, `\x07`, `<U+202E>`); lines and tabs stay.
    pub fn text(&mut self, text: &str) {
        self.escape(text, false);
    }

    /// Text that must stay on one line: line breaks become blanks.
    pub fn line(&mut self, text: &str) {
        self.escape(text, true);
    }

    /// What formats itself, between tags or inside a quoted attribute, without a string in between.
    pub fn print(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = fmt::write(&mut Escaping(self), text);
    }

    /// A number, with blanks before it where it has fewer digits than `width`. Lists have hundreds of them, and
    /// [`Html::print`] takes ten times as long.
    pub fn number(&mut self, number: usize, width: usize) {
        let mut digits = [0; 20];
        let (mut from, mut rest) = (digits.len(), number);
        while from > 0 {
            from -= 1;
            digits[from] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let digits = &digits[from..];
        self.blanks(width.saturating_sub(digits.len()));
        self.0
            .push_str(std::str::from_utf8(digits).unwrap_or_default());
    }

    /// So many blanks.
    pub fn blanks(&mut self, count: usize) {
        self.0.extend(std::iter::repeat_n(' ', count));
    }

    /// So many blanks before a line of a tree. They have a class, so that a style sheet can draw them narrower: deep
    /// threads have words on small screens, too.
    pub fn indent(&mut self, blanks: usize) {
        if blanks > 0 {
            self.markup("<span class=\"in\">");
            self.blanks(blanks);
            self.markup("</span>");
        }
    }

    /// `<a href="HREF">TEXT</a>`. The address must be one of ours, or of a scheme that was looked at.
    pub fn link(&mut self, href: &str, text: &str) {
        self.open_link(&[href]);
        self.line(text);
        self.markup("</a>");
    }

    /// `<a href="HREF">`, to be closed by the caller; the address in pieces.
    pub fn open_link(&mut self, href: &[&str]) {
        self.markup("<a href=\"");
        for piece in href {
            self.line(piece);
        }
        self.markup("\">");
    }

    /// Appends a piece.
    pub fn append(&mut self, piece: &Html) {
        self.0.push_str(&piece.0);
    }

    /// The markup, for a template to print as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The markup as a string of its own.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same without the line end that it ends with, if it does.
    pub fn without_last_line_end(mut self) -> Html {
        if self.0.ends_with('\n') {
            self.0.pop();
        }
        self
    }

    /// Ends the last line, if it is not ended.
    pub fn end_line(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with('\n') {
            self.0.push('\n');
        }
    }

    fn escape(&mut self, text: &str, one_line: bool) {
        let bytes = text.as_bytes();
        let from = if one_line { BREAK } else { ENTITY };
        let mut done = 0;
        let mut at = 0;
        while let Some(found) = bytes[at..].iter().position(|b| class(*b) >= from) {
            at += found;
            let (width, shown) = match bytes[at] {
                b'&' => (1, Shown::As("&amp;")),
                b'<' => (1, Shown::As("&lt;")),
                b'>' => (1, Shown::As("&gt;")),
                b'"' => (1, Shown::As("&quot;")),
                b'\'' => (1, Shown::As("&#39;")),
                b'\n' => (1, Shown::As(" ")),
                _ => match replacement(&text[at..], one_line) {
                    Ok(replacement) => replacement,
                    Err(width) => {
                        at += width;
                        continue;
                    }
                },
            };
            self.0.push_str(&text[done..at]);
            match shown {
                Shown::As(text) => self.0.push_str(text),
                Shown::Byte(code) => self.0.push_str(&format!("\\x{code:02x}")),
                Shown::Code(code) => self.0.push_str(&format!("&lt;U+{code:04X}&gt;")),
                Shown::Returns(count) => self.0.extend(std::iter::repeat_n("\\r", count)),
            }
            at += width;
            done = at;
        }
        self.0.push_str(&text[done..]);
    }
}

/// Escapes what is written to it, piece by piece, as [`Html::text`] does.
struct Escaping<'a>(&'a mut Html);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.text(text);
        Ok(())
    }
}

/// What takes the place of a character.
enum Shown {
    As(&'static str),
    Byte(u32),
    Code(u32),
    /// So many carriage returns that belong to no line end.
    Returns(usize),
}

/// A line break: copied where text may have several lines.
const BREAK: u8 = 1;
/// Written as an entity.
const ENTITY: u8 = 2;
/// Begins a character that has to be looked at.
const CLOSER: u8 = 3;

/// What is to be done with a byte; 0 where it is copied.
fn class(byte: u8) -> u8 {
    const CLASSES: [u8; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 0x20 {
            table[byte] = CLOSER;
            byte += 1;
        }
        table[b'\t' as usize] = 0;
        table[b'\n' as usize] = BREAK;
        table[b'&' as usize] = ENTITY;
        table[b'<' as usize] = ENTITY;
        table[b'>' as usize] = ENTITY;
        table[b'"' as usize] = ENTITY;
        table[b'\'' as usize] = ENTITY;
        table[0x7f] = CLOSER;
        // U+0080 to U+00BF, U+2000 to U+2FFF, U+F000 to U+FFFF.
        table[0xc2] = CLOSER;
        table[0xe2] = CLOSER;
        table[0xef] = CLOSER;
        table
    };
    CLASSES[usize::from(byte)]
}

/// What to show for the first character of `text`, and how many bytes that replaces; in the error, the width of a
/// character that is copied.
fn replacement(text: &str, one_line: bool) -> Result<(usize, Shown), usize> {
    let c = text.chars().next().ok_or(1usize)?;
    let shown = match c {
        '\r' => {
            // The whole run at once: a mail of a million of them must not be looked through a million times.
            let rest = text.trim_start_matches('\r');
            let count = text.len() - rest.len();
            let dropped = one_line || rest.starts_with('\n');
            return Ok((count, Shown::Returns(if dropped { 0 } else { count })));
        }
        '\0' => Shown::As("\\0"),
        '\x07' => Shown::As("\\a"),
        '\x08' => Shown::As("\\b"),
        '\x0b' => Shown::As("\\v"),
        '\x0c' => Shown::As("\\f"),
        '\x1b' => Shown::As("^["),
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => Shown::Byte(c.into()),
        // Line and paragraph separators, and what turns the writing direction of all that follows: with these a
        // mail could make our own words read as something else ("Trojan Source", CVE-2021-42574).
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Shown::Code(c.into()),
        // No characters, and not allowed in XML.
        '\u{fffe}' | '\u{ffff}' => Shown::Code(c.into()),
        _ => return Err(c.len_utf8()),
    };
    Ok((c.len_utf8(), shown))
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `write!` escapes like [`Html::text`].
impl fmt::Write for Html {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Html;

    #[test]
    fn what_browsers_and_terminals_act_on_is_made_visible() {
        for (text, html) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("<a href='x'>&\"", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"),
            ("nul\0 esc\x1b[1m", "nul\\0 esc^[[1m"),
            ("a\r\nb\r\r\nc\rd", "a\nb\nc\\rd"),
            ("\x01\x7f\u{85}", "\\x01\\x7f\\x85"),
            ("Käse “x” 日本", "Käse “x” 日本"),
            ("a\u{202e}b\u{2066}", "a&lt;U+202E&gt;b&lt;U+2066&gt;"),
            ("\u{fffe}\u{feff}", "&lt;U+FFFE&gt;\u{feff}"),
        ] {
            assert_eq!(Html::of(text).as_str(), html, "{text:?}");
        }
    }

    #[test]
    fn numbers_stand_at_the_right() {
        for (number, width) in [(0, 0), (0, 3), (7, 1), (42, 5), (1234, 2), (usize::MAX, 0)] {
            let mut html = Html::new();
            html.number(number, width);
            assert_eq!(html.as_str(), format!("{number:>width$}"));
        }
    }

    #[test]
    fn one_line_stays_one_line() {
        let mut html = Html::new();
        html.line("a\r\n\tb\rc\u{2028}d");
        assert_eq!(html.as_str(), "a \tbc&lt;U+2028&gt;d");
    }

    #[test]
    fn links_cannot_break_out_of_their_attribute() {
        let mut html = Html::new();
        html.link("../\"><script>/", "<b>");
        assert_eq!(
            html.as_str(),
            "<a href=\"../&quot;&gt;&lt;script&gt;/\">&lt;b&gt;</a>"
        );
    }
}
