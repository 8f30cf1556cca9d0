//! `/all/`: the mail of all lists together, each message once, and on each page where else it went.

use super::ids;
use crate::support::{Ask, Mail, Site, World, hrefs, share, text, wait_until};

use std::sync::{Arc, Mutex, Weak};

/// A mail as it came by a list: its headers tell which.
fn by(list: &str, mail: &Mail) -> Vec<u8> {
    let mut bytes = format!("List-Id: <{list}.lists.example.org>\n").into_bytes();
    bytes.extend_from_slice(&mail.bytes());
    bytes
}

/// Two lists that share three mails, one of which says something else on the second; and a hidden one.
fn crossing() -> Arc<Site> {
    static SITE: Mutex<Weak<Site>> = Mutex::new(Weak::new());
    share(&SITE, || {
        let mut world = World::new();
        let both = Mail::new("both@weaver.example", "On both lists", 10);
        let reply = Mail::new("reply@weaver.example", "Re: On both lists", 20)
            .answers("both@weaver.example");
        let same = Mail::new("same@weaver.example", "The very same", 30);
        let forged = Mail::new("forged@weaver.example", "One name", 40);
        let warp = Mail::new("warp@weaver.example", "Only on warp", 5);
        let weft = Mail::new("weft@weaver.example", "Re: On both lists", 25)
            .answers("reply@weaver.example");
        world.inbox("warp").add(&[
            warp.bytes(),
            by("warp", &both),
            by("warp", &reply),
            same.bytes(),
            forged.bytes(),
        ]);
        world.inbox("weft").add(&[
            by("weft", &both),
            by("weft", &reply),
            weft.bytes(),
            same.bytes(),
            forged.says("Other words under the same name.").bytes(),
        ]);
        let secret = Mail::new("secret@weaver.example", "Not for everybody", 50);
        world
            .inbox("hidden")
            .add(&[secret.bytes(), by("hidden", &both)]);
        world.set_inbox("hidden", "hide = www");
        world
    })
}

fn count(all: &str, part: &str) -> usize {
    all.matches(part).count()
}

#[test]
fn every_message_stands_there_once_in_every_list_feed_and_file() {
    let site = crossing();
    let mbox = site.get("/all/all.mbox.gz").ok();
    let mbox = String::from_utf8(mbox.gunzip()).unwrap();
    // The one under a forged name says two things, so it is two messages.
    assert_eq!(count(&mbox, "\nMessage-ID: "), 7, "{mbox}");
    assert_eq!(count(&mbox, "\nMessage-ID: <both@weaver.example>\n"), 1);
    assert_eq!(count(&mbox, "\nMessage-ID: <forged@weaver.example>\n"), 2);
    let feed = site.get("/all/new.atom").ok().text();
    assert_eq!(count(&feed, "<entry>"), 7, "{feed}");
    assert_eq!(count(&feed, "term=\"weft\""), 5, "{feed}");
    let new = site.get("/all/new.html").ok().text();
    assert_eq!(count(&new, "permalink</a> / "), 7, "{new}");
    let topics = text(&site.get("/all/").ok().text());
    assert!(topics.contains("On both lists\n"), "{topics}");
    assert!(topics.contains("(3+ messages)"), "{topics}");
    let active = text(&site.get("/all/topics_active.html").ok().text());
    assert!(active.contains("On both lists 3+ messages"), "{active}");
    assert_eq!(count(&active, "On both lists"), 1, "{active}");
    assert!(text(&site.get("/all/topics_new.html").ok().text()).contains("Only on warp"));
    site.get("/all/topics_new.atom").ok();
}

#[test]
fn mail_of_a_hidden_list_is_not_among_it() {
    let site = crossing();
    let mbox = site.get("/all/all.mbox.gz").ok().gunzip();
    assert!(!String::from_utf8(mbox).unwrap().contains("secret@"));
    site.get("/all/secret@weaver.example/raw").status(404);
    for path in [
        "/all/secret@weaver.example/",
        "/warp/secret@weaver.example/",
        "/",
    ] {
        let reply = site.get(path);
        assert!(!reply.text().contains("hidden"), "{path}: {}", reply.text());
    }
    site.get("/r/secret@weaver.example").status(404);
    let page = text(&site.get("/warp/both@weaver.example/").ok().text());
    assert!(!page.contains("hidden"), "{page}");
    site.get("/hidden/secret@weaver.example/").ok();
}

#[test]
fn a_thread_is_whole_there_and_says_of_each_message_where_it_went() {
    let site = crossing();
    for view in ["T/", "t/"] {
        let page = site.get(&format!("/all/weft@weaver.example/{view}"));
        let html = page.ok().text();
        let seen = text(&html);
        assert_eq!(count(&seen, "  Lists: warp, weft\n"), 2, "{seen}");
        assert_eq!(count(&seen, "  Lists: weft\n"), 1, "{seen}");
        let links = hrefs(&html);
        assert!(
            links.contains(&"../../../warp/both@weaver.example/".to_owned()),
            "{links:?}"
        );
    }
    let thread = site.get("/all/both@weaver.example/t.mbox.gz").ok();
    let thread = String::from_utf8(thread.gunzip()).unwrap();
    assert_eq!(count(&thread, "\nMessage-ID: "), 3);
    // The first copy: that of the list where it came first, or else with the lower blob.
    assert_eq!(count(&thread, "List-Id: "), 2);
    site.get("/all/both@weaver.example/t.atom").ok();
}

#[test]
fn a_message_page_tells_the_other_lists_and_whether_they_say_the_same() {
    let site = crossing();
    for (path, line, compares) in [
        (
            "/warp/both@weaver.example/",
            "\nalso on: weft | compare",
            true,
        ),
        (
            "/all/both@weaver.example/",
            "\non: warp, weft | compare",
            true,
        ),
        ("/weft/same@weaver.example/", "\nalso on: warp\n", false),
        (
            "/warp/forged@weaver.example/",
            "\nalso on: weft (says something else) | compare",
            true,
        ),
    ] {
        let html = site.get(path).ok().text();
        let seen = text(&html);
        assert!(seen.contains(line), "{path}: {seen}");
        let links = hrefs(&html);
        assert_eq!(links.contains(&"d/".to_owned()), compares, "{path}");
    }
    let alone = text(&site.get("/warp/warp@weaver.example/").ok().text());
    assert!(!alone.contains("also on"), "{alone}");
    let links = hrefs(&site.get("/warp/both@weaver.example/").ok().text());
    assert!(
        links.contains(&"../../weft/both@weaver.example/".to_owned()),
        "{links:?}"
    );
}

#[test]
fn copies_are_compared_over_all_lists() {
    let site = crossing();
    let seen = text(&site.get("/warp/both@weaver.example/d/").ok().text());
    for line in [
        "-List-Id: <warp.lists.example.org>",
        "+List-Id: <weft.lists.example.org>",
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    assert!(seen.contains("on weft"), "{seen}");
    let forged = text(&site.get("/all/forged@weaver.example/d/").ok().text());
    assert!(
        forged.contains("Other words under the same name."),
        "{forged}"
    );
    site.get("/weft/same@weaver.example/d/").status(404);
}

#[test]
fn what_it_has_can_be_searched_and_fetched_as_b4_does() {
    let site = crossing();
    let found = text(&site.get("/all/?q=s%3Aboth").ok().text());
    assert!(found.contains("Results 1-3 of 3"), "{found}");
    let post = |path: &str, body: &str| {
        let ask = Ask::new("POST", path).with("Content-Type", "application/x-www-form-urlencoded");
        site.ask(ask.body(body.as_bytes()))
    };
    let threads = post("/all/?x=m&q=mid%3Areply%40weaver.example", "x=m").ok();
    let threads = String::from_utf8(threads.gunzip()).unwrap();
    assert_eq!(count(&threads, "\nMessage-ID: "), 3, "{threads}");
    let results = post("/all/?x=m&q=s%3Aboth", "").ok();
    let results = String::from_utf8(results.gunzip()).unwrap();
    assert_eq!(count(&results, "\nMessage-ID: "), 3, "{results}");
    post("/all/?x=m&q=s%3Anosuchword", "x=m").status(404);
    site.head("/all/_/text/help/").ok();
    site.head("/all/both@weaver.example/raw").ok();
    let list = text(&site.get("/all/?q=l%3Aweft.lists.example.org").ok().text());
    assert!(list.contains("of 2"), "{list}");
}

#[test]
fn it_has_texts_of_its_own_and_no_repository() {
    let site = crossing();
    let mirror = site.get("/all/_/text/mirror/raw").ok().text();
    assert!(mirror.contains("/warp/_/text/mirror/\n"), "{mirror}");
    assert!(!mirror.contains("hidden"), "{mirror}");
    let config = site.get("/all/_/text/config/raw").ok().text();
    assert!(config.contains("[extindex \"all\"]\n"), "{config}");
    assert_eq!(
        site.get("/all/description").ok().text(),
        "All lists of this site\n"
    );
    for path in [
        "/all/manifest.js.gz",
        "/all/info/refs",
        "/all/info/refs?service=git-upload-pack",
        "/all/git/0.git/HEAD",
        "/all/0/HEAD",
    ] {
        site.get(path).status(404);
    }
    assert!(hrefs(&site.get("/").ok().text()).contains(&"all/".to_owned()));
    assert!(site.get("/all").moved(301).ends_with("/all/"));
}

#[test]
fn its_windows_meet_without_a_gap() {
    let site = crossing();
    let older = site.get("/all/?t=20260101002000").ok().text();
    let seen = text(&older);
    assert!(
        seen.contains("Only on warp") && !seen.contains("The very same"),
        "{seen}"
    );
    let newer = text(&site.get("/all/?t=20260101003000-").ok().text());
    assert!(
        newer.contains("The very same") && !newer.contains("On both"),
        "{newer}"
    );
}

#[test]
fn an_inbox_that_is_called_all_is_that_inbox() {
    let mut world = World::new();
    let mail = Mail::new("a@weaver.example", "In an inbox", 1);
    world.inbox("all").add(&[mail.bytes()]);
    let other = Mail::new("b@weaver.example", "In the other", 2);
    world.inbox("other").add(&[other.bytes()]);
    world.index();
    let site = world.serve();
    assert!(text(&site.get("/all/").ok().text()).contains("In an inbox"));
    assert!(!text(&site.get("/all/").ok().text()).contains("In the other"));
    site.get("/all/git/0.git/HEAD").ok();
}

#[test]
fn where_nothing_is_listed_it_is_there_for_those_who_configure_it() {
    let mut world = World::new();
    let mail = Mail::new("a@weaver.example", "Unlisted", 1);
    world.inbox("quiet").add(&[mail.bytes()]);
    world.add_to_config("[publicinbox]\n\twwwListing = 404\n");
    world.index();
    world.serve().get("/all/").status(404);
    world.add_to_config("[extindex \"all\"]\n\turl = https://lists.example.org/all/\n");
    assert!(text(&world.serve().get("/all/").ok().text()).contains("Unlisted"));
}

#[test]
fn a_page_that_was_kept_learns_of_a_copy_that_comes_to_another_list() {
    let mut world = World::new();
    let mail = Mail::new("late@weaver.example", "Late", 1);
    world.inbox("first").add(&[by("first", &mail)]);
    let mut second = world.inbox("second");
    let other = Mail::new("x@weaver.example", "X", 2);
    second.add(&[other.bytes()]);
    world.index();
    let site = world.serve();
    let page = || site.get("/first/late@weaver.example/").ok();
    let before = page();
    assert!(!text(&before.text()).contains("also on"));
    assert!(before.header("last-modified").is_some());
    second.add(&[other.bytes(), by("second", &mail)]);
    wait_until("the other list is told", || {
        text(&page().text()).contains("also on: second")
    });
    let unchanged = Ask::get("/first/late@weaver.example/")
        .with("If-Modified-Since", before.says("last-modified"));
    site.ask(unchanged).ok();
}

#[test]
fn the_sample_archive_has_a_cover_letter_on_both_of_its_lists() {
    let site = crate::support::demo();
    let page = text(&site.get(&format!("/loom/{}/", ids::COVER)).ok().text());
    assert!(page.contains("also on: loom-patches"), "{page}");
}
