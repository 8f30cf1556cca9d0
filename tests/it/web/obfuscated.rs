//! A list whose addresses are hidden: whatever page of it is asked for, there is none to be read on it.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

use crate::support::{World, hrefs, text, unescape};

/// Mail with an address in every place that a page could show something of.
fn mails() -> Vec<Vec<u8>> {
    let plain = |id: &str, parent: &str, from: &str, subject: &str, body: &str| {
        format!(
            "From: {from}\nTo: \"t@to-name.secret.example\" <to@secret.example>, list@lists.example.org\n\
             Cc: cc@secret.example, known@open.example\nReply-To: back@secret.example\n\
             Subject: {subject}\nDate: Thu, 1 Jan 2026 00:{id}:00 +0000\n\
             Message-ID: <{id}@weaver.example>\n{parent}\n{body}\n"
        )
        .into_bytes()
    };
    let answer = "In-Reply-To: <10@weaver.example>\n";
    vec![
        plain(
            "10",
            "",
            "only@secret.example",
            "Mail from subject@secret.example to all",
            "Needle for body@secret.example and known@open.example.\n\
             mailto:link@secret.example <angle@secret.example>\n\
             https://web.example/?to=url@kept.example\n-- \nsig@secret.example",
        ),
        plain(
            "11",
            answer,
            "\"name@secret.example\" <b@secret.example>",
            "Re: Mail from subject@secret.example to all",
            "On Thu, only@secret.example wrote:\n> Needle for body@secret.example\n> > deep@secret.example\nYes.",
        ),
        plain(
            "12",
            answer,
            "=?utf-8?q?enc=40secret=2Eexample?= <c@secret.example>",
            "[PATCH] =?utf-8?q?For_word=40secret=2Eexample?=",
            "Needle.\n\nSigned-off-by: S <sob@secret.example>\n---\n a@b.secret.example | 2 +-\n\n\
             diff --git a/x@file.secret.example b/x@file.secret.example\n--- a/x@file.secret.example\n\
             +++ b/x@file.secret.example\n@@ -1,2 +1,2 @@ hunk@secret.example\n-old@secret.example\n\
             +new@secret.example\n context@secret.example",
        ),
        b"From: D <d@secret.example>\nTo: list@lists.example.org\nSubject: Files\n\
          Date: Thu, 1 Jan 2026 00:13:00 +0000\nMessage-ID: <13@weaver.example>\nMIME-Version: 1.0\n\
          Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n\
          <p>Needle <a href=\"mailto:html@secret.example\">html2@secret.example</a></p>\n\
          --b\nContent-Type: text/plain; name=\"n@secret.example.txt\"\n\
          Content-Disposition: attachment; filename=\"n@secret.example.txt\"\n\ninside@secret.example\n\
          --b\nContent-Type: message/rfc822\n\nFrom: Inner <inner@secret.example>\nTo: into@secret.example\n\
          Subject: in@secret.example\nMessage-ID: <i@weaver.example>\n\ndeepest@secret.example\n\
          --b\nContent-Type: application/octet-stream; name=\"o@secret.example\"\n\
          Content-Description: about@secret.example\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n"
            .to_vec(),
        // One Message-ID, another text: there is something to compare.
        b"From: E <e@secret.example>\nTo: list@lists.example.org\nSubject: Twice for s@secret.example\n\
          Date: Thu, 1 Jan 2026 00:14:00 +0000\nMessage-ID: <14@weaver.example>\nReceived: by r@secret.example\n\none@secret.example\n"
            .to_vec(),
    ]
}

fn world() -> World {
    let mut world = World::new();
    world.inbox("list").add(&mails());
    let twin = b"From: F <f@secret.example>\nTo: open@lists.example.org\nSubject: Twice for z@secret.example\n\
          Date: Thu, 1 Jan 2026 00:14:00 +0000\nMessage-ID: <14@weaver.example>\n\ntwo@secret.example\n";
    world.inbox("other").add(&[twin.to_vec()]);
    for name in ["list", "other"] {
        world.set_inbox(name, "obfuscate = true");
        let description = world.path(&format!("lists/{name}/description"));
        fs::write(description, "Ask owner@secret.example\n").unwrap();
    }
    world.add_to_config("[publicinbox]\n\tnoObfuscate = @open.example\n");
    world.index();
    world
}

/// The words of a page that somebody who collects addresses would take for one.
fn addresses(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // A collector looks at the bytes as well as at what they mean.
    let meant = text(page).replace("%40", "@");
    for text in [
        page,
        &unescape(page),
        &unescape(page).replace("%40", "@"),
        &meant,
    ] {
        for (at, _) in text.match_indices('@') {
            let local = |c: char| c.is_ascii_alphanumeric() || "-._+=".contains(c);
            let host = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
            let name: String = text[..at].chars().rev().take_while(|c| local(*c)).collect();
            let domain: String = text[at + 1..].chars().take_while(|c| host(*c)).collect();
            if !name.is_empty() && domain.trim_matches('.').contains('.') {
                let name: String = name.chars().rev().collect();
                found.insert(format!("{name}@{}", domain.trim_end_matches('.')));
            }
        }
    }
    found
}

/// Whether everybody may read it: Message-IDs, the lists' own addresses, what the config excepts, what is part of a URL.
fn is_open(address: &str) -> bool {
    let ours = [
        "@weaver.example",
        "@lists.example.org",
        "@open.example",
        "@kept.example",
    ];
    // In a feed a date follows without a blank, as tags do not count; help has somebody to look for; the id that is not
    // here is the visitor's own words.
    ours.iter().any(|end| address.ends_with(end))
        || address.contains("@lists.example.org2026-")
        || address == "alice@example.com"
        || address.ends_with("@weaver.exa")
}

/// The addresses on this page that should not be there, each after its path.
fn check(path: &str, page: &str) -> Vec<String> {
    let mut seen = addresses(page);
    seen.retain(|address| !is_open(address));
    seen.iter().map(|seen| format!("{path}: {seen}")).collect()
}

/// A link within the site as a path from its root.
fn inside(page: &str, href: &str) -> Option<String> {
    let href = href.split('#').next().unwrap_or_default();
    if href.contains(':') || href.is_empty() {
        return None;
    }
    let (bare, query) = match href.split_once('?') {
        Some((bare, query)) => (bare, format!("?{query}")),
        None => (href, String::new()),
    };
    let page = page.split('?').next().unwrap_or_default();
    let mut parts: Vec<&str> = page.split('/').skip(1).collect();
    parts.pop();
    for part in bare.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    let slash = if bare.ends_with("..") { "/" } else { "" };
    Some(format!("/{}{slash}{query}", parts.join("/")))
}

#[test]
fn no_page_of_a_list_that_hides_addresses_has_one() {
    let world = world();
    let site = world.serve();
    let mut waiting: VecDeque<String> = [
        "/",
        "/?q=needle",
        "/?f=secret",
        "/list/",
        "/list/new.html",
        "/list/topics_new.html",
        "/list/topics_active.atom",
        "/list/new.atom",
        "/list/description",
        "/list/?q=needle",
        "/list/?q=needle&x=t",
        "/list/?q=needle&x=A",
        "/list/?q=needle&t=1&r=1",
        "/list/10@weaver.example/?q=needle",
        "/list/10@weaver.example/t.atom",
        "/list/14@weaver.example/d/",
        "/all/14@weaver.example/d/",
        "/other/14@weaver.example/",
        "/list/10@weaver.exa/",
        "/all/",
        "/all/new.atom",
        "/all/?q=needle",
        "/list/_/text/mirror/raw",
        "/list/_/text/help/raw",
    ]
    .map(str::to_owned)
    .into();
    let mut seen = BTreeSet::new();
    let (mut pages, mut shown) = (0, Vec::new());
    while let Some(path) = waiting.pop_front() {
        // Mail as it came is what it is; so are the files that came with it.
        let raw = [".gz", "/raw", ".css"]
            .iter()
            .any(|end| path.ends_with(end));
        let attachment = path.contains("@weaver.example/") && path.ends_with(|c: char| c != '/');
        let page = path.contains('?') || path.ends_with(".atom") || path.contains("/_/");
        if (raw && !path.contains("/_/")) || (attachment && !page) || !seen.insert(path.clone()) {
            continue;
        }
        let reply = site.get(&path);
        let kind = reply.header("content-type").unwrap_or_default().to_owned();
        let body = reply.text();
        for header in ["location", "content-disposition", "link"] {
            shown.extend(check(&path, reply.header(header).unwrap_or_default()));
        }
        // Those are for mirrors, which take them over.
        if !["/list/_/text/config/raw", "/list/description"].contains(&path.as_str()) {
            shown.extend(check(&path, &body));
        }
        pages += 1;
        if kind.starts_with("text/html") {
            waiting.extend(hrefs(&body).iter().filter_map(|href| inside(&path, href)));
        }
    }
    assert!(shown.is_empty(), "{shown:#?}");
    assert!(pages > 60, "only {pages} pages were found: {seen:?}");
    for path in [
        "/list/13@weaver.example/",
        "/list/14@weaver.example/d/",
        "/all/12@weaver.example/T/",
        "/list/10@weaver.example/#r",
    ] {
        let path = path.split('#').next().unwrap();
        assert!(seen.contains(path), "{path} in {seen:?}");
    }
    // Where something is hidden, it is there.
    let page = text(&site.get("/list/10@weaver.example/T/").ok().text());
    for hidden in ["only", "subject", "body", "deep", "sob", "new", "context"] {
        assert!(
            page.contains(&format!("{hidden}@secret•example")),
            "{hidden}: {page}"
        );
    }
    assert!(page.contains("known@open.example"), "{page}");
    // What is as it came stays as it came.
    let raw = site.get("/list/10@weaver.example/raw").ok().text();
    assert!(raw.contains("body@secret.example"));
}

#[test]
fn a_static_site_of_it_has_none_either() {
    let world = world();
    let out = world.path("site");
    let done = world.run(&[
        "export",
        "list",
        "--format",
        "html",
        "--output",
        out.to_str().unwrap(),
    ]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let mut dirs = vec![out.clone()];
    let (mut pages, mut shown) = (0, Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap().flatten() {
            let path = entry.path();
            let is_page =
                |path: &Path| path.extension().is_some_and(|e| e == "html" || e == "atom");
            match path.is_dir() {
                true => dirs.push(path),
                false if is_page(&path) => {
                    pages += 1;
                    let page = fs::read_to_string(&path).unwrap();
                    shown.extend(check(&path.display().to_string(), &page));
                }
                false => {}
            }
        }
    }
    assert!(shown.is_empty(), "{shown:#?}");
    assert!(pages > 10, "{pages}");
}

#[test]
fn the_scan_sees_addresses() {
    for (page, seen) in [
        ("a@b.example", "a@b.example"),
        ("<a href=\"mailto:a@b.example\">", "a@b.example"),
        ("a&#64;b.example", "a@b.example"),
        ("a%40b.example", "a@b.example"),
        ("a<b>@</b>b.example", "a@b.example"),
    ] {
        assert!(addresses(page).contains(seen), "{page}");
    }
    assert!(addresses("a@b&#8226;example").is_empty());
}
