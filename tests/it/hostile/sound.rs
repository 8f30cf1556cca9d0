//! What has to hold for every page of every mail, whatever it says.

use crate::support::{Site, hrefs};

#[path = "../../../src/web/xml.rs"]
mod xml;

/// All that our templates and our renderer write.
const TAGS: [&str; 52] = [
    "html", "head", "meta", "link", "title", "body", "pre", "a", "b", "u", "i", "hr", "br", "p",
    "div", "span", "form", "input", "label", "select", "option", "button", "fieldset", "legend",
    "details", "summary", "main", "nav", "header", "footer", "section", "article", "ul", "ol",
    "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "td", "th", "h1", "h2", "h3", "h4",
    "code", "time", "strong", "mark",
];
const ATTRIBUTES: [&str; 31] = [
    "href",
    "class",
    "id",
    "name",
    "value",
    "type",
    "rel",
    "title",
    "content",
    "action",
    "method",
    "lang",
    "charset",
    "for",
    "media",
    "datetime",
    "size",
    "checked",
    "selected",
    "role",
    "open",
    "accesskey",
    "aria-label",
    "aria-current",
    "aria-labelledby",
    "placeholder",
    "autocomplete",
    "http-equiv",
    "hidden",
    "aria-hidden",
    "tabindex",
];

/// Whether nothing in a page was written by a stranger: only tags and attributes of ours, and no link that runs.
pub(super) fn check_page(html: &str) -> Result<(), String> {
    let rest = html.trim_start();
    let mut rest = rest.strip_prefix("<!doctype html>").unwrap_or(rest);
    while let Some((_, tail)) = rest.split_once('<') {
        let (tag, after) = tail.split_once('>').ok_or("a tag without an end")?;
        rest = after;
        let tag = tag.trim_start_matches('/').trim_end_matches('/');
        let mut words = tag.splitn(2, char::is_whitespace);
        let name = words.next().unwrap_or("");
        if !TAGS.contains(&name) {
            return Err(format!("<{tag}>"));
        }
        check_attributes(words.next().unwrap_or("")).map_err(|why| format!("{why} in <{tag}>"))?;
    }
    for href in hrefs(html) {
        let scheme = href
            .split([':', '/', '?', '#'])
            .next()
            .unwrap_or("")
            .to_ascii_lowercase();
        if ["javascript", "data", "vbscript"].contains(&scheme.as_str()) {
            return Err(format!("href={href}"));
        }
    }
    Ok(())
}

fn check_attributes(attributes: &str) -> Result<(), String> {
    let mut rest = attributes.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if !ATTRIBUTES.contains(&name) {
            return Err(format!("the attribute {name}"));
        }
        rest = &rest[end..];
        if let Some(value) = rest.strip_prefix('=') {
            rest = match value.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or("an open value")?.1,
                None => value
                    .split_once(char::is_whitespace)
                    .map_or("", |(_, rest)| rest),
            };
        }
        rest = rest.trim_start();
    }
    Ok(())
}

/// Asks for a mail by every door that leads to it: each has to answer, soundly.
#[track_caller]
pub(super) fn through_every_door(site: &Site, list: &str, mid: &str) -> String {
    let path = |page: &str| format!("/{list}/{mid}/{page}");
    let shown = |page: &str| format!("{page} of {}", &mid[..mid.len().min(80)]);
    for page in ["T/", "t/", "d/"] {
        let reply = site.get(&path(page));
        assert!(
            reply.whole && (reply.status == 200 || page == "d/"),
            "{}: {}",
            shown(page),
            reply.status
        );
        assert_eq!(check_page(&reply.text()), Ok(()), "{}", shown(page));
    }
    let raw = site.get(&path("raw")).ok();
    assert!(raw.body.starts_with(b"From mboxrd@z "), "{}", shown("raw"));
    let mbox = site.get(&path("t.mbox.gz")).ok().gunzip();
    assert!(
        mbox.starts_with(b"From mboxrd@z "),
        "{}",
        shown("t.mbox.gz")
    );
    let feed = site.get(&path("t.atom")).ok().text();
    assert_eq!(xml::check(&feed), Ok(()), "{}", shown("t.atom"));
    let found = site.get(&format!("{}?q=d:19000101..99991231", path("")));
    assert!(
        matches!(found.status, 200 | 404),
        "{}: {}",
        shown("?q="),
        found.status
    );
    assert_eq!(check_page(&found.text()), Ok(()), "{}", shown("?q="));
    let page = site.get(&path("")).ok().text();
    assert_eq!(check_page(&page), Ok(()), "{}", shown("the page"));
    page
}

/// The pages that show all mail of a list together.
#[track_caller]
pub(super) fn lists(site: &Site, list: &str) {
    for page in [
        "",
        "new.html",
        "topics_new.html",
        "topics_active.html",
        "?q=words",
        "?q=words&x=t",
    ] {
        let html = site.get(&format!("/{list}/{page}")).ok().text();
        assert_eq!(check_page(&html), Ok(()), "{list}/{page}");
    }
    for page in [
        "new.atom",
        "topics_new.atom",
        "topics_active.atom",
        "?q=words&x=A",
    ] {
        let feed = site.get(&format!("/{list}/{page}")).ok().text();
        assert_eq!(xml::check(&feed), Ok(()), "{list}/{page}");
    }
}

#[test]
fn what_lives_is_seen() {
    for (html, sound) in [
        (
            "<!doctype html><html><body class=\"x\"><a\nhref=\"../x/\">y</a></body></html>",
            true,
        ),
        ("<b onclick=\"x\">", false),
        ("<script>", false),
        ("<a href=\"javascript:x\">", false),
        ("<a href=\"x\" onload=y>", false),
        ("<img src=\"x\">", false),
        ("&lt;script&gt;", true),
    ] {
        assert_eq!(check_page(html).is_ok(), sound, "{html}");
    }
}
