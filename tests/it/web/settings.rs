//! What the config says of pages: former names, addresses that are hidden, where the site is, what a mirror lacks.

use crate::support::{Ask, Mail, World, git, hrefs, text, wait_until};

fn one(world: &mut World, name: &str) {
    let mail = Mail::new(&format!("{name}@weaver.example"), "On the list", 1)
        .says("Write to Ada <ada@engines.example> or list@lists.example.org.");
    world.inbox(name).add(&[mail.bytes()]);
}

#[test]
fn all_addresses_below_a_former_name_lead_to_the_same_below_the_new_one() {
    let mut world = World::new();
    one(&mut world, "warp");
    world.set_inbox("warp", "alias = old-warp");
    world.set_inbox("warp", "alias = older.warp");
    world.set_inbox("warp", "newsgroup = org.example.warp");
    world.index();
    let site = world.serve();
    for (path, there) in [
        ("/old-warp", "/warp/"),
        ("/old-warp/", "/warp/"),
        ("/older.warp/a%2Fb@c/T/?x=y&z", "/warp/a%2Fb@c/T/?x=y&z"),
        ("/old-warp/?q=s%3Ax+y&o=3", "/warp/?q=s%3Ax+y&o=3"),
        (
            "/old-warp/git/0.git/info/refs?service=git-upload-pack",
            "/warp/git/0.git/info/refs?service=git-upload-pack",
        ),
        ("/org.example.warp", "/warp/"),
        ("/org.example.warp/new.html", "/warp/new.html"),
        ("/org.example.warp/7", "/warp/7"),
    ] {
        let location = site.get(path).moved(301);
        let from_root = location.trim_start_matches("../").trim_start_matches("./");
        assert_eq!(format!("/{from_root}"), there, "{path}");
    }
    let article = site.get("/org.example.warp/1").moved(302);
    assert!(article.ends_with("warp/warp@weaver.example/"), "{article}");
    let post = Ask::new("POST", "/old-warp/?x=m&q=list").body(b"x=m");
    let there = site.ask(post).moved(308);
    assert!(there.ends_with("/warp/?x=m&q=list"), "{there}");
    // git follows.
    let clone = world.path("clone.git");
    let done = git(&world.path("."))
        .args([
            "clone",
            "-q",
            "--mirror",
            &format!("{}old-warp/0", site.url()),
        ])
        .arg(&clone)
        .status();
    assert!(done.unwrap().success());
}

#[test]
fn a_name_that_is_taken_is_no_former_name() {
    let mut world = World::new();
    one(&mut world, "warp");
    one(&mut world, "weft");
    world.set_inbox("warp", "alias = weft");
    world.index();
    world.serve().get("/weft/").ok();
}

#[test]
fn hidden_addresses_are_hidden_on_every_page_and_in_feeds_but_for_those_that_are_known() {
    let mut world = World::new();
    one(&mut world, "list");
    world.set_inbox("list", "obfuscate = true");
    world.add_to_config("[publicinbox]\n\tnoObfuscate = @known.example\n");
    world.index();
    let site = world.serve();
    let message = "/list/list@weaver.example/";
    for path in [
        message.to_owned(),
        format!("{message}T/"),
        format!("{message}t/"),
        format!("{message}t.atom"),
        "/list/new.atom".to_owned(),
        "/list/topics_new.atom".to_owned(),
        "/list/new.html".to_owned(),
        "/all/new.html".to_owned(),
    ] {
        let page = site.get(&path).ok().text();
        assert!(page.contains("ada@engines&#8226;example"), "{path}: {page}");
        assert!(!page.contains("engines.example"), "{path}: {page}");
        // The address of the list itself is for everybody.
        assert!(page.contains("list@lists.example.org"), "{path}: {page}");
        assert!(!page.contains("test@weaver.example"), "{path}: {page}");
    }
    let page = site.get(message).ok().text();
    assert!(page.contains("test@weaver$(echo .)example"), "{page}");
    assert!(!page.contains("mailto:test"), "{page}");
    world.add_to_config(
        "[publicinbox]\n\tnoObfuscate = *@weaver.example ada@ENGINES.example @lists.example.org\n",
    );
    wait_until("the config is read", || {
        site.get(message)
            .ok()
            .text()
            .contains("ada@engines.example")
    });
    let page = site.get(message).ok().text();
    assert!(page.contains("mailto:test@weaver.example"), "{page}");
}

#[test]
fn absolute_links_are_made_of_what_the_config_says_and_never_of_a_request() {
    let mut world = World::new();
    one(&mut world, "list");
    world.index();
    let site = world.serve();
    let feed = |host: &str| {
        let ask = Ask::get("/list/new.atom").with("Host", host);
        site.ask(ask).ok().text()
    };
    let own = "href=\"https://lists.example.org/list/new.atom\"";
    assert!(
        feed("evil.example").contains(own),
        "{}",
        feed("evil.example")
    );
    // Without a word about the site a redirect is relative, and holds behind any proxy.
    assert_eq!(site.get("/list").says("location"), "./list/");
    world.set("url = https://mail.example.com/archive");
    let moved = "href=\"https://mail.example.com/archive/list/new.atom\"";
    wait_until("the config is read", || {
        feed("evil.example").contains(moved)
    });
    assert_eq!(
        site.get("/list").says("location"),
        "https://mail.example.com/archive/list/"
    );
}

#[test]
fn a_mirror_that_has_a_part_only_says_so_with_every_answer() {
    let mut world = World::new();
    one(&mut world, "part");
    one(&mut world, "whole");
    let note = |updated: &str| {
        let text = format!(
            "{{\"url\": \"https://up.example/lists/part/\", \"updated\": {updated}, \"offered\": [0, 1]}}"
        );
        std::fs::write(world.path("lists/part/mirror.json"), text).unwrap();
    };
    note("1790000000");
    world.index();
    let site = world.serve();
    for path in [
        "/part/",
        "/part/part@weaver.example/raw",
        "/part/nobody@weaver.example/raw",
        "/part/part@weaver.example/t.mbox.gz",
        "/part/manifest.js.gz",
    ] {
        let reply = site.head(path);
        assert_eq!(
            reply.says("x-archive-coverage"),
            "partial; updated=1790000000",
            "{path}"
        );
        assert_eq!(
            reply.says("x-archive-upstream"),
            "https://up.example/lists/part/",
            "{path}"
        );
    }
    for path in ["/all/", "/", "/manifest.js.gz"] {
        let reply = site.head(path);
        assert_eq!(
            reply.says("x-archive-coverage"),
            "partial; updated=1790000000",
            "{path}"
        );
        assert_eq!(
            reply.says("x-archive-upstream"),
            "https://up.example/lists/all/",
            "{path}"
        );
    }
    assert_eq!(site.head("/whole/").header("x-archive-coverage"), None);
    note("null");
    wait_until("it is noticed", || {
        site.head("/part/").says("x-archive-coverage") == "partial"
    });
}

#[test]
fn the_listing_is_filtered_by_name_description_and_address() {
    let mut world = World::new();
    for n in 0..300 {
        let name = format!("list-{n:03}");
        let dir = world.inbox_dir(&name, &format!("{name}@lists.example.org"));
        if n % 100 == 7 {
            std::fs::write(dir.join("description"), "About WEAVING & dyeing\n").unwrap();
        }
    }
    one(&mut world, "busy");
    one(&mut world, "hidden");
    world.set_inbox("hidden", "hide = www");
    world.run(&["index", "busy"]);
    let site = world.serve();
    let all = site.get("/").ok().text();
    let seen = text(&all);
    assert!(seen.contains("301 lists | all of them together"), "{seen}");
    assert_eq!(
        hrefs(&all)
            .iter()
            .filter(|href| href.starts_with("list-"))
            .count(),
        300
    );
    assert!(!seen.contains("hidden"), "{seen}");
    // The liveliest stands first.
    assert!(seen.find("/busy/") < seen.find("/list-000/"), "{seen}");
    assert!(all.contains("name=\"f\""), "{all}");
    for (query, names) in [
        ("f=weaving", vec!["list-007/", "list-107/", "list-207/"]),
        ("f=weaving+107", vec!["list-107/"]),
        ("f=list-299%40lists.example.org", vec!["list-299/"]),
        ("f=%3Cscript%3E", vec![]),
        ("f=hidden", vec![]),
    ] {
        let page = site.get(&format!("/?{query}")).ok().text();
        let mut links = hrefs(&page);
        links.retain(|href| href.starts_with("list-") || href.starts_with("hidden"));
        assert_eq!(links, names, "{query}");
        assert!(!page.contains("<script>"), "{page}");
    }
    let few = text(&site.get("/?f=weaving").ok().text());
    assert!(few.contains("3 of 301 lists"), "{few}");
}

#[test]
fn a_list_with_the_lowest_index_level_has_no_search_and_all_else() {
    let mut world = World::new();
    one(&mut world, "list");
    world.set_inbox("list", "indexlevel = basic");
    world.index();
    let site = world.serve();
    let page = site.get("/list/").ok().text();
    assert!(
        !page.contains("name=\"q\"") && page.contains("_/text/help/"),
        "{page}"
    );
    let refused = site.get("/list/?q=write").status(404).text();
    assert_eq!(refused, "This list has no search.\n");
    site.get("/list/list@weaver.example/?q=write").status(404);
    site.get("/list/list@weaver.example/T/").ok();
    assert!(site.get("/").ok().text().contains("name=\"q\""));
}
