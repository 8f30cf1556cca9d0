//! `/`: the inboxes of the site.

use crate::support::{Mail, World, demo, hrefs, text};

#[test]
fn every_inbox_stands_there_with_its_description_the_liveliest_first() {
    let page = demo().get("/").ok().text();
    let seen = text(&page);
    let (loom, patches) = (
        seen.find("The list loom\n").or(seen.find("The list loom")),
        seen.find("The list loom-patches"),
    );
    // The last mail of the sample is on `loom`.
    assert!(loom.unwrap() < patches.unwrap(), "{seen}");
}

#[test]
fn each_inbox_says_in_two_lines_when_it_was_last_written_to_and_how_much_it_has() {
    let mut world = World::new();
    world.inbox("busy").add(&[
        Mail::new("a@weaver.example", "A", 1).bytes(),
        Mail::new("b@weaver.example", "B", 2).bytes(),
    ]);
    world
        .inbox("single")
        .add(&[Mail::new("c@weaver.example", "C", 3).bytes()]);
    world.inbox("silent");
    world.index();
    let seen = text(&world.serve().get("/").ok().text());
    for (name, ends) in [
        ("busy", "  (2 messages)\n  The list busy\n\n"),
        ("single", "  (1 message)\n  The list single\n\n"),
        ("silent", "  (no messages yet)\n  The list silent\n\n"),
    ] {
        assert!(seen.contains(&format!("/{name}/{ends}")), "{seen}");
    }
}

#[test]
fn one_comes_from_the_listing_to_an_inbox_by_its_link() {
    let site = demo();
    let links = hrefs(&site.get("/").ok().text());
    assert!(
        links
            .iter()
            .any(|href| href == "loom/" || href == "./loom/"),
        "{links:?}"
    );
    site.get("/loom/").ok();
}

#[test]
fn a_site_that_lists_nothing_says_so() {
    let mut world = World::new();
    world
        .inbox("quiet")
        .add(&[Mail::new("a@weaver.example", "A", 1).bytes()]);
    world.add_to_config("[publicinbox]\n\twwwListing = 404\n");
    world.index();
    let site = world.serve();
    site.get("/").status(404);
    site.get("/quiet/").ok();
}

#[test]
fn serving_nothing_at_all_is_refused_with_advice() {
    let mut world = World::new();
    world.add_to_config("");
    let done = world.run(&["serve", "--listen", "127.0.0.1:0", "no-such-inbox"]);
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("no-such-inbox"));
}
