//! URLs in a text become links. One pass, no regular expressions: time grows with the text and not faster.

use memchr::memmem;

use super::Html;

/// What may be linked. Anything else that looks like a URL (`javascript:`) stays text.
const SCHEMES: [&str; 12] = [
    "https", "http", "ftps", "ftp", "nntps", "nntp", "imaps", "imap", "snews", "news", "gopher",
    "gemini",
];

/// Writes `text` escaped, with its URLs as links to themselves.
pub fn linkify(out: &mut Html, text: &str) {
    let finder = memmem::Finder::new(b"://");
    let mut done = 0;
    let mut from = 0;
    while let Some(found) = finder.find(&text.as_bytes()[from..]) {
        let colon = from + found;
        from = colon + 3;
        let Some(start) = scheme_before(text, done, colon) else {
            continue;
        };
        let end = url_end(text, start, colon + 3);
        if end > colon + 3 {
            let url = &text[start..end];
            out.text(&text[done..start]);
            out.open_link(&[url]);
            out.text(url);
            out.markup("</a>");
            done = end;
            from = end;
        }
    }
    out.text(&text[done..]);
}

/// Where the scheme begins that ends before `colon`, not before `done`.
fn scheme_before(text: &str, done: usize, colon: usize) -> Option<usize> {
    let before = &text.as_bytes()[done..colon];
    let ends = |scheme: &&str| {
        let at = before.len().checked_sub(scheme.len());
        at.is_some_and(|at| before[at..].eq_ignore_ascii_case(scheme.as_bytes()))
    };
    let scheme = SCHEMES.iter().find(|scheme| ends(scheme))?;
    let start = colon - scheme.len();
    // `xhttp://` is no URL of ours, `(http://` is one.
    let glued = before[..before.len() - scheme.len()]
        .last()
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    (!glued).then_some(start)
}

/// Where the URL ends whose scheme begins at `start` and whose host begins at `host`; `host` where there is none.
fn url_end(text: &str, start: usize, host: usize) -> usize {
    let bytes = text.as_bytes();
    let in_host =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b':' | b'_' | b'.' | b'-');
    let mut end = host + bytes[host..].iter().take_while(|b| in_host(b)).count();
    if end == host {
        return host;
    }
    if matches!(bytes.get(end), Some(b'/' | b'?' | b'#')) {
        end += text[end..]
            .chars()
            .take_while(|c| in_path(*c))
            .map(char::len_utf8)
            .sum::<usize>();
    }
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    let kept = without_closing(&text[start..end], before.copied());
    (start + kept.len()).max(host)
}

/// Characters of a path, query or fragment (RFC 3986), and letters of alphabets that part words by blanks: a
/// Chinese or Japanese sentence goes on right behind a URL.
fn in_path(c: char) -> bool {
    match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' => true,
        '-' | '.' | '_' | '~' | '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' => true,
        '=' | ':' | '@' | '/' | '?' | '#' | '%' => true,
        _ => c > '\u{bf}' && c < '\u{2000}' && c.is_alphanumeric(),
    }
}

/// The URL without the punctuation of the sentence around it; `before` is the byte in front of it.
fn without_closing(url: &str, before: Option<u8>) -> &str {
    // An empty query or fragment: mostly the end of a question.
    let url = url.trim_end_matches(['?', '#']);
    let partner = match before {
        Some(b'(') => Some(')'),
        Some(b'\'') => Some('\''),
        Some(b'!') => Some('!'),
        _ => None,
    };
    if let Some(partner) = partner {
        let bare = url.strip_suffix(['.', ',', ';', '+']).unwrap_or(url);
        if let Some(inner) = bare.strip_suffix(partner) {
            return inner.trim_end_matches(['.', ',', ';']);
        }
    }
    let bare = url.trim_end_matches(['.', ',', ';']);
    if bare.ends_with(')') && !bare.contains('(') {
        return bare.trim_end_matches([')', '.', ',', ';']);
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::linkify;
    use crate::render::Html;
    use std::time::Duration;
    use std::time::Instant;

    fn links(text: &str) -> Vec<String> {
        let mut out = Html::new();
        linkify(&mut out, text);
        let pieces = out.as_str().split("<a href=\"").skip(1);
        pieces
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect()
    }

    #[test]
    fn urls_end_where_their_sentence_begins() {
        for (text, url) in [
            ("see https://x.org/a.", "https://x.org/a"),
            ("see https://x.org/a, and", "https://x.org/a"),
            ("is it https://x.org/a?", "https://x.org/a"),
            ("(https://x.org/a)", "https://x.org/a"),
            ("(https://x.org/a).", "https://x.org/a"),
            ("at https://x.org/a)", "https://x.org/a"),
            ("https://x.org/a_(b)", "https://x.org/a_(b)"),
            ("'http://x.org/it''", "http://x.org/it&#39;"),
            ("'http://x.org/'", "http://x.org/"),
            ("<https://x.org/?a=b&c=d#e>", "https://x.org/?a=b&amp;c=d#e"),
            ("\"ftp://u@x.org:21\"", "ftp://u@x.org:21"),
            ("HTTPS://X.org", "HTTPS://X.org"),
            ("nntp://news/a.b", "nntp://news/a.b"),
            ("https://de.x.org/Käse_1 ja", "https://de.x.org/Käse_1"),
            ("https://x.org/ab。次", "https://x.org/ab"),
        ] {
            assert_eq!(links(text), [url], "{text}");
        }
    }

    #[test]
    fn what_is_no_url_stays_text() {
        for text in [
            "javascript://x/%0aalert(1)",
            "xhttp://x",
            "http:// x",
            "://x",
            "data:text/html,x",
            "www.x.org a@x.org",
            "http://<script>",
        ] {
            assert!(links(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn text_that_is_made_to_be_slow_is_not() {
        let long = Instant::now();
        for unit in [
            "http://a.b/c ",
            "(",
            "http://",
            "://",
            "http://a((((",
            "a:b@",
        ] {
            let text = unit.repeat(1_000_000 / unit.len());
            let mut out = Html::new();
            linkify(&mut out, &text);
            assert!(out.as_str().len() >= text.len());
        }
        assert!(long.elapsed() < Duration::from_secs(20), "not linear");
    }
}
