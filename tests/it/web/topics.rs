//! `/INBOX/` and the other lists of threads.

use std::collections::HashSet;

use crate::support::{Ask, Server, demo, hrefs, text};

#[test]
fn the_newest_thread_is_on_top_with_its_count() {
    let seen = text(&demo().get("/loom/").ok().text());
    let (moths, welcome) = (
        seen.find("Moths").unwrap(),
        seen.find("Welcome to the Loom list"),
    );
    assert!(moths < welcome.unwrap());
    assert!(
        seen.contains("2026-05-20 17:30 UTC  (3+ messages)"),
        "{seen}"
    );
}

#[test]
fn an_inbox_without_its_slash_moves_to_the_one_with_it() {
    assert!(demo().get("/loom").moved(301).ends_with("/loom/"));
    assert_eq!(
        demo().get("/loom/index.html").ok().text(),
        demo().get("/loom/").ok().text()
    );
}

#[test]
fn every_message_is_on_some_page_when_one_follows_the_older_pages() {
    let site = demo();
    let listed = pages(&site, "/loom/");
    let mbox = site.get("/loom/all.mbox.gz").ok().gunzip();
    let mails = memchr::memmem::find_iter(&mbox, "From mboxrd@z ").count();
    assert!(mails > 80, "{mails}");
    assert!(!listed.is_empty());
}

fn pages(site: &Server, first: &str) -> HashSet<String> {
    let mut seen = HashSet::new();
    let mut path = first.to_owned();
    loop {
        let page = site.get(&path).ok().text();
        let links = hrefs(&page);
        seen.extend(links.iter().filter(|href| href.contains("/T/")).cloned());
        let older = links
            .iter()
            .find(|href| href.starts_with("?t=") && !href.ends_with('-'))
            .filter(|_| text(&page).contains("next (older)"));
        match older {
            Some(href) if !path.ends_with(href.as_str()) => path = format!("/loom/{href}"),
            _ => return seen,
        }
    }
}

#[test]
fn a_stretch_of_time_is_asked_for_by_its_end_or_its_beginning() {
    let site = demo();
    let until = text(&site.get("/loom/?t=20260203000000").ok().text());
    assert!(until.contains("Welcome to the Loom list"));
    assert!(!until.contains("Moths"));
    let since = text(&site.get("/loom/?t=20260520-").ok().text());
    assert!(since.contains("Moths"));
    assert!(!since.contains("Welcome to the Loom list"));
}

#[test]
fn a_stretch_without_messages_is_not_found() {
    demo().get("/loom/?t=19900101").status(404);
}

#[test]
fn what_is_no_time_is_passed_over() {
    let site = demo();
    let plain = text(&site.get("/loom/").ok().text());
    for odd in [
        "?t=1999",
        "?t=",
        "?t",
        "?t=99999999999999",
        "?zz=1",
        "?x=zz",
        "?t=abc;o=-1",
        "?o=1e18&l=1e9",
    ] {
        assert_eq!(
            text(&site.get(&format!("/loom/{odd}")).ok().text()),
            plain,
            "{odd}"
        );
    }
}

#[test]
fn threads_are_listed_by_their_first_and_by_their_last_message() {
    let site = demo();
    for path in ["topics_new.html", "topics_active.html"] {
        let seen = text(&site.get(&format!("/loom/{path}")).ok().text());
        assert!(
            seen.contains("Should selvedges float by default?"),
            "{path}"
        );
    }
    for path in ["topics_new.atom", "topics_active.atom"] {
        let reply = site.get(&format!("/loom/{path}")).ok();
        assert!(
            reply
                .says("content-type")
                .starts_with("application/atom+xml")
        );
    }
}

#[test]
fn the_latest_messages_stand_in_full_on_new_html() {
    let seen = text(&demo().get("/loom/new.html").ok().text());
    assert!(seen.contains("The freezer is full of silk now."), "{seen}");
}

#[test]
fn a_page_that_has_not_changed_is_not_sent_again() {
    let site = demo();
    let tag = site.get("/loom/").ok().says("etag").to_owned();
    let again = site.ask(Ask::get("/loom/").with("If-None-Match", &tag));
    assert_eq!(again.status(304).body.len(), 0);
    site.ask(Ask::get("/loom/").with("If-None-Match", "\"other\""))
        .ok();
}
