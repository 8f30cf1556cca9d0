//! `/INBOX/MID/`: one message and its place in the thread.

use super::ids;
use crate::support::{demo, fixtures, hrefs, overview, text};

fn page(mid: &str) -> String {
    demo().get(&format!("/loom/{mid}/")).ok().text()
}

#[test]
fn headers_body_and_overview_come_in_the_known_order() {
    let seen = text(&page(ids::WELCOME));
    let mut from = 0;
    for part in [
        "From: Agnes Webster <agnes@selvedge.example>",
        "To: loom@lists.example.org",
        "Subject: Welcome to the Loom list",
        "Date: Mon, 2 Feb 2026 10:15:",
        "Message-ID: <wLE3/i15JFnyb/dj@selvedge.example> (raw)",
        "No question about a broken warp is too small.",
        "Thread overview: 3+ messages / expand[flat|nested]  mbox.gz  Atom feed  top",
        "[this message]",
        "git send-email",
    ] {
        let at = seen[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part:?} is not there, or too early: {seen}"));
    }
}

#[test]
fn every_spelling_of_a_message_id_is_the_same_page() {
    let plain = page(ids::WELCOME);
    for spelling in [
        "wLE3/i15JFnyb/dj@selvedge.example",
        "wLE3%2fi15JFnyb%2fdj%40selvedge.example",
    ] {
        assert_eq!(text(&page(spelling)), text(&plain), "{spelling}");
    }
    for spelling in [
        "vCpNPbEtS%2BGaM0uo%40vav.example",
        "vCpNPbEtS+GaM0uo@vav.example",
    ] {
        assert_eq!(
            text(&page(spelling)),
            text(&page(ids::SELVEDGES)),
            "{spelling}"
        );
    }
}

#[test]
fn a_message_without_its_slash_or_with_its_brackets_moves_to_the_right_address() {
    let site = demo();
    let right = format!("/loom/{}/", ids::WELCOME);
    assert!(
        site.get(right.trim_end_matches('/'))
            .moved(301)
            .ends_with(&right)
    );
    let bracketed = format!("/loom/%3C{}%3E/", ids::WELCOME);
    assert!(site.get(&bracketed).moved(301).ends_with(&right));
}

#[test]
fn the_overview_shows_depth_changed_subjects_and_the_place_where_one_is() {
    let lines = overview(&page(ids::SELVEDGES));
    let seen: Vec<String> = lines
        .iter()
        .map(|line| format!("{}{}", " ".repeat(line.depth), line.words))
        .collect();
    assert_eq!(
        seen[..4],
        [
            "Mika Lindqvist [this message]",
            " Should selvedges float by default? Sofia Tessitore",
            "  Mika Lindqvist",
            "   Sofia Tessitore",
        ]
    );
    assert!(
        seen.iter()
            .any(|line| line.contains("Floating words (was: Should selvedges"))
    );
    assert_eq!(lines.len(), 17);
}

#[test]
fn a_mail_that_nobody_has_seen_keeps_its_place() {
    let html = page(ids::ORPHAN);
    let lines = overview(&html);
    assert_eq!(lines[0].date, None);
    assert_eq!(lines[0].mid.as_deref(), Some(ids::GHOST));
    assert_eq!((lines[1].depth, lines[1].mid.as_deref()), (1, None));
    assert!(
        hrefs(&html)
            .iter()
            .any(|href| *href == format!("../{}/", ids::GHOST))
    );
}

#[test]
fn links_of_a_page_are_relative_and_lead_somewhere() {
    let site = demo();
    let links = hrefs(&page(ids::SELVEDGES));
    assert!(links.len() > 20);
    for href in links {
        if href.starts_with("http") || href.starts_with("mailto:") || href.starts_with('#') {
            continue;
        }
        assert!(!href.starts_with('/'), "{href} is not relative");
        let path = resolve(&format!("/loom/{}/", ids::SELVEDGES), &href);
        let reply = site.get(&path);
        assert!(reply.status < 400, "{href} is {}", reply.status);
    }
}

/// RFC 3986, 5.2, as far as our pages need it.
fn resolve(base: &str, href: &str) -> String {
    let href = href.split('#').next().unwrap();
    if href.is_empty() || href.starts_with('?') {
        return format!("{base}{href}");
    }
    let mut segments: Vec<&str> = base.trim_start_matches('/').split('/').collect();
    segments.pop();
    let (path, query) = href.split_at(href.find('?').unwrap_or(href.len()));
    let mut dir = false;
    for segment in path.split('/') {
        dir = segment.is_empty() || segment == "." || segment == "..";
        match segment {
            ".." => drop(segments.pop()),
            "." | "" => {}
            plain => segments.push(plain),
        }
    }
    let slash = if dir && !segments.is_empty() { "/" } else { "" };
    format!("/{}{slash}{query}", segments.join("/"))
}

#[test]
fn reply_instructions_name_everybody_and_the_message() {
    let html = demo()
        .get(&format!("/loom-patches/{}/", ids::PATCH))
        .ok()
        .text();
    let seen = text(&html);
    for part in [
        "--in-reply-to=20260308100002.9422-3-tomas@fio.example \\",
        "--to=tomas@fio.example \\",
        "--cc=loom-patches@lists.example.org \\",
        "--cc=sofia@telaio.example \\",
        "/path/to/YOUR_REPLY",
    ] {
        assert!(seen.contains(part), "{part:?} is missing: {seen}");
    }
    let mailto = hrefs(&html)
        .into_iter()
        .find(|href| href.starts_with("mailto:tomas@fio.example?"));
    let mailto = mailto.expect("a mailto: link");
    assert!(mailto.contains("In-Reply-To=%3C20260308100002.9422-3-tomas@fio.example%3E"));
    assert!(
        mailto.contains("&Subject=Re%3A%20%5BPATCH%20v2%202%2F3%5D"),
        "{mailto}"
    );
}

#[test]
fn a_diff_is_coloured_and_its_diffstat_leads_to_its_hunks() {
    let html = demo()
        .get(&format!("/loom-patches/{}/", ids::PATCH))
        .ok()
        .text();
    for class in ["head", "hunk", "add", "del"] {
        assert!(html.contains(&format!("class=\"{class}\"")), "{class}");
    }
    let links = hrefs(&html);
    let stat = links
        .iter()
        .find(|href| href.ends_with("src:shed.c") && href.starts_with("#Z"));
    let anchor = stat
        .expect("a link from the diffstat")
        .trim_start_matches('#');
    assert!(html.contains(&format!("id={anchor}")) || html.contains(&format!("id=\"{anchor}\"")));
}

#[test]
fn text_of_every_charset_is_decoded() {
    let seen = text(
        &demo()
            .get("/loom/7a2f8549-7548-f3db8854@stanok.example/T/")
            .ok()
            .text(),
    );
    for words in [
        "основа",
        "経糸 (たていと)",
        "经线",
        "經線",
        "вътък",
        "Schuß",
        "Für 5 €",
        "väft, inslag",
        "سَدًى",
        "Ŵ and ŷ",
        "Юлия Ткач",
        "織田春香",
    ] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
    // Every answer has the subject in its own charset, and all of them are the same.
    let subjects = seen
        .matches("* Re: Ткани и слова: warp and weft in your lang")
        .count();
    assert_eq!(subjects, 9, "{seen}");
}

#[test]
fn html_mail_is_shown_as_text_and_nothing_of_it_lives() {
    let html = page("lQo5tsKTS7cvLe92@nygaard.example");
    let seen = text(&html);
    assert!(
        seen.contains("Hello weavers!") || seen.contains("Hello"),
        "{seen}"
    );
    assert!(seen.contains("threading 1, 2, 3, 4"));
    for live in [
        "<script",
        "<img",
        "tracker.example.net/pixel.gif\"",
        "<ul><li>threading",
    ] {
        assert!(!html.contains(live), "{live}");
    }
}

#[test]
fn two_mails_under_one_message_id_are_both_there() {
    let seen = text(&fixtures().get("/odd/same@fixtures.example/").ok().text());
    assert!(seen.contains("The first mail under this name."), "{seen}");
    assert!(
        seen.contains("multiple messages have this Message-ID"),
        "{seen}"
    );
    assert!(seen.contains("with other words"), "{seen}");
}

#[test]
fn a_mail_is_found_by_each_of_its_message_ids() {
    let site = fixtures();
    for id in ["one", "two", "three", "alt"] {
        let path = format!("/odd/{id}.three-message-ids@fixtures.example/");
        assert!(
            text(&site.get(&path).ok().text()).contains("three message ids"),
            "{id}"
        );
    }
}

#[test]
fn a_page_changes_its_validator_when_it_changes_and_only_then() {
    let site = demo();
    let path = format!("/loom/{}/", ids::WELCOME);
    let (one, two) = (site.get(&path).ok(), site.get(&path).ok());
    assert_eq!(one.says("etag"), two.says("etag"));
    assert!(one.header("last-modified").is_some());
    assert!(one.header("cache-control").is_some());
}

#[test]
fn a_mail_on_two_lists_is_shown_on_both_each_with_its_own_bytes() {
    let site = demo();
    for list in ["loom", "loom-patches"] {
        let base = format!("/{list}/{}", ids::COVER);
        let seen = text(&site.get(&format!("{base}/")).ok().text());
        assert!(seen.contains("[PATCH 0/3] Floating selvedges"), "{list}");
        let raw = site.get(&format!("{base}/raw")).ok().text();
        assert!(
            raw.contains(&format!("\nList-Id: <{list}.lists.example.org>\n")),
            "{list}"
        );
    }
    // The answers on the other list stay there.
    let loom = text(&site.get(&format!("/loom/{}/", ids::COVER)).ok().text());
    assert!(!loom.contains("Re: [PATCH 2/3]"), "{loom}");
}
