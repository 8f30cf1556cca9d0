//! `/INBOX/MID/T/` and `/INBOX/MID/t/`: a thread on one page.

use super::{ids, sha1_hex};
use crate::support::{Mail, World, demo, fixtures, text};

#[test]
fn both_views_show_every_message_under_its_anchor() {
    let site = demo();
    let anchor = format!("m{}", sha1_hex("vCpNPbEtS+GaM0uo@vav.example"));
    for view in ["T", "t"] {
        let html = site
            .get(&format!("/loom/{}/{view}/", ids::SELVEDGES))
            .ok()
            .text();
        assert!(
            html.contains(&format!("id={anchor}")) || html.contains(&format!("id=\"{anchor}\""))
        );
        let seen = text(&html);
        assert_eq!(seen.matches("17+ messages in thread").count(), 34, "{view}");
        assert!(seen.contains("Seconded, as one whose name begins with half of it."));
        assert!(seen.contains("end of thread, other threads:["));
        assert!(seen.contains("(download: mbox.gz / follow: Atom feed)"));
    }
}

#[test]
fn the_flat_view_goes_by_time_and_the_nested_one_by_answers() {
    let site = demo();
    let of = |view: &str| {
        text(
            &site
                .get(&format!("/loom/{}/{view}/", ids::SELVEDGES))
                .ok()
                .text(),
        )
    };
    let before =
        |seen: &str, one: &str, two: &str| seen.find(one).unwrap() < seen.find(two).unwrap();
    // Tomás wrote at 12:00, Bart at 13:37, but Bart answers a branch that began earlier.
    let (tomas, bart) = ("That part is a bug", "I would like that on a tea towel.");
    assert!(before(&of("T"), tomas, bart));
    assert!(before(&of("t"), bart, tomas));
}

#[test]
fn a_thread_without_its_slash_moves_to_the_message_in_it() {
    let site = demo();
    for view in ["T", "t"] {
        let path = format!("/loom/{}/{view}", ids::SELVEDGES);
        assert!(site.get(&path).moved(301).ends_with(&format!("{path}/#u")));
    }
}

#[test]
fn missing_parents_are_named_in_the_nested_view() {
    let seen = text(&demo().get(&format!("/loom/{}/t/", ids::ORPHAN)).ok().text());
    assert!(seen.contains("It could wait for the treadle."));
    let flat = text(&demo().get(&format!("/loom/{}/T/", ids::ORPHAN)).ok().text());
    assert!(flat.contains("[not found]"), "{flat}");
}

#[test]
fn loops_and_mails_that_answer_themselves_end() {
    let site = demo();
    for mid in ["loop.one@ithaca.example", "loop.two@ithaca.example"] {
        let seen = text(&site.get(&format!("/loom/{mid}/t/")).ok().text());
        assert!(seen.contains("I answer the one that answers me."));
    }
    let alone = text(&site.get("/loom/alone@ithaca.example/T/").ok().text());
    assert!(alone.contains("only message in thread"), "{alone}");
}

#[test]
fn odd_mails_stand_in_threads_like_others() {
    let site = fixtures();
    for mid in [
        "references-5000@fixtures.example",
        "subject-re-1000@fixtures.example",
    ] {
        for view in ["T", "t"] {
            site.get(&format!("/odd/{mid}/{view}/")).ok();
        }
    }
}

#[test]
fn a_flat_thread_ends_with_what_shares_only_its_subject_newest_first() {
    let mails = [("old", 1), ("asked", 5), ("new", 9), ("older", 0)];
    let mails = mails.map(|(id, n)| Mail::new(&format!("{id}@weaver.example"), "Yarn", n).bytes());
    let mut world = World::new();
    world.inbox("test").add(&mails);
    world.index();
    let html = world
        .serve()
        .get("/test/asked@weaver.example/T/")
        .ok()
        .text();
    let at = |id: &str| html.find(&format!("The words of {id}@")).unwrap();
    assert!(
        at("asked") < at("new") && at("new") < at("old") && at("old") < at("older"),
        "{html}"
    );
}
