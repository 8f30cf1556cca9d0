//! The left stairs: whatever happens to an inbox, indexing it in steps gives what indexing it at once gives.

use std::path::Path;

use threadbare::archive::{Archive, Inbox};
use threadbare::config::Config;
use threadbare::id::{ArticleNum, InboxName};
use threadbare::index::{Indexer, Options, Report, Silent};
use threadbare::mail::What;
use threadbare::search::Search;
use threadbare::store::{self, CommitMeta, Layout};

/// A sequence of numbers that is the same on every run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Deed {
    Add(Vec<u8>),
    Remove(Vec<u8>),
}

/// A mail that answers up to three of the first `among`, some of which may never come.
fn mail(dice: &mut Dice, id: u64, among: u64) -> Vec<u8> {
    let references: Vec<String> = (0..dice.roll(4))
        .map(|_| format!("<{}@weave.example>", dice.roll(among + 3)))
        .collect();
    let references = match references.is_empty() {
        true => String::new(),
        false => format!("References: {}\n", references.join("\n ")),
    };
    let second_id = match dice.roll(9) {
        0 => format!("Message-ID: <{}@other.example>\n", dice.roll(among + 3)),
        _ => String::new(),
    };
    let subject = ["Warp", "Re: Warp", "Weft", "", "Shuttle"][dice.roll(5) as usize];
    format!(
        "From: Ada <ada@weave.example>\nTo: loom@weave.example\nSubject: {subject}\n\
         Date: Mon, 1 Jan 2024 10:{:02}:{:02} +0000\nMessage-ID: <{id}@weave.example>\n{second_id}{references}\n\
         Thread number {id}, roll {}.\n",
        (id / 60) % 60,
        id % 60,
        dice.roll(1000),
    )
    .into_bytes()
}

/// Mails come, now and then one comes twice or goes.
fn deeds(dice: &mut Dice, count: u64) -> Vec<Deed> {
    let mut done: Vec<Deed> = Vec::new();
    let mut here: Vec<Vec<u8>> = Vec::new();
    for id in 0..count {
        let deed = match dice.roll(8) {
            0 if !here.is_empty() => {
                Deed::Remove(here.remove(dice.roll(here.len() as u64) as usize))
            }
            1 if !here.is_empty() => Deed::Add(here[dice.roll(here.len() as u64) as usize].clone()),
            _ => {
                let mail = mail(dice, id, count);
                here.push(mail.clone());
                Deed::Add(mail)
            }
        };
        done.push(deed);
    }
    done
}

fn carry_out(dir: &Path, deeds: &[Deed]) {
    let meta = CommitMeta::default();
    let mut writer = store::Writer::open(dir).unwrap();
    let mut blobs = std::collections::HashMap::new();
    for deed in deeds {
        match deed {
            Deed::Add(raw) => {
                blobs.insert(raw.clone(), writer.append(raw, &meta).unwrap());
            }
            Deed::Remove(raw) => {
                let blob = match blobs.get(raw) {
                    Some(blob) => *blob,
                    None => writer.append(raw, &meta).unwrap(),
                };
                writer.remove(blob, &meta).unwrap();
            }
        }
    }
}

fn open(dir: &Path, index_dir: &Path) -> Inbox {
    let archive = Archive::open(Config::for_directories(&[dir.to_owned()]), index_dir).unwrap();
    archive.every_inbox().remove(0)
}

fn index(dir: &Path, index_dir: &Path, options: Options) -> Report {
    let archive = Archive::open(Config::for_directories(&[dir.to_owned()]), index_dir).unwrap();
    let mut indexer = Indexer::wait(archive.db(), archive.search_index(), index_dir).unwrap();
    let name = InboxName::parse("weave").unwrap();
    indexer
        .catch_up(&name, &Layout::find(dir).unwrap(), options, &Silent)
        .unwrap()
}

/// All that a reader can see, a line each.
fn seen(inbox: &Inbox, numbers: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut after = None;
    while let Some(article) = inbox.articles_after(after.as_ref(), 1).unwrap().pop() {
        after = Some(article.clone());
        let thread = inbox.thread(&article.mid).unwrap().unwrap();
        let show = |num: ArticleNum| {
            if numbers {
                format!("#{num} ")
            } else {
                String::new()
            }
        };
        lines.push(format!(
            "{}<{}> {:?} {} of {}",
            show(article.num),
            article.mid,
            article.subject,
            article.blob,
            thread.total
        ));
        for line in &thread.lines {
            let mid = match line.what {
                What::Real(index) => format!("{}", thread.articles[index].blob),
                What::Ghost(key) => format!("ghost {}", thread.ghosts[&key]),
            };
            lines.push(format!("  {} {mid} {}", line.depth, line.loose));
        }
    }
    lines
}

#[test]
fn an_index_built_in_steps_equals_one_built_at_once() {
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let world = tempfile::tempdir().unwrap();
        let dir = world.path().join("weave");
        store::init_inbox(&dir, None).unwrap();
        let deeds = deeds(&mut dice, 60);
        let mut rest = &deeds[..];
        while !rest.is_empty() {
            let step = (1 + dice.roll(20) as usize).min(rest.len());
            carry_out(&dir, &rest[..step]);
            index(&dir, &world.path().join("steps"), Options::default());
            rest = &rest[step..];
        }
        index(&dir, &world.path().join("at-once"), Options::default());
        let in_steps = seen(&open(&dir, &world.path().join("steps")), true);
        let at_once = seen(&open(&dir, &world.path().join("at-once")), true);
        same(&in_steps, &at_once, seed);
        assert!(in_steps.len() > 30, "seed {seed} shows next to nothing");
    }
}

#[test]
fn reading_everything_again_moves_nothing() {
    let mut dice = Dice(50);
    let world = tempfile::tempdir().unwrap();
    let (dir, index_dir) = (world.path().join("weave"), world.path().join("index"));
    store::init_inbox(&dir, None).unwrap();
    let deeds: Vec<Deed> = (0..60)
        .map(|id| Deed::Add(mail(&mut dice, id, 60)))
        .collect();
    carry_out(&dir, &deeds);
    index(&dir, &index_dir, Options::default());
    let before = seen(&open(&dir, &index_dir), true);
    let again = Options {
        reindex: true,
        ..Options::default()
    };
    let report = index(&dir, &index_dir, again);
    assert_eq!((report.added, report.rewritten), (report.removed, 0));
    same(&before, &seen(&open(&dir, &index_dir), true), 50);
}

#[test]
fn words_that_were_lost_are_made_again() {
    let mut dice = Dice(60);
    let world = tempfile::tempdir().unwrap();
    let (dir, index_dir) = (world.path().join("weave"), world.path().join("index"));
    store::init_inbox(&dir, None).unwrap();
    let deeds: Vec<Deed> = (0..20)
        .map(|id| Deed::Add(mail(&mut dice, id, 20)))
        .collect();
    carry_out(&dir, &deeds);
    let words = |index_dir: &Path| {
        let mut found = 0;
        let search = Search::open(&index_dir.join("words")).unwrap();
        search.each_trace(|_, _| found += 1).unwrap();
        found
    };
    index(&dir, &index_dir, Options::default());
    assert_eq!(words(&index_dir), 20);
    std::fs::remove_dir_all(index_dir.join("words")).unwrap();
    index(&dir, &index_dir, Options::default());
    assert_eq!(words(&index_dir), 20);

    // Words of another catalogue are as good as lost.
    let other = world.path().join("other");
    carry_out(&dir, &[Deed::Add(mail(&mut dice, 20, 20))]);
    index(&dir, &other, Options::default());
    std::fs::remove_dir_all(index_dir.join("words")).unwrap();
    std::fs::rename(other.join("words"), index_dir.join("words")).unwrap();
    index(&dir, &index_dir, Options::default());
    assert_eq!(words(&index_dir), 21);
}

/// Fails at the first line that differs.
fn same(ours: &[String], other: &[String], seed: u64) {
    for (at, (a, b)) in ours.iter().zip(other).enumerate() {
        assert_eq!(a, b, "seed {seed}, line {at}");
    }
    assert_eq!(ours.len(), other.len(), "seed {seed}");
}

#[test]
fn a_rewritten_history_is_followed_and_numbers_stay() {
    for seed in 100..110 {
        let mut dice = Dice(seed);
        let world = tempfile::tempdir().unwrap();
        let dir = world.path().join("weave");
        let steps = world.path().join("steps");
        store::init_inbox(&dir, None).unwrap();
        let mut mails: Vec<Vec<u8>> = (0..40).map(|id| mail(&mut dice, id, 40)).collect();
        let deeds: Vec<Deed> = mails.iter().cloned().map(Deed::Add).collect();
        carry_out(&dir, &deeds);
        index(&dir, &steps, Options::default());
        let before = open(&dir, &steps).articles_after(None, 1000).unwrap();

        // One mail is edited, two are purged: from there on every commit has another name.
        let edited = dice.roll(10) as usize;
        mails[edited].extend_from_slice(b"Edited.\n");
        for _ in 0..2 {
            mails.remove(10 + dice.roll(20) as usize);
        }
        std::fs::remove_dir_all(&dir).unwrap();
        store::init_inbox(&dir, None).unwrap();
        let deeds: Vec<Deed> = mails.iter().cloned().map(Deed::Add).collect();
        carry_out(&dir, &deeds);
        let report = index(&dir, &steps, Options::default());
        assert_eq!(report.rewritten, 1);

        let inbox = open(&dir, &steps);
        let after = inbox.articles_after(None, 1000).unwrap();
        for article in &after {
            let old = before.iter().find(|old| old.mid == article.mid).unwrap();
            assert_eq!(
                old.num, article.num,
                "seed {seed}: {} has moved",
                article.mid
            );
        }
        index(&dir, &world.path().join("at-once"), Options::default());
        let at_once = seen(&open(&dir, &world.path().join("at-once")), false);
        same(&seen(&inbox, false), &at_once, seed);
    }
}

#[test]
fn mail_without_an_id_is_kept_and_takes_no_number() {
    let world = tempfile::tempdir().unwrap();
    let dir = world.path().join("weave");
    store::init_inbox(&dir, None).unwrap();
    let mut dice = Dice(7);
    let nameless = b"From: a@weave.example\nSubject: no id\n\nStill here.\n".to_vec();
    carry_out(
        &dir,
        &[
            Deed::Add(mail(&mut dice, 1, 1)),
            Deed::Add(nameless),
            Deed::Add(mail(&mut dice, 2, 1)),
        ],
    );
    index(&dir, &world.path().join("index"), Options::default());
    let articles = open(&dir, &world.path().join("index"))
        .articles_after(None, 10)
        .unwrap();
    let numbers: Vec<i64> = articles.iter().map(|article| article.num.0).collect();
    assert_eq!(numbers, [-1, 1, 2]);
    assert_eq!(articles[0].subject, "no id");
}
