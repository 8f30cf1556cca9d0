//! `/INBOX/` and the other lists of threads.

use std::collections::HashSet;

use crate::support::{Ask, Mail, Server, World, demo, hrefs, text};

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
    let ids: Vec<String> = (0..450).map(|n| format!("m{n}@weaver.example")).collect();
    let mails = ids.iter().zip(0..);
    let mails = mails.map(|(id, n)| Mail::new(id, &format!("Topic {n}"), n).bytes());
    let mut world = World::new();
    world.inbox("test").add(&mails.collect::<Vec<_>>());
    world.index();
    let listed = pages(&world.serve(), "/test/");
    for id in ids {
        assert!(listed.contains(&format!("{id}/T/#u")), "{id} is on no page");
    }
}

/// The links of a list of threads and of all the older pages after it.
fn pages(site: &Server, inbox: &str) -> HashSet<String> {
    let mut seen = HashSet::new();
    let mut path = inbox.to_owned();
    for _ in 0..10 {
        let html = site.get(&path).ok().text();
        seen.extend(hrefs(&html));
        let older = html
            .split_once("next (older)")
            .map(|(before, _)| hrefs(before));
        let Some(older) = older.and_then(|links| links.into_iter().next_back()) else {
            return seen;
        };
        path = format!("{inbox}{older}");
    }
    panic!("the older pages have no end");
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
fn a_page_that_has_not_changed_is_not_sent_again() {
    let site = demo();
    let tag = site.get("/loom/").ok().says("etag").to_owned();
    let again = site.ask(Ask::get("/loom/").with("If-None-Match", &tag));
    assert_eq!(again.status(304).body.len(), 0);
    site.ask(Ask::get("/loom/").with("If-None-Match", "\"other\""))
        .ok();
}
