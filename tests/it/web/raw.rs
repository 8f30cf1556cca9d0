//! `/INBOX/MID/raw`: the mail as it came.

use super::ids;
use crate::support::{Ask, Mail, World, demo, fixtures};

#[test]
fn raw_is_the_mail_in_mboxrd_form() {
    let reply = demo().get(&format!("/loom/{}/raw", ids::WELCOME)).ok();
    let whole = reply.content();
    let line = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n";
    let mail = whole
        .strip_prefix(line)
        .unwrap()
        .strip_suffix(b"\n")
        .unwrap();
    let original = threadbare::demo::mails().remove(0).1;
    assert_eq!(mail, original);
    assert!(
        reply
            .says("content-type")
            .starts_with("text/plain; charset=")
    );
    let name = "inline; filename=Welcome-to-the-Loom-list.txt";
    assert_eq!(reply.says("content-disposition").replace('"', ""), name);
}

#[test]
fn raw_says_the_charset_of_the_mail() {
    let reply = demo()
        .get("/loom/7a2f8549-7548-f3db8854@stanok.example/raw")
        .ok();
    assert_eq!(
        reply.says("content-type").to_lowercase(),
        "text/plain; charset=koi8-r"
    );
}

#[test]
fn raw_of_a_shared_message_id_has_every_mail() {
    let text = fixtures().get("/odd/same@fixtures.example/raw").ok().text();
    assert!(text.matches("From mboxrd@z ").count() >= 1);
    assert!(text.contains("The first mail under this name."));
}

#[test]
fn an_unknown_message_has_no_raw() {
    demo().get("/loom/nope@x/raw").status(404);
}

#[test]
fn raw_may_be_kept_but_stays_checkable() {
    let site = demo();
    let path = format!("/loom/{}/raw", ids::WELCOME);
    let tag = site.get(&path).ok().says("etag").to_owned();
    site.ask(Ask::get(&path).with("If-None-Match", &tag))
        .status(304);
}

#[test]
fn mail_that_says_nothing_of_its_charset_is_ascii_where_it_is() {
    let mut world = World::new();
    let plain = Mail::new("plain@weaver.example", "Plain", 1);
    let other = Mail::new("other@weaver.example", "Other", 2).says("caf\u{e9}");
    world.inbox("test").add(&[plain.bytes(), other.bytes()]);
    world.index();
    let site = world.serve();
    for (id, charset) in [("plain", "us-ascii"), ("other", "UTF-8")] {
        let reply = site.get(&format!("/test/{id}@weaver.example/raw")).ok();
        let media = format!("text/plain; charset={charset}");
        assert_eq!(reply.says("content-type"), media);
    }
}
