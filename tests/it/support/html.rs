//! Reads our pages as a text browser would: tags away, entities back, and the lines of a thread overview.

/// One line of a thread overview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) depth: usize,
    /// `2021-09-12 14:34`; `None` for a ghost.
    pub(crate) date: Option<String>,
    /// The decoded Message-ID that it links to; `None` on the line of the page's own message.
    pub(crate) mid: Option<String>,
    /// What stands behind date and indent.
    pub(crate) words: String,
    /// Whether it stands below the note on loose matches.
    pub(crate) loose: bool,
}

/// The text of a page: what is between tags, with entities decoded.
pub(crate) fn text(html: &str) -> String {
    let mut out = String::new();
    for piece in pieces(html) {
        if let Piece::Text(text) = piece {
            out.push_str(&unescape(text));
        }
    }
    out
}

/// Every `href` of a page, in order, entities decoded.
pub(crate) fn hrefs(html: &str) -> Vec<String> {
    let tags = pieces(html).into_iter();
    tags.filter_map(|piece| match piece {
        Piece::Tag(tag) => attribute(tag, "href"),
        Piece::Text(_) => None,
    })
    .collect()
}

/// The lines of the overview on a message page.
pub(crate) fn overview(html: &str) -> Vec<Line> {
    let Some(start) = html.find("Thread overview:") else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let mut loose = false;
    let (mut words, mut link) = (String::new(), None);
    for piece in pieces(&html[start..]) {
        match piece {
            Piece::Tag(tag) if is(tag, "/pre") || is(tag, "hr") => break,
            Piece::Tag(tag) => {
                let href = attribute(tag, "href").filter(|_| is(tag, "a"));
                link = link.or(href);
            }
            Piece::Text(text) => {
                let mut rest = text;
                while let Some((before, after)) = rest.split_once('\n') {
                    words.push_str(&unescape(before));
                    loose |= words.contains("loose matches on Subject");
                    lines.extend(line(&words, link.take(), loose));
                    words.clear();
                    rest = after;
                }
                words.push_str(&unescape(rest));
            }
        }
    }
    lines.extend(line(&words, link, loose));
    lines
}

fn line(words: &str, link: Option<String>, loose: bool) -> Option<Line> {
    let words = words.trim_end();
    let (date, rest) = match words.strip_prefix("     [not found]") {
        Some(rest) => (None, rest),
        None => {
            let (date, rest) = words.split_at_checked(16)?;
            let looks = date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                10 => byte == b' ',
                11 => byte == b' ' || byte.is_ascii_digit(),
                13 => byte == b':',
                _ => byte.is_ascii_digit(),
            });
            if !looks {
                return None;
            }
            (Some(date.to_owned()), rest)
        }
    };
    let rest = rest.strip_prefix(' ')?;
    let bare = rest.trim_start_matches(' ');
    let depth = match bare.strip_prefix("` ") {
        Some(_) => 1 + (rest.len() - bare.len()) / 2,
        None => 0,
    };
    let mid = link.filter(|href| !href.starts_with('#')).map(|href| {
        let bare = href.trim_start_matches("../").trim_end_matches('/');
        percent_encoding::percent_decode_str(bare)
            .decode_utf8_lossy()
            .into_owned()
    });
    Some(Line {
        depth,
        date,
        mid,
        words: bare.strip_prefix("` ").unwrap_or(bare).to_owned(),
        loose,
    })
}

enum Piece<'a> {
    Tag(&'a str),
    Text(&'a str),
}

fn pieces(html: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        pieces.push(Piece::Text(&rest[..open]));
        let Some(close) = rest[open..].find('>') else {
            return pieces;
        };
        pieces.push(Piece::Tag(&rest[open + 1..open + close]));
        rest = &rest[open + close + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn is(tag: &str, name: &str) -> bool {
    tag.split([' ', '\n', '\t']).next() == Some(name)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag
        .match_indices(name)
        .find(|(at, _)| {
            let before = tag[..*at].chars().next_back();
            before.is_some_and(char::is_whitespace) && tag[at + name.len()..].starts_with('=')
        })?
        .0;
    let value = &tag[at + name.len() + 1..];
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split_whitespace().next()?,
    };
    Some(unescape(value))
}

/// Decodes the entities that our pages use.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let decoded = rest.find(';').and_then(|end| {
            let name = &rest[1..end];
            let number = match name.strip_prefix("#x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => name.strip_prefix('#').and_then(|n| n.parse().ok()),
            };
            let named = match name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "nbsp" => Some('\u{a0}'),
                _ => None,
            };
            let letter = named.or_else(|| number.and_then(char::from_u32))?;
            Some((letter, end + 1))
        });
        match decoded {
            Some((letter, length)) => {
                out.push(letter);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

mod tests {
    use super::{overview, text};

    #[test]
    fn an_overview_is_read_back_as_it_was_meant() {
        let html = "<b>Thread overview: </b>3+ messages <a\nhref=\"#b\">top</a>\n\
            2025-09-17  2:38 <a\nhref=\"../a%2Fb@x/\">[TOPIC] Hi</a> &#34; Coly Li\n\
            <b>2025-09-18 12:38   ` <a\nid=r\nhref=\"#t\">Me [this message]</a></b>\n\
            \x20    [not found] ` &lt;<a href=\"../g@x/\">g@x</a>&gt;\n\
            \x20 -- strict thread matches above, loose matches on Subject: below --\n\
            2025-09-08 13:57 <a\nhref=\"../c@x/\">Li</a>\n</pre><hr>2025-09-08 13:57 no\n";
        let lines = overview(html);
        let seen: Vec<_> = lines
            .iter()
            .map(|l| (l.depth, l.mid.as_deref(), l.date.is_some(), l.loose))
            .collect();
        assert_eq!(
            seen,
            [
                (0, Some("a/b@x"), true, false),
                (2, None, true, false),
                (1, Some("g@x"), false, false),
                (0, Some("c@x"), true, true)
            ]
        );
        assert_eq!(lines[0].words, "[TOPIC] Hi \" Coly Li");
    }

    #[test]
    fn text_is_what_a_reader_sees() {
        assert_eq!(text("<a\nhref=x>a &lt;b&#62;</a>&amp;c"), "a <b>&c");
    }
}
