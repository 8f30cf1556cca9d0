//! `/INBOX/_/text/…` and `/INBOX/description`: what an inbox says of itself.

use crate::support::{demo, text};

#[test]
fn each_text_has_a_page_and_a_plain_form() {
    let site = demo();
    for key in ["help", "color", "mirror", "config"] {
        let page = site.get(&format!("/loom/_/text/{key}/")).ok();
        assert_eq!(page.says("content-type"), "text/html; charset=UTF-8");
        let raw = site.get(&format!("/loom/_/text/{key}/raw")).ok();
        assert!(raw.says("content-type").starts_with("text/plain"));
        assert!(!raw.text().is_empty());
        let moved = site.get(&format!("/loom/_/text/{key}")).moved_somehow();
        assert!(moved.ends_with(&format!("/loom/_/text/{key}/")), "{moved}");
    }
}

#[test]
fn help_is_where_one_lands_without_a_name() {
    assert!(
        demo()
            .get("/loom/_/text")
            .moved_somehow()
            .ends_with("/loom/_/text/help/")
    );
}

#[test]
fn unknown_texts_are_not_found() {
    for path in [
        "/loom/_/text/",
        "/loom/_/text/nothing/",
        "/loom/_/text/nothing/raw",
    ] {
        demo().get(path).status(404);
    }
}

#[test]
fn the_config_is_one_that_git_reads() {
    let site = demo();
    let reply = site.get("/loom/_/text/config/raw").ok();
    let file = site.world.path("fetched.config");
    std::fs::write(&file, reply.content()).unwrap();
    let out = std::process::Command::new("git")
        .args(["config", "-f"])
        .arg(&file)
        .arg("publicinbox.loom.address")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&out.stdout).trim(),
        "loom@lists.example.org"
    );
}

#[test]
fn the_mirror_text_has_a_clone_command_per_epoch() {
    let seen = text(&demo().get("/loom/_/text/mirror/").ok().text());
    assert!(seen.contains("git clone --mirror "), "{seen}");
    assert!(seen.contains("loom/git/0.git"), "{seen}");
}

#[test]
fn the_description_is_one_line() {
    assert_eq!(
        demo().get("/loom/description").ok().text(),
        "The list loom\n"
    );
}
