//! `templates/gone.html`: a message that was removed. `tests/it/removal.rs` has the rest of it.

use std::sync::{Arc, Mutex, Weak};

use crate::support::{Ask, Mail, Site, World, share};

fn site() -> Arc<Site> {
    static SITE: Mutex<Weak<Site>> = Mutex::new(Weak::new());
    share(&SITE, || {
        let mut world = World::new();
        let mails =
            (0..4).map(|n| Mail::new(&format!("m{n}@weaver.example"), "Subject", n).bytes());
        world.inbox("test").add(&mails.collect::<Vec<_>>());
        world.index();
        let reason = "<b>a & b</b>";
        assert!(
            world
                .run(&["rm", "test", "-n", "1", "--reason", reason])
                .status
                .success()
        );
        assert!(world.run(&["purge", "test", "-n", "2"]).status.success());
        world
    })
}

#[test]
fn the_page_says_when_and_why() {
    let site = site();
    let reply = site.get("/test/m0@weaver.example/").status(410);
    let page = reply.text();
    assert!(page.contains("This message was removed on 2"), "{page}");
    assert!(page.contains("&#60;b&#62;a &#38; b&#60;/b&#62;"), "{page}");
    assert!(page.contains("&lt;m0@weaver.example&gt;"), "{page}");
    assert!(
        reply.header("x-robots-tag").is_some() || page.contains("noindex"),
        "{:?}",
        reply.headers
    );
    let erased = site.get("/test/m1@weaver.example/T/").status(410).text();
    assert!(
        erased.contains("This message was erased on") && !erased.contains("The reason"),
        "{erased}"
    );
}

#[test]
fn programs_get_a_line_of_text() {
    let site = site();
    let reply = site
        .ask(Ask::get("/test/m0@weaver.example/raw").with("Accept", "*/*"))
        .status(410);
    assert!(reply.says("content-type").starts_with("text/plain"));
    assert!(reply.text().starts_with("This message was removed on "));
}

#[test]
fn what_was_never_here_is_not_gone() {
    let site = site();
    assert_eq!(site.get("/test/never-heard-of@weaver.example/").status, 300);
    assert_eq!(site.get("/test/m2@weaver.example/").status, 200);
}
