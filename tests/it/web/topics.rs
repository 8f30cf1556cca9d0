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

#[test]
fn answers_to_old_patches_stand_apart_each_with_its_patch() {
    let cover = Mail::new("cover@weaver.example", "[PATCH 0/2] shuttles", 0);
    let patches = (1..=2).map(|n| {
        let mail = Mail::new(
            &format!("p{n}@weaver.example"),
            &format!("[PATCH {n}/2] part"),
            n,
        );
        mail.answers("cover@weaver.example")
    });
    let others =
        (3..201).map(|n| Mail::new(&format!("m{n}@weaver.example"), &format!("Topic {n}"), n));
    let answers = (1..=2).map(|n| {
        let subject = format!("Re: [PATCH {n}/2] part");
        let mail = Mail::new(&format!("a{n}@weaver.example"), &subject, 300 + n);
        mail.answers(&format!("p{n}@weaver.example"))
    });
    let mails = std::iter::once(cover)
        .chain(patches)
        .chain(others)
        .chain(answers);
    let mut world = World::new();
    world
        .inbox("test")
        .add(&mails.map(|mail| mail.bytes()).collect::<Vec<_>>());
    world.index();
    let html = world.serve().get("/test/").ok().text();
    let seen = text(&html);
    let begins = seen.find("[PATCH 2/2] part").unwrap();
    assert!(
        seen[begins..].starts_with(
            "[PATCH 2/2] part\n 2026-01-01  5:02 UTC  (2+ messages)\n\n\
             [PATCH 1/2] part\n 2026-01-01  5:01 UTC  (2+ messages)\n"
        ),
        "{seen}"
    );
    assert!(!seen.contains("shuttles"));
    assert!(html.contains("\"a2@weaver.example/T/#t\""), "{html}");
}

#[test]
fn threads_stand_by_the_newest_date_that_they_show() {
    let received = |mail: Mail, day: u32| {
        let mut raw = format!("Received: by x; {day} Feb 2026 00:00:00 +0000\n").into_bytes();
        raw.extend(mail.bytes());
        raw
    };
    let mut world = World::new();
    world.inbox("test").add(&[
        received(Mail::new("a@weaver.example", "Sent later", 9), 1),
        received(Mail::new("b@weaver.example", "Came later", 8), 2),
    ]);
    world.index();
    let seen = text(&world.serve().get("/test/").ok().text());
    assert!(seen.find("Sent later") < seen.find("Came later"), "{seen}");
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
