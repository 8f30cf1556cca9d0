//! Reads paths.

use super::escape::{decode, escape_mid, mid_of};
use super::git::git_file;
use super::route::{Form, Format, InboxPage, MessagePage, Route, SitePage, TopicOrder};
use crate::id::{InboxName, MessageId};

/// Reads the path of a request, still percent-encoded and without its query.
pub fn parse(path: &str) -> Route {
    let Some(rest) = path.strip_prefix('/') else {
        return Route::Nothing;
    };
    match rest {
        "" => return Route::Site(SitePage::Listing),
        "manifest.js.gz" => return Route::Site(SitePage::Manifest),
        "robots.txt" => return Route::Site(SitePage::Robots),
        "favicon.ico" => return Route::Site(SitePage::Favicon),
        _ => {}
    }
    if let Some(name) = rest.strip_prefix("+/") {
        return Route::Site(SitePage::Asset(name.to_owned()));
    }
    let (first, tail) = match rest.split_once('/') {
        Some((first, tail)) => (first, Some(tail)),
        None => (rest, None),
    };
    let Some(inbox) = InboxName::parse(&decode(first)) else {
        // A Message-ID at the top: nearly all have an `@`, which no inbox name has.
        return find(rest.strip_suffix('/').unwrap_or(rest));
    };
    match tail {
        None => Route::Site(SitePage::InboxOrMessage(inbox)),
        Some(mid) if first == "r" && !mid.is_empty() => find(mid.strip_suffix('/').unwrap_or(mid)),
        Some(tail) => parse_in_inbox(inbox, tail),
    }
}

fn find(encoded: &str) -> Route {
    match mid_of(encoded) {
        Some(mid) => Route::Site(SitePage::Find(mid)),
        None => Route::Nothing,
    }
}

/// Below `/INBOX/`. The order matters: a Message-ID that equals a reserved name is reached by its trailing slash.
fn parse_in_inbox(inbox: InboxName, tail: &str) -> Route {
    let page = match tail {
        "" | "index.html" => Some(InboxPage::Topics),
        "new.html" => Some(InboxPage::New),
        "new.atom" | "atom.xml" => Some(InboxPage::NewAtom),
        "topics_new.html" => Some(InboxPage::TopicList(TopicOrder::New, Format::Html)),
        "topics_active.html" => Some(InboxPage::TopicList(TopicOrder::Active, Format::Html)),
        "topics_new.atom" => Some(InboxPage::TopicList(TopicOrder::New, Format::Atom)),
        "topics_active.atom" => Some(InboxPage::TopicList(TopicOrder::Active, Format::Atom)),
        "all.mbox.gz" => Some(InboxPage::AllMbox),
        "description" => Some(InboxPage::Description),
        "tombstones" => Some(InboxPage::Tombstones),
        "manifest.js.gz" => Some(InboxPage::Manifest),
        _ => None,
    };
    if let Some(page) = page {
        return Route::Inbox(inbox, page);
    }
    if let Some(file) = git_file(tail) {
        return Route::Git(inbox, file);
    }
    if let Some(text) = tail.strip_prefix("_/text") {
        return text_page(inbox, text);
    }
    if !tail.contains('/') {
        // What downloads wants no page.
        if tail.ends_with(".mbox.gz") {
            return Route::Nothing;
        }
        if tail.ends_with(".sql.gz") {
            return Route::Inbox(inbox, InboxPage::Missing);
        }
        if tail.ends_with(".css") {
            return Route::Inbox(inbox, InboxPage::Css(tail.to_owned()));
        }
    }
    legacy(&inbox, tail).unwrap_or_else(|| message_page(inbox, tail))
}

fn text_page(inbox: InboxName, text: &str) -> Route {
    match text {
        "" => return Route::Elsewhere(format!("/{inbox}/_/text/help/")),
        "/" => return Route::Inbox(inbox, InboxPage::Text(String::new(), Form::Html)),
        _ => {}
    }
    let Some(key) = text.strip_prefix('/') else {
        return Route::Inbox(inbox, InboxPage::Missing);
    };
    if let Some(key) = key.strip_suffix("/raw") {
        Route::Inbox(inbox, InboxPage::Text(key.to_owned(), Form::Raw))
    } else if let Some(key) = key.strip_suffix('/') {
        Route::Inbox(inbox, InboxPage::Text(key.to_owned(), Form::Html))
    } else if key
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
    {
        Route::Elsewhere(format!("/{inbox}/_/text/{key}/"))
    } else {
        // There is no such text, and what a stranger wrote is not repeated in a header.
        Route::Inbox(inbox, InboxPage::Missing)
    }
}

/// Addresses of public-inbox's early years. They move to where the message lives now.
fn legacy(inbox: &InboxName, tail: &str) -> Option<Route> {
    let (kind, rest) = tail.split_once('/')?;
    if !matches!(kind, "m" | "f" | "t") || rest.is_empty() {
        return None;
    }
    let plain = rest.strip_suffix('/').unwrap_or(rest);
    let (mid, page) = if kind == "t" {
        if let Some(mid) = plain
            .strip_suffix("/mbox.gz")
            .or_else(|| plain.strip_suffix(".mbox.gz"))
        {
            (mid, "t.mbox.gz")
        } else if let Some(mid) = plain
            .strip_suffix("/mbox")
            .or_else(|| plain.strip_suffix(".mbox"))
        {
            (mid, "t.mbox")
        } else {
            (plain.strip_suffix(".html").unwrap_or(plain), "t/#u")
        }
    } else if let Some(mid) = plain
        .strip_suffix(".txt")
        .or_else(|| plain.strip_suffix("/raw"))
    {
        (mid, "raw")
    } else {
        (plain.strip_suffix(".html").unwrap_or(plain), "")
    };
    let mid = mid_of(mid)?;
    Some(Route::Moved(format!(
        "/{inbox}/{}/{page}",
        escape_mid(&mid)
    )))
}

fn message_page(inbox: InboxName, tail: &str) -> Route {
    let Some((encoded, last)) = tail.rsplit_once('/') else {
        // `/INBOX/MSGID` without its slash, and with its brackets if it has them.
        return match MessageId::parse(&decode(tail)) {
            Some(mid) if tail.len() >= 2 => Route::Moved(format!("/{inbox}/{}/", escape_mid(&mid))),
            _ => Route::Nothing,
        };
    };
    let page = match last {
        "" => return message_dir(inbox, encoded),
        "raw" => MessagePage::Raw,
        "t.mbox.gz" | "t.mbox" => MessagePage::Mbox,
        "t.atom" => MessagePage::Atom,
        "T" | "t" | "R" | "f" | "d" => {
            let Some(mid) = mid_of(encoded) else {
                return Route::Nothing;
            };
            let end = match last {
                "T" => "T/#u",
                "t" => "t/#u",
                "R" => "#R",
                "d" => "d/",
                _ => "",
            };
            return Route::Moved(format!("/{inbox}/{}/{end}", escape_mid(&mid)));
        }
        _ => match attachment_index(last) {
            Some(index) => MessagePage::Attachment(index.to_owned()),
            // A front end may have decoded the slash in a Message-ID; the rest of one has its domain.
            None if last.contains('@') => return with_slash(&inbox, tail),
            None if is_old_address(encoded, last) => return with_slash(&inbox, tail),
            None => return Route::Nothing,
        },
    };
    message(inbox, encoded, page)
}

/// Whether it looks like an address of Pipermail (`2005-March/001234.html`), or of `HyperKitty` (`message/` and a hash in
/// base32).
fn is_old_address(before: &str, name: &str) -> bool {
    let is_numbered = name
        .strip_suffix(".html")
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let mut bytes = name.bytes();
    let is_hash = name.len() == 32 && bytes.all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
    is_numbered || (matches!(before, "message" | "thread") && is_hash)
}

/// `MSGID/`, `MSGID/T/` and the like: `encoded` is all before the last slash.
fn message_dir(inbox: InboxName, encoded: &str) -> Route {
    if encoded.is_empty() || encoded.ends_with('/') {
        return Route::Nothing;
    }
    if let Some((mid, view)) = encoded.rsplit_once('/') {
        let page = match view {
            "T" => Some(MessagePage::Flat),
            "t" => Some(MessagePage::Nested),
            "d" => Some(MessagePage::Diff),
            _ => None,
        };
        if let Some(page) = page {
            return message(inbox, mid, page);
        }
        if let ("R" | "f", Some(mid)) = (view, mid_of(mid)) {
            let end = if view == "R" { "#R" } else { "" };
            return Route::Moved(format!("/{inbox}/{}/{end}", escape_mid(&mid)));
        }
    }
    message(inbox, encoded, MessagePage::Show)
}

fn message(inbox: InboxName, encoded: &str, page: MessagePage) -> Route {
    let decoded = decode(encoded);
    let bare = decoded
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'));
    match (bare, &page) {
        // People paste a Message-ID with its brackets on.
        (Some(bare), MessagePage::Show) if !matches!(bare, "." | "..") => {
            match MessageId::parse(bare) {
                Some(mid) => Route::Moved(format!("/{inbox}/{}/", escape_mid(&mid))),
                None => Route::Nothing,
            }
        }
        (bare, _) => match MessageId::parse(bare.unwrap_or(&decoded)) {
            Some(mid) => Route::Message(inbox, mid, page),
            None => Route::Nothing,
        },
    }
}

fn with_slash(inbox: &InboxName, tail: &str) -> Route {
    match mid_of(tail) {
        Some(mid) => Route::Moved(format!("/{inbox}/{}/", escape_mid(&mid))),
        None => Route::Nothing,
    }
}

/// The index of `1.2-name.txt`, where the name is one that we would print.
fn attachment_index(segment: &str) -> Option<&str> {
    let (index, name) = segment.split_once('-')?;
    let numbers = index
        .split('.')
        .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    (numbers && index.len() <= 100 && is_attachment_name(name)).then_some(index)
}

/// Whether `name` may stand in the URL of an attachment: `[A-Za-z0-9][\w.-]+[A-Za-z0-9]`.
pub fn is_attachment_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() >= 3
        && bytes.len() <= 255
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;
    use crate::id::{EpochNum, InboxName, MessageId};
    use crate::url::{
        Form, Format, GitFile, InboxPage, MessagePage, Route, SitePage, TopicOrder, escape_mid,
    };

    fn x() -> InboxName {
        InboxName::parse("x").unwrap()
    }

    fn mid(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }

    fn message(id: &str, page: MessagePage) -> Route {
        Route::Message(x(), mid(id), page)
    }

    fn git(epoch: Option<u32>, path: &str) -> Route {
        let epoch = epoch.map(EpochNum);
        Route::Git(
            x(),
            GitFile {
                epoch,
                path: path.to_owned(),
            },
        )
    }

    #[test]
    fn the_site_and_its_inboxes_have_these_pages() {
        let topics = |order, format| Route::Inbox(x(), InboxPage::TopicList(order, format));
        let text = |key: &str, form| Route::Inbox(x(), InboxPage::Text(key.to_owned(), form));
        for (path, route) in [
            ("/", Route::Site(SitePage::Listing)),
            ("/manifest.js.gz", Route::Site(SitePage::Manifest)),
            (
                "/+/style.css",
                Route::Site(SitePage::Asset("style.css".into())),
            ),
            ("/x", Route::Site(SitePage::InboxOrMessage(x()))),
            ("/a%2Fb@c", Route::Site(SitePage::Find(mid("a/b@c")))),
            ("/a@c/", Route::Site(SitePage::Find(mid("a@c")))),
            ("/r/a@c", Route::Site(SitePage::Find(mid("a@c")))),
            ("/r/%3Ca@c%3E/", Route::Site(SitePage::Find(mid("a@c")))),
            ("/x/", Route::Inbox(x(), InboxPage::Topics)),
            ("/x/index.html", Route::Inbox(x(), InboxPage::Topics)),
            ("/x/new.html", Route::Inbox(x(), InboxPage::New)),
            ("/x/new.atom", Route::Inbox(x(), InboxPage::NewAtom)),
            ("/x/atom.xml", Route::Inbox(x(), InboxPage::NewAtom)),
            ("/x/topics_new.html", topics(TopicOrder::New, Format::Html)),
            (
                "/x/topics_active.atom",
                topics(TopicOrder::Active, Format::Atom),
            ),
            ("/x/all.mbox.gz", Route::Inbox(x(), InboxPage::AllMbox)),
            ("/x/2020.mbox.gz", Route::Nothing),
            ("/x/description", Route::Inbox(x(), InboxPage::Description)),
            ("/x/tombstones", Route::Inbox(x(), InboxPage::Tombstones)),
            ("/x/_/text", Route::Elsewhere("/x/_/text/help/".into())),
            ("/x/_/text/help", Route::Elsewhere("/x/_/text/help/".into())),
            ("/x/_/text/help/", text("help", Form::Html)),
            ("/x/_/text/config/raw", text("config", Form::Raw)),
            ("x", Route::Nothing),
            ("", Route::Nothing),
        ] {
            assert_eq!(parse(path), route, "{path}");
        }
    }

    #[test]
    fn a_message_has_these_pages_in_every_spelling() {
        for (path, route) in [
            ("/x/a@c/", message("a@c", MessagePage::Show)),
            ("/x/a%40c/", message("a@c", MessagePage::Show)),
            ("/x/a%2fb@c/", message("a/b@c", MessagePage::Show)),
            ("/x/a/b@c/", message("a/b@c", MessagePage::Show)),
            ("/x/a/b@c/T/", message("a/b@c", MessagePage::Flat)),
            ("/x/a@c", Route::Moved("/x/a@c/".into())),
            ("/x/a%2Fb@c", Route::Moved("/x/a%2Fb@c/".into())),
            ("/x/%3Ca@c%3E", Route::Moved("/x/%3Ca@c%3E/".into())),
            ("/x/%3Ca@c%3E/", Route::Moved("/x/a@c/".into())),
            ("/x/a@c/raw", message("a@c", MessagePage::Raw)),
            ("/x/a@c/t/", message("a@c", MessagePage::Nested)),
            ("/x/a@c/T", Route::Moved("/x/a@c/T/#u".into())),
            ("/x/a@c/t", Route::Moved("/x/a@c/t/#u".into())),
            ("/x/a@c/R", Route::Moved("/x/a@c/#R".into())),
            ("/x/a@c/f/", Route::Moved("/x/a@c/".into())),
            ("/x/a@c/t.mbox.gz", message("a@c", MessagePage::Mbox)),
            ("/x/a@c/t.mbox", message("a@c", MessagePage::Mbox)),
            ("/x/a@c/t.atom", message("a@c", MessagePage::Atom)),
            ("/x/a@c/d/", message("a@c", MessagePage::Diff)),
            (
                "/x/a@c/1.2-x.patch",
                message("a@c", MessagePage::Attachment("1.2".into())),
            ),
            ("/x/a@c/nope", Route::Nothing),
            ("/x/a@c//", Route::Nothing),
            ("/x/m/a@c/", Route::Moved("/x/a@c/".into())),
            ("/x/f/a@c.html", Route::Moved("/x/a@c/".into())),
            ("/x/m/a@c.txt", Route::Moved("/x/a@c/raw".into())),
            ("/x/m/a@c/raw", Route::Moved("/x/a@c/raw".into())),
            ("/x/t/a@c.html", Route::Moved("/x/a@c/t/#u".into())),
            ("/x/t/a@c/mbox.gz", Route::Moved("/x/a@c/t.mbox.gz".into())),
        ] {
            assert_eq!(parse(path), route, "{path}");
        }
    }

    #[test]
    fn repositories_have_these_files_and_never_their_config() {
        let pack = format!("objects/pack/pack-{}.idx", "a".repeat(40));
        let long = format!("/x/git/0.git/{pack}");
        for (path, route) in [
            ("/x/HEAD", git(None, "HEAD")),
            ("/x/0/info/refs", git(Some(0), "info/refs")),
            ("/x/0.git/HEAD", git(Some(0), "HEAD")),
            (
                "/x/git/12.git/git-upload-pack",
                git(Some(12), "git-upload-pack"),
            ),
            (long.as_str(), git(Some(0), &pack)),
        ] {
            assert_eq!(parse(path), route, "{path}");
        }
        for path in [
            "/x/0/config",
            "/x/git/0.git/config",
            "/x/0/objects/../config",
            "/x/0/objects/pack/x.pack",
        ] {
            assert!(!matches!(parse(path), Route::Git(..)), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_message_id_is_read_back(text in "\\PC{1,40}|[./%<>?#&;+~a-c@ ]{1,12}") {
            let Some(mid) = MessageId::parse(&text) else { return Ok(()) };
            // No mail has these: brackets are what an id is found by, and one-letter ids are old addresses.
            let bracketed = text.starts_with('<') && text.ends_with('>');
            prop_assume!(!bracketed && !matches!(mid.as_str(), "m" | "f" | "t"));
            let path = format!("/x/{}/", escape_mid(&mid));
            prop_assert!(path.is_ascii());
            for (end, page) in [
                ("", MessagePage::Show),
                ("raw", MessagePage::Raw),
                ("T/", MessagePage::Flat),
                ("t.mbox.gz", MessagePage::Mbox),
            ] {
                let route = parse(&format!("{path}{end}"));
                prop_assert_eq!(route, Route::Message(x(), mid.clone(), page));
            }
        }

        #[test]
        fn any_path_is_answered(path in "/(\\PC|/|%|\\.){0,60}") {
            parse(&path);
        }
    }
}
