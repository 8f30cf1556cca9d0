//! Real lists, exported in every form and imported again: the same messages, threads and numbers come back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use threadbare::archive::Archive;
use threadbare::config::Config;

use crate::support::incoming::{kept, new_inbox};
use crate::support::peer::{Peer, numbers_of_ours, numbers_of_theirs};
use crate::support::{World, real_epoch, shared};

/// The headers that the description of the format names, and nothing of ours.
const DROPPED: [&str; 16] = [
    "bytes",
    "lines",
    "content-length",
    "status",
    "x-status",
    "delivered-to",
    "x-original-to",
    "approved",
    "approve",
    "x-approved",
    "x-approve",
    "urgent",
    "return-receipt-to",
    "disposition-notification-to",
    "x-confirm-reading-to",
    "x-pmrqc",
];

/// A mail as it is to be kept.
fn normal(raw: &[u8]) -> Vec<u8> {
    let mut lines = raw.split_inclusive(|b| *b == b'\n').peekable();
    while let Some(line) = lines.peek() {
        let from = line.starts_with(b"From ") || line.starts_with(b">From ");
        if !from && !line.trim_ascii().is_empty() {
            break;
        }
        lines.next();
    }
    let (mut out, mut in_head, mut dropping) = (Vec::new(), true, false);
    for line in lines {
        if line == b"\n" || line == b"\r\n" {
            (in_head, dropping) = (false, false);
        } else if in_head && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let text = String::from_utf8_lossy(line).to_ascii_lowercase();
            let name = text
                .split_once(':')
                .map(|(name, _)| name.trim_end().to_owned());
            dropping = name.is_some_and(|name| DROPPED.contains(&name.as_str()));
        }
        if !dropping {
            out.extend_from_slice(line);
        }
    }
    out
}

/// What an inbox has: each article's number, Message-ID and bytes, and which numbers are threads.
struct Held {
    articles: BTreeMap<i64, (String, Vec<u8>)>,
    threads: BTreeSet<BTreeSet<i64>>,
}

fn held(world: &World, dir: &Path) -> Held {
    let config = Config::for_directories(&[dir.to_owned()]);
    let archive = Archive::open(config, &world.path("index")).unwrap();
    let inbox = archive.every_inbox().remove(0);
    let mut found = Held {
        articles: BTreeMap::new(),
        threads: BTreeSet::new(),
    };
    let mut seen = BTreeSet::new();
    for article in inbox.articles_after(None, 1_000_000).unwrap() {
        let raw = inbox.read(&article).unwrap().unwrap();
        let mid = article.mid.to_string();
        if seen.insert(article.num.0) {
            let members = inbox.strict_thread(&article.mid).unwrap();
            let members: BTreeSet<i64> = members.iter().map(|article| article.num.0).collect();
            seen.extend(&members);
            found.threads.insert(members);
        }
        found.articles.insert(article.num.0, (mid, raw.to_vec()));
    }
    found
}

#[track_caller]
fn well(world: &World, args: &[&str]) -> String {
    let done = world.run(args);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{args:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Exports a list of `articles` mails in each form, imports that into a fresh inbox, and compares.
fn round_trip(list: &str, articles: usize) {
    let Some(shared) = shared() else { return };
    let mut world = World::new();
    let dir = world.inbox_dir(list, &format!("{list}@lists.example.org"));
    real_epoch(&shared, list, &dir.join("git/0.git"));
    world.index();
    let original = held(&world, &dir);
    assert_eq!(original.articles.len(), articles);
    let mut last: Option<Vec<Vec<u8>>> = None;
    for form in ["mbox", "maildir", "eml"] {
        let (name, files) = (format!("{list}-{form}"), format!("exported.{form}"));
        well(&world, &["export", list, "--format", form, "-o", &files]);
        let copy = new_inbox(&mut world, &name);
        let report = well(&world, &["import", "--json", &name, &files]);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["added"], articles, "{form}: {report}");
        assert_eq!(report["read"], articles, "{form}: {report}");
        let imported = held(&world, &copy);
        assert_eq!(imported.articles.len(), articles, "{form}");
        for (num, (mid, raw)) in &original.articles {
            let (same, bytes) = &imported.articles[num];
            assert_eq!(mid, same, "{form}: article {num}");
            assert!(
                *bytes == normal(raw),
                "{form}: {mid} has changed: {}",
                String::from_utf8_lossy(bytes)
            );
        }
        assert!(imported.threads == original.threads, "{form}: threads");
        let stored = kept(&copy);
        assert!(last.is_none_or(|last| last == stored), "{form}: history");
        last = Some(stored);
        std::fs::remove_dir_all(world.path(&files))
            .or_else(|_| std::fs::remove_file(world.path(&files)))
            .unwrap();
    }
    // public-inbox counts these stores as we do. What it writes it writes into a copy.
    let Some(peer) = Peer::find(&world, &["index"]) else {
        return;
    };
    let (stored, copy) = (world.path(&format!("lists/{list}-eml")), world.path("copy"));
    let done = Command::new("cp").arg("-a").args([&stored, &copy]).status();
    assert!(done.unwrap().success());
    peer.run("index", &["-L", "basic", copy.to_str().unwrap()]);
    let theirs = numbers_of_theirs(&copy);
    assert_eq!(theirs.len(), articles);
    assert_eq!(numbers_of_ours(&world, &stored), theirs);
}

#[test]
fn ksummit_goes_out_and_comes_back() {
    round_trip("ksummit", 3112);
}

#[test]
fn linux_mtd_goes_out_and_comes_back() {
    if std::env::var_os("THREADBARE_LONG").is_none() {
        skipped!("it takes minutes; set THREADBARE_LONG");
        return;
    }
    round_trip("linux-mtd", 8585);
}
