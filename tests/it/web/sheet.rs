//! Style sheets of the operator's: `publicinbox.css`.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::support::{Mail, Server, World, hrefs, wait_until};

fn world() -> World {
    let mut world = World::new();
    world
        .inbox("shed")
        .add(&[Mail::new("a@weaver.example", "A", 1).bytes()]);
    fs::write(world.path("night.css"), ".q { color: teal }\n").unwrap();
    let path = world.path("night.css");
    world.add_to_config(&format!(
        "[publicinbox]\n\tcss = {} title=Night media=screen,(monochrome)\n\
         \tcss = /nowhere/gone.css\n\tcss = x.css href=https://cdn.example/x.css\n",
        path.display()
    ));
    world.index();
    world
}

fn sheet(site: &Server, page: &str) -> String {
    let links = hrefs(&site.get(page).ok().text());
    let found = links.iter().find(|href| href.contains("night.css?"));
    found
        .unwrap_or_else(|| panic!("{page}: {links:?}"))
        .trim_start_matches("../")
        .to_owned()
}

#[test]
fn every_page_links_to_them_and_they_may_be_kept_for_long() {
    let world = world();
    let site = world.serve();
    let at = sheet(&site, "/shed/");
    for page in [
        "/shed/new.html",
        "/shed/a@weaver.example/",
        "/shed/a@weaver.example/T/",
        "/shed/_/text/help/",
    ] {
        assert_eq!(sheet(&site, page), at, "{page}");
    }
    let html = site.get("/shed/").ok().text();
    assert!(
        html.contains(r#"media="screen,(monochrome)" title="Night">"#),
        "{html}"
    );
    assert!(html.contains(r#"href="https://cdn.example/x.css""#));
    assert!(!html.contains("gone.css"));
    for at in [format!("/shed/{at}"), format!("/{}", sheet(&site, "/"))] {
        let reply = site.get(&at).ok();
        assert_eq!(reply.text(), ".q { color: teal }\n", "{at}");
        assert!(reply.says("content-type").starts_with("text/css"));
        assert!(
            reply.says("cache-control").contains("max-age=31536000"),
            "{at}"
        );
    }
    // Without the time it may be another one tomorrow.
    let bare = site.get("/shed/night.css").ok();
    assert!(!bare.says("cache-control").contains("max-age=31536000"));
    for path in ["/shed/gone.css", "/shed/x.css", "/no-such-list/night.css"] {
        site.get(path).status(404);
    }
}

#[test]
fn a_sheet_that_changes_has_another_address() {
    let world = world();
    let site = world.serve();
    let before = sheet(&site, "/shed/");
    // The time in addresses counts in seconds.
    sleep(Duration::from_millis(1100));
    fs::write(world.path("night.css"), ".q { color: olive }\n").unwrap();
    wait_until("the new sheet is linked to", || {
        sheet(&site, "/shed/") != before
    });
    let reply = site.get(&format!("/shed/{}", sheet(&site, "/shed/"))).ok();
    assert_eq!(reply.text(), ".q { color: olive }\n");
}
