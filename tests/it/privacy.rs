//! No page makes its reader's browser ask anybody else for anything, and none is remembered by a cookie.

use std::collections::{BTreeSet, VecDeque};

use crate::support::{demo, hrefs};

/// So many pages of the sample archive are read; it has about as many kinds of them as any.
const PAGES: usize = 400;

#[test]
fn no_page_asks_a_third_party_for_anything() {
    let site = demo();
    let mut seen = BTreeSet::new();
    let mut waiting = VecDeque::from(["/".to_owned()]);
    let mut pages = 0;
    while let Some(path) = waiting.pop_front() {
        if pages >= PAGES || !seen.insert(path.clone()) {
            continue;
        }
        let reply = site.get(&path);
        assert_eq!(reply.header("set-cookie"), None, "{path}");
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        let kind = reply.header("content-type").unwrap_or_default();
        if kind.starts_with("text/css") {
            let sheet = reply.text();
            assert!(
                !sheet.contains("@import") && !sheet.contains("//"),
                "{path}: {sheet}"
            );
        }
        if !kind.starts_with("text/html") {
            continue;
        }
        pages += 1;
        let html = reply.text();
        for tag in html.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            assert!(!is_fetched_from_elsewhere(tag), "{path}: <{tag}>");
        }
        waiting.extend(hrefs(&html).iter().filter_map(|href| inside(&path, href)));
    }
    assert!(pages > 100, "only {pages} pages were found");
    assert!(seen.iter().any(|path| path.ends_with(".css")));
}

/// Whether a browser that reads this tag asks somebody else for something, at once or when a form is sent.
fn is_fetched_from_elsewhere(tag: &str) -> bool {
    let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
    if [
        "script", "iframe", "object", "embed", "video", "audio", "base",
    ]
    .contains(&name)
    {
        return true;
    }
    let value = |attribute: &str| {
        let (_, rest) = tag.split_once(&format!(" {attribute}=\""))?;
        rest.split('"').next().map(str::to_owned)
    };
    let fetched = match name {
        // Links of these kinds are only followed by readers.
        "link"
            if ["alternate", "canonical", "next", "prev", "up"]
                .contains(&value("rel").unwrap_or_default().as_str()) =>
        {
            None
        }
        "link" => value("href"),
        "form" => value("action"),
        _ => value("src")
            .or_else(|| value("srcset"))
            .or_else(|| value("background")),
    };
    let pings =
        value("ping").is_some() || value("style").is_some_and(|style| style.contains("url("));
    pings || fetched.is_some_and(|address| address.contains("//") || address.starts_with("data:"))
}

/// A link within the site as a path from its root, without query and fragment.
fn inside(page: &str, href: &str) -> Option<String> {
    if href.contains("://") || href.starts_with("//") || href.starts_with("mailto:") {
        return None;
    }
    let bare = href.split(['#', '?']).next().unwrap_or_default();
    if bare.is_empty() || bare.ends_with(".gz") {
        return None;
    }
    let mut parts: Vec<&str> = match bare.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => page.split('/').skip(1).collect(),
    };
    if !bare.starts_with('/') {
        parts.pop();
    }
    for part in bare.trim_start_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    // A path that ends above its last part ends in a slash.
    let slash = if (bare.ends_with("..") || bare == ".") && !path.is_empty() {
        "/"
    } else {
        ""
    };
    Some(format!("/{path}{slash}"))
}

#[test]
fn the_test_itself_sees_what_it_should() {
    for (tag, elsewhere) in [
        ("a href=\"https://example.com/\"", false),
        ("img src=\"https://example.com/x.png\"", true),
        ("img alt=\"\" src=\"//example.com/x.png\"", true),
        ("img src=\"../x.png\"", false),
        (
            "link rel=\"stylesheet\" href=\"https://example.com/x.css\"",
            true,
        ),
        (
            "link rel=\"alternate\" href=\"https://example.com/x.atom\"",
            false,
        ),
        ("form action=\"https://example.com/\"", true),
        ("script", true),
        ("p style=\"background: url(x)\"", true),
    ] {
        assert_eq!(is_fetched_from_elsewhere(tag), elsewhere, "{tag}");
    }
    for (page, href, path) in [
        ("/loom/", "x@y/", Some("/loom/x@y/")),
        ("/loom/x@y/", "../?q=1", Some("/loom/")),
        ("/loom/x@y/", "../../+/s.css", Some("/+/s.css")),
        ("/loom/x@y/", "#t", None),
        ("/loom/", "https://example.com/", None),
    ] {
        assert_eq!(inside(page, href).as_deref(), path, "{page} {href}");
    }
}
