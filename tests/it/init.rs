//! `threadbare init`: what it makes, and what it refuses.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail like the test itself"
)]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use threadbare::cli::init::{Done, NewInbox, init};
use threadbare::config::Config;
use threadbare::id::InboxName;
use threadbare::store::{Layout, Version};

/// A directory with a config file that knows one inbox, `first`.
fn site() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config");
    fs::write(&file, "# by hand\n[publicinbox]\n\twwwListing = all").unwrap();
    assert_eq!(init(&file, &new(&dir, "first")).unwrap(), Done::Made);
    (dir, file)
}

fn new(dir: &TempDir, name: &str) -> NewInbox {
    NewInbox {
        name: InboxName::parse(name).unwrap(),
        dir: dir.path().join(name),
        addresses: vec![
            format!("{name}@example.com"),
            format!("old-{name}@example.com"),
        ],
        url: format!("https://example.com/{name}/"),
        description: Some(format!("About {name}")),
        newsgroup: Some(format!("org.example.{name}")),
    }
}

#[test]
fn a_new_inbox_is_on_disk_and_in_the_config() {
    let (dir, file) = site();
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# by hand\n[publicinbox]\n\twwwListing = all\n"),
        "{text}"
    );
    let config = Config::read(&file).unwrap();
    assert_eq!(config.problems, []);
    let wanted = new(&dir, "first");
    let inbox = config.inbox(&wanted.name).unwrap();
    assert_eq!(inbox.dir, wanted.dir);
    assert_eq!(inbox.addresses, wanted.addresses);
    assert_eq!(inbox.urls, [wanted.url]);
    assert_eq!(inbox.newsgroup, wanted.newsgroup);
    let layout = Layout::find(&inbox.dir).unwrap();
    assert_eq!((layout.version, layout.epochs.len()), (Version::V2, 1));
    assert_eq!(layout.description().as_deref(), Some("About first"));
}

#[test]
fn doing_it_again_changes_nothing_and_doing_more_adds_only_that() {
    let (dir, file) = site();
    let before = fs::read_to_string(&file).unwrap();
    let mut again = new(&dir, "first");
    assert_eq!(init(&file, &again).unwrap(), Done::AlreadyThere);
    again.url = "http://example.com/first".to_owned();
    again.addresses = vec!["FIRST@example.com".to_owned()];
    again.newsgroup = None;
    assert_eq!(init(&file, &again).unwrap(), Done::AlreadyThere);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    again.addresses = vec!["third@example.com".to_owned()];
    assert_eq!(init(&file, &again).unwrap(), Done::Made);
    let added = "[publicinbox \"first\"]\n\taddress = third@example.com\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), before + added);
}

#[test]
fn what_another_inbox_has_is_refused_and_nothing_is_made() {
    let (dir, file) = site();
    let before = fs::read_to_string(&file).unwrap();
    let first = new(&dir, "first");
    type Change<'a> = &'a dyn Fn(&mut NewInbox);
    let cases: [(&str, Change<'_>); 14] = [
        ("already an inbox of that name", &|n| {
            n.name = first.name.clone()
        }),
        ("directory", &|n| n.dir = first.dir.clone()),
        ("directory", &|n| n.dir = first.dir.join("git/0.git")),
        ("address OLD-first@example.com", &|n| {
            n.addresses[1] = "OLD-first@example.com".to_owned()
        }),
        ("url", &|n| n.url = "//example.com/first".to_owned()),
        ("newsgroup", &|n| {
            n.newsgroup = Some("ORG.example.first".to_owned())
        }),
        ("absolute", &|n| n.dir = "second".into()),
        ("its own", &|n| n.dir = dir.path().to_owned()),
        ("an address looks like", &|n| {
            n.addresses[0] = "nobody".to_owned()
        }),
        ("an address looks like", &|n| {
            n.addresses[0] = "a b@example.com".to_owned()
        }),
        ("needs an address", &|n| n.addresses.clear()),
        ("a url looks like", &|n| n.url = "a\nb".to_owned()),
        ("a newsgroup looks like", &|n| {
            n.newsgroup = Some("a..b".to_owned())
        }),
        ("is already org.example.first", &|n| {
            let other = Some("org.example.other".to_owned());
            *n = NewInbox {
                newsgroup: other,
                ..first.clone()
            };
        }),
    ];
    for (why, change) in cases {
        let mut second = new(&dir, "second");
        change(&mut second);
        let error = init(&file, &second).unwrap_err().to_string();
        assert!(error.contains(why), "{error} should say {why}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert!(!dir.path().join("second").exists());
    assert_eq!(init(&file, &new(&dir, "second")).unwrap(), Done::Made);
}

#[test]
fn an_archive_that_is_there_is_taken_as_it_is() {
    let (dir, file) = site();
    let v1 = new(&dir, "v1");
    git2::Repository::init_bare(&v1.dir).unwrap();
    assert_eq!(init(&file, &v1).unwrap(), Done::Made);
    assert_eq!(Layout::find(&v1.dir).unwrap().version, Version::V1);
    assert!(!v1.dir.join("inbox.lock").exists());

    let mirror = new(&dir, "mirror");
    git2::Repository::init_bare(mirror.dir.join("git/3.git")).unwrap();
    assert_eq!(init(&file, &mirror).unwrap(), Done::Made);
    assert_eq!(Layout::find(&mirror.dir).unwrap().epochs.len(), 1);
}
