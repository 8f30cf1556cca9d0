//! `/`: the inboxes of the site.

use crate::support::{World, demo, hrefs, text};

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
fn a_site_without_inboxes_says_so() {
    let world = World::new();
    world.index();
    world.serve().get("/").status(404);
}
