//! `/INBOX/new.html`: the latest messages in full.

use crate::support::{demo, text};

#[test]
fn the_latest_messages_stand_in_full_on_new_html() {
    let seen = text(&demo().get("/loom/new.html").ok().text());
    assert!(seen.contains("The freezer is full of silk now."), "{seen}");
}

#[test]
fn older_ones_are_a_link_away() {
    let seen = text(&demo().get("/loom/new.html?t=20260203000000").ok().text());
    assert!(
        seen.contains("No question about a broken warp is too small."),
        "{seen}"
    );
    assert!(!seen.contains("silk now"));
}
