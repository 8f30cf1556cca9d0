//! `/INBOX/topics_new.html` and its sisters: threads by their first or last message.

use crate::support::{demo, text};

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
fn the_one_list_goes_by_beginnings_and_the_other_by_ends() {
    let site = demo();
    let of = |page: &str| text(&site.get(&format!("/loom/{page}")).ok().text());
    for (page, above, below) in [
        // The invitation came after the thread on languages began, and both have ended since.
        (
            "topics_new.html",
            "Fwd: An invitation",
            "warp and weft in your language",
        ),
        ("topics_active.html", "Moths", "Fwd: An invitation"),
    ] {
        let seen = of(page);
        assert!(
            seen.find(above).unwrap() < seen.find(below).unwrap(),
            "{page}: {seen}"
        );
    }
}
