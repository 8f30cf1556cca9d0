//! `new.atom`, `t.atom`: what feed readers follow. Their ids are those of public-inbox.

use super::{ids, sha1_hex};
use crate::support::{Ask, World, demo};

fn uuid(of: &str) -> String {
    let hex = sha1_hex(of);
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32]
    )
}

#[test]
fn the_feed_of_a_list_has_its_25_newest_and_two_addresses() {
    let site = demo();
    let feed = site.get("/loom/new.atom").ok();
    assert!(
        feed.says("content-type")
            .starts_with("application/atom+xml")
    );
    let text = feed.text();
    assert_eq!(text.matches("<entry>").count(), 25);
    assert!(
        text.contains("<id>mailto:loom@lists.example.org</id>"),
        "{text}"
    );
    let inner = |text: &str| text[text.find("<entry>").unwrap()..].to_owned();
    assert_eq!(inner(&site.get("/loom/atom.xml").ok().text()), inner(&text));
}

#[test]
fn the_feed_of_a_thread_has_the_ids_that_readers_know() {
    let mid = "vCpNPbEtS+GaM0uo@vav.example";
    let text = demo()
        .get(&format!("/loom/{}/t.atom", ids::SELVEDGES))
        .ok()
        .text();
    assert_eq!(text.matches("<entry>").count(), 17);
    assert!(text.contains(&uuid(&format!("t\n{mid}"))), "{text}");
    assert!(text.contains(&format!("<id>{}</id>", uuid(mid))));
    assert!(text.contains("in-reply-to"));
    assert!(text.contains("<updated>2026-03-02T08:30:"));
}

#[test]
fn links_of_a_feed_are_absolute_and_from_the_config_not_from_the_visitor() {
    let mut world = World::new();
    world.set("url = https://mail.example.org/archive/");
    let mail = crate::support::Mail::new("one@weaver.example", "One", 1);
    world.inbox("test").add(&[mail.bytes()]);
    world.index();
    let site = world.serve();
    let ask = Ask::get("/test/new.atom").with("Host", "evil.example");
    let text = site.ask(ask).ok().text();
    assert!(!text.contains("evil.example"), "{text}");
    assert!(
        text.contains("https://mail.example.org/archive/test/one@weaver.example/")
            || text.contains("https://lists.example.org/test/one@weaver.example/"),
        "{text}"
    );
}

#[test]
fn odd_letters_leave_a_feed_well_formed() {
    let text = demo().get("/loom/new.atom").ok().text();
    for bad in ['\0', '\u{1b}', '\u{8}', '\u{c}', '\u{fffe}'] {
        assert!(!text.contains(bad), "{bad:?}");
    }
    assert!(!text.contains("<script>"));
}

#[test]
fn a_thread_that_is_not_there_has_no_feed() {
    demo().get("/loom/nope@x/t.atom").status(404);
}
