//! The links of a page: found, followed, and written anew. Pages are ours, so a small reader of tags is enough.

use std::borrow::Cow;

/// What becomes of a link.
pub(super) enum Link {
    /// It stays as it is.
    Same,
    /// It leads there instead.
    To(String),
    /// It is no link any more.
    None,
}

/// Writes a page anew: each `href` and `src` goes through `lead`, and what only a server could answer (forms) goes.
pub(super) fn rewrite(html: &str, mut lead: impl FnMut(&str) -> Link) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        out.push_str(text);
        let end = end_of_tag(tag);
        let (tag, after) = tag.split_at(end);
        rest = after;
        match name_of(tag) {
            "form" if tag.contains("class=\"fields\"") => {
                // All of it is for searching.
                rest = after
                    .find("</form>")
                    .map_or("", |at| &after[at + "</form>".len()..]);
            }
            "form" | "/form" | "input" => {}
            _ => attributes(tag, &mut out, &mut lead),
        }
    }
    out.push_str(rest);
    out
}

/// Where a tag ends: behind the `>` that stands in no quotes.
fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in tag.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    tag.len()
}

fn name_of(tag: &str) -> &str {
    let name = tag.trim_start_matches('<');
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '/');
    &name[..end.unwrap_or(name.len())]
}

/// A tag with its links written anew.
fn attributes(tag: &str, out: &mut String, lead: &mut impl FnMut(&str) -> Link) {
    let mut rest = tag;
    loop {
        let found = [" href=\"", " src=\""]
            .into_iter()
            .filter_map(|name| Some((rest.find(name)?, name)));
        let Some((at, name)) = found.min() else { break };
        let value_at = at + name.len();
        let Some(length) = rest[value_at..].find('"') else {
            break;
        };
        let value = &rest[value_at..value_at + length];
        out.push_str(&rest[..at]);
        match lead(&unescape(value)) {
            Link::Same => out.push_str(&rest[at..=value_at + length]),
            Link::To(place) => {
                out.push_str(name);
                out.push_str(&escape(&place));
                out.push('"');
            }
            Link::None => {}
        }
        rest = &rest[value_at + length + 1..];
    }
    out.push_str(rest);
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return value.into();
    }
    let mut plain = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').unwrap_or(0);
        let c = match rest.get(1..end).unwrap_or("") {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            entity => entity
                .strip_prefix('#')
                .and_then(|n| char::from_u32(n.parse().ok()?)),
        };
        match c {
            Some(c) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain.into()
}

fn escape(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A link on the page at `base` (a path from the root of the site): the path, query and fragment that it means. `None`
/// where it leads off the site.
pub(super) fn follow(base: &str, link: &str) -> Option<(String, String, String)> {
    let (rest, fragment) = link.split_once('#').unwrap_or((link, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let scheme = path.split(['/', '?']).next().unwrap_or("").contains(':');
    if path.starts_with("//") || scheme && !path.starts_with('/') && is_scheme(path) {
        return None;
    }
    let full = match path {
        "" => base.to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => join(base, path),
    };
    // `#here` is on this page with its query, `?t=1` is another one.
    Some((full, query.to_owned(), fragment.to_owned()))
}

fn is_scheme(path: &str) -> bool {
    let before = path.split(':').next().unwrap_or("");
    before.starts_with(|c: char| c.is_ascii_alphabetic())
        && before
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                if parts.len() > 1 {
                    parts.pop();
                }
            }
            part => parts.push(part),
        }
    }
    if path.ends_with("..") || path.ends_with('.') && path.rsplit('/').next() == Some(".") {
        parts.push("");
    }
    parts.join("/")
}

/// The way from the file `from` to the file `to`, both below one directory.
pub(super) fn relative(from: &str, to: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.split('/').collect(), to.split('/').collect());
    let dirs = from.len().saturating_sub(1).min(to.len().saturating_sub(1));
    let shared = (0..dirs).take_while(|n| from.get(*n) == to.get(*n)).count();
    let up = "../".repeat(from.len().saturating_sub(1) - shared);
    format!("{up}{}", to.get(shared..).unwrap_or_default().join("/"))
}

#[cfg(test)]
mod tests {
    use super::{Link, follow, relative, rewrite};

    #[test]
    fn links_are_followed_as_browsers_do() {
        for (base, link, path) in [
            ("/x/", "a@b/", Some("/x/a@b/")),
            ("/x/a@b/", "../", Some("/x/")),
            ("/x/a@b/", "../../x/c/T/#u", Some("/x/c/T/")),
            ("/x/a@b/T/", "..", Some("/x/a@b/")),
            ("/x/a@b/", "./", Some("/x/a@b/")),
            ("/x/a@b/", "#u", Some("/x/a@b/")),
            ("/x/a@b/", "?t=1", Some("/x/a@b/")),
            ("/x/a@b/", "raw", Some("/x/a@b/raw")),
            ("/x/", "../../../y/", Some("/y/")),
            ("/x/", "https://example.org/", None),
            ("/x/", "mailto:a@b", None),
            ("/x/", "//example.org/", None),
            ("/x/", "20:30@example.org/", Some("/x/20:30@example.org/")),
        ] {
            let found = follow(base, link).map(|(path, ..)| path);
            assert_eq!(found.as_deref(), path, "{link} on {base}");
        }
        let found = follow("/x/", "a/?t=1&b#f");
        assert_eq!(
            found,
            Some(("/x/a/".to_owned(), "t=1&b".to_owned(), "f".to_owned()))
        );
    }

    #[test]
    fn the_way_between_two_files() {
        for (from, to, way) in [
            ("index.html", "m/a/index.html", "m/a/index.html"),
            ("m/a/index.html", "index.html", "../../index.html"),
            ("m/a/index.html", "m/b/raw.txt", "../b/raw.txt"),
            ("m/a/index.html", "m/a/raw.txt", "raw.txt"),
        ] {
            assert_eq!(relative(from, to), way);
        }
    }

    #[test]
    fn a_page_keeps_all_but_its_links_and_forms() {
        let page = "<p title=\"a > b\">1 &lt; 2 href=\"no\"</p><form action=\"x\"><a href=\"a&amp;b\">k</a>\
                    <input name=\"q\"></form><form class=\"fields\"><b>x</b></form><a id=\"i\" href=\"gone\">g</a><a href=\"same\">s</a>";
        let rewritten = rewrite(page, |link| match link {
            "a&b" => Link::To("c\"d".to_owned()),
            "gone" => Link::None,
            _ => Link::Same,
        });
        assert_eq!(
            rewritten,
            "<p title=\"a > b\">1 &lt; 2 href=\"no\"</p><a href=\"c&quot;d\">k</a><a id=\"i\">g</a><a href=\"same\">s</a>"
        );
    }
}
