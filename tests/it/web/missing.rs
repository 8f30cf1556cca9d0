//! What is not here: a page that helps, or a plain no.

use super::ids;
use crate::support::{demo, fixtures, hrefs, text};

#[test]
fn a_message_id_that_is_unknown_gets_a_page_that_helps() {
    let reply = demo().get("/loom/nope@x.example/");
    // public-inbox says 300 here; tools that test for 200 take both for a no.
    assert!(matches!(reply.status, 300 | 404), "{}", reply.status);
    let seen = text(&reply.text());
    assert!(seen.contains("nope@x.example"), "{seen}");
}

#[test]
fn a_message_of_another_list_is_pointed_to() {
    let reply = fixtures().get("/odd/elsewhere@weaver.example/");
    assert!(matches!(reply.status, 300..=302 | 404), "{}", reply.status);
    let links = hrefs(&reply.text()).join(" ");
    assert!(links.contains("other/elsewhere@weaver.example/"), "{links}");
}

#[test]
fn a_ghost_is_missing_like_any_other() {
    let status = demo().get(&format!("/loom/{}/", ids::GHOST)).status;
    assert!(matches!(status, 300 | 404), "{status}");
}

#[test]
fn lookup_minds_upper_and_lower_case() {
    let lower = ids::SELVEDGES.to_lowercase();
    assert_ne!(demo().get(&format!("/loom/{lower}/")).status, 200);
}

#[test]
fn views_of_missing_messages_are_missing_too() {
    for (path, statuses) in [
        ("/loom/nope@x/T/", &[300, 404][..]),
        ("/loom/nope@x/t/", &[300, 404]),
        ("/loom/nope@x/raw", &[404]),
        ("/loom/nope@x/t.mbox.gz", &[404]),
        ("/loom/nope@x/t.atom", &[404]),
        ("/loom/nope@x/1-a.txt", &[404]),
        ("/nolist/", &[404]),
        ("/nolist/nope@x/", &[404]),
        ("/nolist/new.atom", &[404]),
        ("/loom/cloneurl", &[404]),
        ("/loom/5/HEAD", &[404]),
        ("/loom/0/config", &[404, 301]),
    ] {
        let status = demo().get(path).status;
        assert!(statuses.contains(&status), "{path}: {status}");
    }
}
