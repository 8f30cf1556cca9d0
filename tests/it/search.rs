//! `threadbare search`, as people and scripts call it.

use std::process::Output;

use crate::support::{Mail, World, wait_until};

fn world() -> World {
    let mut world = World::new();
    let cross = Mail::new("cross@x", "A loom for sale", 3).says("One shuttle included.");
    let first =
        Mail::new("first@x", "Warp \"and\" weft", 1).says("The shuttle flies.\n\nFrom here.");
    let other = Mail::new("other@x", "Wool", 2).says("None at all.");
    let bytes = |mails: &[&Mail]| mails.iter().map(|m| m.bytes()).collect::<Vec<_>>();
    world.inbox("cloth").add(&bytes(&[&first, &cross]));
    world.inbox("yarn").add(&bytes(&[&other, &cross]));
    world.index();
    world
}

#[track_caller]
fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn it_prints_what_is_asked_for() {
    let world = world();
    let run = |args: &[&str]| world.run(&[&["search"], args].concat());
    assert_eq!(
        said(&run(&["--format", "mids", "shuttle"])),
        "cross@x\nfirst@x\n"
    );
    assert_eq!(
        said(&run(&["--format=mids", "--sort=oldest", "-n1", "shuttle"])),
        "first@x\n"
    );
    assert_eq!(
        said(&run(&["--inbox=yarn", "-fmids", "f:weaver.example"])),
        "cross@x\nother@x\n"
    );
    let table = said(&run(&["s:warp", "shuttle"]));
    assert_eq!(
        table,
        format!(
            "2026-01-01  0:01  Test  Warp \"and\" weft\n{:18}cloth <first@x>\n",
            ""
        )
    );
    let mbox = said(&run(&["--format=mbox", "s:warp"]));
    assert!(mbox.starts_with("From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Test"));
    assert!(mbox.contains("\n>From here.\n"), "{mbox}");
    let json = said(&run(&["--format=json", "shuttle"]));
    let lines: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["inboxes"], serde_json::json!(["cloth", "yarn"]));
    assert_eq!(lines[1]["subject"], "Warp \"and\" weft");
    assert_eq!(lines[1]["sent"], "2026-01-01T00:01:00Z");
}

#[test]
fn it_says_what_it_could_not_do() {
    let world = world();
    let none = world.run(&["search", "nosuchword"]);
    assert_eq!(said(&none), "");
    assert!(String::from_utf8_lossy(&none.stderr).contains("nothing was found"));
    for args in [
        &["search", "NOT x"][..],
        &["search", "--inbox", "nope", "x"],
    ] {
        let failed = world.run(args);
        assert_eq!(failed.status.code(), Some(1), "{args:?}");
        assert!(String::from_utf8_lossy(&failed.stderr).starts_with("threadbare: "));
    }
    assert_eq!(world.run(&["search"]).status.code(), Some(2));
}

/// `indexlevel`: a list whose words nobody wants has no more than ids in the index, unless another list has the same mail.
#[test]
fn no_more_words_are_indexed_than_the_config_asks_for() {
    let mut world = world();
    let mids = |world: &World, query: &str| said(&world.run(&["search", "-fmids", query]));
    let sound = |world: &World| said(&world.run(&["fsck"]));
    assert_eq!(mids(&world, "none"), "other@x\n");

    world.set_inbox("yarn", "indexlevel = basic");
    world.index();
    assert_eq!(mids(&world, "none"), "");
    assert_eq!(mids(&world, "s:wool"), "");
    assert_eq!(mids(&world, "shuttle"), "cross@x\nfirst@x\n");
    assert_eq!(mids(&world, "m:other@x"), "other@x\n");
    sound(&world);

    // The copy of the other list comes and goes.
    world.set_inbox("cloth", "indexlevel = basic");
    world.index();
    assert_eq!(mids(&world, "shuttle"), "");
    sound(&world);
    world.set_inbox("cloth", "indexlevel = full");
    world.index();
    assert_eq!(mids(&world, "shuttle"), "cross@x\nfirst@x\n");
    assert!(
        world
            .run(&["rm", "cloth", "-m", "cross@x"])
            .status
            .success()
    );
    assert_eq!(mids(&world, "shuttle"), "first@x\n");
    assert_eq!(mids(&world, "m:cross@x"), "cross@x\n");
    sound(&world);

    // Made from nothing, it is the same.
    std::fs::remove_dir_all(world.path("index")).unwrap();
    world.index();
    assert_eq!(mids(&world, "shuttle none"), "");
    assert_eq!(mids(&world, "shuttle OR none"), "first@x\n");
    sound(&world);

    // A server follows its config.
    let server = world.serve();
    server.get("/yarn/?q=wool").status(404);
    world.set_inbox("yarn", "indexlevel = full");
    wait_until("the words are there", || {
        let page = server.get("/yarn/?q=wool");
        page.status == 200 && page.text().contains("other@x")
    });
    drop(server);
    sound(&world);
}

/// A mail that comes to another list later brings no words, and is found there all the same; whichever copy goes.
#[test]
fn a_mail_is_found_in_each_list_that_it_came_to_and_no_more_in_one_that_it_left() {
    let mut world = World::new();
    let cross = |list: &str| {
        let mail = Mail::new("cross@x", "A loom for sale", 3).says("One shuttle included.");
        [
            format!("List-Id: <{list}.example>\n").as_bytes(),
            &mail.bytes(),
        ]
        .concat()
    };
    // Names of several lengths, for the size of a mail is that of one of its copies.
    let lists = ["cloth", "hemp", "worsted"];
    for list in lists {
        let own = Mail::new(&format!("{list}@x"), list, 1).says("The shuttle flies.");
        world.inbox(list).add(&[own.bytes(), cross(list)]);
        // One after the other, so that the words are there when the next copy comes.
        world.index();
    }
    let mids = |world: &World, args: &[&str]| {
        let all = [&["search", "--format=mids", "--sort=oldest"], args].concat();
        said(&world.run(&all))
    };
    let check = |world: &World, left: &[&str]| {
        let fsck = world.run(&["fsck"]);
        assert!(
            fsck.status.success(),
            "{}",
            String::from_utf8_lossy(&fsck.stdout)
        );
        for list in lists {
            let inbox = format!("--inbox={list}");
            let stands = left.contains(&list);
            let expected = format!("{list}@x\n{}", if stands { "cross@x\n" } else { "" });
            assert_eq!(mids(world, &[&inbox, "shuttle"]), expected);
            let by_list = mids(world, &["loom", &format!("lid:{list}.example")]);
            assert_eq!(by_list, if stands { "cross@x\n" } else { "" }, "{list}");
        }
        let once = mids(world, &["loom"]);
        assert_eq!(once, if left.is_empty() { "" } else { "cross@x\n" });
    };
    check(&world, &lists);
    // All words made again are the same.
    std::fs::remove_dir_all(world.path("index/words")).unwrap();
    world.index();
    check(&world, &lists);
    std::fs::remove_dir_all(world.path("index")).unwrap();
    world.index();
    check(&world, &lists);
    for (gone, left) in [
        ("cloth", &["hemp", "worsted"][..]),
        ("hemp", &["worsted"]),
        ("worsted", &[]),
    ] {
        said(&world.run(&["rm", gone, "-m", "cross@x"]));
        world.index();
        check(&world, left);
    }
}
