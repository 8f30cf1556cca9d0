//! Addresses of other times and places that must go on working.

use super::ids;
use crate::support::demo;

#[test]
fn old_addresses_move_to_where_the_message_is() {
    let site = demo();
    for (old, new) in [
        ("m/MID/", "MID/"),
        ("m/MID", "MID/"),
        ("m/MID.html", "MID/"),
        ("f/MID.html", "MID/"),
        ("m/MID.txt", "MID/raw"),
        ("f/MID.txt", "MID/raw"),
        ("m/MID/raw", "MID/raw"),
        ("t/MID/", "MID/t/#u"),
        ("t/MID.html", "MID/t/#u"),
        ("t/MID/mbox.gz", "MID/t.mbox.gz"),
        ("t/MID.mbox.gz", "MID/t.mbox.gz"),
        ("MID/R/", "MID/#R"),
        ("MID/R", "MID/#R"),
        ("MID/f/", "MID/"),
        ("MID/f", "MID/"),
    ] {
        let fill = |path: &str| format!("/loom/{}", path.replace("MID", ids::SELVEDGES));
        let moved = site.get(&fill(old)).moved(301);
        assert!(moved.ends_with(&fill(new)), "{old}: {moved}");
    }
}

#[test]
fn a_message_is_found_from_the_top_whatever_its_list() {
    let site = demo();
    for path in [
        format!("/r/{}", ids::SELVEDGES),
        format!("/r/{}/", ids::SELVEDGES),
        format!("/{}/", ids::SELVEDGES),
        format!("/{}", ids::SELVEDGES),
    ] {
        let reply = site.get(&path);
        assert!(
            (301..=302).contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        let to = format!("/loom/{}/", ids::SELVEDGES);
        assert!(reply.says("location").ends_with(&to), "{path}");
    }
    site.get("/r/nope@x").status(404);
}
