//! `threadbare export`: what leaves is what was there, and the links of a static site lead somewhere.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Mail, World, demo, git, hrefs};

fn world() -> World {
    let mut world = World::new();
    let mails: Vec<Vec<u8>> = (0..30)
        .map(|n| {
            let id = match n {
                7 => "With/a+slash é@weaver.example".to_owned(),
                8 => "with/a+slash é@weaver.example".to_owned(),
                n => format!("m{n}@weaver.example"),
            };
            let mail = Mail::new(&id, &format!("Subject {}", n / 5), n * 100);
            let mail = mail.says("From here\n>From there\nhref=\"nowhere\" <a href=\"x\">\n");
            match n % 5 {
                0 => mail.bytes(),
                _ => mail
                    .answers(&format!("m{}@weaver.example", n / 5 * 5))
                    .bytes(),
            }
        })
        .collect();
    world.inbox("test").add(&mails);
    world.index();
    world
}

#[track_caller]
fn export(world: &World, args: &[&str]) {
    let output = world.run(&[&["export"], args].concat());
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => dirs.push(path),
                path => drop(found.insert(path.clone(), fs::read(path).unwrap())),
            }
        }
    }
    found
}

fn blobs(world: &World, inbox: &str) -> Vec<Vec<u8>> {
    let epoch = world.path(&format!("lists/{inbox}/git/0.git"));
    let list = git(&epoch)
        .args(["log", "--reverse", "--format=%H"])
        .output()
        .unwrap();
    let commits = String::from_utf8(list.stdout).unwrap();
    let mut blobs: Vec<Vec<u8>> = commits
        .lines()
        .map(|commit| {
            git(&epoch)
                .args(["cat-file", "blob", &format!("{commit}:m")])
                .output()
                .unwrap()
                .stdout
        })
        .collect();
    blobs.sort();
    blobs
}

#[test]
fn files_hold_what_git_holds() {
    let world = world();
    let expected = blobs(&world, "test");
    export(&world, &["test", "--format", "eml", "-o", "eml"]);
    export(&world, &["test", "--format", "maildir", "-o", "maildir"]);
    for dir in ["eml", "maildir"] {
        let files = files(&world.path(dir));
        let mut bytes: Vec<Vec<u8>> = files.into_values().collect();
        bytes.sort();
        assert_eq!(bytes, expected, "{dir}");
    }
    assert!(world.path("maildir/cur").is_dir() && world.path("maildir/tmp").is_dir());
    export(&world, &["test", "--format", "mbox", "-o", "all.mbox.gz"]);
    let mut mbox = Vec::new();
    let packed = fs::File::open(world.path("all.mbox.gz")).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(packed), &mut mbox).unwrap();
    let mbox = String::from_utf8(mbox).unwrap();
    assert_eq!(mbox.matches("From mboxrd@z ").count(), 30);
    assert_eq!(mbox.matches("\n>From here\n>>From there\n").count(), 30);
    let again = world.run(&["export", "test", "--format", "eml", "-o", "eml"]);
    assert!(!again.status.success(), "what is there is not written over");
}

#[test]
fn a_search_or_a_date_makes_a_selection() {
    let world = world();
    export(
        &world,
        &[
            "test",
            "--format",
            "eml",
            "-o",
            "one",
            "-q",
            "s:\"Subject 3\"",
        ],
    );
    assert_eq!(files(&world.path("one")).len(), 5);
    export(
        &world,
        &[
            "test", "--format", "eml", "-o", "two", "--since", "20260102",
        ],
    );
    let two = files(&world.path("two"));
    assert!(!two.is_empty() && two.len() < 30, "{}", two.len());
    export(
        &world,
        &[
            "test",
            "--format",
            "html",
            "-o",
            "site",
            "-q",
            "s:\"Subject 3\"",
        ],
    );
    let checked = follow_every_link(&world.path("site"));
    assert!(checked > 20, "{checked}");
    let messages = fs::read_dir(world.path("site/m")).unwrap().count();
    assert_eq!(messages, 5);
}

#[test]
fn every_link_of_the_static_site_leads_to_a_file() {
    let world = world();
    export(&world, &["test", "--format", "html", "-o", "site"]);
    let checked = follow_every_link(&world.path("site"));
    assert!(checked > 500, "{checked}");
    let messages = fs::read_dir(world.path("site/m")).unwrap().count();
    assert_eq!(
        messages, 30,
        "ids that differ in case only have a place each"
    );
    let page = fs::read_to_string(world.path("site/m/m3@weaver.example/index.html")).unwrap();
    assert!(
        page.contains("href=\"nowhere\"")
            || page.contains("href=&quot;nowhere")
            || page.contains("href=&#34;nowhere"),
        "text stays as it was"
    );
    let front = fs::read_to_string(world.path("site/index.html")).unwrap();
    assert!(front.contains("Subject 5") && !front.contains("<form") && !front.contains("<input"));
}

#[test]
fn the_sample_archive_is_a_static_site_too() {
    let site = demo();
    for list in threadbare::demo::LISTS {
        let output = format!("static-{}", list.name);
        export(&site.world, &[list.name, "--format", "html", "-o", &output]);
        assert!(follow_every_link(&site.world.path(&output)) > 500);
    }
}

/// Follows every link of every page as a browser would that reads files; gives how many there were.
fn follow_every_link(site: &Path) -> usize {
    let files = files(site);
    let mut ids: BTreeMap<&Path, HashSet<String>> = BTreeMap::new();
    let pages: Vec<(&PathBuf, String)> = files
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|x| x == "html"))
        .map(|(path, bytes)| (path, String::from_utf8(bytes.clone()).unwrap()))
        .collect();
    for (path, page) in &pages {
        let found = page
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        ids.insert(path, found.map(str::to_owned).collect());
    }
    let mut checked = 0;
    for (path, page) in &pages {
        for href in hrefs(page) {
            if href.starts_with("http:")
                || href.starts_with("https:")
                || href.starts_with("mailto:")
            {
                continue;
            }
            checked += 1;
            let (file, fragment) = href.split_once('#').unwrap_or((&href, ""));
            assert!(!file.contains(['?', '%']), "{}: {href}", path.display());
            let mut target = path.parent().unwrap().to_owned();
            for part in file.split('/') {
                match part {
                    ".." => assert!(target.pop()),
                    part => target.push(part),
                }
            }
            let target = if file.is_empty() {
                (*path).clone()
            } else {
                target
            };
            assert!(
                files.contains_key(&target),
                "{}: {href} leads nowhere",
                path.display()
            );
            if !fragment.is_empty() {
                let known = &ids[target.as_path()];
                assert!(
                    known.contains(fragment),
                    "{}: {href}: no such place",
                    path.display()
                );
            }
        }
    }
    checked
}
