//! A real list against what public-inbox 2 makes of it: article numbers, times, thread membership, reading order.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::Value;
use threadbare::archive::{Archive, Inbox};
use threadbare::config::Config;
use threadbare::id::{InboxName, MessageId};
use threadbare::index::{Indexer, Options, Silent};
use threadbare::mail::What;

use crate::support::{real_epoch, shared};

/// ksummit, indexed; `None` where the real archives are not at hand.
fn ksummit() -> Option<(tempfile::TempDir, std::path::PathBuf, Inbox)> {
    let shared = shared()?;
    let world = tempfile::tempdir().unwrap();
    let dir = world.path().join("ksummit");
    real_epoch(&shared, "ksummit", &dir.join("git/0.git"));
    let index_dir = world.path().join("index");
    let archive = Archive::open(Config::for_directories(&[dir]), &index_dir).unwrap();
    let mut indexer = Indexer::wait(archive.db(), archive.search_index(), &index_dir).unwrap();
    let inbox = archive.every_inbox().remove(0);
    let name = InboxName::parse("ksummit").unwrap();
    indexer
        .catch_up(&name, &inbox.layout(), Options::default(), &Silent)
        .unwrap();
    Some((world, shared, inbox))
}

#[test]
fn article_numbers_times_and_threads_are_those_of_public_inbox() {
    let Some((_world, shared, inbox)) = ksummit() else {
        return;
    };
    let table = std::fs::read_to_string(shared.join("golden/ksummit-articles.tsv")).unwrap();
    let articles = inbox.articles_after(None, 10_000).unwrap();
    let mut threads: HashMap<String, Vec<String>> = HashMap::new();
    let mut wrong = String::new();
    let mut rows = 0;
    for (row, article) in table.lines().skip(1).zip(&articles) {
        rows += 1;
        let ours = format!(
            "{}\t{}\t{}\t{}",
            article.num, article.received.0, article.sent.0, article.mid
        );
        let fields: Vec<&str> = row.split('\t').collect();
        let theirs = [fields[0], fields[2], fields[3], fields[4]].join("\t");
        if ours != theirs {
            writeln!(wrong, "ours {ours}\nwant {theirs}").unwrap();
        }
        threads
            .entry(fields[1].to_owned())
            .or_default()
            .push(fields[4].to_owned());
    }
    assert_eq!(wrong, "");
    assert_eq!((rows, articles.len()), (3112, 3112));
    assert_eq!(threads.len(), 144);
}

#[test]
fn every_thread_reads_in_the_order_of_public_inbox() {
    let Some((_world, shared, inbox)) = ksummit() else {
        return;
    };
    let table = std::fs::read_to_string(shared.join("golden/ksummit-threads.jsonl")).unwrap();
    let mut wrong = String::new();
    for row in table.lines() {
        let golden: Value = serde_json::from_str(row).unwrap();
        let first = golden["first"].as_str().unwrap();
        let mut wanted: Vec<String> = golden["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect();
        let thread = inbox
            .thread(&MessageId::parse(first).unwrap())
            .unwrap()
            .unwrap();
        let mut ours = Vec::new();
        for line in &thread.lines {
            let (what, depth) = (line.what, line.depth);
            ours.push(match what {
                What::Real(index) => {
                    let article = &thread.articles[index];
                    let loose = if line.loose { " loose" } else { "" };
                    let (date, mid) = (article.sent.minute(), &article.mid);
                    format!("{depth} {date} {mid} {}{loose}", article.author)
                }
                What::Ghost(key) => {
                    let loose = if line.loose { " loose" } else { "" };
                    format!("{depth} ghost {}{loose}", thread.ghosts[&key])
                }
            });
        }
        // Of a lone message the page shows no line of its own, at most that of the parent that is missing.
        if thread.articles.len() == 1 {
            ours.retain(|line| line.contains(" ghost "));
            wanted.retain(|line| line.contains(" ghost "));
        }
        if ours != wanted && ours.get(..wanted.len()) != Some(&wanted[..]) {
            let at = ours.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            writeln!(
                wrong,
                "{first} at {at}:\n ours {:?}\n want {:?}",
                ours.get(at),
                wanted.get(at)
            )
            .unwrap();
        } else if wanted.len() < 190 && ours.len() != wanted.len() {
            writeln!(
                wrong,
                "{first}: {} lines, want {}",
                ours.len(),
                wanted.len()
            )
            .unwrap();
        }
    }
    assert_eq!(wrong, "");
}

fn line(golden: &Value) -> String {
    let text = |key: &str| golden[key].as_str().unwrap_or_default().to_owned();
    let loose = if golden["loose"] == true {
        " loose"
    } else {
        ""
    };
    let (depth, mid) = (&golden["depth"], text("mid"));
    // A mark for "the end of the subject is as above" stands before some names.
    let from = text("from");
    let author = from.strip_prefix("\" ").unwrap_or(&from);
    match golden["ghost"] == true {
        true => format!("{depth} ghost {mid}{loose}"),
        false => format!("{depth} {} {mid} {}{loose}", text("date"), author),
    }
}
