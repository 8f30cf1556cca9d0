//! The words of an HTML part, without its markup.
//!
//! HTML is never shown as such. This is no parser: it keeps no tree, knows no nesting and reads every byte a bounded
//! number of times, so that nothing in a mail can exhaust it.

use mail_parser::decoders::html::add_html_token;
use memchr::{memchr, memmem};

/// Quotes deeper than this are not told apart.
const DEEPEST_QUOTE: usize = 5;

/// The text of an HTML document: paragraphs apart, quotes behind `> `, addresses of links behind their words.
pub(super) fn to_text(html: &str) -> String {
    let mut stripper = Stripper::new(html);
    stripper.read();
    let mut text = stripper.out;
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

struct Stripper<'a> {
    html: &'a str,
    at: usize,
    out: String,
    /// Line breaks that are due before the next word, two at most.
    breaks: usize,
    /// A blank that is due before the next word.
    blank: bool,
    quotes: usize,
    preformatted: bool,
    /// The address of the link that is being read, and where its words begin.
    link: Option<(String, usize)>,
    /// Whether quotes in tags have turned out to be left open.
    quotes_open: bool,
}

impl<'a> Stripper<'a> {
    fn new(html: &'a str) -> Stripper<'a> {
        Stripper {
            html,
            at: 0,
            out: String::with_capacity(html.len() / 3),
            breaks: 0,
            blank: false,
            quotes: 0,
            preformatted: false,
            link: None,
            quotes_open: false,
        }
    }

    fn rest(&self) -> &'a str {
        &self.html[self.at..]
    }

    fn read(&mut self) {
        while self.at < self.html.len() {
            let rest = self.rest();
            let end = memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
            self.words(&rest[..end]);
            self.at += end;
            if self.at < self.html.len() {
                self.markup();
            }
        }
    }

    /// What begins with `<`.
    fn markup(&mut self) {
        let rest = self.rest();
        let is_tag = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?');
        if !rest.as_bytes().get(1).is_some_and(is_tag) {
            self.words("<");
            self.at += 1;
            return;
        }
        if rest.starts_with("<!--")
            && let Some(end) = memmem::find(rest.as_bytes(), b"-->")
        {
            self.at += end + 3;
            return;
        }
        let Some(end) = self.tag_end() else {
            self.at = self.html.len(); // cut within a tag
            return;
        };
        self.at += end + 1;
        let inner = &rest[1..end];
        let closing = inner.starts_with('/');
        let inner = inner.trim_start_matches('/');
        let name_end = inner
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(name_end);
        self.tag(&name.to_ascii_lowercase(), closing, attributes);
    }

    /// Where the tag at the beginning of the rest has its `>`, which may also stand within quotes before.
    fn tag_end(&mut self) -> Option<usize> {
        let bytes = self.rest().as_bytes();
        if !self.quotes_open {
            let mut quote = None;
            let end = bytes.iter().position(|b| {
                match (quote, b) {
                    (None, b'"' | b'\'') => quote = Some(*b),
                    (Some(open), b) if open == *b => quote = None,
                    _ => {}
                }
                quote.is_none() && *b == b'>'
            });
            if end.is_some() {
                return end;
            }
            self.quotes_open = true;
        }
        memchr(b'>', bytes)
    }

    fn tag(&mut self, name: &str, closing: bool, attributes: &str) {
        match name {
            "script" | "style" | "template" if !closing => self.skip_element(name, usize::MAX),
            "title" if !closing => self.skip_element(name, 2000),
            "br" => self.line_break(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table" | "hr" | "dl" => {
                self.breaks(2)
            }
            "div" | "tr" | "li" | "dt" | "dd" | "section" | "article" | "header" | "footer"
            | "address" | "center" | "body" | "form" | "caption" => self.breaks(1),
            "td" | "th" => self.blank = true,
            "pre" => {
                self.breaks(1);
                self.preformatted = !closing;
            }
            "blockquote" => {
                self.breaks(2);
                self.quotes = match closing {
                    true => self.quotes.saturating_sub(1),
                    false => self.quotes + 1,
                };
            }
            "a" if closing => self.end_link(),
            "a" => {
                self.end_link();
                self.link = web_address(attributes).map(|address| (address, self.out.len()));
            }
            _ => {}
        }
        if name == "li" && !closing {
            self.word("* ");
        }
    }

    /// Passes over an element whose content is no text. One that is never closed reaches to the end.
    fn skip_element(&mut self, name: &str, most: usize) {
        let rest = self.rest().as_bytes();
        let window = &rest[..rest.len().min(most)];
        let mut from = 0;
        while let Some(at) = memmem::find(&window[from..], b"</").map(|n| from + n) {
            let after = &window[at + 2..];
            if after
                .get(..name.len())
                .is_some_and(|w| w.eq_ignore_ascii_case(name.as_bytes()))
            {
                self.at += at;
                return;
            }
            from = at + 2;
        }
        if most == usize::MAX {
            self.at = self.html.len();
        }
    }

    fn end_link(&mut self) {
        if let Some((address, from)) = self.link.take()
            && self
                .out
                .get(from..)
                .is_some_and(|words| !words.contains(address.trim_end_matches('/')))
        {
            self.word(&format!(" <{address}>"));
        }
    }

    fn breaks(&mut self, count: usize) {
        if !self.out.is_empty() {
            self.breaks = self.breaks.max(count);
        }
        self.blank = false;
    }

    fn line_break(&mut self) {
        self.breaks = (self.breaks + 1).min(2);
        self.blank = false;
    }

    /// Text between two tags.
    fn words(&mut self, text: &str) {
        if self.preformatted {
            for (n, line) in text.split('\n').enumerate() {
                if n > 0 {
                    self.line_break();
                }
                self.entities(line);
            }
            return;
        }
        let white = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c');
        for (n, word) in text.split(white).enumerate() {
            self.blank |= n > 0;
            self.entities(word);
        }
    }

    fn entities(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = memchr(b'&', rest.as_bytes()) {
            self.word(&rest[..at]);
            rest = &rest[at..];
            let end = rest.bytes().take(32).position(|b| b == b';');
            match end {
                Some(end) => {
                    let mut decoded = String::new();
                    add_html_token(&mut decoded, &rest.as_bytes()[..=end], false);
                    self.word(&decoded.replace('\u{a0}', " ").replace(['\0', '\r'], ""));
                    rest = &rest[end + 1..];
                }
                None => {
                    self.word("&");
                    rest = &rest[1..];
                }
            }
        }
        self.word(rest);
    }

    /// Text that is written as it is, after the breaks and the blank that are due.
    fn word(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let prefix = "> ".repeat(self.quotes.min(DEEPEST_QUOTE));
        if self.breaks > 0 || self.out.is_empty() {
            for n in (0..self.breaks).rev() {
                self.out.push('\n');
                if n > 0 {
                    self.out.push_str(prefix.trim_end());
                }
            }
            self.out.push_str(&prefix);
        } else if self.blank && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        (self.breaks, self.blank) = (0, false);
        self.out.push_str(text);
    }
}

/// The `href` of a link, if it leads somewhere in the web.
fn web_address(attributes: &str) -> Option<String> {
    let lower = attributes.to_ascii_lowercase();
    let at = lower.find("href")? + 4;
    let value = attributes[at..]
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split(|c: char| c.is_whitespace()).next()?,
    };
    let value = value.replace("&amp;", "&");
    let known = ["http://", "https://"];
    let leads = known.iter().any(|s| {
        value
            .get(..s.len())
            .is_some_and(|v| v.eq_ignore_ascii_case(s))
    });
    let clean = value
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"<>\"".contains(&b));
    (leads && clean && value.len() <= 2000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::to_text;

    #[test]
    fn words_are_kept_and_markup_is_not() {
        for (html, text) in [
            (
                "<p>Hello <b>big</b>\n world</p><p>x",
                "Hello big world\n\nx\n",
            ),
            ("a<br>b<BR/>c<br><br>d", "a\nb\nc\n\nd\n"),
            (
                "a<style>p{}</style>b<script>alert('</p>')</script>c",
                "abc\n",
            ),
            ("<title>T</title>x", "x\n"),
            (
                "a &lt;b&gt; &amp; &eacute;&#233;&nbsp;&bogus; &",
                "a <b> & éé &bogus; &\n",
            ),
            ("1 < 2 <3", "1 < 2 <3\n"),
            ("<!-- x > y -->z", "z\n"),
            ("<a title=\"x>y\">z</a>", "z\n"),
            ("<blockquote>q<br>r</blockquote>mine", "> q\n> r\n\nmine\n"),
            ("<pre>a\n  b</pre>", "a\n  b\n"),
            ("<ul><li>a<li>b</ul>", "* a\n* b\n"),
            ("<table><tr><td>a</td><td>b</td></tr></table>", "a b\n"),
            (
                "<a href='https://x.org/?a&amp;b'>here</a>.",
                "here <https://x.org/?a&b>.\n",
            ),
            (
                "<a href=https://x.org/>https://x.org</a>",
                "https://x.org\n",
            ),
            (
                "<a href=\"javascript:alert(1)\">x</a><img src=x onerror=y>",
                "x\n",
            ),
            ("<script>never closed", ""),
            ("cut <a hre", "cut\n"),
            ("", ""),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn two_hundred_thousand_tags_are_read_in_linear_time() {
        for piece in [
            "<div>",
            "<blockquote>",
            "<",
            "<a \">\" ",
            "<!--",
            "<title>",
            "<a href=x>",
            "&",
            "<script ",
        ] {
            let _text = to_text(&piece.repeat(200_000));
        }
    }
}
